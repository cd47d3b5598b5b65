"""What Java's ``CertificateFactory`` makes of a file, byte for byte.

``sun.security.provider.X509Factory`` of JDK 11 to 21 finds blocks by hyphens at the start of a line
and refuses a block that is not complete (11 also one with spaces after a BEGIN or END line); 25,
with ``sun.security.util.Pem``, takes hyphens anywhere and passes over an incomplete block in
silence. Real Java judges this module in the tests.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.errors import FormatError
from bot.pki import der
from bot.pki.certificate import Certificate
from bot.pki.der import DerError
from bot.pki.formats import ber
from bot.pki.formats.kinds import NETSCAPE_CERTIFICATE_SEQUENCE, SIGNED_DATA
from bot.pki.java import parsing
from bot.pki.keys import AlgorithmIdentifier
from bot.text import visible

JDKS = (11, 17, 21, 25)
_FIRST_STRIPPING, _FIRST_WITH_PRIMITIVE_CHOICE, _FIRST_WITH_PEM_CLASS = 17, 21, 25
#: The start of a SignerInfo: version, issuer and serial number, digest algorithm.
_SIGNER = [der.INTEGER, der.SEQUENCE, der.SEQUENCE]
_NOTHING = (-1, b"")
_BER_DEPTH = 128
_HYPHENS = b"-----"
_BEGINS_LINE = re.compile(rb"[\r\n]-----")
_LINE_END = re.compile(rb"[\r\n]")
#: What ``String.stripTrailing`` removes from ISO 8859-1.
_WHITE_SPACE = b"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f "
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
#: ``Throwable.getMessage`` leaves out the exception's own class.
_EXCEPTION_CLASS = re.compile(r"^java\.security\.cert\.\w+Exception: ")
_PLAIN_MARK = re.compile(rb"-{0,5}(?:BEGIN |END )?[A-Z0-9 .]{0,30}-{0,5}")


class JavaRefusal(Exception):
    """Java throws a ``CertificateException``, with this message unless the data are no certificate."""


class _EndOfData(Exception):
    pass


def compare(data: bytes, certificates: Sequence[bytes]) -> Mapping[int, str | None]:
    """For each JDK None when it reads exactly ``certificates`` from ``data``, else its message."""
    return MappingProxyType({jdk: _compare(data, certificates, jdk) for jdk in JDKS})


def generate_certificates(data: bytes, jdk: int) -> list[bytes]:
    """The DER of what ``CertificateFactory.generateCertificates`` returns. Raises JavaRefusal."""
    stream = _Stream(data, jdk)
    if not data:
        return []
    try:
        block = stream.read_block()
        if block is None:
            raise JavaRefusal("No certificate data found")
        packed = _pkcs7_certificates(block, jdk)
        if packed is not None:
            return packed
        found = []
        while block is not None:
            found.append(_certificate(block, jdk))
            block = stream.read_block()
        return found
    except OSError as error:
        raise JavaRefusal(f"java.io.IOException: {error}") from None


def _compare(data: bytes, certificates: Sequence[bytes], jdk: int) -> str | None:
    try:
        found = generate_certificates(data, jdk)
    except JavaRefusal as refusal:
        return str(refusal)
    missing = Counter(certificates) - Counter(found)
    if not missing:
        return None
    return f"reads only {len(found)} of the {len(certificates)} certificates, without an error"


def _certificate(encoded: bytes, jdk: int) -> bytes:
    """``X509CertImpl``: exactly one certificate. What Java says when it stumbles over the outermost
    structure differs by version, so these words are ours."""
    try:
        certificate = Certificate.from_der(encoded)
    except FormatError:
        raise JavaRefusal("Unable to initialize: not exactly one X.509 certificate") from None
    if refused := parsing.refusal(certificate, jdk):
        raise JavaRefusal(_EXCEPTION_CLASS.sub("", refused))
    return encoded


def _pkcs7_certificates(block: bytes, jdk: int) -> list[bytes] | None:
    """The certificates of ``sun.security.pkcs.PKCS7``; None when it throws."""
    try:
        tag, start, stop, following = ber.read(block, 0, len(block))
        fields = list(ber.children(block[start:stop]))
        if tag != der.SEQUENCE or following != len(block) or len(fields) != 2:
            return None
        if fields[0][0] != der.OID:
            return None
        ((tag, body),) = ber.children(fields[1][1])
        kind = der.oid(fields[0][1])
        if kind == NETSCAPE_CERTIFICATE_SEQUENCE:
            return [_certificate(der.encode(*child), jdk) for child in ber.children(body)]
        if kind != SIGNED_DATA or tag not in (der.SEQUENCE, der.SET):
            return None
        return [
            _certificate(der.encode(tag, content), jdk)
            for tag, content in _signed_certificates(body, jdk)
            if tag == der.SEQUENCE
        ]
    except (ValueError, JavaRefusal):
        return None


def _signed_certificates(body: bytes, jdk: int) -> list[tuple[int, bytes]]:
    """``PKCS7.parseSignedData``: what the certificates' set holds. What follows the signers is not
    read. Raises ValueError where Java throws."""
    parts = ber.children(body)

    def take(*tags: int) -> bytes:
        tag, content = next(parts, _NOTHING)
        if tag not in tags:
            raise DerError("another element was expected")
        return content

    take(der.INTEGER)
    for tag, algorithm in ber.children(take(der.SET)):
        if tag != der.SEQUENCE:
            raise DerError("not an algorithm")
        AlgorithmIdentifier.from_content(algorithm)
    kind, *contents = ber.children(take(der.SEQUENCE))
    if kind[0] != der.OID or len(contents) > 1:
        raise DerError("not a ContentInfo")
    if contents:
        # Exactly one element is in it.
        ((_, _),) = ber.children(contents[0][1])
    tag, content = next(parts, _NOTHING)
    certificates: list[tuple[int, bytes]] = []
    if _is_choice(tag, 0, jdk):
        certificates = list(ber.children(content))
        tag, content = next(parts, _NOTHING)
    if _is_choice(tag, 1, jdk):
        # Imported late: hardly any file holds revocation lists.
        from cryptography.x509 import load_der_x509_crl

        for child in ber.children(content):
            load_der_x509_crl(der.encode(*child))
        tag, content = next(parts, _NOTHING)
    if tag != der.SET:
        raise DerError("no signers")
    for tag, signer in ber.children(content):
        if tag != der.SEQUENCE or [tag for tag, _ in ber.children(signer)][:3] != _SIGNER:
            raise DerError("not a signer")
    return certificates


def _is_choice(tag: int, number: int, jdk: int) -> bool:
    """Whether it is the implicit tag [number]; newer JDKs do not look whether it is constructed."""
    return tag == 0xA0 | number or (jdk >= _FIRST_WITH_PRIMITIVE_CHOICE and tag == 0x80 | number)


class _Stream:
    """A stream that hands out blocks as ``X509Factory.readOneBlock`` does, raising OSError where
    that throws an ``IOException``."""

    def __init__(self, data: bytes, jdk: int) -> None:
        self._data = data
        self._position = 0
        self._has_pem_class = jdk >= _FIRST_WITH_PEM_CLASS
        self._stripped = _WHITE_SPACE if jdk >= _FIRST_STRIPPING else b""

    def read_block(self) -> bytes | None:
        """The next block's DER; None when no block follows."""
        if self._position >= len(self._data):
            return None
        if self._data[self._position] == der.SEQUENCE:
            start = self._position
            self._position = self._ber_end(start, _BER_DEPTH)
            return self._data[start : self._position]
        if not self._has_pem_class:
            return self._read_lines()
        try:
            return self._read_pem()
        except _EndOfData:
            self._position = len(self._data)
            return None

    def _ber_end(self, position: int, depth: int) -> int:
        """``readBERInternal``: where the element that starts at ``position`` ends."""
        if not depth:
            raise OSError("Nesting sequence depth limit reached.")
        head = self._data[position : position + 2]
        if not head:
            raise OSError("BER/DER tag info absent")
        if head[0] & 0x1F == 0x1F:
            raise OSError("Multi octets tag not supported")
        if len(head) == 1:
            raise OSError("BER/DER length info absent")
        if head[1] == 0x80:
            return self._indefinite_end(position + 2, head[0], depth)
        count = head[1] & 0x7F if head[1] & 0x80 else 0
        if count > 4:
            raise OSError("Invalid BER/DER data (too huge?)")
        length = self._data[position + 2 : position + 2 + count]
        if len(length) < count:
            raise OSError("Incomplete BER/DER length info")
        size = int.from_bytes(length, "big") if count else head[1]
        if size > 0x7FFFFFFF:
            raise OSError("Invalid BER/DER data (a little huge?)")
        end = position + 2 + count + size
        if end > len(self._data):
            raise OSError("Incomplete BER/DER data")
        return end

    def _indefinite_end(self, position: int, tag: int, depth: int) -> int:
        if not tag & 0x20:
            raise OSError("Non constructed encoding must have definite length")
        while True:
            tag_of_inner = self._data[position : position + 1]
            position = self._ber_end(position, depth - 1)
            if tag_of_inner == b"\0":
                return position

    def _read_lines(self) -> bytes | None:
        """JDK 11 to 23: a line that begins with five hyphens, any label, Base64 up to a hyphen."""
        data, start = self._data, self._position
        if not data.startswith(_HYPHENS, start):
            found = _BEGINS_LINE.search(data, start)
            if not found:
                self._position = len(data)
                return None
            start = found.end() - len(_HYPHENS)
        line_end = _LINE_END.search(data, start)
        if not line_end or (data[line_end.start()] == 13 and line_end.end() == len(data)):
            raise OSError("Incomplete data")
        header = data[start : line_end.start()]
        body_start, end = line_end.end(), b"\n"
        if line_end[0] == b"\r":
            if data[body_start] == 10:
                body_start += 1
            else:
                end = b"\r"
        body_end = data.find(b"-", body_start)
        if body_end < 0:
            raise OSError("Incomplete data")
        pattern = _LINE_END if end == b"\r" else re.compile(rb"\n")
        footer_end = pattern.search(data, body_end + 1)
        stop = footer_end.start() if footer_end else len(data)
        footer = data[body_end:stop].replace(b"\r", b"")
        self._position = footer_end.end() if footer_end else len(data)
        header, footer = header.rstrip(self._stripped), footer.rstrip(self._stripped)
        _check_marks(header, footer)
        return _decode(data[body_start:body_end])

    def _read_pem(self) -> bytes:
        """JDK 24 on, ``Pem.readPEM``: five hyphens anywhere begin a block. Raises _EndOfData."""
        data = self._data
        # The first octet is read before, and counts only when it is a hyphen.
        first = self._position if data[self._position] == 0x2D else self._position + 1
        start = data.find(_HYPHENS, first)
        if start < 0:
            raise _EndOfData
        label_end = data.find(b"-", start + 5)
        line_end = _LINE_END.search(data, start + 5)
        if line_end and (label_end < 0 or line_end.start() < label_end):
            raise OSError("Incomplete header")
        if label_end < 0:
            raise _EndOfData
        if data[label_end : label_end + 5] != _HYPHENS:
            raise OSError("Incomplete header")
        header = data[start : label_end + 5]
        _check_header(header)
        body_start, line_break = self._line_break(label_end + 5)
        body_end = data.find(b"-", body_start)
        if body_end < 0:
            raise _EndOfData
        footer_label = self._hyphens(body_end)
        footer_end = data.find(b"-", footer_label)
        if footer_end < 0:
            raise _EndOfData
        position = self._hyphens(footer_end)
        footer = data[body_end:position]
        self._position = self._after_footer(position, line_break)
        _check_marks(header, footer, bare=True)
        body = data[body_start:body_end]
        if line_break == 13 and body[:1] in (b"\t", b"\r", b" "):
            # Java has read one octet ahead and takes it as Base64.
            _refuse(f"Illegal base64 character {body[0]:x}")
        return _decode(body)

    def _line_break(self, position: int) -> tuple[int, int]:
        """Where the Base64 starts and which octet ends a line; 0 when a space stands there."""
        octets = self._data[position : position + 2]
        if octets[:1] == b" ":
            return position + 1, 0
        if octets == b"\r\n":
            return position + 2, 10
        if octets[:1] in (b"\r", b"\n"):
            return position + 1, octets[0]
        raise OSError("No EOL character found")

    def _hyphens(self, position: int) -> int:
        """The position after the five hyphens that must start at ``position``."""
        run = self._data[position : position + 5]
        if run == _HYPHENS:
            return position + 5
        if len(run) < 5 and not run.strip(b"-"):
            raise _EndOfData
        raise OSError("Incomplete footer")

    def _after_footer(self, position: int, line_break: int) -> int:
        while position < len(self._data):
            octet = self._data[position]
            position += 1
            if octet in (line_break, 0x20):
                break
            if octet != 13:
                raise OSError(f"Invalid PEM format:  No EOL char found in footer:  0x{octet:02x}")
        return position


def _check_header(header: bytes) -> None:
    if len(header) < 16 or not (header.startswith(b"-----BEGIN ") and header.endswith(_HYPHENS)):
        raise OSError(f"Illegal header: {_quoted(header)}")


def _check_marks(header: bytes, footer: bytes, *, bare: bool = False) -> None:
    _check_header(header)
    if len(footer) < 14 or not (footer.startswith(b"-----END ") and footer.endswith(_HYPHENS)):
        raise OSError(f"Illegal footer: {_quoted(footer)}")
    begun, ended = header[11:-5], footer[9:-5]
    if begun != ended:
        shown = (begun, ended) if bare else (header, footer)
        raise OSError(f"Header and footer do not match: {' '.join(map(_quoted, shown))}")


def _quoted(mark: bytes) -> str:
    """A mark or label as Java quotes it. Anything else on the line could be part of a private key,
    so three dots stand for it."""
    return visible(mark.decode("latin-1")) if _PLAIN_MARK.fullmatch(mark) else "..."


def _decode(body: bytes) -> bytes:
    """``java.util.Base64.Decoder`` on ``body`` without white space, its messages included."""
    compact = body.translate(None, b"\t\n\r ")
    if len(compact) == 1:
        _refuse("Input byte[] should at least have 2 bytes for base64 bytes")
    stop = _NOT_BASE64.search(compact)
    digits = compact[: stop.start()] if stop else compact
    over = len(digits) % 4
    if stop:
        if stop[0] != b"=":
            octet = stop[0][0]
            # Java prints the signed octet.
            _refuse(f"Illegal base64 character {octet if octet < 128 else octet - 256:x}")
        padding = compact[stop.start() :]
        if over == 0 or (over == 2 and padding[:2] != b"=="):
            _refuse("Input byte array has wrong 4-byte ending unit")
        used = 2 if over == 2 else 1
        if over > 1 and len(padding) > used:
            _refuse(f"Input byte array has incorrect ending byte at {len(digits) + used}")
    if over == 1:
        _refuse("Last unit does not have enough valid bits")
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _refuse(message: str) -> None:
    raise OSError(f"java.lang.IllegalArgumentException: {message}")
