"""Whole processes: what a person waits for."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.authority import rsa_key
from tools.bench.material import ADDRESSES, HOST, Material
from tools.bench.peers import Peer, completing, fetching, scanning
from tools.bench.server import Server, serving, serving_files
from tools.bench.table import Row, milliseconds

_ROUNDS: Final = 11
_LINES: Final = (1, 10, 100, 1_000, 10_000)
#: So many are held beside the peers.
_COMPARED: Final = 1_000
#: sslyze takes its time: so many hosts tell its rate.
_SCANNED: Final = 100
_S_TIME_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class _Spent:
    """Seconds on the clock and of the processor, the largest memory in MiB, and the output."""

    wall: float
    cpu: float
    memory: float
    output: str


def one_host(material: Material, port: int) -> list[Row]:
    """``whichroot check`` of one host beside those that fetch certificates, taken in turns."""
    address = f"127.0.0.1:{port}"
    return _beside(
        Peer(
            "whichroot check, one host",
            (
                *(sys.executable, "-m", "bot", "check", f"{HOST}:{port}"),
                *("--connect", address),
            ),
            "VALIDATED",
        ),
        [
            *fetching(port),
            Peer("python -c pass, for comparison", (sys.executable, "-c", "pass"), ""),
        ],
        _environment(material),
    )


def incomplete_chain(material: Material, folder: Path) -> list[Row]:
    """``whichroot check`` of a server that leaves its intermediate out, beside those that complete
    a chain by AIA. Each run downloads it: what is kept is thrown away."""
    published, kept = folder / "published", folder / "kept"
    published.mkdir()
    (published / "issuing.cer").write_bytes(material.issuing.der)
    root = material.roots / "root.pem"
    with serving_files(published) as web:
        leaf = material.issuing.leaf(
            HOST,
            key=rsa_key(2048, 3),
            names=[HOST, "127.0.0.1"],
            ca_issuers=[f"http://127.0.0.1:{web}/issuing.cer"],
        )
        alone = folder / "leaf.pem"
        alone.write_bytes(leaf.pem)
        with serving(alone, material.key) as server:
            address = f"127.0.0.1:{server.port}"
            return _beside(
                Peer(
                    "whichroot check, intermediate by AIA",
                    (
                        *(sys.executable, "-m", "bot", "check", f"{HOST}:{server.port}"),
                        *("--connect", address),
                    ),
                    "VALIDATED",
                ),
                completing(server.port, alone, root),
                {**_environment(material), "WHICHROOT_CACHE_DIR": str(kept)},
                before=lambda: shutil.rmtree(kept, ignore_errors=True),
            )


def many_hosts(material: Material, server: Server, folder: Path) -> list[Row]:
    """``whichroot check --file`` of ever more lines, which name 20 addresses of one server, beside
    the handshakes alone (``openssl s_time``) and a scanner of many."""
    hosts = folder / "hosts.txt"
    lines = [f"{ip}:{server.port}\n" for ip in ADDRESSES] * (max(_LINES) // len(ADDRESSES))
    rows, rates = [], {}
    for count in _LINES:
        hosts.write_text("".join(lines[:count]))
        row, rates[count] = _checked(material, server, hosts, count)
        rows.append(row)
    ours = rates[_COMPARED]
    before = server.processor_seconds()
    spent = _run(
        [
            *("openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-new"),
            *("-time", str(_S_TIME_SECONDS)),
        ],
        os.environ,
    )
    busy = (server.processor_seconds() - before) / spent.wall
    told = re.search(r"^(\d+) connections in \d+ real seconds", spent.output, re.MULTILINE)
    if told is None:
        raise RuntimeError("openssl s_time told no rate: the run is void")
    handshakes = int(told[1]) / spent.wall
    rows.append(
        Row(
            "  openssl s_time -new, handshakes alone",
            f"{handshakes:,.0f}/s",
            f"whichroot has {ours / handshakes:.0%} of it; the server was busy for {busy:.0%}",
        )
    )
    hosts.write_text("".join(lines[:_SCANNED]))
    peer = scanning(hosts)
    if not peer.present:
        return [*rows, _absent(peer)]
    spent = _run(peer.command, os.environ)
    _prove(peer, spent)
    theirs = _SCANNED / spent.wall
    return [
        *rows,
        Row(f"  {peer.name}", f"{theirs:,.0f}/s", f"whichroot has {ours / theirs:.1f} × of it"),
    ]


def _checked(material: Material, server: Server, hosts: Path, count: int) -> tuple[Row, float]:
    """One run over the file, and its hosts a second."""
    command = [sys.executable, "-m", "bot", "check", "--file", str(hosts)]
    before = server.processor_seconds()
    spent = _run(command, _environment(material))
    busy = (server.processor_seconds() - before) / spent.wall
    validated = spent.output.count('"verdict": "validated"')
    if validated != count:
        raise RuntimeError(f"only {validated} of {count} hosts were validated: the run is void")
    details = (
        f"{spent.wall:.2f} s, processor {spent.cpu:.2f} s, at most {spent.memory:.0f} MiB; "
        f"all validated; the server was busy for {busy:.0%} of the time"
    )
    rate = count / spent.wall
    lines = "line" if count == 1 else "lines"
    return Row(f"whichroot check --file, {count:,} {lines}", f"{rate:,.0f}/s", details), rate


def _beside(
    ours: Peer,
    peers: Sequence[Peer],
    environment: Mapping[str, str],
    before: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Ours and the peers that are installed, one after the other, round by round; ``before`` is
    called ahead of each run."""
    present = [ours, *(peer for peer in peers if peer.present)]
    spent: dict[str, list[_Spent]] = {peer.name: [] for peer in present}
    for number in range(_ROUNDS + 1):
        for peer in present:
            before()
            found = _run(peer.command, environment)
            _prove(peer, found)
            # The first round fills the caches of the file system and of Python.
            if number:
                spent[peer.name].append(found)
    medians = {
        name: statistics.median(found.wall for found in each) for name, each in spent.items()
    }
    rows = []
    for peer in [ours, *peers]:
        if not peer.present:
            rows.append(_absent(peer))
            continue
        walls = [found.wall for found in spent[peer.name]]
        details = (
            f"{milliseconds(min(walls))} to {milliseconds(max(walls))} in {len(walls)} runs; "
            f"processor {milliseconds(statistics.median(each.cpu for each in spent[peer.name]))}"
        )
        if peer is not ours:
            details += f"; whichroot takes {medians[ours.name] / medians[peer.name]:.2f} ×"
        name = peer.name if peer is ours else f"  {peer.name}"
        rows.append(Row(name, milliseconds(medians[peer.name]), details))
    return rows


def _absent(peer: Peer) -> Row:
    return Row(f"  {peer.name}", "absent", "not installed here")


def _prove(peer: Peer, spent: _Spent) -> None:
    if peer.proof not in spent.output:
        raise RuntimeError(f"{peer.name} did not do its work: no {peer.proof!r} in its output")


def _environment(material: Material) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if "WHICHROOT_" not in name}
    # An installed program has its byte code on disk.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **kept,
        "WHICHROOT_EGRESS_ALLOW": "127.0.0.0/8",
        "WHICHROOT_COMPANY_ROOTS": str(material.roots),
    }


def _run(command: Sequence[str], environment: Mapping[str, str]) -> _Spent:
    """Runs it to its end. Raises RuntimeError unless it succeeds."""
    with tempfile.TemporaryFile() as written:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        written.seek(0)
        output = written.read().decode(errors="replace")
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {process.returncode}")
    return _Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)
