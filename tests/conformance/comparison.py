"""Runs the generator, real Java and our prediction over the same records, all cores busy.

Records and Java's verdicts are kept in ``.cache/conformance/``, by the generator's source and the
seed: to try a changed prediction again takes only the prediction's time.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.errors import FormatError
from bot.pki.certificate import Certificate
from bot.pki.java import predict
from tests.conformance.generator import record
from tests.conformance.oracle import ROOT, JavaOracle
from tests.conformance.phrases import phrase_of
from tests.conformance.records import Record, Verdict

#: A file of the cache holds so many records: the suite's are four files, two for each processor.
SLICE = 300
#: So many are judged before Java's second compiler has won what it costs.
_FEW = 2000

_WORKERS = 2

# What records depend on, and what verdicts depend on besides.
_GENERATOR = (
    "arrangements",
    "der_builder",
    "drafts",
    "extension_faults",
    "extensions",
    "field_faults",
    "generator",
    "hierarchies",
    "host_faults",
    "keys",
    "name_faults",
    "topologies",
)
_ORACLE = ("oracle_worker",)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One record on one Java: what Java says and what we say."""

    record: Record
    jdk: int
    verdict: Verdict
    accepted: bool
    message: str | None

    @property
    def agrees(self) -> bool:
        """Both accept or both reject."""
        return self.accepted == self.verdict.accepted

    @property
    def same_phrase(self) -> bool:
        """Both messages hold the same phrase."""
        return phrase_of(self.message) == phrase_of(self.verdict.message)


def compare(seed: int, cases: int, jdks: Sequence[int]) -> Iterator[Comparison]:
    """Every record of *seed* on every one of *jdks*, slice by slice."""
    folder = ROOT / ".cache/conformance" / f"{_fingerprint(_GENERATOR)}-{SLICE}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, cases, SLICE)
    # A fork would copy this process with the threads that feed the JVMs.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_WORKERS, mp_context=context) as pool:
        for _ in pool.map(partial(_generate, folder, seed), starts):
            pass
        with ThreadPoolExecutor(_WORKERS) as threads:
            for _ in threads.map(partial(_judge, folder, starts), jdks):
                pass
        for made in pool.map(partial(_compare_slice, folder, jdks), starts):
            yield from (one for one in made if int(one.record.id.partition("-")[2]) < cases)


def compare_record(record: Record, jdk: int, verdict: Verdict) -> Comparison:
    """Our prediction beside Java's *verdict*, both without the limits of a connection.

    What our reader cannot read is refused, as Java's factory refuses what it cannot.
    """
    try:
        chain = [Certificate.from_der(der) for der in record.chain]
        installed = [Certificate.from_der(der) for der in record.installed]
    except FormatError as error:
        return Comparison(record, jdk, verdict, accepted=False, message=str(error))
    prediction = predict(
        chain,
        installed,
        host=record.host,
        endpoint=record.protocol,
        at=record.at,
        jdk=jdk,
        connected=False,
    )
    return Comparison(record, jdk, verdict, prediction.accepted, prediction.message)


def _fingerprint(modules: Sequence[str]) -> str:
    folder = Path(__file__).parent
    digest = hashlib.sha256((folder / "keys.json").read_bytes())
    for module in modules:
        digest.update((folder / f"{module}.py").read_bytes())
    return digest.hexdigest()[:12]


def _generate(folder: Path, seed: int, start: int) -> None:
    path = _records(folder, start)
    if not path.exists():
        made = (record(seed, index) for index in range(start, start + SLICE))
        _write(path, (json.dumps(one.to_json()) for one in made))


def _judge(folder: Path, starts: Sequence[int], jdk: int) -> None:
    missing = [start for start in starts if not _verdicts(folder, start, jdk).exists()]
    if not missing:
        return
    with JavaOracle(jdk, brief=len(missing) * SLICE <= _FEW) as oracle:
        for start in missing:
            lines = _records(folder, start).read_text().splitlines()
            judged = (json.dumps(oracle.judge_line(line).to_json()) for line in lines)
            _write(_verdicts(folder, start, jdk), judged)


def _compare_slice(folder: Path, jdks: Sequence[int], start: int) -> list[Comparison]:
    made = [Record.from_json(json.loads(line)) for line in _records(folder, start).open()]
    compared: list[Comparison] = []
    for jdk in jdks:
        verdicts = (
            Verdict.from_json(json.loads(line)) for line in _verdicts(folder, start, jdk).open()
        )
        compared += (
            compare_record(one, jdk, verdict) for one, verdict in zip(made, verdicts, strict=True)
        )
    return compared


def _records(folder: Path, start: int) -> Path:
    return folder / f"{start:07}.jsonl"


def _verdicts(folder: Path, start: int, jdk: int) -> Path:
    return folder / f"{start:07}-java{jdk}-{_fingerprint(_ORACLE)}.jsonl"


def _write(path: Path, lines: Iterator[str]) -> None:
    """Writes all or nothing: a broken run leaves no half file behind."""
    partial_path = path.with_suffix(".part")
    partial_path.write_text("".join(f"{line}\n" for line in lines))
    partial_path.rename(path)
