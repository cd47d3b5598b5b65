"""``python -m tools.soak [crash|faults|fuzz|java|load|who [options of that attack]]``: one attack, or all of them
one after the other and a table of how each ended.

Exit code 0: whatever was attacked held; 1: something did not; 2: an attack cannot be run.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from typing import Final

#: Word → the module whose `main` takes the options that follow and gives the exit code.
_ATTACKS: Final = {
    "crash": "crash_points",
    "faults": "faults",
    "fuzz": "fuzzing",
    "java": "java",
    "load": "load",
    "who": "who_may",
}
_ENDS: Final = {0: "held", 1: "did not hold", 2: "was not run"}


def main(arguments: Sequence[str]) -> int:
    """Runs what ``arguments`` ask for."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak",
        description="Attacks the product: every attack, or the one that is named.",
    )
    parser.add_argument("attack", nargs="?", choices=list(_ATTACKS))
    parser.add_argument(
        "options", nargs=argparse.REMAINDER, help="what the attack takes; --help lists it"
    )
    given = parser.parse_args(arguments)
    if given.attack:
        return _attack(given.attack, given.options)
    ends = []
    for attack in _ATTACKS:
        print(f"== {attack}", flush=True)
        started = time.monotonic()
        ends.append((attack, _attack(attack, ()), time.monotonic() - started))
    print("\n| Attack | Result | Minutes |\n|---|---|---:|")
    for attack, code, seconds in ends:
        print(f"| {attack} | {_ENDS.get(code, _ENDS[1])} | {seconds / 60:.1f} |")
    return max(code for _, code, _ in ends)


def _attack(attack: str, options: Sequence[str]) -> int:
    # Imported late: each attack needs libraries that the others do not.
    name = f"{__package__}.{_ATTACKS[attack]}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(f"{attack}: {error.name} is not installed.", file=sys.stderr)
        return 2
    code: int = module.main(options)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
