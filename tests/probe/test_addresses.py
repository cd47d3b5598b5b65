"""Every address of a host is probed, all at once, and each answers for itself."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from bot.probe import openssl
from bot.probe.egress import Egress, parse_networks
from bot.probe.handshake import probe
from bot.probe.presented import ConnectTo, Presented
from bot.probe.target import parse_target
from tests.support.authority import Issued, make_root, rsa_key
from tests.support.probing import HOST, LIMITS, LOCAL, codes, ders, waiting
from tests.support.servers import Script, closing, raw_server, tls_server, until_closed

Chain = tuple[Issued, ...]
THREE = ("127.0.0.1", "127.0.0.2", "::1")


@pytest.fixture
async def resolves_to(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that the system's resolver gives for any name, each time it is asked."""
    addresses: list[str] = []

    async def answer(host: Any, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (ip, port, 0, 0))
            if ":" in ip
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))
            for ip in addresses
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
    return addresses


async def _ask(port: int, egress: Egress = LOCAL, **options: Any) -> tuple[Presented, ...]:
    return await probe(parse_target(f"{HOST}:{port}"), egress, limits=LIMITS, **options)


async def test_differing_chains_are_told_by_address(chain: Chain, resolves_to: list[str]) -> None:
    resolves_to += THREE
    other = make_root("Other Root").leaf(HOST, key=rsa_key(2048, 1))
    async with (
        tls_server(chain) as first,
        tls_server(chain[:1], host="127.0.0.2", port=first.port),
        tls_server([other], host="::1", port=first.port) as third,
    ):
        presented = await _ask(first.port)
    assert [one.address for one in presented] == list(THREE)
    assert [one.chain for one in presented] == [ders(chain), ders(chain[:1]), (other.der,)]
    assert third.server_names == [HOST.encode()]


async def test_all_addresses_are_asked_at_once(resolves_to: list[str]) -> None:
    """Each server answers only when all of them have been asked."""
    resolves_to += THREE
    asked = asyncio.Barrier(3)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        await asked.wait()
        writer.write(b"SSH-2.0-all\r\n")
        await reader.read()

    async with (
        raw_server(script) as first,
        raw_server(script, "127.0.0.2", first.port),
        raw_server(script, "::1", first.port),
    ):
        presented = await _ask(first.port)
    assert [codes(one) for one in presented] == [["plaintext"]] * 3


@pytest.mark.parametrize("bad", [closing, until_closed], ids=["closes", "is silent"])
async def test_a_bad_address_does_not_spoil_a_good_one(
    chain: Chain, resolves_to: list[str], bad: Script
) -> None:
    resolves_to += THREE[:2]
    async with tls_server(chain) as good, raw_server(bad, "127.0.0.2", good.port):
        target = parse_target(f"{HOST}:{good.port}")
        presented = await probe(target, LOCAL, limits=waiting(2))
    assert presented[0].chain == ders(chain)
    assert codes(presented[0]) == []
    assert presented[1].chain == ()
    assert presented[1].error is not None
    assert presented[1].error.severity == "error"


async def test_a_refused_address_beside_a_good_one_is_only_information(
    chain: Chain, resolves_to: list[str]
) -> None:
    resolves_to += ("169.254.169.254", "127.0.0.1")
    async with tls_server(chain) as server:
        presented = await _ask(server.port)
    by_address = {one.address: one for one in presented}
    assert by_address["127.0.0.1"].chain == ders(chain)
    denied = by_address["169.254.169.254"]
    assert codes(denied) == ["egress_denied"]
    assert denied.error is not None
    assert denied.error.severity == "info"


async def test_no_allowed_address_means_no_connection(resolves_to: list[str]) -> None:
    resolves_to += ("127.0.0.1", "::1")
    async with raw_server(closing) as server:
        presented = await _ask(server.port, Egress())
    assert [codes(one) for one in presented] == [["egress_denied"]] * 2
    assert all(one.error and one.error.severity == "error" for one in presented)
    assert server.connections == 0


async def test_a_name_is_resolved_once_whatever_is_answered_later(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second answer would lead elsewhere. TLS 1.0 takes a second connection."""
    asked = []

    async def answer(host: Any, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        ip = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
    egress = Egress(allow=parse_networks("127.0.0.1"))
    async with (
        raw_server(closing) as server,
        raw_server(closing, "127.0.0.2", server.port) as elsewhere,
    ):
        presented = await _ask(server.port, egress)
    assert asked == [HOST.encode()]
    assert codes(presented[0]) == ["handshake_closed"]
    assert server.connections == 3
    assert elsewhere.connections == 0


async def test_a_host_without_any_address(resolves_to: list[str]) -> None:
    presented = await _ask(443)
    assert [codes(one) for one in presented] == [["unresolvable"]]


async def test_no_more_addresses_than_allowed_and_that_is_told(
    chain: Chain, resolves_to: list[str]
) -> None:
    resolves_to += [f"127.0.0.{number}" for number in range(1, 6)]
    async with tls_server(chain) as server:
        presented = await _ask(server.port, replace(LOCAL, max_addresses=2))
    assert len(presented) == 2
    assert "addresses_left_out" in codes(presented[0])


async def test_connecting_elsewhere_uses_one_address_and_keeps_the_name(
    chain: Chain, resolves_to: list[str]
) -> None:
    resolves_to += THREE
    async with tls_server(chain) as server:
        presented = await probe(
            parse_target("corp.example.test:636"),
            LOCAL,
            connect=ConnectTo("dc01.corp.example.test", server.port),
            limits=LIMITS,
        )
    assert [one.address for one in presented] == ["127.0.0.1"]
    assert presented[0].port == server.port
    assert server.server_names == [b"corp.example.test"]


async def test_an_ipv6_address(chain: Chain) -> None:
    async with tls_server(chain, host="::1") as server:
        (presented,) = await probe(parse_target(f"[::1]:{server.port}"), LOCAL, limits=LIMITS)
    assert presented.address == "::1"
    assert presented.chain == ders(chain)
    assert server.server_names == [None]


async def test_time_is_bounded_in_all(resolves_to: list[str]) -> None:
    resolves_to += THREE[:2]
    limits = replace(LIMITS, total_seconds=1)
    started = time.monotonic()
    async with (
        raw_server(until_closed) as server,
        raw_server(until_closed, "127.0.0.2", server.port),
    ):
        presented = await probe(parse_target(f"{HOST}:{server.port}"), LOCAL, limits=limits)
    assert time.monotonic() - started < 30
    assert [codes(one)[-1] for one in presented] == ["handshake_timeout"] * 2


async def test_a_probe_that_is_cancelled_leaves_nothing_behind() -> None:
    is_asked, is_left = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_asked.set()
        await reader.read()
        is_left.set()

    async with raw_server(script) as server:
        asking = asyncio.create_task(_ask(server.port, connect=ConnectTo("127.0.0.1")))
        await is_asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(is_left.wait(), 120)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert openssl.open_clients == {}
