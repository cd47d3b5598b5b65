"""What the command line of ``whichroot check`` says of every host."""

from __future__ import annotations

import argparse
from typing import Final

from bot.commands import inputs
from bot.errors import TargetError
from bot.lookup import Question
from bot.probe.protocols import Protocol
from bot.probe.target import parse_target
from bot.settings import Settings
from bot.text import visible

#: Files that are named in place of a server; none of these is a top-level domain.
_CERTIFICATE_FILES: Final = (
    *(".pem", ".crt", ".cer", ".cert", ".der", ".p7b", ".p7c", ".spc"),
    *(".p12", ".pfx", ".jks", ".keystore", ".txt", ".csv", ".log"),
)


class Asking:
    """What the command line says of every host."""

    def __init__(self, arguments: argparse.Namespace, settings: Settings) -> None:
        self.arguments = arguments
        self.settings = settings
        self.protocol = Protocol(arguments.protocol) if arguments.protocol else None
        self.connect = inputs.connect_to(arguments.connect)
        self.chain = (
            None
            if arguments.chain is None
            else (arguments.chain, inputs.certificates("--chain", arguments.chain, settings))
        )
        self.installed = tuple(
            certificate
            for name in arguments.installed
            for certificate in inputs.certificates("--installed", name, settings)
        )

    def question(self, text: str) -> Question:
        """About the server that ``text`` names. Raises TargetError."""
        _refuse_file(text)
        return Question(
            parse_target(text, self.protocol),
            connect=self.connect,
            chain=self.chain,
            installed=self.installed,
            at=self.arguments.at,
            offline=self.arguments.offline,
        )


def _refuse_file(text: str) -> None:
    """Raises TargetError for a file's name in place of a server's."""
    if text.strip() == "-":
        raise TargetError(
            "“-” is no server.",
            "To read servers from standard input write “whichroot check --file -”.",
        )
    if not text.lower().endswith(_CERTIFICATE_FILES) or "://" in text:
        return
    name = visible(text, 100)
    raise TargetError(
        f"“{name}” is the name of a file, not of a server.",
        f"For a file of certificates write “whichroot read {name}”, or “whichroot check HOST --chain "
        f"{name}”; for a file of hosts “whichroot check --file {name}”.",
    )
