"""Failures that nobody expected: a reference for the person, the traces for the log."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.program import environment

_RUN = """
from bot import incidents
{before}
try:
    raise ValueError("the cause")
except ValueError as error:
    print(incidents.record(error, "checking x.example:443"))
"""


def recorded(home: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _RUN.format(before=before)],
        env=environment(XDG_STATE_HOME=str(home)),
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_traces_are_kept_under_the_reference_that_is_told(tmp_path: Path) -> None:
    run = recorded(tmp_path)
    found = re.search(r"its traces are under ([0-9a-f]{8}) in (\S+)\.$", run.stdout.strip())
    assert found
    log = Path(found[2])
    assert log == tmp_path / "whichroot" / "incidents.log"
    text = log.read_text()
    assert f"{found[1]}: checking x.example:443" in text
    assert "Traceback" in text
    assert "ValueError: the cause" in text
    assert run.stderr == ""
    # Nobody else reads it.
    assert log.parent.stat().st_mode & 0o077 == 0


def test_where_nothing_can_be_written_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = recorded(tmp_path / "file")
    assert "could not be written" in run.stdout
    assert run.stderr == ""


def test_traces_are_shown_when_asked_for(tmp_path: Path) -> None:
    run = recorded(tmp_path, "incidents.show()")
    assert re.search(r"its traces are under [0-9a-f]{8}\.$", run.stdout.strip())
    assert "ValueError: the cause" in run.stderr
    assert not list(tmp_path.iterdir())
