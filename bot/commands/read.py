"""``whichroot read``: what is in a certificate file, and PEM that Java reads."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from bot import settings as settings_module
from bot.commands import streams
from bot.errors import FormatError, WhichrootError
from bot.pki import pem
from bot.pki.certificate import Certificate
from bot.pki.formats import MAX_SIZE, PasswordNeeded, Reading, read, to_pem
from bot.records import record
from bot.report import CertificateSummary
from bot.report_building import summary_of
from bot.text import visible

#: How often a person is asked for a keystore's password.
_ATTEMPTS: Final = 3
_MAX_PASSWORD: Final = 4096


class ReadUsageError(WhichrootError):
    """The command line asks for what cannot be done."""


class _Model:
    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {"use_attribute_docstrings": True}


@record
class FoundCertificate(_Model):
    """A certificate of the file."""

    subject: str
    """The subject as RFC 4514 text; control characters are escaped."""
    issuer: str
    """The issuer as RFC 4514 text."""
    not_before: str
    """When it begins to be valid, ISO 8601 in UTC."""
    not_after: str
    """When it expires, ISO 8601 in UTC."""
    days_left: int
    """Whole days until it expires, negative once it has."""
    sha256: str
    """The fingerprint: SHA-256 of the DER in lower-case hexadecimal."""
    where: str
    """Where in the file it stood: a line, an alias, a file of an archive."""
    duplicate: bool
    """Whether an earlier certificate of the file has the same bytes."""
    ca: bool
    """Whether it is a CA's."""
    pem: str | None
    """The certificate as PEM that Java reads; null where the file holds a private key."""


@record
class FileRead(_Model):
    """One line of what `whichroot read --json` prints: one file."""

    file: str
    """Its name as it was given; `-` is standard input."""
    error: str | None
    """Why the file was not read, or is refused; null where it was read."""
    format: str | None
    """What the file is: `PEM`, `DER`, `PKCS#12` and so on; null where that was not found out."""
    certificates: tuple[FoundCertificate, ...]
    """In the order of the file, duplicates kept."""
    private_keys: tuple[str, ...]
    """Kinds and places of private keys; where there are any, the file is refused."""
    repairs: tuple[str, ...]
    """What was wrong with the form and was put right."""
    damaged: tuple[str, ...]
    """What could not be read."""
    notes: tuple[str, ...]
    """What else to know."""
    java: dict[str, str | None] | None
    """What each Java version makes of the file as it is: null where it reads the same
    certificates, else its message or what it reads instead; null altogether where the file was not
    read."""


@record
class _Outcome:
    """One file: what was read, and why it was not or is refused."""

    name: str
    reading: Reading | None
    error: str | None

    @property
    def is_complete(self) -> bool:
        return self.error is None and self.reading is not None and not self.reading.damaged


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: every file was read; 1: one was not, or not whole, or holds a private key. Raises
    WhichrootError for an output or a file of passwords that cannot be used."""
    if arguments.json_schema:
        print(json.dumps(_json_schema(), indent=2))
        return 0
    _check_usage(arguments)
    passwords = _passwords(arguments)
    outcomes = []
    for name in arguments.files:
        outcome = _read(name, passwords)
        outcomes.append(outcome)
        _show(outcome, arguments)
    if arguments.pem is not None:
        _write(arguments.pem, outcomes)
    return 0 if all(outcome.is_complete for outcome in outcomes) else 1


def _check_usage(arguments: argparse.Namespace) -> None:
    if not arguments.files:
        raise ReadUsageError(
            "Nothing can be read: there is no FILE.", "Write “whichroot read root.pem”."
        )
    if [*arguments.files, arguments.password_file].count("-") > 1:
        raise ReadUsageError("Standard input (-) can be read only once.", "Name a file.")
    if arguments.json and arguments.pem == "-":
        raise ReadUsageError(
            "--json and --pem - both write to standard output.",
            "Name a file for --pem; --json holds the PEM too.",
        )


def _passwords(arguments: argparse.Namespace) -> tuple[str, ...]:
    if arguments.password_file is not None:
        data = streams.read_input(arguments.password_file, _MAX_PASSWORD)
        first_line = data.decode("utf-8-sig", "replace").partition("\n")[0].rstrip("\r")
        return (first_line,) if first_line else ()
    password = settings_module.load().password
    return (password,) if password else ()


def _read(name: str, passwords: tuple[str, ...]) -> _Outcome:
    try:
        # Not Path.is_dir, which raises over a name that is too long.
        if name != "-" and os.path.isdir(name):  # noqa: PTH112
            raise FormatError(
                f"“{visible(name)}” is a folder.", "Name the files in it, as with FOLDER/*."
            )
        data = streams.read_input(name, MAX_SIZE)
        reading = _unlocked(name, data, passwords)
    except (FormatError, streams.InputError) as error:
        return _Outcome(name, None, str(error))
    except ValueError:  # a name that no file can have
        return _Outcome(name, None, f"“{visible(name)}” is no name of a file.")
    return _Outcome(name, reading, reading.refusal)


def _unlocked(name: str, data: bytes, passwords: Sequence[str]) -> Reading:
    """The reading, with a password that is asked for on a terminal only where one is needed."""
    shown = "" if name == "-" else name
    for _ in range(_ATTEMPTS):
        try:
            return read(data, name=shown, passwords=passwords)
        except PasswordNeeded:
            if name == "-" or not sys.stdin.isatty():
                raise
            # Imported here: a password is seldom asked for.
            from getpass import getpass

            passwords = (getpass(f"Password of {visible(name)}: "),)
    return read(data, name=shown, passwords=passwords)


def _write(name: str, outcomes: Sequence[_Outcome]) -> None:
    """Writes every certificate once, unless a file was not read or is refused."""
    if any(outcome.error for outcome in outcomes):
        print("No PEM was written, because not every file could be used.", file=sys.stderr)
        return
    found: dict[Certificate, None] = {
        each.certificate: None
        for outcome in outcomes
        if outcome.reading
        for each in outcome.reading.certificates
    }
    streams.write_output(name, to_pem(found))


def _show(outcome: _Outcome, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(asdict(_as_json(outcome))), flush=True)
        return
    # Standard output is for the PEM then.
    aside = outcome.error is not None or arguments.pem == "-"
    if arguments.pem != "-" or not outcome.is_complete:
        print("\n".join(_lines(outcome)), file=sys.stderr if aside else sys.stdout, flush=True)


def _as_json(outcome: _Outcome) -> FileRead:
    reading = outcome.reading
    if reading is None:
        return FileRead(outcome.name, outcome.error, None, (), (), (), (), (), None)
    at = datetime.now(UTC)
    return FileRead(
        file=outcome.name,
        error=outcome.error,
        format=reading.format,
        certificates=tuple(
            FoundCertificate(
                **_summary(summary_of(found.certificate, at)),
                where=found.where,
                duplicate=found.duplicate,
                ca=found.certificate.is_ca,
                # No PEM is made of a file that holds a private key.
                pem=None if outcome.error else pem.encoded(found.certificate.der),
            )
            for found in reading.certificates
        ),
        private_keys=reading.private_keys,
        repairs=reading.repairs,
        damaged=reading.damaged,
        notes=reading.notes,
        java={str(jdk): said for jdk, said in reading.java.items()},
    )


def _summary(found: CertificateSummary) -> dict[str, Any]:
    names = ("subject", "issuer", "not_before", "not_after", "days_left", "sha256")
    return {name: getattr(found, name) for name in names}


def _json_schema() -> dict[str, Any]:
    # Only this needs pydantic, which takes as long to import as the rest takes.
    from pydantic import TypeAdapter

    schema = TypeAdapter(FileRead).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _lines(outcome: _Outcome) -> Iterable[str]:
    name = "standard input" if outcome.name == "-" else visible(outcome.name)
    reading = outcome.reading
    if outcome.error:
        yield f"{name}: {outcome.error}"
    if reading is None:
        return
    if not outcome.error:
        yield f"{name}  ({reading.format})"
    at = datetime.now(UTC)
    for found in reading.certificates:
        yield from _certificate_lines(found.certificate, found.where, at)
    for title, sentences in (
        ("Put right", reading.repairs),
        ("Damaged", reading.damaged),
        ("Note", reading.notes),
    ):
        yield from (f"  {title}: {sentence}" for sentence in sentences)
    if not outcome.error:
        for jdk, said in reading.java.items():
            if said:
                yield f"  Java {jdk} would not read this file as it is: {said}"


def _certificate_lines(certificate: Certificate, where: str, at: datetime) -> Iterable[str]:
    days = summary_of(certificate, at).days_left
    kind = "CA" if certificate.is_ca else "not a CA"
    yield f"  {visible(certificate.subject.text, 400)}  [{where}]"
    yield f"    issued by  {visible(certificate.issuer.text, 400)}"
    yield f"    SHA-256    {certificate.fingerprint}"
    yield (
        f"    valid      {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
        f" ({days} days left), {kind}"
    )
