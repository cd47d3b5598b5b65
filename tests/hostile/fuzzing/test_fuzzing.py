"""A slice of the fuzzing that ``python -m tools.soak fuzz`` does at length."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.hostile.fuzzing import ALL, MODULES

_SECONDS = 45
_ROOT = Path(__file__).parents[3]


def test_whatever_comes_from_outside_is_read_or_refused_in_words(tmp_path: Path) -> None:
    """A minute over all targets, in a process of its own: what is watched there would slow down
    the tests here."""
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
