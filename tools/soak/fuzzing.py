"""Fuzzes everything that reads what comes from outside, and prints what was tried.

Each target first runs guided by the code that it reaches; then Hypothesis proposes inputs; what was
found is then changed further without looking where it leads, which is several times as fast. A target
that has had enough inputs leaves its time to those that come after it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.hostile.fuzzing import KINDS, MODULES

_ROOT: Final = Path(__file__).parents[2]
_FOLDER: Final = _ROOT / ".cache" / "fuzzing"
#: How long a worker may take to begin and to end, in seconds.
_GRACE: Final = 180.0
_REACHED: Final = re.compile(r"cov: (\d+) ft: (\d+)")
#: A process that died is begun again so often.
_STARTS: Final = 5


@dataclass(slots=True)
class Tally:
    """What one target was put through. ``reached`` are branches of the program, ``features`` these
    with how often; ``crashes`` counts by kind."""

    target: str
    by_kind: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    seconds: float = 0.0
    slowest_ms: float = 0.0
    memory_mb: int = 0
    reached: int = 0
    features: int = 0
    crashes: dict[str, int] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        """All of them."""
        return sum(self.by_kind.values())

    def add(self, result: Mapping[str, Any], kind: str) -> None:
        """What a worker has told."""
        self.by_kind[kind] += result["inputs"]
        self.seconds += result["seconds"]
        self.slowest_ms = max(self.slowest_ms, result["slowest_ms"])
        self.memory_mb = max(self.memory_mb, result["memory_mb"])
        for kind, count in result["crashes"].items():
            self.crashes[kind] = self.crashes.get(kind, 0) + count


def fuzz(
    name: str,
    folder: Path,
    *,
    seed: int,
    seconds: Mapping[str, float],
    inputs: int | None = None,
) -> Tally:
    """Puts one target through so many seconds of each kind, or ``inputs`` inputs at most in all.
    Crashers are kept in ``folder / "crashes"``, what reaches new code in ``folder / "corpus"``."""
    tally = Tally(name)
    for kind, time_of_it in seconds.items():
        left = None if inputs is None else inputs - tally.inputs
        if time_of_it <= 0 or (left is not None and left <= 0):
            continue
        for start in range(_STARTS):
            if _ran(tally, folder, seed + start, time_of_it, left, kind):
                break
    return tally


def _ran(
    tally: Tally, folder: Path, seed: int, seconds: float, inputs: int | None, kind: str
) -> bool:
    """Whether the worker came to its own end."""
    command = [
        *(sys.executable, "-m", "tests.hostile.fuzzing.worker", tally.target),
        *("--seed", str(seed), "--seconds", str(seconds)),
        *("--crashes", str(folder / "crashes"), "--corpus", str(folder / "corpus" / tally.target)),
        *(("--inputs", str(inputs)) if inputs else ()),
        *("--kind", kind),
    ]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=_ROOT,
            env=environment,
            timeout=seconds + _GRACE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        tally.crashes["hang"] = tally.crashes.get("hang", 0) + 1
        return True
    reached = _REACHED.findall(ended.stderr)
    if reached:
        tally.reached = max(tally.reached, int(reached[-1][0]))
        tally.features = max(tally.features, int(reached[-1][1]))
    if ended.returncode == 0 and ended.stdout:
        tally.add(json.loads(ended.stdout.splitlines()[-1]), kind)
        return True
    end = f"process ended with {ended.returncode}: {ended.stderr[-300:]}"
    tally.crashes[end] = tally.crashes.get(end, 0) + 1
    return False


def main(arguments: Sequence[str]) -> int:
    """0: no crash."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800.0, help="in all (1800)")
    parser.add_argument(
        "--inputs", type=int, default=1_000_000, help="of each target at most (10^6)"
    )
    parser.add_argument("--target", action="append", choices=sorted(MODULES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", type=float, default=0.3, help="share of the time (0.3)")
    parser.add_argument("--proposed", type=float, default=0.1, help="Hypothesis's share (0.1)")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="for crashers and the corpus")
    given = parser.parse_args(arguments)
    names = given.target or list(MODULES)
    tallies = []
    for tally in _all(names, given):
        tallies.append(tally)
        print(_row(tally), flush=True)
    total = sum(tally.inputs for tally in tallies)
    crashes = sum(sum(tally.crashes.values()) for tally in tallies)
    print(f"| all | {total:,} | | | | | | | {crashes} |")
    for tally in tallies:
        for kind, count in tally.crashes.items():
            print(f"{tally.target}: {count} x {kind}")
    return 1 if crashes else 0


def _all(names: Sequence[str], given: argparse.Namespace) -> Iterator[Tally]:
    print(
        "| target | inputs | guided | Hypothesis | per second | branches | features | slowest | crashes |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    begun = time.monotonic()
    for done, name in enumerate(names):
        seconds = (given.seconds - (time.monotonic() - begun)) / (len(names) - done)
        shares = {
            "guided": given.guided,
            "proposed": given.proposed,
            "unguided": 1 - given.guided - given.proposed,
        }
        yield fuzz(
            name,
            given.folder,
            seed=given.seed,
            seconds={kind: max(seconds * share, 0.0) for kind, share in shares.items()},
            inputs=given.inputs,
        )


def _row(tally: Tally) -> str:
    speed = tally.inputs / tally.seconds if tally.seconds else 0
    return (
        f"| {tally.target} | {tally.inputs:,} | {tally.by_kind['guided']:,} "
        f"| {tally.by_kind['proposed']:,} | {speed:,.0f} | {tally.reached:,} "
        f"| {tally.features:,} | {tally.slowest_ms:,.0f} ms | {sum(tally.crashes.values())} |"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
