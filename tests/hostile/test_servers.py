"""Servers that mean harm, looked up as users do it: each lookup ends in time and in little memory,
and others are answered meanwhile.

What `tests.probe.test_hostile_servers` and `tests.probe.test_issuers` show of one probe and of one
download is shown here of whole lookups, over real sockets.
"""

from __future__ import annotations

import asyncio
import gzip
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from bot.lookup import Lookup, Question
from bot.probe.download_limits import DownloadError, DownloadLimits
from bot.probe.downloads import download
from bot.probe.egress import Egress, parse_networks
from bot.probe.handshake import probe
from bot.probe.presented import ConnectTo, Presented
from bot.probe.target import parse_target
from bot.probe.web import connecting
from bot.report import Report
from bot.settings import Settings
from tests.hostile.hostile_certificates import ABSURD, PUZZLES, authority, many_names, mesh
from tests.support import aia as pages
from tests.support.aia import AiaServer, aia_server, page
from tests.support.authority import make_root
from tests.support.probing import HOST, Listening
from tests.support.servers import (
    Script,
    answering,
    leaving,
    raw_server,
    recorded_flight,
    tls_server,
)

#: What all lookups of a test may take together: the settings below allow 8 seconds of waiting, and
#: a busy machine takes its time to analyse the largest certificates.
MAX_SECONDS: Final = 30.0
#: What it may add to the memory of the process at its peak, in bytes.
MAX_MEMORY: Final = 96 << 20
#: How long an ordinary lookup may take meanwhile, in seconds.
MAX_WAIT: Final = 5.0
#: How many lookups of the same hostile server run at the same time.
_AT_ONCE: Final = 2


#: The processor time of one hostile lookup, and of the ordinary ones beside it, in seconds.
MAX_PROCESSOR: Final = 8.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What an attack cost: seconds until all of it was over, processor time (this process's, in
    which the servers are too) and bytes; the longest that an ordinary lookup took meanwhile, and how
    many of them there were."""

    report: Report
    seconds: float
    processor: float
    memory: int
    wait: float
    ordinary: int


def _settings(folder: Path) -> Settings:
    return Settings(
        egress_allow=parse_networks("127.0.0.0/8, ::1"),
        cache_dir=folder,
        connect_timeout=2,
        handshake_timeout=2,
        total_timeout=4,
        aia_timeout=4,
    )


def _question(server: Listening) -> Question:
    return Question(parse_target(HOST), connect=ConnectTo(server.host, server.port))


async def attacked(folder: Path, server: Listening) -> Measured:
    """Looks the hostile ``server`` up several times at once, and an honest one again and again
    until that is done."""
    honest = authority().leaf(HOST)
    before = _peak_memory()
    lookup = Lookup(_settings(folder))
    async with tls_server([honest, authority()]) as other:
        await lookup.answer(_question(other))
        started, worked = time.monotonic(), time.process_time()
        attacks = [asyncio.create_task(lookup.answer(_question(server))) for _ in range(_AT_ONCE)]
        waits: list[float] = []
        while not all(attack.done() for attack in attacks) or not waits:
            begun = time.monotonic()
            answered = await lookup.answer(_question(other))
            waits.append(time.monotonic() - begun)
            assert answered.presented[0].certificates
            await asyncio.sleep(0.02)
        reports = [await attack for attack in attacks]
        seconds, processor = time.monotonic() - started, time.process_time() - worked
    memory = _peak_memory() - before
    return Measured(reports[0], seconds, processor, memory, max(waits), len(waits))


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _check(measured: Measured) -> None:
    assert measured.seconds < MAX_SECONDS
    assert measured.processor < MAX_PROCESSOR
    assert measured.memory < MAX_MEMORY
    assert measured.wait < MAX_WAIT
    report = measured.report
    assert report.verdict in ("not_found", "unreachable", "unproven")
    assert len(report.to_json()) < 8 << 20
    for finding in report.findings:
        assert finding.message.isprintable()
        assert len(finding.message) < 4000


@pytest.mark.parametrize("name", ABSURD)
async def test_an_absurd_certificate_is_told_of(name: str, tmp_path: Path) -> None:
    flight = recorded_flight([ABSURD[name](), authority().der])
    async with raw_server(answering(flight, then=leaving)) as server:
        measured = await attacked(tmp_path, server)
    _check(measured)
    assert measured.report.findings


@pytest.mark.parametrize("name", PUZZLES)
async def test_a_chain_that_is_a_puzzle_is_judged(name: str, tmp_path: Path) -> None:
    flight = recorded_flight(PUZZLES[name]())
    async with raw_server(answering(flight, then=leaving)) as server:
        _check(await attacked(tmp_path, server))


async def test_a_mesh_of_downloaded_authorities_is_climbed_once(tmp_path: Path) -> None:
    """Twenty CAs, each of them signed by each other one, in one file."""
    _, roots, crosses = mesh(20)
    bundle = pkcs7.serialize_certificates(
        [issued.certificate for issued in (*roots, *crosses)], Encoding.DER
    )
    async with aia_server() as aia:
        aia.pages["/all.p7c"] = page(bundle)
        leaf = roots[0].leaf(HOST, ca_issuers=[aia.url("/all.p7c")])
        async with tls_server([leaf]) as server:
            measured = await attacked(tmp_path, server)
        assert aia.requests == ["/all.p7c"]
    _check(measured)
    assert measured.report.verdict == "unproven"
    assert len(measured.report.paths) <= 12


async def _downloading(
    folder: Path, answer: Script, path: str = "/ca"
) -> tuple[Measured, AiaServer]:
    """A server whose certificate names an address that gives ``answer``."""
    async with aia_server() as aia:
        aia.pages["/ca"] = answer
        leaf = make_root("Elsewhere").leaf(HOST, ca_issuers=[aia.url(path)])
        async with tls_server([leaf]) as server:
            return await attacked(folder, server), aia


DOWNLOADS: Final[dict[str, Callable[[], Script]]] = {
    "a gzip bomb": lambda: pages.encoded(gzip.compress(bytes(50 << 20)), "gzip"),
    "an endless body": lambda: pages.endless(bytes(65536)),
    "an endless header": lambda: pages.endless(b"x" * 65536, b"X-Long: "),
    "a body that never ends": lambda: pages.silent(asyncio.Event()),
    "a redirect to metadata": lambda: pages.redirect("http://169.254.169.254/latest/meta-data/"),
    "a redirect to a file": lambda: pages.redirect("file:///etc/passwd"),
    "a redirect to itself": lambda: pages.redirect("/ca"),
    "100,000 names": lambda: page(many_names(100_000)),
    "a mebibyte of PEM rubbish": lambda: page(b"-----BEGIN CERTIFICATE-----\n" * 37_000),
    "a mebibyte of nesting": lambda: page(b"\x30\x80" * (1 << 19)),
}


@pytest.mark.parametrize("name", DOWNLOADS)
async def test_a_hostile_download_is_given_up(name: str, tmp_path: Path) -> None:
    measured, aia = await _downloading(tmp_path, DOWNLOADS[name]())
    _check(measured)
    assert any(finding.code.startswith("aia_") for finding in measured.report.findings)
    assert len(aia.requests) <= 4


async def test_an_aia_loop_ends(tmp_path: Path) -> None:
    """Each issuer names the next one, in a circle of keys that sign each other."""
    async with aia_server() as aia:
        keys = [make_root(f"Loop {number}") for number in range(3)]
        for number, subject in enumerate(keys):
            issuer = keys[(number + 1) % 3]
            url = aia.url(f"/{(number + 1) % 3}")
            crossed = issuer.intermediate(f"Loop {number}", key=subject.key, ca_issuers=[url])
            aia.pages[f"/{number}"] = page(crossed.der)
        leaf = keys[0].leaf(HOST, ca_issuers=[aia.url("/0")])
        async with tls_server([leaf]) as server:
            measured = await attacked(tmp_path, server)
        assert sorted(aia.requests) == ["/0", "/1", "/2"]
    _check(measured)
    assert measured.report.recommended is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://169.254.169.254/latest/meta-data/", "aia_denied"),
        ("http://[fd00:ec2::254]/latest/meta-data/", "aia_denied"),
        ("http://[::ffff:169.254.169.254]/", "aia_denied"),
        ("http://2852039166/", "aia_denied"),
        ("http://0xa9fea9fe/", "aia_denied"),
        ("file:///etc/passwd", "aia_scheme"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "aia_scheme"),
    ],
)
async def test_an_address_of_an_issuer_that_leads_inwards_is_refused(
    url: str, code: str, tmp_path: Path
) -> None:
    leaf = make_root("Elsewhere").leaf(HOST, ca_issuers=[url])
    async with tls_server([leaf]) as server:
        report = await Lookup(_settings(tmp_path)).answer(_question(server))
    assert code in [finding.code for finding in report.findings]


class TurningLoop(asyncio.SelectorEventLoop):
    """An event loop whose name service says a public address first, and then inward ones."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.connected: list[object] = []

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        self.asked.append(host.decode() if isinstance(host, bytes) else str(host))
        address = "192.0.2.1" if self.asked.count(self.asked[-1]) == 1 else "127.0.0.1"
        return [(2, 1, 6, "", (address, port))]

    async def sock_connect(self, sock: Any, address: Any) -> None:
        self.connected.append(address[0])
        raise ConnectionRefusedError


def _on_turning_loop(work: Callable[[], Awaitable[object]]) -> TurningLoop:
    loop = TurningLoop()

    async def run() -> None:
        await work()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())
    return loop


def test_a_name_that_turns_inward_after_the_check_is_not_followed() -> None:
    """DNS rebinding: what was judged is what is connected to."""
    answers: list[tuple[Presented, ...]] = []

    async def work() -> None:
        answers.append(await probe(parse_target("turning.example.test"), Egress()))

    loop = _on_turning_loop(work)
    assert loop.asked == ["turning.example.test"]
    assert set(loop.connected) == {"192.0.2.1"}
    assert answers[0][0].error is not None


def test_a_download_from_a_name_that_turns_inward_is_not_made() -> None:
    async def work() -> None:
        url = "http://turning.example.test/"
        with pytest.raises(DownloadError, match="cannot be reached"):
            await download(connecting(Egress()), url, DownloadLimits())
        with pytest.raises(DownloadError, match="loopback"):
            await download(connecting(Egress()), url, DownloadLimits())

    loop = _on_turning_loop(work)
    assert loop.asked == ["turning.example.test"] * 2
    assert loop.connected == ["192.0.2.1"]
