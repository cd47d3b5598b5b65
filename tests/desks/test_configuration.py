"""The desk file, ``whichroot desk``, and how texts are written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.desk import check_desks
from bot.desks.configuration import load_desks, read_desks, secret
from bot.desks.markup import as_html, from_html
from bot.desks.writing import desk_file_text
from bot.errors import SettingsError
from tests.support.program import whichroot
from workspace.desks import EnterpriseServer, ProfessionalServer

ENTERPRISE = {
    "kind": "enterprise",
    "url": "https://desk.example/m42Services/api",
    "api_token": "env:T",
}


def _toml(table: dict[str, Any], path: Path) -> Path:
    path.write_text(desk_file_text(table))
    return path


def test_the_test_environment_has_the_same_desk_unless_it_has_its_own() -> None:
    assert read_desks({"production": ENTERPRISE}).of("test").kind == "enterprise"
    both = read_desks({"production": ENTERPRISE, "test": {"kind": "none"}})
    assert (both.of("production").kind, both.of("test").kind) == ("enterprise", "none")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"api_token": "s3cret-value"}, "env:NAME or file:PATH"),
        ({"url": "http://desk.example/"}, "https"),
        ({"url": "https://user:s3cret-value@desk.example/"}, "no password"),
        ({"kateg": "x"}, "kateg"),
        ({"activity_type": 3}, "activity_type"),
        ({"states": {"204": "installed"}}, "states.204"),
        ({"timeout": 0}, "timeout"),
        ({"download": "https://evil.example/{id}"}, "as it stands after url"),
        ({"download": "//evil.example/{id}"}, "as it stands after url"),
        ({"link": "https://desk.example/\n{id}"}, "in one line"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_not_shown(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as error:
        read_desks({"production": {**ENTERPRISE, **change}})
    assert said in str(error.value)
    assert "s3cret-value" not in str(error.value)


def test_secrets_come_from_the_environment_or_from_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert secret(f"file:{tmp_path}/token") == "abc"
    assert secret("env:T", {"T": "def"}) == "def"
    for reference in ("env:MISSING", f"file:{tmp_path}/none", "file:~\0", "file:a\0"):
        with pytest.raises(SettingsError):
            secret(reference, {})
    with pytest.raises(SettingsError):
        secret("env:T", {"T": "a\r\nb"})


def test_a_file_that_is_missing_or_malformed_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="desk init"):
        load_desks(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[production")
    with pytest.raises(SettingsError, match="no TOML"):
        load_desks(tmp_path / "bad.toml")


async def test_desk_check_says_what_is_missing_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with EnterpriseServer() as server:
        table = server.table(api_token="env:DESK_TOKEN")
        whole = _toml(table, tmp_path / "whole.toml")
        run = await whichroot("desk", "check", "--file", str(whole), DESK_TOKEN=server.api_token)
        assert (run.code, run.errors) == (0, "")
        assert "accepts the bot's sign-in" in run.output
        assert run.output.endswith("Nothing is missing.\n")
        lacking = _toml({**table, "category": "nope"}, tmp_path / "lacking.toml")
        with pytest.raises(SettingsError, match="DESK_TOKEN"):
            await check_desks(load_desks(lacking))
        monkeypatch.setenv("DESK_TOKEN", server.api_token)
        assert await check_desks(load_desks(lacking)) == 1
        said = capsys.readouterr().out
        assert "✗ category: nope is not in Matrix42" in said
        assert "! Whether attached files can be read back is not known" in said
        monkeypatch.setenv("DESK_TOKEN", "wrong-s3cret")
        assert await check_desks(load_desks(whole)) == 1
        said = capsys.readouterr().out
        assert "has expired or was never valid" in said
        assert "wrong-s3cret" not in said


async def test_desk_check_of_the_professional_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with ProfessionalServer() as server:
        path = _toml(server.table(password="env:DESK_PASSWORD"), tmp_path / "desk.toml")
        monkeypatch.setenv("DESK_PASSWORD", server.password)
        assert await check_desks(load_desks(path)) == 0
        assert "Every folder, attribute and value" in capsys.readouterr().out


async def test_desk_init_asks_again_what_cannot_be_and_writes_a_file_that_can_be_used(
    tmp_path: Path,
) -> None:
    path = tmp_path / "desk.toml"
    answers = (
        'wiki\nprofessional\nftp://x\n\nhttps://desk.example/rest-api/itsm/v1\nbot "x"\ns3cret\n\n'
        "SR\nsr_folder\n" + "\n" * 7
    )
    run = await whichroot("desk", "init", "--file", str(path), stdin=answers.encode())
    assert (run.code, run.errors) == (0, "")
    for said in ("“wiki” is no desk", "write https://", "it is needed", "not the secret itself"):
        assert said in run.output
    assert "It is not checked yet: The desk's secret is missing" in run.output
    assert "s3cret" not in run.output
    written = tomllib.loads(path.read_text())["production"]
    assert (written["login"], written["password"]) == ('bot "x"', "env:MATRIX42_PASSWORD")
    assert load_desks(path).of("production").kind == "professional"
    unfinished = await whichroot(
        "desk", "init", "--file", str(tmp_path / "b.toml"), stdin=b"enterprise\n\n\n"
    )
    assert unfinished.code == 2
    assert not (tmp_path / "b.toml").exists()


async def test_desk_init_checks_at_once_what_it_has_written(tmp_path: Path) -> None:
    async with EnterpriseServer() as server:
        run = await whichroot(
            *("desk", "init", "--file", str(tmp_path / "desk.toml")),
            stdin=f"enterprise\n{server.url}\n\n\n\n\n\n\n".encode(),
            MATRIX42_API_TOKEN=server.api_token,
        )
    assert (run.code, run.errors) == (0, "")
    assert "! category is not set; Matrix42 may demand it. There are: Connectors (" in run.output
    assert run.output.endswith("Nothing is missing.\n")


@given(st.text(max_size=200))
def test_whatever_is_escaped_for_a_ticket_reads_as_it_was(text: str) -> None:
    html = as_html([("Note", text)])
    inside = html.removeprefix("<table><tr><td><b>Note</b></td><td>").removesuffix(
        "</td></tr></table>"
    )
    assert "<" not in inside.replace("<br>", "")
    from_html(text)


def test_html_of_a_journal_becomes_text() -> None:
    html = "<p>Hello&nbsp;Rita,</p><div>done<br/>&lt;ok&gt;</div><script>alert(1)</script>"
    assert from_html(html) == "Hello Rita,\ndone\n<ok>"
