"""``whichroot predict``, a process of its own: every record has its answer, in order, in bounded
memory."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.authority import make_root

HOST = "www.example.test"
_COMMAND = (sys.executable, "-m", "bot", "predict")
#: Runs a command and says on standard error how much memory its largest process took, in KiB. In a
#: process of its own, because a child begins with its parent's peak.
_MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
_RECORDS = 10_000
#: Of one process, in KiB: far from what the records hold together.
_MEMORY = 200_000


def records(count: int) -> list[dict[str, Any]]:
    """Sound ones, rejected ones, and now and then a broken one."""
    root = make_root("Predicted Root")
    leaves = [root.leaf(HOST).pem.decode() for _ in range(40)]
    made = []
    for number in range(count):
        record: dict[str, Any] = {
            "id": number,
            "chain": [leaves[number % len(leaves)]],
            "installed": [root.pem.decode()],
            "host": "other.test" if number % 7 == 3 else HOST,
            "jdk": (11, 17, 21, 25)[number % 4],
        }
        if number % 1000 == 5:
            record["chain"] = None
        made.append(record)
    return made


def run(text: str, *arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [*_COMMAND, *arguments], input=text.encode(), capture_output=True, check=True, timeout=120
    )
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("jobs", [(), ("--jobs", "2")])
def test_ten_thousand_records_are_answered_in_order(jobs: tuple[str, ...], tmp_path: Path) -> None:
    asked = records(_RECORDS)
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in asked))
    assert path.stat().st_size > _MEMORY * 50
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *_COMMAND, *jobs, str(path)],
        capture_output=True,
        check=True,
        timeout=120,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [told["id"] for told in answers] == list(range(_RECORDS))
    for number, told in enumerate(answers):
        if number % 1000 == 5:
            assert '"chain" is no list' in told["error"]
        else:
            assert told["accepted"] is (number % 7 != 3)
            assert (told["message"] is None) is told["accepted"]
    assert int(done.stderr) < _MEMORY


def test_empty_input_has_no_answer() -> None:
    assert run("", "-") == []
    assert run("\n \n", "-") == []


def test_a_broken_line_does_not_end_the_run() -> None:
    good = json.dumps(records(1)[0])
    huge = '{"id": 1, "chain": "' + "x" * (9 << 20) + '"}'
    answers = run("\n".join([good, "{", huge, good]), "-")
    assert [told["id"] for told in answers] == [0, None, None, 0]
    assert ["error" in told for told in answers] == [False, True, True, False]


def test_a_peer_on_a_pipe_has_each_answer_before_it_asks_again() -> None:
    with subprocess.Popen(
        [*_COMMAND, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for record in records(3):
            process.stdin.write(json.dumps(record).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == record["id"]


def test_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records(200)))
    terminal, other_end = pty.openpty()
    shown = b""
    with (
        (tmp_path / "answers").open("wb") as answers,
        subprocess.Popen(
            [*_COMMAND, str(path)],
            stdout=answers,
            stderr=other_end,
            env={**os.environ, "TERM": "xterm"},
        ) as process,
    ):
        os.close(other_end)
        try:
            while part := os.read(terminal, 4096):
                shown += part
        except OSError:
            pass  # a terminal whose other end is closed has nothing more to read
    os.close(terminal)
    assert process.returncode == 0
    assert b"Predicting" in shown
    assert b"200" in shown
    assert len((tmp_path / "answers").read_bytes().splitlines()) == 200
