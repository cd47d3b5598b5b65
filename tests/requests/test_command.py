"""``whichroot requests`` as its user runs it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli import main
from bot.requests.request import InstallRequest
from bot.requests.service import Requests
from bot.requests.states import Action
from bot.store import leases, outbox
from bot.store.database import Database
from tests.requests.people import RITA, SAM, draft


@pytest.fixture
def at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database that the command uses."""
    monkeypatch.setenv("DATABASE_URL", url)


async def fill(url: str) -> list[InstallRequest]:
    database = Database(url)
    requests = Requests(database)
    kept = []
    for number in range(3):
        submitted = await requests.submit(draft(number), RITA, key=str(number))
        kept.append(submitted.request)
    kept[1] = await requests.act(
        kept[1].id, Action.REJECT, SAM, text="=HYPERLINK(1)\n\x1b[2J", key="r"
    )
    kept[2] = await requests.act(kept[2].id, Action.TAKE, SAM, key="t")
    await database.dispose()
    return kept


async def run(*arguments: str) -> int:
    """The command runs a loop of its own."""
    return await asyncio.to_thread(main, ["requests", *arguments])


@pytest.mark.usefixtures("at")
async def test_list_show_and_export(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run("list") == 1
    assert "There is no such install request." in capsys.readouterr().err
    first, rejected, taken = await fill(url)

    assert await run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "ID",
        taken.short_id,
        rejected.short_id,
        first.short_id,
    ]
    assert "taken (Sam)" in lines[1]
    assert await run("list", "--open", "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["short_id"] for one in found] == [taken.short_id, first.short_id]
    assert await run("list", "--state", "verified") == 1
    capsys.readouterr()

    assert await run("show", rejected.short_id) == 0
    shown = capsys.readouterr().out
    assert f"Request:     {rejected.short_id}" in shown
    assert "Sam  reject: =HYPERLINK(1)\\x0a\\x1b[2J" in shown
    assert "\x1b" not in shown
    assert await run("show", rejected.short_id, "--json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert [entry["what"] for entry in whole["audit"]] == ["submitted", "reject"]
    assert whole["installation"]["certificates"][0]["pem"].startswith("-----BEGIN")
    assert await run("show", "R-\x1b[") == 1
    assert "“R-\\x1b[”" in capsys.readouterr().err

    assert await run("export") == 0
    exported = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["short_id"] for one in exported] == [
        first.short_id,
        rejected.short_id,
        taken.short_id,
    ]


@pytest.mark.usefixtures("at")
async def test_a_table_for_spreadsheets_holds_no_formula(url: str, tmp_path: Path) -> None:
    _, rejected, _ = await fill(url)
    assert await run("export", "--csv", "--file", str(tmp_path / "table.csv")) == 0
    text = (tmp_path / "table.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    [row] = [row for row in rows if row["id"] == rejected.short_id]
    assert row["last_change_text"] == "'=HYPERLINK(1)\\x0a\\x1b[2J"
    assert all(not value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


@pytest.mark.usefixtures("at")
async def test_what_failed_is_listed_and_retried(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run("retry") == 1
    assert "Nothing has failed." in capsys.readouterr().err
    database = Database(url)
    first, *_ = await fill(url)
    async with database.begin() as unit:
        await outbox.put(unit, f"ticket:{first.id}", "comment", {"request": first.id})
    async with database.begin() as unit:
        for lease in await leases.claim(unit, outbox.POSTS, "w", 9, timedelta(minutes=1)):
            leases.give_up(unit, lease, "The channel is archived.", maybe_delivered=False)
    async with database.read() as unit:
        failed = await outbox.failed(unit)

    assert await run("retry") == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(failed)
    assert all("The channel is archived." in line for line in listed)
    assert await run("show", first.short_id) == 0
    undelivered = capsys.readouterr().out.partition("Not delivered")[2]
    assert [line.split()[1] for line in undelivered.split("\n") if line] == ["comment", "card"]
    assert await run("retry", "nothing") == 1
    assert await run("retry", first.short_id) == 0
    assert capsys.readouterr().out == "2 will be tried again by the running bot.\n"
    assert await run("retry", "--all") == 0
    assert capsys.readouterr().out.startswith(f"{len(failed) - 2} will be")
    async with database.begin() as unit:
        taken = await leases.claim(unit, outbox.POSTS, "v", 99, timedelta(minutes=1))
    assert len(taken) == len(failed)
    await database.dispose()


@pytest.mark.usefixtures("at")
async def test_purge(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    await fill(url)
    assert await run("purge", "--requests-days", "1", "--dry-run") == 0
    assert "closed for 1 days: 0 would be removed" in capsys.readouterr().out
    assert await run("purge", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "lookups": 0,
        "requests": 0,
        "acts": 0,
        "seen": 0,
    }


@pytest.mark.parametrize("verb", ["list", "export", "purge", "retry"])
def test_without_a_database_it_says_so_and_makes_none(
    verb: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    assert main(["requests", verb]) == 2
    assert "There is no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "none.db").touch()
    assert main(["requests", verb]) == 2
    assert "no tables of this version" in capsys.readouterr().err
