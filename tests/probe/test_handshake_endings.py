"""How a handshake may end, and what is kept of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.probe.egress import Egress, parse_networks
from bot.probe.handshake import probe
from bot.probe.presented import ClientCertificate, ConnectTo
from bot.probe.target import parse_target
from tests.support.authority import Issued, make_root
from tests.support.probing import LIMITS, LOCAL, ask, codes, ders, waiting
from tests.support.servers import (
    Script,
    Server,
    alert,
    answering,
    breaking,
    closing,
    leaving,
    message,
    raw_server,
    record,
    recorded_flight,
    resetting,
    saying,
    server_context,
    tls_server,
    until_closed,
)

Chain = tuple[Issued, ...]
CLIENT_CAS = [make_root("Client CA One"), make_root("Client CA Two")]
NAMES = ("CN=Client CA One", "CN=Client CA Two")


class TestClientCertificate:
    @pytest.mark.parametrize(
        ("version", "java"),
        [("TLSv1.2", "handshake_failure"), ("TLSv1.3", "certificate_required")],
    )
    async def test_a_demand_is_told_with_the_cas_and_the_chain_is_kept(
        self, chain: Chain, version: str, java: str
    ) -> None:
        context = server_context(chain, versions=[version], client_cas=CLIENT_CAS)
        async with tls_server(context) as server:
            presented = await ask(server)
        assert presented.chain == ders(chain)
        assert presented.client_certificate == ClientCertificate(True, NAMES)
        assert codes(presented) == ["client_certificate_required"]
        assert presented.error is not None
        assert presented.error.java == f"Received fatal alert: {java}"
        assert "truststore" in presented.error.remedy

    @pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
    async def test_a_wish_is_told_and_no_fault(self, chain: Chain, version: str) -> None:
        context = server_context(
            chain, versions=[version], client_cas=CLIENT_CAS, demands_certificate=False
        )
        async with tls_server(context) as server:
            presented = await ask(server)
        assert presented.chain == ders(chain)
        assert presented.client_certificate == ClientCertificate(False, NAMES)
        assert codes(presented) == ["client_certificate_requested"]
        assert presented.findings[0].severity == "info"

    async def test_names_of_cas_are_shown_and_not_obeyed(self, chain: Chain) -> None:
        context = server_context(chain, client_cas=[make_root("Evil\u202e\nCA \x1b[31m")])
        async with tls_server(context) as server:
            presented = await ask(server)
        assert presented.client_certificate is not None
        (name,) = presented.client_certificate.authorities
        assert name.isprintable()

    async def test_what_cannot_be_read_as_a_name_is_shown_in_hexadecimal(
        self, chain: Chain
    ) -> None:
        names = b"\x00\x03abc"
        request = b"\x01\x01" + b"\x00\x02\x04\x01" + len(names).to_bytes(2, "big") + names
        flight = recorded_flight(ders(chain), after=message(13, request) + message(14, b""))
        async with raw_server(answering(flight, then=answering(alert(40)))) as server:
            presented = await ask(server)
        assert presented.client_certificate is not None
        assert presented.client_certificate.authorities == ("#616263",)


class TestAfterTheCertificate:
    @pytest.mark.parametrize(
        ("then", "code", "java"),
        [
            (leaving, "handshake_closed", "Remote host terminated the handshake"),
            (breaking, "handshake_reset", "Connection reset"),
            (saying(alert(80)), "alert_internal_error", "Received fatal alert: internal_error"),
            (saying(alert(40)), "handshake_failure", "Received fatal alert: handshake_failure"),
        ],
        ids=["closed", "reset", "internal error", "no common cipher"],
    )
    async def test_the_chain_is_kept(
        self, chain: Chain, then: Script, code: str, java: str
    ) -> None:
        async with raw_server(answering(recorded_flight(ders(chain)), then=then)) as server:
            presented = await ask(server)
        assert presented.chain == ders(chain)
        assert codes(presented) == [code]
        assert presented.error is not None
        assert presented.error.java == java

    async def test_a_worthless_key_exchange_costs_nothing(self, chain: Chain) -> None:
        """As in the recording of a real site whose key nobody has."""
        exchange = message(12, b"\x03\x00\x1d\x20" + bytes(32) + b"\x08\x04\x00\x04abcd")
        flight = recorded_flight(ders(chain), after=exchange + message(14, b""))
        async with raw_server(answering(flight)) as server:
            presented = await ask(server)
        assert presented.chain == ders(chain)
        assert codes(presented) == ["handshake_broken"]
        assert "after its certificate" in (presented.error.message if presented.error else "")

    async def test_silence_is_waited_for_no_longer_than_allowed(self, chain: Chain) -> None:
        async with raw_server(answering(recorded_flight(ders(chain)))) as server:
            presented = await ask(server, limits=waiting(1))
        assert presented.chain == ders(chain)
        assert codes(presented) == ["handshake_timeout"]
        assert "after its certificate" in (presented.error.message if presented.error else "")

    @pytest.mark.parametrize(
        ("version", "code"),
        [("TLSv1.2", "handshake_timeout"), ("TLSv1.3", "client_certificate_requested")],
    )
    async def test_a_stalled_finished(self, chain: Chain, version: str, code: str) -> None:
        """The server's own flight is complete, and its last words never come."""
        context = server_context(chain, versions=[version], client_cas=CLIENT_CAS)

        async with tls_server(context) as behind, raw_server(_first_flight_only(behind)) as server:
            presented = await ask(server, limits=waiting(2))
        assert presented.chain == ders(chain)
        assert presented.client_certificate == ClientCertificate(None, NAMES)
        assert code in codes(presented)

    async def test_a_certificate_that_cannot_be_read_is_kept(self, chain: Chain) -> None:
        leaf = ders(chain)[0]
        broken = leaf[:40] + bytes(40) + leaf[80:]
        async with raw_server(answering(recorded_flight([broken, ders(chain)[1]]))) as server:
            presented = await ask(server)
        assert presented.chain == (broken, ders(chain)[1])
        assert codes(presented) == ["certificate_unreadable"]

    async def test_an_empty_chain(self) -> None:
        async with raw_server(answering(recorded_flight([]))) as server:
            presented = await ask(server)
        assert presented.chain == ()
        assert codes(presented) == ["no_certificate"]


def _first_flight_only(behind: Server) -> Script:
    """Hands the client's first words to the server ``behind``, and gives back its answer to these."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await _answer(behind, await reader.read(65536)))
        await reader.read()

    return script


async def _answer(server: Server, words: bytes) -> bytes:
    """What ``server`` says to ``words`` before it falls silent."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    answer = b""
    writer.write(words)
    with contextlib.suppress(TimeoutError):
        while data := await asyncio.wait_for(reader.read(65536), 0.3 if answer else 60):
            answer += data
    writer.close()
    await writer.wait_closed()
    return answer


class TestNoTls:
    @pytest.mark.parametrize(
        ("said", "speaks", "remedy"),
        [
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP", "443 for HTTPS"),
            (b"HTTP/1.0 302 Found\r\nLocation: https://x/\r\n\r\n", "HTTP", "443 for HTTPS"),
            (b"220 mail.example.test ESMTP Postfix\r\n", "SMTP", "smtp://server.example.test"),
            (b"220-FileZilla FTP Server\r\n220 ready\r\n", "FTP", "ftp://server.example.test"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH", "TLS port"),
            (b"* OK IMAP4rev1 ready\r\n", "IMAP", "imap://server.example.test"),
            (b"+OK POP3 ready\r\n", "POP3", "pop3://server.example.test"),
            (
                bytes.fromhex("300c02010061070a010204000400"),
                "LDAP",
                "ldap://server.example.test",
            ),
            (b"RFB 003.008\n", "VNC", "TLS port"),
            (b"<stream:error/>", "XMPP", "xmpp://server.example.test"),
        ],
        ids=["400", "302", "SMTP", "FTP", "SSH", "IMAP", "POP3", "LDAP", "VNC", "XMPP"],
    )
    @pytest.mark.parametrize("how", [answering, saying], ids=["asked", "at once"])
    async def test_plaintext_is_named(
        self, said: bytes, speaks: str, remedy: str, how: Callable[..., Script]
    ) -> None:
        async with raw_server(how(said, then=closing)) as server:
            presented = await ask(server)
        assert presented.chain == ()
        assert presented.tls is None
        assert codes(presented) == ["plaintext"]
        assert presented.error is not None
        assert f"does not speak TLS but {speaks}" in presented.error.message
        assert remedy in presented.error.remedy
        assert presented.error.java == "Unsupported or unrecognized SSL message"

    async def test_what_nobody_knows_is_shown_as_bytes(self) -> None:
        async with raw_server(answering(b"\x00\x01\x02garbage\xff")) as server:
            presented = await ask(server)
        assert codes(presented) == ["plaintext"]
        assert "00 01 02 67" in (presented.error.message if presented.error else "")

    async def test_a_banner_is_shown_and_not_obeyed(self) -> None:
        async with raw_server(saying("220 \u202e<!channel>*x*\u0007 ok\r\n".encode())) as server:
            presented = await ask(server)
        assert presented.error is not None
        assert presented.error.message.isprintable()

    async def test_closed_at_once(self) -> None:
        async with raw_server(closing) as server:
            presented = await ask(server, "server.example.test:10389", port=server.port)
        assert codes(presented) == ["handshake_closed"]
        assert presented.error is not None
        assert presented.error.java == "Remote host terminated the handshake"
        assert "ldap://server.example.test:10389" in presented.error.remedy

    @pytest.mark.parametrize("port", [636, 3269])
    async def test_closed_at_once_by_a_domain_controller(self, port: int) -> None:
        async with raw_server(closing) as server:
            presented = await ask(server, f"dc01.corp.example:{port}", port=server.port)
        assert codes(presented) == ["handshake_closed"]
        assert "domain controller" in (presented.error.remedy if presented.error else "")

    async def test_closed_at_once_on_the_port_of_plain_ldap(self) -> None:
        async with raw_server(closing) as server:
            presented = await ask(server, "https://dc01.corp.example:389", port=server.port)
        assert "ldap://dc01.corp.example:389" in (presented.error.remedy if presented.error else "")

    async def test_closed_before_anything_was_said(self) -> None:
        async with raw_server(leaving) as server:
            presented = await ask(server)
        assert codes(presented)[0] in ("handshake_closed", "handshake_reset")

    async def test_reset(self) -> None:
        async with raw_server(resetting) as server:
            presented = await ask(server)
        assert codes(presented) == ["handshake_reset"]
        assert presented.error is not None
        assert presented.error.java == "Connection reset"

    async def test_silence(self) -> None:
        async with raw_server(until_closed) as server:
            presented = await ask(server, limits=waiting(0.2))
        assert codes(presented) == ["handshake_timeout"]
        assert presented.error is not None
        assert "does not answer a ClientHello" in presented.error.message
        assert presented.error.java == "Read timed out"

    async def test_a_large_hello_that_is_not_answered(self, chain: Chain) -> None:
        """Old firewalls drop a hello of more than one packet."""
        context = server_context(chain, versions=["TLSv1.2"])

        async with tls_server(context) as behind:

            async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                hello = await reader.read(65536)
                if len(hello) < 1400:
                    writer.write(await _answer(behind, hello))
                await reader.read()

            async with raw_server(script) as server:
                presented = await ask(server, limits=waiting(2))
        assert presented.chain == ders(chain)
        assert "large_hello_refused" in codes(presented)


class TestAlerts:
    @pytest.mark.parametrize(
        ("number", "code", "connections"),
        [
            (112, "unrecognized_name", 1),
            (40, "handshake_failure", 2),
            (70, "protocol_version", 2),
            (80, "alert_internal_error", 2),
            (71, "insufficient_security", 2),
            (49, "alert_access_denied", 2),
            (211, "alert_unknown", 2),
        ],
    )
    async def test_an_alert_is_told_by_its_name(
        self, number: int, code: str, connections: int
    ) -> None:
        async with raw_server(answering(alert(number), then=leaving)) as server:
            presented = await ask(server)
        assert presented.chain == ()
        assert codes(presented) == [code]
        assert presented.error is not None
        words = "Unknown alert description (-45)" if number == 211 else "Received fatal alert: "
        assert words in (presented.error.java or "")
        assert server.connections == connections

    async def test_a_warning_about_the_name_does_not_hide_the_chain(self, chain: Chain) -> None:
        warning = alert(112, level=1)
        async with raw_server(
            answering(warning + recorded_flight(ders(chain)), then=leaving)
        ) as server:
            presented = await ask(server)
        assert presented.chain == ders(chain)
        assert "unrecognized_name" in codes(presented)

    async def test_an_alert_in_pieces_is_one(self) -> None:
        first, second = alert(40)[:3], alert(40)[3:]

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(4096)
            writer.write(first)
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(second)
            await reader.read()

        async with raw_server(script) as server:
            presented = await ask(server)
        assert codes(presented) == ["handshake_failure"]


class TestNoConnection:
    async def test_refused(self) -> None:
        presented = await ask(Server(_unused_port()))
        assert codes(presented) == ["connection_refused"]
        assert presented.error is not None
        assert presented.error.java == "Connection refused"
        assert presented.address == "127.0.0.1"

    async def test_filtered(self) -> None:
        """A listener whose queue is full drops the packets, as a firewall does."""
        with socket.socket() as full, contextlib.ExitStack() as stack:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(4):
                queued = stack.enter_context(socket.socket())
                queued.setblocking(False)
                queued.connect_ex(full.getsockname())
            limits = replace(LIMITS, connect_seconds=0.3)
            presented = await ask(Server(full.getsockname()[1]), limits=limits)
        assert codes(presented) == ["connect_timeout"]
        assert presented.error is not None
        assert presented.error.java == "Connect timed out"
        assert "firewall" in presented.error.message

    async def test_unresolvable(self) -> None:
        (presented,) = await probe(parse_target("dc01.corp.invalid:636"), LOCAL, limits=LIMITS)
        assert presented.address == ""
        assert codes(presented) == ["unresolvable"]
        assert presented.error is not None
        assert presented.error.java == "UnknownHostException: dc01.corp.invalid"
        assert "dc01.corp.invalid" in presented.error.message

    async def test_name_servers_that_do_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def never(*_: object, **__: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        egress = replace(LOCAL, resolve_seconds=0.05)
        (presented,) = await probe(parse_target("dc01.corp.example"), egress, limits=LIMITS)
        assert codes(presented) == ["resolve_timeout"]
        assert "VPN" in (presented.error.remedy if presented.error else "")

    async def test_without_a_route(self) -> None:
        """TCP has none to a multicast address."""
        egress = replace(LOCAL, allow=parse_networks("224.0.0.1"))
        (presented,) = await probe(parse_target("224.0.0.1:636"), egress, limits=LIMITS)
        assert codes(presented) == ["no_route"]
        assert presented.error is not None
        assert presented.error.java == "Network is unreachable"

    async def test_denied(self) -> None:
        (presented,) = await probe(parse_target("127.0.0.1:443"), Egress(), limits=LIMITS)
        assert codes(presented) == ["egress_denied"]
        assert presented.error is not None
        assert "a loopback address" in presented.error.message

    @pytest.mark.parametrize(
        ("rules", "text"),
        [
            (replace(LOCAL, deny_hosts=("*.example.test",)), "its name is denied"),
            (replace(LOCAL, allow_ports=(range(443, 444),)), "Port"),
        ],
        ids=["host", "port"],
    )
    async def test_denied_by_rule_before_any_connection(self, rules: Egress, text: str) -> None:
        async with raw_server(closing) as server:
            target = parse_target(f"server.example.test:{server.port}")
            connect = ConnectTo("server.example.test")
            (presented,) = await probe(target, rules, connect=connect, limits=LIMITS)
        assert codes(presented) == ["egress_denied"]
        assert text in (presented.error.message if presented.error else "")
        assert server.connections == 0


def _unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def test_records_of_other_kinds_are_no_handshake(chain: Chain) -> None:
    """Application data in place of a ServerHello."""
    async with raw_server(answering(record(23, bytes(40)), then=leaving)) as server:
        presented = await ask(server)
    assert presented.chain == ()
    assert presented.error is not None
