"""What people type wrongly: each message quotes it, says what is wrong and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import settings
from bot.errors import SettingsError
from tests.support.authority import make_root
from tests.support.program import whichroot

MISTAKES = [
    # (what is typed as HOST, what the message quotes, says, and shows as a remedy)
    ("", "No server", "is named", "dc01.corp.example:636"),
    ("htps://api.example", "htps://", "not known", "https"),
    ("dc01.corp.example:99999", "dc01.corp.example:99999", "port", "dc01.corp.example:636"),
    ("dc01.corp.example:636:636", "dc01.corp.example:636:636", "port", "dc01.corp.example:636"),
    ("https://me:s3cret@dc01.corp.example:x", "***", "port", "dc01.corp.example:636"),
    ("jane@corp.example", "jane@corp.example", "e-mail address", "corp.example"),
    ("root.pem", "root.pem", "name of a file", "whichroot read root.pem"),
    ("C:\\certs\\chain.p7b", "chain.p7b", "file", "whichroot"),
    ("dc01.corp.example dc02.corp.example", "dc02.corp.example", "more than", "one server"),
    ("dc01.corp.example,dc02.corp.example", "dc02.corp.example", "more than", "one server"),
    ("dc01..corp.example", "dc01..corp.example", "empty part", "dc01.corp.example:636"),
    ("*.corp.example", "*.corp.example", "pattern", "www.corp.example:443"),
    ("10.0.0.256", "10.0.0.256", "not an IPv4 address", "192.0.2.10:636"),
    ("-", "“-”", "is no server", "--file -"),
    ("-----BEGIN CERTIFICATE-----", "", "", "--chain"),
]


@pytest.mark.parametrize(("typed", "quotes", "says", "remedy"), MISTAKES)
async def test_a_host_that_is_none_is_bad_usage(
    typed: str, quotes: str, says: str, remedy: str
) -> None:
    run = await whichroot("check", "--", typed)
    assert (run.code, run.output) == (2, "")
    assert run.errors.startswith("whichroot check: ")
    assert len(run.errors.splitlines()) == 1
    for expected in (quotes, says):
        assert expected in run.errors
    assert remedy in run.errors or not quotes
    assert "s3cret" not in run.errors


@pytest.mark.parametrize("typed", [mistake[0] for mistake in MISTAKES[:4]])
async def test_with_json_it_is_a_report(typed: str) -> None:
    run = await whichroot("check", "--json", "--", typed)
    assert (run.code, run.errors) == (1, "")
    assert run.json["verdict"] == "refused"
    assert run.json["target"]["host"] is None
    assert [finding["code"] for finding in run.json["findings"]] == ["bad_target"]


async def test_a_misspelt_name_is_quoted() -> None:
    run = await whichroot("check", "dc01.corp.exmaple.invalid:636")
    assert run.code == 1
    assert '"dc01.corp.exmaple.invalid" cannot be resolved' in run.output
    assert "Check the spelling" in " ".join(run.output.split())


async def test_an_http_link_means_the_https_server() -> None:
    run = await whichroot("check", "--json", "http://127.0.0.1", WHICHROOT_EGRESS_ALLOW="")
    assert run.json["target"]["port"] == 443


async def test_an_expired_chain_file_is_said_to_be_expired(tmp_path: Path) -> None:
    root = make_root("Corp Root CA")
    (tmp_path / "company").mkdir()
    (tmp_path / "company" / "root.pem").write_bytes(root.pem)
    (tmp_path / "chain.pem").write_bytes(root.leaf("dc01.corp.example").pem)
    run = await whichroot(
        *("check", "dc01.corp.example", "--chain", str(tmp_path / "chain.pem")),
        *("--at", "2099-01-01", "--offline"),
        WHICHROOT_COMPANY_ROOTS=str(tmp_path / "company"),
    )
    assert run.code == 1
    assert run.output.startswith("NOT FOUND")
    assert "(expired " in run.output
    assert "Renew it" in " ".join(run.output.split())


USAGE = [
    # (the arguments, what the message says)
    (["chek", "x"], ["“chek” is no command", "did you mean “check”"]),
    (["dc01.corp.example"], ["is no command", "whichroot check dc01.corp.example"]),
    (["--versoin"], ["“--versoin”", "did you mean “--version”"]),
    (["check"], ["No server is named", "whichroot check dc01.corp.example:636"]),
    (["check", "a", "--prot", "ldap"], ["“--prot”", "did you mean “--protocol”"]),
    (["check", "a", "--protocol", "gopher"], ["“gopher”", "postgresql"]),
    (["check", "a", "--protocol", "ldaps"], ["“ldaps” is a scheme", "ldaps://HOST"]),
    (["check", "a", "--at", "yesterday"], ["“yesterday” is no time", "2026-11-24T12:00:00Z"]),
    (["check", "a", "--at"], ["--at needs a value"]),
    (["check", "a", "--concurrency", "0"], ["“0” is no number from 1 to 1000"]),
    (["check", "a", "--concurrency", "many"], ["“many” is no number"]),
    (["check", "a", "--connect", ""], ["--connect: ", "dc01.corp.example:636"]),
    (["check", "a", "--connect", "x y z"], ["--connect: ", '"x y z"']),
    (["check", "a", "b", "--connect", "x"], ["about one host"]),
    (["check", "--file", "x", "--pem", "y"], ["about one host"]),
    (["check", "a", "--chain", "-", "--installed", "-"], ["read only once"]),
    (["check", "a", "--json", "--pem", "-"], ["both write to standard output"]),
    (["settings", "all"], ["“all” is one word too many"]),
    (["read"], ["there is no FILE"]),
]


@pytest.mark.parametrize(("arguments", "says"), USAGE, ids=lambda value: " ".join(value)[:30])
async def test_bad_usage_is_explained_in_a_sentence(arguments: list[str], says: list[str]) -> None:
    run = await whichroot(*arguments)
    assert (run.code, run.output) == (2, "")
    assert run.errors.startswith("whichroot")
    assert len(run.errors.splitlines()) == 1
    for expected in says:
        assert expected in run.errors


async def test_what_is_typed_is_shown_and_not_obeyed() -> None:
    for arguments in (
        ["check", "a\x1b[31mb\u202ec"],
        ["a\x1b[31mb\u202ec"],
        ["check", "a", "--\x1b[31m"],
    ):
        run = await whichroot(*arguments)
        assert run.code == 2
        assert "\x1b" not in run.errors
        assert "\u202e" not in run.errors


async def test_without_arguments_the_help_is_shown() -> None:
    run = await whichroot()
    assert run.code == 2
    assert "check" in run.errors


async def test_a_setting_that_cannot_be_used_is_named() -> None:
    run = await whichroot("check", "a", WHICHROOT_CONCURRENCY="lots")
    assert (run.code, run.output) == (2, "")
    assert "WHICHROOT_CONCURRENCY" in run.errors
    assert "“lots”" in run.errors


def test_a_folder_that_can_be_none_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WHICHROOT_COMPANY_ROOTS=~\0\n")
    with pytest.raises(SettingsError, match="COMPANY_ROOTS"):
        settings.load({}, tmp_path)
