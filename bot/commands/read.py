"""``whichroot read``: what is in a certificate file, and PEM that Java reads."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bot import report, report_building
from bot import settings as settings_module
from bot.commands import streams
from bot.errors import FormatError
from bot.pki import pem
from bot.pki.formats import PasswordNeeded, Reading, read
from bot.text import visible

_MAX_FILE: Final = 10 << 20


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One file: what was read, or why it was not."""

    name: str
    reading: Reading | None
    error: str | None


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: every file was read; 1: not, or one holds a private key. Raises WhichrootError for
    files that cannot be opened."""
    passwords = _passwords(arguments)
    outcomes = [_read(name, passwords) for name in arguments.files]
    to_output = arguments.pem == "-"
    for outcome in outcomes:
        if arguments.json:
            print(json.dumps(_as_json(outcome)))
        elif not to_output or outcome.error:
            print(_as_text(outcome), file=sys.stderr if outcome.error else sys.stdout)
    refused = any(outcome.error for outcome in outcomes)
    if arguments.pem and not refused:
        found = {
            each.certificate: None
            for outcome in outcomes
            if outcome.reading
            for each in outcome.reading.certificates
        }
        streams.write_output(arguments.pem, "".join(pem.encoded(c.der) for c in found))
    return 1 if refused else 0


def _passwords(arguments: argparse.Namespace) -> tuple[str, ...]:
    if arguments.password_file:
        text = streams.read_input(arguments.password_file, 4096).decode("utf-8", "replace")
        return (text.splitlines()[0],) if text else ()
    password = settings_module.load().password
    return (password,) if password else ()


def _read(name: str, passwords: tuple[str, ...]) -> _Outcome:
    data = streams.read_input(name, _MAX_FILE)
    try:
        try:
            reading = read(data, name=name, passwords=passwords)
        except PasswordNeeded:
            if not sys.stdin.isatty():
                raise
            reading = read(data, name=name, passwords=(getpass.getpass("Password: "),))
    except FormatError as error:
        return _Outcome(name, None, str(error))
    return _Outcome(name, reading, reading.refusal)


def _as_json(outcome: _Outcome) -> dict[str, object]:
    reading = outcome.reading
    at = datetime.now(UTC)
    certificates = [
        {
            **_summary(report_building.summary_of(found.certificate, at)),
            "where": found.where,
            "ca": found.certificate.is_ca,
            # No PEM is made of a file that holds a private key.
            "pem": None if outcome.error else pem.encoded(found.certificate.der),
        }
        for found in (reading.certificates if reading else ())
    ]
    return {
        "file": outcome.name,
        "error": outcome.error,
        "format": reading.format if reading else None,
        "certificates": certificates,
        "private_keys": list(reading.private_keys) if reading else [],
        "repairs": list(reading.repairs) if reading else [],
        "damaged": list(reading.damaged) if reading else [],
        "notes": list(reading.notes) if reading else [],
        "java": {str(jdk): said for jdk, said in reading.java.items()} if reading else None,
    }


def _summary(found: report.CertificateSummary) -> dict[str, object]:
    return {
        "subject": found.subject,
        "issuer": found.issuer,
        "not_before": found.not_before,
        "not_after": found.not_after,
        "days_left": found.days_left,
        "sha256": found.sha256,
    }


def _as_text(outcome: _Outcome) -> str:
    lines = [f"{visible(outcome.name)}: {outcome.error or ''}".rstrip(": ")]
    reading = outcome.reading
    if reading is None:
        return lines[0]
    lines[0] += f"  ({reading.format})"
    now = datetime.now(UTC)
    for found in reading.certificates:
        certificate = found.certificate
        days = report_building.summary_of(certificate, now).days_left
        kind = "CA" if certificate.is_ca else "not a CA"
        lines += [
            f"  {certificate.subject.text}  [{found.where}]",
            f"    issued by  {certificate.issuer.text}",
            f"    SHA-256    {certificate.fingerprint}",
            f"    valid      {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
            f" ({days} days left), {kind}",
        ]
    for title, sentences in (
        ("Put right", reading.repairs),
        ("Damaged", reading.damaged),
        ("Note", reading.notes),
    ):
        lines += [f"  {title}: {sentence}" for sentence in sentences]
    refusing = {jdk: said for jdk, said in reading.java.items() if said}
    lines += [
        f"  Java {jdk} would not read this file as it is: {said}" for jdk, said in refusing.items()
    ]
    return "\n".join(lines)
