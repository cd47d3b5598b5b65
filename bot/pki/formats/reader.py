"""Any file a person may have → the certificates in it."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from bot.errors import FormatError
from bot.pki.der import DerError
from bot.pki.formats import archive, ber, foreign, java_factory, jks, pkcs7, pkcs12, sst
from bot.pki.formats.blobs import Blob, cut_off, declared_size
from bot.pki.formats.contents import Contents
from bot.pki.formats.kinds import Kind, recognise
from bot.pki.formats.pbe import UnsupportedEncryption
from bot.pki.formats.pem import private_key_name
from bot.pki.formats.reading import Findings, PasswordNeeded, Reading
from bot.pki.formats.repairs import Repair
from bot.pki.formats.text import extract, key_traces
from bot.text import visible

#: How large a file may be, in bytes.
MAX_SIZE = 10 << 20
_MAX_PASSWORDS = 20
#: A file, an archive in it, a file in that, and PEM that was Base64-encoded once more.
_MAX_DEPTH = 3
_TRUSTED = "TRUSTEDCERTIFICATE"
_MAX_ARCHIVES = 2
_SST = "serialized certificate store"
_STORES = (("JKS", jks.JKS_MAGIC), ("JCEKS", jks.JCEKS_MAGIC), (_SST, sst.MAGIC))
_ALONE = "Export the certificates alone as Base64 PEM."
_SEND_ALONE = "Unpack it and send the certificate file itself."
_AGAIN = "Export the certificate again as Base64 PEM."
_UNSEARCHED = "The text is so long that only its beginning was searched for damaged certificates."
_NOT_JUDGED = "not judged, because the file holds a private key"
_FILLING = b"\0 \t\r\n"


def read(data: bytes, *, name: str = "", passwords: Sequence[str] = ()) -> Reading:
    """Everything that the file ``data`` holds; ``name`` is its name, for messages only.

    ``passwords`` are tried on PKCS#12 keystores, after none, the empty one and Java's common
    "changeit". A file with a private key gives a Reading with ``private_keys``: the caller must
    refuse it. Raises PasswordNeeded when a container stays locked, FormatError when there is
    nothing to show; nothing else, whatever the bytes.
    """
    if len(data) > MAX_SIZE:
        raise FormatError(
            f"The file is {len(data):,} bytes long; more than {MAX_SIZE:,} are not read.",
            "A certificate has a few thousand bytes: send only the certificates.",
        )
    reader = _Reader(visible(name, 80), tuple(passwords)[:_MAX_PASSWORDS])
    reader.read_bytes(data, "", 0)
    if reader.found.private_keys:
        # Java's messages quote the file.
        return reader.found.finish(MappingProxyType(dict.fromkeys(java_factory.JDKS, _NOT_JUDGED)))
    certificates = [read.certificate.der for read in reader.found.certificates]
    return reader.found.finish(java_factory.compare(data, certificates))


class _Reader:
    """Reads a file, and the files inside it, into one set of findings.

    A ``place`` says where something stands: ``root.cer``, ``line 3``, ``root.cer, certificate 2``;
    it is empty for the file itself.
    """

    def __init__(self, name: str, passwords: Sequence[str]) -> None:
        self._name = name
        self._passwords = passwords
        self._unpacked = 0
        self.found = Findings()

    def read_bytes(self, data: bytes, place: str, depth: int) -> None:
        """One file: the given one, or one inside it."""
        keys = len(self.found.private_keys)
        if not data.strip(_FILLING):
            remedy = "Attach the file with the certificate itself."
            self._add_other(place, foreign.Foreign("is empty", remedy))
        elif data.startswith(archive.MAGICS):
            self._read_archive(data, place, depth)
        elif store := next((name for name, magic in _STORES if data.startswith(magic)), None):
            self._read_container(store, data, place)
        elif key := foreign.binary_private_key(data):
            self.found.add_private_key(_joined(key, place))
        elif known := foreign.binary(data):
            self._add_other(place, known)
        elif _is_der(data):
            self._read_elements(data, place, None)
        else:
            self._read_text(data, place, depth)
        if len(self.found.private_keys) == keys:
            for key in key_traces(data):
                self.found.add_private_key(_joined(key, place))

    def _read_archive(self, data: bytes, place: str, depth: int) -> None:
        if depth >= _MAX_ARCHIVES:
            self.found.add_note(
                f"{self._subject(place)} lies too deep in archives and was not read."
            )
            return
        try:
            packed = archive.unpack(data, archive.MAX_UNPACKED - self._unpacked)
        except archive.ArchiveError as error:
            self._add_other(place, foreign.Foreign(f"is a zip archive that {error}", _SEND_ALONE))
            return
        if packed.is_office:
            self._add_other(place, foreign.OFFICE)
            return
        self.found.add_format("zip")
        self._unpacked += sum(len(content) for _, content in packed.members)
        for name in packed.encrypted:
            what = f"lies encrypted in the archive ({visible(name, 80)})"
            self._add_other(place, foreign.Foreign(f"holds what {what}", _SEND_ALONE))
        for name in packed.damaged:
            inner = _joined(place, visible(name, 80))
            self.found.add_damage(f"{self._subject(inner)} in the archive is damaged.")
        for name, content in packed.members:
            self.read_bytes(content, _joined(place, visible(name, 80)), depth + 1)

    def _read_text(self, data: bytes, place: str, depth: int) -> None:
        before = self._count()
        text = extract(data)
        if not text.complete:
            self.found.add_note(_UNSEARCHED)
        for number, blob in enumerate(text.blobs, 1):
            spot = f"line {blob.line}" if blob.line else f"block {number}"
            if self._read_blob(blob, _joined(place, spot), depth):
                self.found.add_repairs([*text.repairs, *blob.repairs])
        for key in text.keys:
            if not any(known.startswith(key) for known in self.found.private_keys):
                self.found.add_private_key(_joined(key, place))
        if self._count() == before:
            known = foreign.text(text.plain)
            self._add_other(place, known if text.complete else foreign.TOO_LONG)
        for note in foreign.text_notes(text.plain, len(self.found.certificates)):
            self.found.add_note(note)

    def _read_blob(self, blob: Blob, place: str, depth: int) -> bool:
        """Whether certificates were found in the blob."""
        before = len(self.found.certificates)
        if "PRIVATEKEY" in blob.label:
            self.found.add_private_key(_joined(private_key_name(blob.label), place))
        elif blob.problem:
            if foreign.may_hold_certificates(blob.label):
                self.found.add_damage(f"{_the('The block', place)} {blob.problem}.")
        elif Repair.BASE64_TWICE in blob.repairs and depth < _MAX_DEPTH:
            self.read_bytes(blob.data, place, depth + 1)
        else:
            self._read_elements(blob.data, place, blob)
        return len(self.found.certificates) > before

    def _read_elements(self, data: bytes, place: str, blob: Blob | None) -> None:
        """The elements of DER that ``data`` holds, one after the other."""
        position = number = 0
        while position < len(data):
            try:
                end = ber.read(data, position, len(data))[3]
            except DerError:
                break
            spot = _joined(place, f"certificate {number + 1}") if number else place
            if not self._read_element(data[position:end], spot, blob):
                break
            position, number = end, number + 1
        if number > 1 and blob:
            self.found.add_repairs([Repair.SEVERAL_IN_BLOCK])
        rest = data[position:]
        if rest.strip(_FILLING):
            self._judge_rest(rest, place, blob, follows=number > 0)

    def _judge_rest(self, rest: bytes, place: str, blob: Blob | None, *, follows: bool) -> None:
        """What is left: after the last element that was read, or the whole when none was."""
        shortage = cut_off(rest)
        if follows and blob and blob.label == _TRUSTED:
            self.found.add_repairs([Repair.TRUST_DATA])
        elif follows and shortage:
            self.found.add_damage(f"{_the('What follows the certificate', place)} {shortage}.")
        elif follows:
            self.found.add_repairs([Repair.TRAILING])
        elif blob and not foreign.may_hold_certificates(blob.label):
            return
        elif shortage:
            self.found.add_damage(f"{_the('The certificate', place)} {shortage}.")
        else:
            self.found.add_damage(f"{_the('The data', place)} are not a certificate.")

    def _read_element(self, element: bytes, place: str, blob: Blob | None) -> bool:
        """Whether ``element`` is something known."""
        known = recognise(element)
        if known is None:
            return False
        carrier = _carrier(blob)
        if known.kind is Kind.CERTIFICATE:
            self.found.add_format(carrier)
            self.found.add_certificate(element, place or "certificate 1")
        elif known.kind is Kind.PRIVATE_KEY:
            self.found.add_private_key(_joined(known.name, place))
        elif known.kind is Kind.OTHER:
            remedy = foreign.INSTEAD.get(known.name, _AGAIN)
            self.found.add_other(f"{_the(f'{self._subject()} holds {known.name}', place)}.", remedy)
        else:
            store = "PKCS#7" if known.kind is Kind.PKCS7 else "PKCS#12"
            self._read_container(store, element, place, "" if carrier == "DER" else carrier)
        return True

    def _read_container(self, store: str, data: bytes, place: str, carrier: str = "") -> None:
        try:
            contents = self._parse(store, data)
        except UnsupportedEncryption as error:
            what = f"is a {store} keystore that cannot be opened here: {error}"
            self._add_other(place, foreign.Foreign(what, _ALONE))
            return
        except ValueError as error:  # DerError and the stores' own
            self.found.add_damage(f"{_the(f'The {store} file', place)} is damaged: {error}.")
            return
        self.found.add_format(f"{store} in {carrier}" if carrier else store)
        for key in contents.private_keys:
            self.found.add_private_key(_joined(key, place))
        for note in contents.notes:
            self.found.add_note(note)
        for encoded, spot in contents.certificates:
            self.found.add_certificate(encoded, _joined(place, spot))
        if contents.locked:
            self._add_locked(store, place)
        elif not (contents.certificates or contents.private_keys):
            what = f"is a {store} file without any certificate"
            self._add_other(place, foreign.Foreign(what, _ALONE))

    def _parse(self, store: str, data: bytes) -> Contents:
        if store == "PKCS#7":
            return pkcs7.parse(data)
        if store == "PKCS#12":
            return pkcs12.parse(data, self._passwords, self.found.budget)
        if store == _SST:
            return sst.parse(data)
        return jks.parse(data, self._passwords)

    def _add_locked(self, store: str, place: str) -> None:
        tried = bool(self._passwords)
        why = "none of the passwords given opens it" if tried else "no password was given"
        self.found.locked.append(
            PasswordNeeded(
                f"{self._subject(place)} is a {store} keystore locked with a password, and {why}.",
                "Give the password of the keystore. If it may hold a private key, do not send it: "
                "export the certificates alone, as Base64 PEM.",
                tried=tried,
            )
        )

    def _add_other(self, place: str, known: foreign.Foreign) -> None:
        self.found.add_other(f"{self._subject(place)} {known.what}.", known.remedy)

    def _subject(self, place: str = "") -> str:
        name = place or self._name
        return f'The file "{name}"' if name else "The file"

    def _count(self) -> int:
        found = self.found
        lists = (found.certificates, found.private_keys, found.damaged, found.others, found.locked)
        return sum(len(items) for items in lists)


def _is_der(data: bytes) -> bool:
    """Whether the file is binary DER or BER: no text has an octet 80 to 84 after a "0"."""
    if data[:1] != b"\x30" or len(data) < 2:
        return False
    return 0x80 <= data[1] <= 0x84 or declared_size(data) == len(data)


def _carrier(blob: Blob | None) -> str:
    if blob is None:
        return "DER"
    if Repair.HEX_DUMP in blob.repairs:
        return "hexadecimal"
    return "PEM" if blob.label else "Base64"


def _joined(*places: str) -> str:
    return ", ".join(place for place in places if place)


def _the(what: str, place: str) -> str:
    return f"{what} ({place})" if place else what
