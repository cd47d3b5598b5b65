"""A long list is shared among worker processes: the same answers, whatever becomes of a worker."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.authority import make_root
from tests.support.program import Terminal, started, whichroot
from tests.support.servers import Server, closing, raw_server, tls_server, until_closed

#: Far more than any of this takes, and below the program's own time-outs.
PATIENCE = 25.0


@asynccontextmanager
async def silent_server(connections: int) -> AsyncIterator[tuple[Server, asyncio.Event]]:
    """A server that says nothing, and what happens when so many have connected."""
    connected = asyncio.Event()

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.connections >= connections:
            connected.set()
        await until_closed(reader, writer)

    async with raw_server(noting) as server:
        yield server, connected


def workers_of(process: Process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children()


async def gone(workers: list[psutil.Process]) -> None:
    """Waits until none of ``workers`` runs any more."""
    async with asyncio.timeout(PATIENCE):
        while any(w.is_running() and w.status() != psutil.STATUS_ZOMBIE for w in workers):  # noqa: ASYNC110  they are no children of ours
            await asyncio.sleep(0.02)


async def test_workers_answer_every_line_as_one_process_does(tmp_path: Path) -> None:
    root = make_root()
    (tmp_path / "root.pem").write_bytes(root.pem)
    async with tls_server([root.leaf("127.0.0.1")]) as server:
        listed = [server.address] * 5 + ["not a host", "caf\u00e9.example:1\u2028x", "127.0.0.1:1"]
        (tmp_path / "hosts").write_text("\n".join(listed), encoding="utf-8")
        reports = []
        for jobs in ("1", "3"):
            run = await whichroot(
                *("check", "--jobs", jobs, "--file", str(tmp_path / "hosts")),
                WHICHROOT_COMPANY_ROOTS=str(tmp_path),
            )
            assert (run.code, run.errors) == (1, "")
            assert len(run.lines) == len(listed)
            reports.append(
                sorted(
                    json.dumps({**line, "at": "", "timings_ms": {}}, sort_keys=True)
                    for line in run.lines
                )
            )
        assert reports[0] == reports[1]
        (tmp_path / "hosts").write_text("\n".join(listed[:5]))
        run = await whichroot(
            *("check", "--jobs", "2", "--file", str(tmp_path / "hosts")),
            WHICHROOT_COMPANY_ROOTS=str(tmp_path),
        )
        assert run.code == 0


async def test_a_long_file_has_workers_by_itself(tmp_path: Path) -> None:
    if (psutil.Process().cpu_affinity() or [])[1:] == []:
        pytest.fail("this machine has one processor: nothing can be seen here")
    async with silent_server(1) as (server, connected):
        (tmp_path / "hosts").write_text(f"{server.address}\n" * 100)
        async with started("check", "--file", str(tmp_path / "hosts")) as process:
            await asyncio.wait_for(connected.wait(), PATIENCE)
            assert len(workers_of(process)) > 1
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), PATIENCE)


async def test_no_more_hosts_are_held_by_all_workers_than_was_said(tmp_path: Path) -> None:
    async with silent_server(3) as (server, connected):
        (tmp_path / "hosts").write_text(f"{server.address}\n" * 20)
        async with started(
            *("check", "--jobs", "2", "--concurrency", "3", "--file", str(tmp_path / "hosts")),
            WHICHROOT_HANDSHAKE_TIMEOUT="300",
            WHICHROOT_TOTAL_TIMEOUT="300",
        ):
            await asyncio.wait_for(connected.wait(), PATIENCE)
            # Time in which a fourth would have come.
            await asyncio.sleep(0.3)
            assert server.connections == 3


async def test_a_worker_that_is_killed_loses_nobody(tmp_path: Path) -> None:
    async with silent_server(2) as (silent, connected), raw_server(closing) as quick:
        listed = [silent.address] * 2 + [quick.address] * 6
        async with started(
            *("check", "--jobs", "2", "--concurrency", "2", "--file", "-"),
            WHICHROOT_HANDSHAKE_TIMEOUT="300",
            WHICHROOT_TOTAL_TIMEOUT="300",
        ) as process:
            assert process.stdin
            process.stdin.write("\n".join(listed).encode())
            process.stdin.close()
            await asyncio.wait_for(connected.wait(), PATIENCE)
            first, second = workers_of(process)
            first.kill()
            assert process.stdout
            line = json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE))
            assert line["target"]["port"] == silent.port
            assert line["verdict"] == "refused"
            assert "ended by signal 9" in line["summary"]
            second.kill()
            output = await asyncio.wait_for(process.stdout.read(), PATIENCE)
            lines = [json.loads(each) for each in output.splitlines()]
            assert len(lines) == 7
            assert {each["verdict"] for each in lines} == {"refused"}
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 1
            assert process.stderr
            assert await process.stderr.read() == b""


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)]
)
async def test_no_worker_is_left_when_the_run_is_ended(
    how: signal.Signals, code: int, tmp_path: Path
) -> None:
    async with silent_server(4) as (server, connected):
        (tmp_path / "hosts").write_text(f"{server.address}\n" * 10)
        async with started(
            *("check", "--jobs", "2", "--concurrency", "4", "--file", str(tmp_path / "hosts")),
            WHICHROOT_HANDSHAKE_TIMEOUT="300",
            WHICHROOT_TOTAL_TIMEOUT="300",
        ) as process:
            await asyncio.wait_for(connected.wait(), PATIENCE)
            workers = workers_of(process)
            assert len(workers) == 2
            process.send_signal(how)
            output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
            assert (process.returncode, output, errors) == (code, b"", b"")
            await gone(workers)


async def test_a_file_that_turns_out_to_hold_keys_ends_the_run_as_bad_usage() -> None:
    hosts = b"127.0.0.1:1\n" * 50 + b"-----BEGIN PRIVATE KEY-----\n"
    run = await whichroot(
        "check", "--jobs", "2", "--file", "-", stdin=hosts, WHICHROOT_EGRESS_ALLOW=""
    )
    assert run.code == 2
    assert "holds certificates or keys" in run.errors


async def test_a_reader_that_has_had_enough_ends_the_workers_too() -> None:
    async with started("check", "--jobs", "2", "--file", "-", WHICHROOT_EGRESS_ALLOW="") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"127.0.0.1:1\n")
        await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        workers = workers_of(process)
        # A stream reader has no public way to go away.
        process.stdout._transport.close()  # type: ignore[attr-defined]
        process.stdin.write(b"127.0.0.1:2\n" * 100)
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 1
        assert await process.stderr.read() == b""
        await gone(workers)


async def test_progress_counts_what_all_workers_do(tmp_path: Path) -> None:
    terminal = Terminal()
    (tmp_path / "hosts").write_bytes(b"127.0.0.1:1\n" * 7)
    try:
        async with started(
            *("check", "--jobs", "2", "--file", str(tmp_path / "hosts")),
            stderr=terminal.descriptor,
            WHICHROOT_EGRESS_ALLOW="",
        ) as process:
            output, _ = await process.communicate()
        assert len(output.splitlines()) == 7
        assert "7/7" in terminal.text
    finally:
        terminal.close()
