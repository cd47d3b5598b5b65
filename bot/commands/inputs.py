"""What ``--connect``, ``--chain`` and ``--installed`` name."""

from __future__ import annotations

from typing import Final

from bot.commands import streams
from bot.errors import FormatError, TargetError
from bot.pki.certificate import Certificate
from bot.probe.presented import ConnectTo
from bot.probe.target import parse_target
from bot.settings import Settings
from bot.text import visible

#: A file of certificates, in octets.
_MAX_FILE: Final = 10 << 20


def connect_to(text: str | None) -> ConnectTo | None:
    """The address to connect to, and the port where one is given. Raises TargetError."""
    if text is None:
        return None
    try:
        target = parse_target(text)
    except TargetError as error:
        raise TargetError(f"--connect: {error.message}", error.remedy) from None
    return ConnectTo(target.host, target.port if target.port_given else None)


def certificates(option: str, name: str, settings: Settings) -> tuple[Certificate, ...]:
    """The certificates of a file, in its order. Raises FormatError, with ``option`` and the file's
    name, for one that cannot be used, and InputError for one that cannot be read."""
    # Imported here: the ordinary check reads no file.
    from bot.pki.formats import PasswordNeeded, read

    data = streams.read_input(name, _MAX_FILE)
    passwords = (settings.password,) if settings.password else ()
    try:
        reading = read(data, name=name, passwords=passwords)
        if reading.refusal:
            raise FormatError(reading.refusal)
    except FormatError as error:
        remedy = error.remedy
        if isinstance(error, PasswordNeeded):
            remedy = "Set WHICHROOT_PASSWORD to the keystore's password, or name a PEM file."
        raise FormatError(f"{option} {visible(name, 100)}: {error.message}", remedy) from None
    return tuple(found.certificate for found in reading.certificates)
