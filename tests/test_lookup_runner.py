"""Lookups as many people ask for them."""

from __future__ import annotations

import asyncio
import gc

import pytest

from bot.errors import TargetError
from bot.lookup import Question, refused
from bot.lookup_runner import Busy, LookupRunner, Share
from bot.probe.target import parse_target
from bot.report import Report


class Engine:
    """Answers when it is let, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let = asyncio.Event()

    async def answer(self, question: Question) -> Report:
        self.asked.append(question.target.address)
        await self.let.wait()
        return refused(question.target.input, TargetError("no", "none"))


def question(text: str = "dc01.corp.example:636") -> Question:
    return Question(parse_target(text))


async def test_the_same_question_at_the_same_time_is_asked_once() -> None:
    engine = Engine()
    runner = LookupRunner(engine.answer, Share(5, 5), 0)
    asking = [
        asyncio.create_task(runner.run(question(typed), team="T", user=user))
        for user, typed in (("A", "dc01.corp.example:636"), ("B", "ldaps://dc01.corp.example"))
    ]
    await asyncio.sleep(0)
    engine.let.set()
    reports = await asyncio.gather(*asking)
    assert engine.asked == ["dc01.corp.example:636"]
    assert [r.target.input for r in reports] == [
        "dc01.corp.example:636",
        "ldaps://dc01.corp.example",
    ]


async def test_what_has_begun_already_is_not_asked_again() -> None:
    engine = Engine()
    engine.let.set()
    runner = LookupRunner(engine.answer, Share(5, 5), 30)
    runner.begin(question("ldaps://dc01.corp.example"), fresh=True)
    await asyncio.sleep(0)
    assert engine.asked == ["dc01.corp.example:636"]
    report = await runner.run(question(), team="T", user="A", fresh=True)
    assert report.target.input == "dc01.corp.example:636"
    assert engine.asked == ["dc01.corp.example:636"]
    # From here on there is a report, and nothing to begin.
    runner.begin(question())
    await runner.run(question(), team="T", user="A")
    assert engine.asked == ["dc01.corp.example:636"]


async def test_nothing_begins_before_its_turn() -> None:
    engine = Engine()
    runner = LookupRunner(engine.answer, Share(per_user=1, per_workspace=1), 0)
    first = asyncio.create_task(runner.run(question("a.example"), team="T", user="A"))
    await asyncio.sleep(0)
    runner.begin(question("b.example"))
    await asyncio.sleep(0)
    assert engine.asked == ["a.example:443"]
    engine.let.set()
    await first


async def test_a_question_that_waits_for_its_server_does_not_begin_again() -> None:
    engine = Engine()
    runner = LookupRunner(engine.answer, Share(5, 5, waiting=5), 0)
    waits = asyncio.Event()
    runner.on_waiting(waits.set)
    first = asyncio.create_task(runner.run(question(), team="T", user="A"))
    await asyncio.wait_for(waits.wait(), 60)
    runner.begin(question(), fresh=True)
    await asyncio.sleep(0)
    assert engine.asked == ["dc01.corp.example:636"]
    engine.let.set()
    await first


async def test_what_has_begun_and_fails_is_asked_again() -> None:
    async def failing(question: Question) -> Report:
        raise RuntimeError("the network is gone")

    runner = LookupRunner(failing, Share(5, 5), 30)
    runner.begin(question())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="network"):
        await runner.run(question(), team="T", user="A")
    await runner.aclose()


async def test_a_report_serves_for_seconds_unless_a_fresh_one_is_wanted() -> None:
    engine, now = Engine(), [0.0]
    engine.let.set()
    runner = LookupRunner(engine.answer, Share(5, 5), 30, clock=lambda: now[0])
    for at, fresh, times in (
        (0, False, 1),
        (29, False, 1),
        (29, True, 2),
        (58, False, 2),
        (60, False, 3),
    ):
        now[0] = at
        await runner.run(question(), team="T", user="A", fresh=fresh)
        assert len(engine.asked) == times, at


async def test_nobody_takes_all_the_places() -> None:
    engine = Engine()
    runner = LookupRunner(engine.answer, Share(per_user=1, per_workspace=2), 0)
    first = asyncio.create_task(runner.run(question("a.example"), team="T", user="A"))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await runner.run(question("b.example"), team="T", user="A")
    second = asyncio.create_task(runner.run(question("c.example"), team="T", user="B"))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await runner.run(question("d.example"), team="T", user="C")
    other = asyncio.create_task(runner.run(question("e.example"), team="U", user="A"))
    engine.let.set()
    await asyncio.gather(first, second, other)
    await runner.run(question("b.example"), team="T", user="A")


async def test_who_stops_waiting_does_not_end_it_for_the_others() -> None:
    engine = Engine()
    runner = LookupRunner(engine.answer, Share(5, 5), 0)
    impatient = asyncio.create_task(runner.run(question(), team="T", user="A"))
    patient = asyncio.create_task(runner.run(question(), team="T", user="B"))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    engine.let.set()
    assert (await patient).verdict == "refused"


async def test_the_end_ends_what_runs() -> None:
    engine = Engine()
    runner = LookupRunner(engine.answer, Share(5, 5), 0)
    asking = asyncio.create_task(runner.run(question(), team="T", user="A"))
    await asyncio.sleep(0)
    await runner.aclose()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_lookups_that_wait_for_their_servers_hold_nobody_up_within_bounds() -> None:
    engine, told = Engine(), []
    runner = LookupRunner(engine.answer, Share(per_user=1, per_workspace=2, waiting=2), 0)
    runner.on_waiting(lambda: told.append(runner.waiting))
    stalled = [
        asyncio.create_task(runner.run(question(f"{user}.example"), team="T", user=user))
        for user in ("A", "B")
    ]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await runner.run(question("c.example"), team="T", user="C")
    async with asyncio.timeout(120):
        while runner.waiting < 2:  # noqa: ASYNC110  time makes it so
            await asyncio.sleep(0.01)
    assert told == [1, 2]
    # They gave their places to others, but no more may do so.
    stalled += [
        asyncio.create_task(runner.run(question(f"{user}.example"), team="T", user=user))
        for user in ("C", "D")
    ]
    await asyncio.sleep(0.8)
    assert runner.waiting == 2
    with pytest.raises(Busy):
        await runner.run(question("e.example"), team="T", user="E")
    engine.let.set()
    await asyncio.gather(*stalled)
    assert runner.waiting == 0
    await runner.run(question("a.example"), team="T", user="A")


async def test_reports_that_serve_no_more_are_not_kept() -> None:
    engine, now = Engine(), [0.0]
    engine.let.set()
    runner = LookupRunner(engine.answer, Share(5, 5), 60, clock=lambda: now[0])
    for host in ("first.example", "second.example", "third.example"):
        await runner.run(question(host), team="T", user="A")
        now[0] += 40
    gc.collect()
    kept = {found.target.input for found in gc.get_objects() if isinstance(found, Report)}
    assert {"second.example", "third.example"} <= kept
    assert "first.example" not in kept
