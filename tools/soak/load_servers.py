"""The TLS servers of the load, in a process of their own: ``python -m tools.soak.load_servers
FOLDER SECONDS`` listens on every loopback address, prints two ports as JSON, and serves until its
standard input ends. On the first port each name has the certificate that the folder holds for it, and
the handshake begins so many seconds late, as if it were far away; on the second connections are
accepted and never answered.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from tests.support.authority import make_root, rsa_key

_DOMAIN: Final = "load.example"
_BACKLOG: Final = 4096
_EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104  all of 127.0.0.0/8, while the load runs
_KEY: Final = "key.pem"


def server_name(number: int) -> str:
    """The name of the server with that number."""
    return f"host{number}.{_DOMAIN}"


def server_address(number: int) -> str:
    """Its address, another one for each."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def make_chains(folder: Path, count: int) -> Path:
    """Makes a certificate for each of ``count`` servers in ``folder``: RSA keys of 2,048 bits, issued
    by an intermediate. Gives the folder of the root that vouches for them."""
    root = make_root("Load Root CA", key=rsa_key(2048, 1))
    issuing = root.intermediate("Load Issuing CA", key=rsa_key(2048, 2))
    key = rsa_key(2048, 3)
    (folder / "chains").mkdir()
    for number in range(count):
        name = server_name(number)
        leaf = issuing.leaf(name, key=key)
        (folder / "chains" / f"{name}.pem").write_bytes(leaf.pem + issuing.pem)
    (folder / "chains" / _KEY).write_bytes(leaf.key_pem)
    roots = folder / "roots"
    roots.mkdir()
    (roots / "root.pem").write_bytes(root.pem)
    return roots


async def _serve(chains: Sequence[Path], distance: float) -> None:
    contexts = {path.stem: _context(path) for path in chains}
    first = next(iter(contexts.values()))

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = contexts.get(name or "", first)

    first.sni_callback = choose

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()
        writer.close()

    async def far_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # What was read by now would be lost to the handshake.
        transport = cast("asyncio.Transport", writer.transport)
        transport.pause_reading()
        with suppress(OSError):
            await asyncio.sleep(distance)
            await writer.start_tls(first)
        await until_closed(reader, writer)

    if distance:
        answering = await asyncio.start_server(far_away, _EVERY_ADDRESS, 0, backlog=_BACKLOG)
    else:
        answering = await asyncio.start_server(
            until_closed, _EVERY_ADDRESS, 0, ssl=first, backlog=_BACKLOG
        )
    stalled = await asyncio.start_server(until_closed, _EVERY_ADDRESS, 0, backlog=_BACKLOG)
    ports = [server.sockets[0].getsockname()[1] for server in (answering, stalled)]
    print(json.dumps({"answering": ports[0], "stalled": ports[1]}), flush=True)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    await asyncio.to_thread(sys.stdin.read)


def _context(chain: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, chain.with_name(_KEY))
    return context


def main(arguments: Sequence[str]) -> None:
    """Serves."""
    folder, distance = arguments
    asyncio.run(_serve(sorted((Path(folder) / "chains").glob("host*.pem")), float(distance)))


if __name__ == "__main__":
    main(sys.argv[1:])
