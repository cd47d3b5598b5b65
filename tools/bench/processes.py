"""Whole processes: what a person waits for."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.bench.material import ADDRESSES, HOST, Material
from tools.bench.table import Row, milliseconds

_ROUNDS: Final = 11
_LINES: Final = (1, 10, 100, 1_000, 10_000)
#: How long ``openssl s_time`` runs.
_SECONDS: Final = 5
#: Others that fetch and judge a chain, measured where they are installed.
_OTHERS: Final = {
    "sslyze": ["sslyze", "--certinfo", "127.0.0.1:{port}"],
    "cert-chain-resolver": ["cert-chain-resolver", "{chain}"],
}


@dataclass(frozen=True, slots=True)
class _Spent:
    """Seconds on the clock and of the processor, and the largest memory in MiB."""

    wall: float
    cpu: float
    memory: float


def one_host(material: Material, port: int) -> list[Row]:
    """``whichroot check`` of one host beside ``openssl s_client`` and others, taken in turns."""
    address = f"127.0.0.1:{port}"
    commands = {
        "whichroot check": [
            *(sys.executable, "-m", "bot", "check", f"{HOST}:{port}", "--connect", address)
        ],
        "openssl s_client": [
            *("openssl", "s_client", "-connect", address, "-servername", HOST, "-showcerts")
        ],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    rows = []
    for name, pattern in _OTHERS.items():
        if shutil.which(pattern[0]) is None:
            rows.append(Row(f"{name}, whole process", "absent: not installed here"))
        else:
            commands[name] = [part.format(port=port, chain=str(material.chain)) for part in pattern]
    environment = _environment(material)
    spent: dict[str, list[_Spent]] = {name: [] for name in commands}
    for number in range(_ROUNDS + 1):
        for name, command in commands.items():
            found = _run(command, environment)
            # The first round fills the caches of the file system and of Python.
            if number:
                spent[name].append(found)
    openssl = statistics.median(each.wall for each in spent["openssl s_client"])
    measured = []
    for name, each in spent.items():
        walls = [found.wall for found in each]
        cpu = statistics.median(found.cpu for found in each)
        median = statistics.median(walls)
        measured.append(
            Row(
                f"{name}, whole process",
                milliseconds(median),
                f"{milliseconds(min(walls))} to {milliseconds(max(walls))} in {len(walls)} runs; "
                f"processor {milliseconds(cpu)}; {median / openssl:.1f} × openssl",
            )
        )
    return measured + rows


def many_hosts(material: Material, port: int, folder: Path) -> list[Row]:
    """``whichroot check --file`` of 1 to 10,000 lines, which name 20 addresses of one server, beside
    the handshakes that ``openssl s_time`` gets from it."""
    handshakes = _handshakes(port)
    spent = {lines: _check_file(material, port, folder, lines) for lines in _LINES}
    rows = []
    for lines, found in spent.items():
        rate = lines / found.wall
        rows.append(
            Row(
                f"check --file, {lines:,} lines",
                f"{found.wall:.2f} s",
                f"{rate:,.0f} a second, {rate / handshakes:.0%} of s_time; processor "
                f"{found.cpu:.2f} s; at most {found.memory:.0f} MiB; all validated",
            )
        )
    return [Row("openssl s_time -new", f"{handshakes:,.0f}/s", "one after the other"), *rows]


def _handshakes(port: int) -> float:
    """Full handshakes a second on the clock, one connection after the other."""
    command = ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new"]
    started = time.perf_counter()
    told = subprocess.run(
        [*command, "-time", str(_SECONDS)], capture_output=True, text=True, check=True
    )
    elapsed = time.perf_counter() - started
    found = re.search(r"(\d+) connections in \d+ real seconds", told.stdout)
    if found is None:
        raise RuntimeError("openssl s_time says nothing of its connections")
    return int(found[1]) / elapsed


def _check_file(material: Material, port: int, folder: Path, lines: int) -> _Spent:
    hosts, reports = folder / "hosts.txt", folder / "reports.jsonl"
    named = itertools.islice(itertools.cycle(ADDRESSES), lines)
    hosts.write_text("".join(f"{address}:{port}\n" for address in named))
    command = [sys.executable, "-m", "bot", "check", "--file", str(hosts)]
    spent = _run(command, _environment(material), reports)
    with reports.open() as written:
        validated = sum('"verdict": "validated"' in line for line in written)
    if validated != lines:
        raise RuntimeError(f"only {validated} of {lines} hosts were validated: the run is void")
    return spent


def _environment(material: Material) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if "WHICHROOT_" not in name}
    # An installed program has its byte code on disk.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **kept,
        "WHICHROOT_EGRESS_ALLOW": "127.0.0.0/8",
        "WHICHROOT_COMPANY_ROOTS": str(material.roots),
    }


def _run(
    command: Sequence[str], environment: Mapping[str, str], output: Path | None = None
) -> _Spent:
    """Runs it to its end. Raises RuntimeError unless it succeeds."""
    with (output or Path(os.devnull)).open("wb") as written:
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
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {process.returncode}")
    return _Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
