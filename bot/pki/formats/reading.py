"""The result of reading a file, and how it grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from bot.errors import FormatError
from bot.pki.certificate import Certificate
from bot.pki.formats.pbe import Budget
from bot.pki.formats.repairs import Repair
from bot.records import record

#: How many certificates one file may hold.
MAX_CERTIFICATES = 1_000
#: How many notes of one kind are kept; a damaged file could give one for every line.
_MAX_NOTES = 50


class PasswordNeeded(FormatError):
    """A container is locked: no password was given, or none that opens it.

    ``tried`` says whether passwords were given.
    """

    def __init__(self, message: str, remedy: str, *, tried: bool) -> None:
        super().__init__(message, remedy)
        self.tried = tried


@record
class ReadCertificate:
    """A certificate and where in the file it stood, such as ``line 12`` or ``alias "root"``.

    ``duplicate`` says that an earlier one of the same file has the same bytes.
    """

    certificate: Certificate
    where: str
    duplicate: bool = False


@record
class Reading:
    """What a file holds.

    ``certificates`` in the order of the file, duplicates kept. ``private_keys`` name the kinds and
    places of private keys: if there are any, the file is refused as a whole, ``refusal`` says so,
    and the certificates are listed for information only; no PEM may be made of them. ``repairs``
    say what was wrong with the form and was put right; ``damaged`` what could not be read;
    ``notes`` what else a person should know. ``format`` names what the file is.

    ``java`` tells for each JDK what ``CertificateFactory.generateCertificates`` makes of exactly
    these bytes: None when it reads the same certificates, else its message or what it reads instead.
    """

    certificates: tuple[ReadCertificate, ...]
    private_keys: tuple[str, ...]
    repairs: tuple[str, ...]
    damaged: tuple[str, ...]
    notes: tuple[str, ...]
    format: str
    java: Mapping[int, str | None]

    @property
    def refusal(self) -> str | None:
        """Why the file is refused and what to do now; None when it is not."""
        if not self.private_keys:
            return None
        found = ", ".join(self.private_keys)
        return (
            f"The file holds a private key ({found}) and is refused. A private key never leaves the "
            "server it belongs to: if this file was sent to anyone, or put where others can read it, "
            "consider the key exposed and have the certificate reissued with a new key. Then export "
            "the certificate alone, without its private key."
        )


@record(frozen=False)
class Findings:
    """A reading while it grows. ``others`` are sentences on what was found instead of certificates."""

    budget: Budget = field(default_factory=Budget)
    certificates: list[ReadCertificate] = field(default_factory=list)
    private_keys: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    others: list[FormatError] = field(default_factory=list)
    locked: list[PasswordNeeded] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)

    def add_certificate(self, encoded: bytes, where: str) -> bool:
        """Whether ``encoded`` is a certificate; if not, that is noted as damage."""
        try:
            certificate = Certificate.from_der(encoded)
        except FormatError as error:
            self.add_damage(f"The certificate ({where}) cannot be read: {error.message}")
            return False
        if len(self.certificates) == MAX_CERTIFICATES:
            raise FormatError(
                f"The file holds more than {MAX_CERTIFICATES:,} certificates.",
                "Send only the certificates that belong to this server.",
            )
        duplicate = encoded in self._seen
        self._seen.add(encoded)
        self.certificates.append(ReadCertificate(certificate, where, duplicate))
        return True

    def add_private_key(self, name: str) -> None:
        _keep(self.private_keys, name)

    def add_repairs(self, repairs: Sequence[Repair]) -> None:
        for repair in repairs:
            _keep(self.repairs, repair.value)

    def add_damage(self, sentence: str) -> None:
        _keep(self.damaged, sentence)

    def add_note(self, sentence: str) -> None:
        _keep(self.notes, sentence)

    def add_format(self, name: str) -> None:
        _keep(self.formats, name)

    def add_other(self, message: str, remedy: str) -> None:
        if len(self.others) < _MAX_NOTES:
            self.others.append(FormatError(message, remedy))

    def finish(self, java: Mapping[int, str | None]) -> Reading:
        """The reading; raises FormatError or PasswordNeeded when there is nothing to show."""
        if not self.certificates and not self.private_keys:
            raise self._failure()
        notes = [*self.notes, *(other.message for other in (*self.others, *self.locked))]
        return Reading(
            tuple(self.certificates),
            tuple(self.private_keys),
            tuple(self.repairs),
            tuple(self.damaged),
            tuple(dict.fromkeys(notes)),
            " + ".join(self.formats),
            java,
        )

    def _failure(self) -> FormatError:
        if self.locked:
            return self.locked[0]
        if self.damaged:
            return FormatError(
                self.damaged[0],
                "Export the certificate again as Base64 PEM and attach it as a file, so that nothing "
                "changes it on the way.",
            )
        if self.others:
            return self.others[0]
        return FormatError(
            "The file holds no certificate.", "Export the certificate as Base64 PEM and try again."
        )


def _keep(sentences: list[str], sentence: str) -> None:
    if sentence not in sentences and len(sentences) < _MAX_NOTES:
        sentences.append(sentence)
