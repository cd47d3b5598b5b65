"""Predictions per second, beside the real judge and beside another library's verifier; and the
analysis of one chain. Each is warm: it has answered as many other questions before."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from bot.lookup import Lookup, Question
from bot.pki.certificate import Certificate
from bot.prediction_records import answer
from bot.probe.target import parse_target
from bot.settings import Settings
from tests.conformance.oracle import JavaOracle
from tests.conformance.records import Record
from tools.bench.material import Material, records
from tools.bench.table import Row, milliseconds

_COUNT: Final = 500
_CHAINS: Final = 100


def predictions(material: Material) -> list[Row]:
    """One JSON record in, one verdict out, for each of the three; all must agree."""
    warming, measured = records(material, _COUNT, 0), records(material, _COUNT, _COUNT)
    with JavaOracle(25) as java:
        judges: dict[str, Callable[[str], bool]] = {
            "whichroot predict, Java 25": lambda line: answer(line.encode()).accepted is True,
            "Java 25 checkServerTrusted": lambda line: java.judge_line(line).accepted,
            "cryptography's verifier": _verified,
        }
        rows, verdicts = [], []
        for name, judge in judges.items():
            _timed(judge, warming)
            seconds, found = _timed(judge, measured)
            verdicts.append(found)
            details = f"{len(found):,} records, {sum(found):,} accepted"
            if name.startswith("Java"):
                details += "; through JPype, which costs it some of that"
            rows.append(Row(name, f"{len(found) / seconds:,.0f}/s", details))
    if any(found != verdicts[0] for found in verdicts):
        raise RuntimeError("the judges do not agree: the run is void")
    return rows


def analysis(material: Material) -> Row:
    """From a chain to the advice for four Java versions and the findings, one chain after another."""
    made = records(material, 2 * _CHAINS, 10 * _COUNT)
    times = asyncio.run(_analysed(material, made))[_CHAINS:]
    return Row(
        "analysis of one chain",
        milliseconds(statistics.median(times)),
        f"{milliseconds(min(times))} to {milliseconds(max(times))} in {len(times)} chains; every "
        "option, four Java versions, findings",
    )


async def _analysed(material: Material, made: Iterable[Record]) -> list[float]:
    times = []
    async with Lookup(Settings(company_roots=material.roots, aia=False)) as lookup:
        for record in made:
            chain = tuple(map(Certificate.from_der, record.chain))
            target = parse_target(f"{record.host}:443")
            report = await lookup.answer(Question(target, chain=("chain.pem", chain)))
            times.append(report.timings_ms["analysis"] / 1000)
    return times


def _timed(judge: Callable[[str], bool], asked: Iterable[Record]) -> tuple[float, list[bool]]:
    lines = [json.dumps(record.to_json()) for record in asked]
    started = time.perf_counter()
    found = [judge(line) for line in lines]
    return time.perf_counter() - started, found


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
