"""Predictions per second of processor time, beside the real judge and beside another library's
verifier; and the analysis of one chain. Each is warm: it has answered as many other questions before.
What is compared takes turns, because the machine is now slower and now faster; the median counts."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from bot.commands.garbage import collect_seldom
from bot.errors import FormatError
from bot.lookup import Lookup, Question
from bot.pki.certificate import Certificate
from bot.pki.java import predict
from bot.pki.keys import PublicKey, verifies
from bot.prediction_records import answer
from bot.probe.target import parse_target
from bot.settings import Settings
from tests.conformance.drafts import encode
from tests.conformance.found_cases import TIME as MESH_TIME
from tests.conformance.found_cases import crowd
from tests.conformance.generator import records as random_records
from tests.conformance.oracle import JavaOracle
from tests.conformance.records import Record
from tools.bench.material import Material, records
from tools.bench.table import Row, milliseconds

_ROUNDS: Final = 5
_COUNT: Final = 500
_CHAINS: Final = 100
#: Random chains of the conformance tests' generator, and those of each size for the growth.
_MIXED: Final = 500
_SEED: Final = 20_261_125
_REPEATED: Final = 15
_JAVA: Final = "Java 25 checkServerTrusted"

#: Seconds of one processor that a process has spent.
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Judge:
    """Whoever decides about a record, whether it accepts, and the clock of its processor time."""

    name: str
    accepts: Callable[[str], bool]
    clock: Clock


def predictions(material: Material) -> list[Row]:
    """One JSON record in, one verdict out, for each of the three; all must agree."""
    rounds = [records(material, _COUNT, number * _COUNT) for number in range(_ROUNDS + 1)]
    with JavaOracle(25) as java:
        judges = [
            _Judge("whichroot predict, Java 25", _predicted, time.process_time),
            _Judge(_JAVA, lambda line: java.judge_line(line).accepted, _clock_of(java)),
            _Judge("cryptography's verifier", _verified, time.process_time),
        ]
        return _in_turns(judges, rounds)


def mixed_predictions() -> list[Row]:
    """The same for random chains of every kind, none asked twice, as the conformance tests make them:
    ours, real Java, and what OpenSSL takes for the signatures alone."""
    made = list(random_records(_SEED, (_ROUNDS + 1) * _MIXED))
    rounds = [made[start : start + _MIXED] for start in range(0, len(made), _MIXED)]
    with JavaOracle(25) as java:
        judges = [
            _Judge("whichroot predict, mixed chains", _trusted, time.process_time),
            _Judge(
                f"{_JAVA}, mixed chains",
                lambda line: java.judge_line(line).accepted,
                _clock_of(java),
            ),
        ]
        rows = _in_turns(judges, rounds)
    measured = made[_MIXED:]
    verifications = _signatures(measured)
    started = time.process_time()
    for key, certificate in verifications:
        verifies(key, certificate.outer_algorithm, certificate.signature, certificate.tbs)
    bare = time.process_time() - started
    return [
        *rows,
        Row(
            "their signatures alone, OpenSSL",
            f"{len(measured) / bare:,.0f}/s",
            f"{len(verifications):,} verifications, each once; no prediction is faster",
        ),
    ]


def _in_turns(judges: Sequence[_Judge], rounds: Sequence[Sequence[Record]]) -> list[Row]:
    """A row for each judge of how fast it was in the rounds after the first. Raises RuntimeError where
    they do not agree: then nothing was measured."""
    rates: dict[str, list[float]] = {judge.name: [] for judge in judges}
    accepted = 0
    with _garbage_as_in_the_command():
        for number, asked in enumerate(rounds):
            verdicts = []
            for judge in judges:
                seconds, found = _timed(judge.accepts, asked, judge.clock)
                verdicts.append(found)
                if number:
                    rates[judge.name].append(len(asked) / seconds)
            if any(found != verdicts[0] for found in verdicts):
                raise RuntimeError("the judges do not agree: the run is void")
            accepted += sum(verdicts[0]) if number else 0
    count = sum(map(len, rounds[1:]))
    return [_rate(name, found, count, accepted) for name, found in rates.items()]


@contextmanager
def _garbage_as_in_the_command() -> Iterator[None]:
    """Looks for garbage as seldom as ``whichroot predict`` does."""
    usual = gc.get_threshold()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def mesh() -> Row:
    """Twenty authorities that have cross-signed each other, in one chain of 142 certificates."""
    chain, anchor = crowd(20, 7, leads_out=True)
    record = Record("mesh", encode(chain, {}), encode([anchor], {}), None, at=MESH_TIME)
    started = time.process_time()
    predicted = predict(
        [Certificate.from_der(der) for der in record.chain],
        [Certificate.from_der(der) for der in record.installed],
        host=None,
        at=record.at,
        connected=False,
    )
    ours = time.process_time() - started
    with JavaOracle(25) as java:
        clock = _clock_of(java)
        java.judge(Record("warm", record.chain[:1], record.installed, None, at=record.at))
        started = clock()
        verdict = java.judge(record)
        theirs = clock() - started
    if verdict.path_accepted != predicted.accepted:
        raise RuntimeError("Java decides otherwise about the mesh: the run is void")
    return Row(
        "mesh of 20 cross-signed CAs",
        milliseconds(ours),
        f"{len(record.chain)} certificates read and judged, nothing kept from before; Java 25, which "
        f"agrees: {milliseconds(theirs)}",
    )


def analysis(material: Material) -> Row:
    """From a chain to the advice for four Java versions and the findings, one chain after another."""
    made = records(material, 2 * _CHAINS, 10 * _COUNT)
    times = asyncio.run(_analysed(material, made))[_CHAINS:]
    return Row(
        "analysis of one chain",
        milliseconds(statistics.median(times)),
        f"{milliseconds(min(times))} to {milliseconds(max(times))} in {len(times)} chains; every "
        "option, four Java versions, findings, the report",
    )


def growth(material: Material) -> list[Row]:
    """The same analysis for longer chains, and for certificates with more names."""
    lengths, names = {}, {}
    for length in (2, 4, 6, 8, 10):
        made = [_lengthened(material, length, number) for number in range(2 * _REPEATED)]
        lengths[length] = _median(material, made)
    for count in (1, 10, 100, 1000):
        made = [_named(material, count, number) for number in range(2 * _REPEATED)]
        names[count] = _median(material, made)
    return [
        Row("analysis by chain length", "", _listed(lengths, "certificates")),
        Row("analysis by names in the SAN", "", _listed(names, "names")),
    ]


def _lengthened(material: Material, length: int, number: int) -> Record:
    issuer, between = material.issuing, [material.issuing]
    for depth in range(length - 2):
        issuer = issuer.intermediate(f"CA {depth} of {length}", key=material.issuing.key)
        between.insert(0, issuer)
    name = f"host{number}.{length}.corp.example"
    leaf = issuer.leaf(name, key=material.issuing.key)
    return Record(name, (leaf.der, *(ca.der for ca in between)), (), name)


def _named(material: Material, count: int, number: int) -> Record:
    name = f"host{number}.{count}.corp.example"
    names = [*(f"other{other}.{name}" for other in range(count - 1)), name]
    leaf = material.issuing.leaf(name, key=material.issuing.key, names=names)
    return Record(name, (leaf.der, material.issuing.der), (), name)


def _median(material: Material, made: Sequence[Record]) -> float:
    return statistics.median(asyncio.run(_analysed(material, made))[len(made) // 2 :])


def _listed(found: Mapping[int, float], noun: str) -> str:
    return "; ".join(f"{count:,} {noun}: {milliseconds(took)}" for count, took in found.items())


async def _analysed(material: Material, made: Iterable[Record]) -> list[float]:
    times = []
    lookup = Lookup(Settings(company_roots=material.roots, aia=False))
    for record in made:
        chain = tuple(map(Certificate.from_der, record.chain))
        target = parse_target(f"{record.host}:443")
        started = time.process_time()
        await lookup.answer(Question(target, chain=("chain.pem", chain)))
        times.append(time.process_time() - started)
    return times


def _timed(
    judge: Callable[[str], bool], asked: Iterable[Record], clock: Clock
) -> tuple[float, list[bool]]:
    lines = [json.dumps(record.to_json()) for record in asked]
    started = clock()
    found = [judge(line) for line in lines]
    return clock() - started, found


def _rate(name: str, rates: Sequence[float], count: int, accepted: int) -> Row:
    details = (
        f"{min(rates):,.0f} to {max(rates):,.0f} in {len(rates)} rounds; {count:,} records, "
        f"{accepted:,} accepted"
    )
    if name.startswith(_JAVA):
        details += "; through JPype, which costs it some of that"
    return Row(name, f"{statistics.median(rates):,.0f}/s", details)


def _clock_of(java: JavaOracle) -> Clock:
    """The processor time of the JVM's process in seconds, all threads, as proc(5) has it."""
    stat, ticks = Path(f"/proc/{java.process_id}/stat"), os.sysconf("SC_CLK_TCK")

    def clock() -> float:
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    return clock


def _signatures(asked: Iterable[Record]) -> list[tuple[PublicKey, Certificate]]:
    """What must be verified: every certificate with the key of each that bears its issuer's name."""
    pairs: dict[tuple[PublicKey, Certificate], None] = {}
    for record in asked:
        given = []
        for encoded in (*record.chain, *record.installed):
            with suppress(FormatError):
                given.append(Certificate.from_der(encoded))
        for issued, issuer in itertools.product(given[: len(record.chain)], given):
            if issued.issuer == issuer.subject and issued != issuer and issuer.public_key.loaded:
                pairs[issuer.public_key, issued] = None
    return list(pairs)


def _predicted(line: str) -> bool:
    return answer(line.encode()).accepted is True


def _trusted(line: str) -> bool:
    """Without the limits of a connection, which the trust manager does not see."""
    return answer(line.encode(), partial(predict, connected=False)).accepted is True


def _verified(line: str) -> bool:
    record = json.loads(line)
    read = [x509.load_pem_x509_certificate(pem.encode()) for pem in record["chain"]]
    roots = [x509.load_pem_x509_certificate(pem.encode()) for pem in record["installed"]]
    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(datetime.now(UTC))
        .build_server_verifier(x509.DNSName(record["host"]))
    )
    try:
        verifier.verify(read[0], read[1:])
    except VerificationError:
        return False
    return True
