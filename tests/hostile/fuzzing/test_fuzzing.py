"""A slice of the fuzzing that ``python -m tools.soak fuzz`` does at length."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bot.errors import FormatError
from tests.hostile.fuzzing import ALL, MODULES
from tests.hostile.fuzzing.target import FuzzTarget
from tests.hostile.fuzzing.worker import Run

_SECONDS = 40
_ROOT = Path(__file__).parents[3]


def test_whatever_comes_from_outside_is_read_or_refused_in_words(tmp_path: Path) -> None:
    """A minute, with its beginning, over all targets: in a process of its own, because what is
    watched there would slow down the tests here."""
    crashes = tmp_path / "crashes"
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tests.hostile.fuzzing.worker", ALL),
            *("--seconds", str(_SECONDS), "--crashes", str(crashes)),
        ],
        capture_output=True,
        text=True,
        cwd=_ROOT,
        timeout=_SECONDS + 180,
        check=False,
    )
    told = "\n".join(file.read_text() for file in crashes.glob("*.txt"))
    assert ended.returncode == 0, ended.stderr[-2000:] + told
    result = json.loads(ended.stdout.splitlines()[-1])
    assert result["crashes"] == {}, told
    assert set(result["by_target"]) == set(MODULES)
    assert result["inputs"] > 1000


def test_an_input_that_crashes_is_kept_and_one_that_is_refused_is_not(tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        if data == b"refused":
            raise FormatError("no")
        if data == b"crash":
            raise KeyError(data)
        if data == b"slow":
            sum(range(2_000_000))

    run = Run(FuzzTarget("example", read, list), tmp_path, max_seconds=0.005)
    run.begin()
    run.one(b"refused")
    assert not [*tmp_path.iterdir()]
    run.many([b"x", b"crash", b"refused"])
    (told,) = tmp_path.glob("*.txt")
    assert told.read_text().startswith("KeyError")
    assert told.with_suffix("").read_bytes() == b"crash"
    run.one(b"slow")
    kept = {file.read_text().partition("\n")[0] for file in tmp_path.glob("*.txt")}
    assert "slow" in kept
