"""The bot in a process of its own, between TLS servers and a Slack that have theirs: what a lookup
costs beyond its handshake, how soon a command is acknowledged, how soon the bot is ready, and what it
holds in memory."""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.bench.table import Row, milliseconds
from tools.soak.load import quantile
from tools.soak.load_slack import Outcome
from tools.soak.load_stage import Stage

_STARTS: Final = 3
_IDLE_SECONDS: Final = 4
_SETTLING_SECONDS: Final = 20
_ONE_BY_ONE: Final = 200
_RATE: Final = 100
_SECONDS: Final = 30
_SERVERS: Final = 2000
#: What a handshake with a server consists of, as reports tell it.
_PHASES: Final = ("resolve", "connect", "handshake")


def serving_rows() -> list[Row]:
    """About two minutes."""
    starts, idle = [], 0.0
    for _ in range(_STARTS):
        with tempfile.TemporaryDirectory() as name, _stage(Path(name), 20) as stage:
            starts.append(stage.started_in)
            # It still loads what the first click needs.
            time.sleep(_IDLE_SECONDS)
            idle = max(idle, stage.bot.memory)
    with tempfile.TemporaryDirectory() as name, _stage(Path(name), _SERVERS) as stage:
        single = _checked(stage.run(_ONE_BY_ONE, 10, repeated=0.0))
        overhead = _overhead(Path(name), single)
        single_cpu = stage.cpu()
        before = stage.bot.memory
        many = _checked(stage.run(_RATE * _SECONDS, _RATE))
        many_cpu = stage.cpu()
        # By then the bot has given back what nobody uses any more.
        time.sleep(_SETTLING_SECONDS)
        after = stage.bot.memory
    return [
        Row(
            "bot: one lookup beyond handshake and Slack",
            milliseconds(statistics.median(overhead)),
            f"aim ≤ 15 ms; median of {len(overhead)} reports, 9 in 10 within "
            f"{milliseconds(quantile(overhead, 0.9))}; processor "
            f"{milliseconds(single_cpu['bot'] / _ONE_BY_ONE)} a lookup with its handshake",
        ),
        Row(
            f"bot: acknowledgement at {_RATE} a second, p99",
            milliseconds(quantile(many.acks, 0.99)),
            f"aim ≤ 100 ms; median {milliseconds(quantile(many.acks, 0.5))}, at most "
            f"{milliseconds(max(many.acks))}, of {len(many.acks):,}; 1 server in 10 stalled; "
            f"processor a command: {_each(many_cpu, len(many.acks))}",
        ),
        Row(
            f"bot: answer at {_RATE} a second, p50",
            milliseconds(quantile(many.answers, 0.5)),
            f"p99 {milliseconds(quantile(many.answers, 0.99))}; of servers that answer",
        ),
        Row(
            "bot: start to ready",
            f"{statistics.median(starts):.2f} s",
            f"aim ≤ 2 s; whichroot serve, median of {len(starts)}",
        ),
        Row("bot: memory, idle", f"{idle:.0f} MiB", "aim ≤ 120 MiB"),
        Row(
            f"bot: memory, after {_ONE_BY_ONE + len(many.acks):,} lookups",
            f"{after - idle:+.0f} MiB",
            f"aim ≤ +20 MiB after 100,000, which are “python -m tools.soak load --seconds 1000”; "
            f"{idle:.0f} MiB idle, {before:.0f} after the first {_ONE_BY_ONE}, {after:.0f} once all "
            "are answered",
        ),
    ]


def _stage(folder: Path, servers: int) -> Stage:
    return Stage(folder, f"sqlite:///{folder / 'whichroot.db'}", servers)


def _checked(outcome: Outcome) -> Outcome:
    """Raises RuntimeError where something was lost: then nothing was measured."""
    if outcome.unacknowledged or outcome.unanswered or outcome.answered_twice or outcome.wrong:
        raise RuntimeError(
            f"{outcome.unacknowledged} commands without acknowledgement, {outcome.unanswered} "
            f"without report, {outcome.answered_twice} with two; {outcome.wrong}: the run is void"
        )
    return outcome


def _overhead(folder: Path, outcome: Outcome) -> Sequence[float]:
    """The seconds from command to report that were neither the server's nor Slack's."""
    with sqlite3.connect(folder / "whichroot.db") as database:
        reports = dict(database.execute("SELECT id, report FROM lookups"))
    database.close()
    found = []
    for lookup, seconds, slack in outcome.lookups:
        timings = json.loads(reports[lookup])["timings_ms"]
        found.append(seconds - slack - sum(timings.get(phase, 0.0) for phase in _PHASES) / 1000)
    return found


def _each(cpu: Mapping[str, float], count: int) -> str:
    return ", ".join(f"{name} {milliseconds(seconds / count)}" for name, seconds in cpu.items())
