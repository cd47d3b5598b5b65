"""Fuzzes everything that reads what comes from outside, and prints what was tried.

Each target first runs guided by the code that it reaches; what was found that way is then changed
further without looking where it leads, which is several times as fast.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.hostile.fuzzing import MODULES

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
    guided: int = 0
    unguided: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    memory_mb: int = 0
    reached: int = 0
    features: int = 0
    crashes: dict[str, int] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        """All of them."""
        return self.guided + self.unguided

    def add(self, result: Mapping[str, Any], *, guided: bool) -> None:
        """What a worker has told."""
        if guided:
            self.guided += result["inputs"]
        else:
            self.unguided += result["inputs"]
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
    guided_seconds: float,
    unguided_seconds: float = 0.0,
    inputs: int | None = None,
) -> Tally:
    """Puts one target through so many seconds of each kind, or ``inputs`` inputs at most of each.
    Crashers are kept in ``folder / "crashes"``, what reaches new code in ``folder / "corpus"``."""
    tally = Tally(name)
    for guided, seconds in ((True, guided_seconds), (False, unguided_seconds)):
        if seconds <= 0:
            continue
        for start in range(_STARTS):
            if _ran(tally, folder, seed + start, seconds, inputs, guided=guided):
                break
    return tally


def _ran(
    tally: Tally, folder: Path, seed: int, seconds: float, inputs: int | None, *, guided: bool
) -> bool:
    """Whether the worker came to its own end."""
    command = [
        *(sys.executable, "-m", "tests.hostile.fuzzing.worker", tally.target),
        *("--seed", str(seed), "--seconds", str(seconds)),
        *("--crashes", str(folder / "crashes"), "--corpus", str(folder / "corpus" / tally.target)),
        *(("--inputs", str(inputs)) if inputs else ()),
        *(() if guided else ("--unguided",)),
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
        tally.add(json.loads(ended.stdout.splitlines()[-1]), guided=guided)
        return True
    kind = f"process ended with {ended.returncode}: {ended.stderr[-300:]}"
    tally.crashes[kind] = tally.crashes.get(kind, 0) + 1
    return False


def main(arguments: Sequence[str]) -> int:
    """0: no crash."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, help="in all, shared by the targets (1800)")
    parser.add_argument("--inputs", type=int, help="of each target and kind, in place of seconds")
    parser.add_argument("--target", action="append", choices=sorted(MODULES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", type=float, default=0.5, help="share of the time (0.5)")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="for crashers and the corpus")
    given = parser.parse_args(arguments)
    names = given.target or list(MODULES)
    seconds = given.seconds or (86400.0 if given.inputs else 1800.0)
    each = seconds / (1 if given.inputs else len(names))
    tallies = []
    for tally in _all(names, given, each):
        tallies.append(tally)
        print(_row(tally), flush=True)
    total = sum(tally.inputs for tally in tallies)
    crashes = sum(sum(tally.crashes.values()) for tally in tallies)
    print(f"| all | {total:,} | | | | | | {crashes} |")
    for tally in tallies:
        for kind, count in tally.crashes.items():
            print(f"{tally.target}: {count} x {kind}")
    return 1 if crashes else 0


def _all(names: Sequence[str], given: argparse.Namespace, seconds: float) -> Iterator[Tally]:
    print("| target | inputs | guided | per second | branches | features | slowest | crashes |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in names:
        yield fuzz(
            name,
            given.folder,
            seed=given.seed,
            guided_seconds=seconds * given.guided,
            unguided_seconds=seconds * (1 - given.guided),
            inputs=given.inputs,
        )


def _row(tally: Tally) -> str:
    speed = tally.inputs / tally.seconds if tally.seconds else 0
    return (
        f"| {tally.target} | {tally.inputs:,} | {tally.guided:,} | {speed:,.0f} | {tally.reached:,} "
        f"| {tally.features:,} | {tally.slowest_ms:,.0f} ms | {sum(tally.crashes.values())} |"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
