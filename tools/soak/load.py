"""The bot under load: ``python -m tools.soak load [--seconds N] [--rate R] [--far S]``.

``whichroot serve`` as it is delivered, with its default settings, between TLS servers and a Slack of
their own processes. First commands at a steady rate, then many at once. One server in ten accepts
connections and never answers. Three commands in ten ask for one of 20 popular servers, so that most
of them are answered from the cache of 30 seconds; the others go through all servers in turn, and each
server has an address and a certificate of its own. A thousand people ask in 50 channels. This Slack
has no rate limits.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.postgresql import postgresql_server
from tools.soak.load_slack import ACK_SECONDS, Outcome
from tools.soak.load_stage import Stage

#: So many MiB may the memory grow in the second half of a long run.
_GROWTH: Final = 10.0
#: Memory is judged only where the run was long enough for caches to fill.
_LONG_SECONDS: Final = 240
#: The report of a command may come this much earlier or later than its turn: those that are looked up
#: at the same time finish in any order.
_DISPLACED: Final = 60
_SERVERS: Final = 3000
#: So many lookups run at once, and their places are not worth telling.
_AT_ONCE: Final = 20
_IDLE_SECONDS: Final = 2
#: By then the bot has given back what nobody uses any more.
_SETTLING_SECONDS: Final = 20
_HANDSHAKE: Final = "WHICHROOT_HANDSHAKE_TIMEOUT"
#: A command is answered within this time after the last was typed, or it is lost.
_PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the result; ``held`` None: told, not judged."""

    what: str
    found: str
    aim: str = ""
    held: bool | None = None


def main(arguments: Sequence[str]) -> int:
    """Runs both waves and prints what happened. Exit code 1 where something was lost, came twice, was
    acknowledged too late, or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long; 600 by default")
    parser.add_argument("--rate", type=float, default=100, help="commands a second; 100")
    parser.add_argument("--burst", type=int, default=2000, help="commands at once; 2000")
    parser.add_argument("--servers", type=int, default=_SERVERS, help=f"TLS servers; {_SERVERS}")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument(
        "--handshake", type=float, help="seconds for a handshake; by default as the bot has it"
    )
    parser.add_argument(
        "--far", type=float, default=0, help="seconds by which servers begin late; 0"
    )
    given = parser.parse_args(arguments)
    settings = {} if given.handshake is None else {_HANDSHAKE: f"{given.handshake:g}"}
    print(
        f"{given.rate:g} commands a second for {given.seconds:g} s, then {given.burst:,} at once; "
        f"{given.servers:,} servers, {given.far:g} s away, 1 in 10 stalled; {given.database}; {os.cpu_count()} processors, "
        f"load before {os.getloadavg()[0]:.1f}\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="whichroot-load-") as name:
        folder = Path(name)
        with (
            _database(given.database, folder) as url,
            Stage(folder, url, given.servers, settings, given.far) as stage,
        ):
            lines = [_Line("start to ready", f"{stage.started_in:.1f} s")]
            lines += _steady(stage, given.rate, given.seconds)
            _show(lines)
            burst = _burst(stage, given.burst) if given.burst else []
            _show(burst)
            rest = [_complaints(folder)]
            _show(rest)
    held = all(line.held is not False for line in [*lines, *burst, *rest])
    print("\nIt held." if held else "\nIt did not hold.")
    return 0 if held else 1


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'whichroot.db'}"
        return
    with postgresql_server(durable=True) as server:
        yield server.new_database()


def _steady(stage: Stage, rate: float, seconds: float) -> list[_Line]:
    # It still loads what the first click needs.
    time.sleep(_IDLE_SECONDS)
    before = stage.bot.memory
    outcome = stage.run(round(rate * seconds), rate, patience=_PATIENCE)
    lines = _common("steady", stage, outcome)
    if outcome.answers:
        lines.append(
            _Line("steady: answers of servers that answer, p50 / p99", _two(outcome.answers))
        )
    if outcome.stalled_answers:
        lines.append(
            _Line("steady: answers about stalled servers, p50 / p99", _two(outcome.stalled_answers))
        )
    time.sleep(_SETTLING_SECONDS)
    after = stage.bot.memory
    memory = [each for _, each in stage.memory] or [after]
    half, growth = _halves(memory)
    lines.append(
        _Line(
            "steady: memory",
            f"{before:.0f} MiB at the start, {half:.0f} in the middle, {max(memory):.0f} at most; "
            f"{growth:+.1f} in the second half; {after:.0f} once it was over",
            f"≤ {_GROWTH:+g} in the second half",
            growth <= _GROWTH if seconds >= _LONG_SECONDS else None,
        )
    )
    return lines


def _burst(stage: Stage, count: int) -> list[_Line]:
    outcome = stage.run(count, 0, patience=_PATIENCE)
    lines = _common("burst", stage, outcome)
    typed = {number: place for place, number in enumerate(sorted(outcome.order))}
    away = [abs(typed[number] - place) for place, number in enumerate(outcome.order)] or [0]
    lines.append(
        _Line(
            "burst: drained",
            f"in {outcome.seconds:.1f} s; a report came at most {max(away)} places from its turn",
            f"≤ {_DISPLACED} places",
            max(away) <= _DISPLACED,
        )
    )
    if outcome.answers:
        lines.append(
            _Line("burst: answers of servers that answer, p50 / max", _two(outcome.answers, 1.0))
        )
    rising = all(
        a <= b + _DISPLACED for a, b in zip(outcome.positions, outcome.positions[1:], strict=False)
    )
    most = max(outcome.positions, default=0)
    lines.append(
        _Line(
            "burst: places told",
            f"{len(outcome.positions):,} at once, up to number {most:,}; {outcome.updates:,} later",
            "most of those who wait are told theirs",
            len(outcome.positions) >= (count - _AT_ONCE) // 2 and rising,
        )
    )
    return lines


def _common(wave: str, stage: Stage, outcome: Outcome) -> list[_Line]:
    told = len(outcome.acks) + outcome.unacknowledged
    late = sum(ack > ACK_SECONDS for ack in outcome.acks) + outcome.unacknowledged
    lost = f"{outcome.unanswered:,} without a report, {outcome.answered_twice:,} with two"
    cpu = ", ".join(f"{name} {each * 1000 / told:.1f}" for name, each in stage.cpu().items())
    wrong = ", ".join(f"{what} ({count})" for what, count in outcome.wrong.items()) or "none"
    return [
        _Line(
            f"{wave}: commands",
            f"{told:,}: {lost}",
            "none lost, none twice",
            not outcome.unanswered and not outcome.answered_twice,
        ),
        _Line(
            f"{wave}: acknowledged, p50 / p99 / max",
            f"{_two(outcome.acks)} / {max(outcome.acks, default=0) * 1000:,.0f} ms; "
            f"{late:,} after {ACK_SECONDS:g} s or never",
            f"all within {ACK_SECONDS:g} s",
            not late,
        ),
        _Line(f"{wave}: what Slack would refuse", wrong, "none", not outcome.wrong),
        _Line(
            f"{wave}: processor, ms a command",
            f"{cpu}; typed at most {outcome.late_sends * 1000:,.0f} ms late at the end",
        ),
    ]


def _complaints(folder: Path) -> _Line:
    """Whatever the bot logged that is worse than information."""
    lines = (folder / "bot.log").read_text(encoding="utf-8").splitlines()
    worse = [line for line in lines if '"level": "info"' not in line]
    said = "".join(f"\n    {line[:200]}" for line in worse[:5])
    return _Line("log", f"{len(lines):,} lines, {len(worse):,} warnings or worse{said}")


def _halves(memory: Sequence[float]) -> tuple[float, float]:
    """The memory in the middle, and by how much more it is at the end: medians of a tenth each."""
    tenth = max(len(memory) // 10, 1)
    middle = len(memory) // 2
    half = statistics.median(memory[middle : middle + tenth])
    return half, statistics.median(memory[-tenth:]) - half


def _two(seconds: Sequence[float], last: float = 0.99) -> str:
    return f"{quantile(seconds, 0.5) * 1000:,.0f} / {quantile(seconds, last) * 1000:,.0f} ms"


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that so large a share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def _show(lines: Sequence[_Line]) -> None:
    marks: Mapping[bool | None, str] = {True: "✓", False: "✗", None: " "}
    for line in lines:
        aim = f"   (aim: {line.aim})" if line.aim else ""
        print(f"{marks[line.held]} {line.what}: {line.found}{aim}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
