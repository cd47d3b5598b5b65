"""``whichroot settings``, the page of the manual, and the README stay in step with the program."""

from __future__ import annotations

import re
from pathlib import Path

from bot.report import Report, json_schema
from bot.settings import Settings, describe, load
from tests.support.program import whichroot

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


async def test_the_page_of_the_manual_is_what_the_program_prints() -> None:
    run = await whichroot("settings", "--markdown")
    assert run.code == 0
    assert run.output == (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


async def test_every_setting_is_listed_with_its_value_in_force() -> None:
    run = await whichroot(
        "settings",
        WHICHROOT_CONCURRENCY="7",
        WHICHROOT_PASSWORD="s3cret",
        WHICHROOT_PROXY="http://user:s3cret@[2001:db8::7]:3128",
    )
    assert run.code == 0
    lines = run.output.splitlines()
    assert "WHICHROOT_CONCURRENCY=7" in lines
    assert "WHICHROOT_PASSWORD=(set, not shown)" in lines
    assert "WHICHROOT_PROXY=http://[2001:db8::7]:3128" in lines
    assert "s3cret" not in run.output
    for setting in describe(Settings()):
        assert any(line.startswith(f"{setting.variable}=") for line in lines)


def test_a_value_that_is_shown_can_be_given_again(tmp_path: Path) -> None:
    given = {
        "WHICHROOT_EGRESS_ALLOW": "127.0.0.0/8, ::1/128",
        "WHICHROOT_EGRESS_DENY_PORTS": "1-79, 25",
        "WHICHROOT_PROXY": "http://[2001:db8::7]:3128",
        "WHICHROOT_AIA": "no",
        "WHICHROOT_COMPANY_ROOTS": str(tmp_path),
        "WHICHROOT_TOTAL_TIMEOUT": "2.5",
    }
    settings = load(given, tmp_path)
    shown = {setting.variable: setting.value for setting in describe(settings)}
    assert {name: shown[name] for name in given} == given
    assert load(shown, tmp_path) == settings


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WHICHROOT_CONCURRENCY=3\nWHICHROOT_MAX_ADDRESSES=4\n")
    settings = load({"WHICHROOT_CONCURRENCY": "5"}, tmp_path)
    assert (settings.concurrency, settings.max_addresses) == (5, 4)


async def test_the_readme_names_every_command() -> None:
    run = await whichroot("--help")
    commands = re.findall(r"^    ([a-z]+) ", run.output, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        assert f"| `whichroot {command}" in README


async def test_the_manual_names_every_option_of_check() -> None:
    run = await whichroot("check", "--help")
    options = set(re.findall(r"--[a-z-]+", run.output)) - {"--help", "--debug"}
    assert {option for option in options if f"`{option}" not in COMMAND_LINE} == set()


def test_the_manual_names_every_verdict_and_every_key_of_a_report() -> None:
    schema = json_schema()
    for verdict in schema["properties"]["verdict"]["enum"]:
        assert f"| `{verdict}` |" in COMMAND_LINE
    for name in Report.__dataclass_fields__:
        assert f"| `{name}` |" in COMMAND_LINE


def test_the_pictures_and_pages_that_the_readme_shows_exist() -> None:
    for name in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / name).is_file(), name
