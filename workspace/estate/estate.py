"""The servers of the demonstration, and what each shows."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from workspace.estate import authority
from workspace.estate.authority import Issued
from workspace.estate.servers import (
    Conversations,
    Script,
    directory,
    server_context,
    start_tls,
    website,
)

CORP: Final = "Corp Example AG"
CLOUD: Final = "Cloud Example Inc"
PARTNER: Final = "Partner Example GmbH"

_NETWORKS: Final = range(83, 120)
"""The estate lives in one of 127.83.0.0/24, 127.84.0.0/24 and so on: the first that is free."""


@dataclass(frozen=True, slots=True)
class Place:
    """One server to try.

    ``name`` and ``port``: where it is; ``address``: what the name stands for; ``protocol``: how TLS
    begins there, ``tls`` or ``ldap`` (StartTLS); ``line``: what to type; ``shows``: what one sees,
    in a sentence; ``chain``: what it serves, DER, leaf first.
    """

    name: str
    address: str
    port: int
    protocol: str
    line: str
    shows: str
    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A place before it listens: its usual port, and what it serves."""

    name: str
    port: int
    shows: str
    chain: Sequence[Issued]
    protocol: str = "tls"
    client_authority: Issued | None = None

    def script(self) -> Script:
        return directory if self.port == 3269 else website({"/": b"It works.\n"}, "text/plain")


class Estate:
    """The estate; an asynchronous context manager. It listens on loopback addresses alone.

    ``hosts``: every name and the address that it stands for; ``places``: the servers to try, the
    main one first; ``roots``: a file name and the PEM of each root that the company vouches for.

    ``networks`` are the second octets to try; with none of them to be had, as on systems with one
    loopback address, every server is on 127.0.0.1 at a port of its own. Entering raises `OSError`
    when there is no free port at all.
    """

    def __init__(self, networks: Sequence[int] = _NETWORKS) -> None:
        self._networks = networks
        self.hosts: Mapping[str, str] = {}
        self.places: Sequence[Place] = ()
        self.roots: Mapping[str, bytes] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def write_roots(self, folder: Path) -> None:
        """Writes the roots that the company vouches for into ``folder``, which exists."""
        for name, pem in self.roots.items():
            (folder / name).write_bytes(pem)

    async def _open(self, stack: AsyncExitStack) -> None:
        listeners = _Listeners(self._networks)
        stack.callback(listeners.close)
        downloads = listeners.open("pki.corp.example", 8080)
        folder = f"http://pki.corp.example:{downloads.getsockname()[1]}/CertEnroll/"
        plans, roots, downloadable = _plans(folder)
        self.roots = roots
        pages = {urlsplit(issued.where).path: issued.der for issued in downloadable}
        await _serve(stack, downloads, website(pages, "application/pkix-cert"), None)
        places = []
        for plan in plans:
            listener = listeners.open(plan.name, plan.port)
            context = server_context(plan.chain, plan.client_authority)
            if plan.protocol == "ldap":
                await _serve(stack, listener, start_tls(context), None)
            else:
                await _serve(stack, listener, plan.script(), context)
            address, port = listener.getsockname()
            scheme = "ldap://" if plan.protocol == "ldap" else ""
            places.append(
                Place(
                    plan.name,
                    address,
                    port,
                    plan.protocol,
                    f"/cert {scheme}{plan.name}:{port}",
                    plan.shows,
                    tuple(issued.der for issued in plan.chain),
                )
            )
        self.places = tuple(places)
        self.hosts = {**listeners.hosts}


async def _serve(
    stack: AsyncExitStack, listener: socket.socket, script: Script, context: ssl.SSLContext | None
) -> None:
    conversations = Conversations(script)
    server = await asyncio.start_server(conversations.hold, sock=listener, ssl=context)
    stack.push_async_callback(conversations.end)
    stack.callback(server.close)


class _Listeners:
    """Listening sockets, each name on an address of its own at its usual port; where the system has
    but one loopback address, all on that one at ports that are free."""

    def __init__(self, networks: Sequence[int]) -> None:
        self.hosts: dict[str, str] = {}
        self._networks = networks
        self._sockets: list[socket.socket] = []
        self._network: int | None = None

    def open(self, name: str, port: int) -> socket.socket:
        if not self.hosts:
            listener = self._first(port)
        elif self._network is None:
            listener = _listen("127.0.0.1", 0)
        else:
            listener = _listen(f"127.{self._network}.0.{len(self.hosts) + 1}", port)
        self._sockets.append(listener)
        self.hosts[name] = listener.getsockname()[0]
        return listener

    def _first(self, port: int) -> socket.socket:
        for network in self._networks:
            try:
                listener = _listen(f"127.{network}.0.1", port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                break
            self._network = network
            return listener
        return _listen("127.0.0.1", 0)

    def close(self) -> None:
        for listener in self._sockets:
            listener.close()


def _listen(address: str, port: int) -> socket.socket:
    return socket.create_server((address, port))


def _plans(folder: str) -> tuple[Sequence[_Plan], Mapping[str, bytes], Sequence[Issued]]:
    """The places, the roots that are vouched for, and what may be downloaded."""
    corp_root = authority.root("Corp Example Root CA G2", CORP)
    issuing = corp_root.authority("Corp Example Issuing CA 3", CORP, folder)
    silent = corp_root.authority("Corp Example Web CA 1", CORP)
    production = corp_root.authority("Corp Example Production Issuing CA", CORP)
    test_root = authority.root("Corp Example Test Root CA", CORP)
    test_issuing = test_root.authority("Corp Example Test Issuing CA", CORP)
    cloud_root = authority.root("Cloud Example Global Root R1", CLOUD)
    cloud_middle = cloud_root.authority("Cloud Example TLS Services 2026", CLOUD)
    cloud = cloud_middle.authority("Cloud Example Issuing CA E5", CLOUD)
    partner_root = authority.root("Partner Example Internal Root", PARTNER)

    directory_server = issuing.server("dc01.corp.example", CORP, also=("corp.example",))
    plans = (
        _Plan(
            "dc01.corp.example",
            3269,
            "A directory server: the company's private root, with the intermediate sent along.",
            (directory_server, issuing),
        ),
        _Plan(
            "ldap.corp.example",
            3268,
            "The same company's directory by LDAP with StartTLS.",
            (issuing.server("ldap.corp.example", CORP), issuing),
            protocol="ldap",
        ),
        _Plan(
            "crm.cloud.example",
            8443,
            "A cloud service: two intermediates below a root that everybody knows.",
            (
                cloud.server("crm.cloud.example", CLOUD, also=("*.cloud.example",)),
                cloud,
                cloud_middle,
            ),
        ),
        _Plan(
            "erp.partner.example",
            8443,
            "A partner's server sends its own root, for which nobody vouches.",
            (partner_root.server("erp.partner.example", PARTNER), partner_root),
        ),
        _Plan(
            "hr.corp.example",
            8443,
            "The intermediate is missing and can be downloaded (AIA).",
            (issuing.server("hr.corp.example", CORP),),
        ),
        _Plan(
            "wiki.corp.example",
            8443,
            "The intermediate is missing and nothing says where it is.",
            (silent.server("wiki.corp.example", CORP),),
        ),
        _Plan(
            "portal.corp.example",
            8443,
            "The server's certificate has expired.",
            (
                issuing.server("portal.corp.example", CORP, starts_in_days=-400, days=365),
                issuing,
            ),
        ),
        _Plan(
            "payroll.corp.example",
            8443,
            "The server's certificate is not valid yet.",
            (issuing.server("payroll.corp.example", CORP, starts_in_days=7), issuing),
        ),
        _Plan(
            "erp-prod.corp.example",
            8443,
            "A production system with the test system's certificate.",
            (
                test_issuing.server("erp-test.corp.example", CORP, also=("erp-prod.corp.example",)),
                test_issuing,
            ),
        ),
        _Plan(
            "erp-test.corp.example",
            8443,
            "A test system with the production system's certificate.",
            (
                production.server("erp-prod.corp.example", CORP, also=("erp-test.corp.example",)),
                production,
            ),
        ),
        _Plan(
            "api.corp.example",
            8443,
            "The server asks for a client certificate (mutual TLS).",
            (issuing.server("api.corp.example", CORP), issuing),
            client_authority=corp_root,
        ),
        _Plan(
            "printer.corp.example",
            8443,
            "A self-signed certificate.",
            (authority.self_signed("printer.corp.example", CORP),),
        ),
        _Plan(
            "intranet.corp.example",
            8443,
            "The certificate bears another server's name.",
            (issuing.server("legacy-web-07.corp.example", CORP), issuing),
        ),
    )
    roots = {
        "corp-root-g2.pem": corp_root.pem,
        "corp-test-root.pem": test_root.pem,
        # The real public roots sign no demonstration: this one stands in for them.
        "cloud-root-r1.pem": cloud_root.pem,
    }
    return plans, roots, (issuing,)
