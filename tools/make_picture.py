"""Draws ``docs/check.svg``, the picture at the top of the README: ``make picture``.

A real run: a TLS server on loopback with a private CA, the program with that CA in its folder of
company roots, and what it prints to a terminal.
"""

from __future__ import annotations

import asyncio
import io
import re
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from bot.lookup import Lookup, Question
from bot.probe.egress import parse_networks
from bot.probe.presented import ConnectTo
from bot.probe.target import parse_target
from bot.rendering.terminal import render
from bot.settings import Settings
from tests.support.authority import make_root
from tests.support.servers import tls_server

PICTURE: Final = Path(__file__).parent.parent / "docs" / "check.svg"
HOST: Final = "dc01.corp.example"
_WIDTH: Final = 92


async def run(folder: Path) -> tuple[str, str]:
    """A command line, and what it prints with ANSI colours; ``folder`` is empty."""
    root = make_root("Example Corp Root CA")
    issuing = root.intermediate("Example Corp Issuing CA 2")
    (folder / "root.pem").write_bytes(root.pem)
    settings = Settings(egress_allow=parse_networks("127.0.0.0/8"), company_roots=folder, aia=False)
    async with tls_server([issuing.leaf(HOST), issuing]) as server:
        connect = ConnectTo(server.host, server.port)
        report = await Lookup(settings).answer(
            Question(parse_target(f"{HOST}:636"), connect=connect)
        )
    command = f"whichroot check {HOST}:636 --connect {server.address}"
    return command, render(report, width=_WIDTH, colour=True)


def drawn(command: str, text: str) -> str:
    """A terminal window that shows ``command`` and ``text``, as SVG without anything to download."""
    console = Console(
        width=_WIDTH, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text(f"$ {command}"), Text.from_ansi(text), sep="\n", highlight=False)
    svg = console.export_svg(title="whichroot", unique_id="check")
    # A page of a repository may not fetch fonts; the reader's own will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    """Writes the picture."""
    with tempfile.TemporaryDirectory() as folder:
        command, text = asyncio.run(run(Path(folder)))
    PICTURE.write_text(drawn(command, text), encoding="utf-8")


if __name__ == "__main__":
    main()
