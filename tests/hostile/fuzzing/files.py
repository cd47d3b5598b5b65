"""Files of every format that a person may have, and what a CA's server gives for one."""

from __future__ import annotations

import base64
import io
import random
import struct
import zipfile
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    pkcs7,
    pkcs12,
)

from bot.errors import FormatError
from bot.pki.certificate import Certificate
from bot.pki.formats import Reading, read, to_pem
from bot.probe.issuers import certificates_in
from handlers.blocks.files import reading_blocks
from handlers.keys import refusal_of
from tests.hostile.fuzzing import der_changes
from tests.hostile.fuzzing.target import FuzzTarget, as_text, check_told
from tests.support.authority import make_root
from tests.support.disguises import DISGUISES

_ROOT: Final = make_root("Example Root CA")
_LEAF: Final = _ROOT.leaf("www.example.test")


def _file(data: bytes) -> None:
    try:
        reading = read(data, name="x\u202e.pem", passwords=["geheim"])
    except FormatError as error:
        check_told(error.message, error.remedy)
        raise
    _look_at(reading)
    refusal_of(as_text(data[:4000]))


def _look_at(reading: Reading) -> None:
    check_told(
        reading.refusal,
        reading.format,
        *reading.private_keys,
        *reading.repairs,
        *reading.damaged,
        *reading.notes,
        *(found.where for found in reading.certificates),
        *reading.java.values(),
    )
    reading_blocks(reading)
    if reading.private_keys or not reading.certificates:
        return
    written = to_pem(found.certificate for found in reading.certificates)
    again = [found.certificate for found in read(written.encode()).certificates]
    assert again == [found.certificate for found in reading.certificates]


def _aia_body(data: bytes) -> None:
    for encoded in certificates_in(data, "http://aia.example.test/\x1b[31m.cer"):
        Certificate.from_der(encoded)


def _files() -> Iterator[bytes]:
    pem = _ROOT.pem.decode()
    chain = [_LEAF.certificate, _ROOT.certificate]
    for disguise in DISGUISES.values():
        yield disguise(pem)
    yield from _containers()
    yield _ROOT.der
    yield _ROOT.key_pem
    yield base64.b64decode("".join(_ROOT.key_pem.decode().splitlines()[1:-1]))
    yield _ROOT.der.hex(":").encode()
    yield pkcs7.serialize_certificates(chain, Encoding.PEM)


def _containers() -> Iterator[bytes]:
    chain = [_LEAF.certificate, _ROOT.certificate]
    aliased = [pkcs12.PKCS12Certificate(_ROOT.certificate, b"root")]
    locked = BestAvailableEncryption(b"geheim")
    yield pkcs7.serialize_certificates(chain, Encoding.DER)
    yield pkcs12.serialize_java_truststore(aliased, NoEncryption())
    yield pkcs12.serialize_key_and_certificates(
        b"x", None, _LEAF.certificate, chain, NoEncryption()
    )
    yield pkcs12.serialize_java_truststore(aliased, locked)
    entry = struct.pack(">IH", 2, 4) + b"root" + bytes(8)
    entry += struct.pack(">H", 5) + b"X.509" + struct.pack(">I", len(_ROOT.der)) + _ROOT.der
    yield b"\xfe\xed\xfe\xed" + struct.pack(">II", 2, 1) + entry + bytes(20)
    yield b"\xce\xce\xce\xce" + struct.pack(">II", 2, 1) + entry + bytes(20)
    size = len(_ROOT.der)
    yield b"\0\0\0\0CERT" + struct.pack("<III", 32, 1, size) + _ROOT.der + bytes(12)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("root.cer", _ROOT.der)
        archive.writestr("leaf.pem", _LEAF.pem)
    yield buffer.getvalue()


def _bodies() -> Iterator[bytes]:
    yield from (_ROOT.der, _ROOT.pem, _ROOT.key_pem, b"<html>", b"")
    yield from _containers()


def _changed(data: bytes, source: random.Random) -> bytes:
    """DER in its structure, and the DER that is in PEM."""
    head, begin, rest = data.partition(b"-----\n")
    body, end, tail = rest.partition(b"-----END")
    if begin and end and source.random() < 0.5:
        try:
            inner = base64.b64decode(body)
        except ValueError:
            return der_changes.changed(data, source)
        encoded = base64.encodebytes(der_changes.changed(inner, source))
        return head + begin + encoded + end + tail
    return der_changes.changed(data, source)


_WORDS: Final = (
    b"-----BEGIN CERTIFICATE-----",
    b"-----END CERTIFICATE-----",
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----",
    b"-----BEGIN PKCS7-----",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"\xfe\xed\xfe\xed",
    b"\xce\xce\xce\xce",
    b"\0\0\0\0CERT",
    b"\x06\x09*\x86H\x86\xf7\r\x01\x07\x02",
    b"\x30\x80",
    b"\0\0",
    b"Bag Attributes",
    b"&#43;",
    b"=\r\n",
    b"\\n",
)

TARGETS: Final = (
    FuzzTarget("files", _file, _files, words=_WORDS, mutation=_changed, max_bytes=16_384),
    FuzzTarget("aia_body", _aia_body, _bodies, words=_WORDS, mutation=_changed, max_bytes=16_384),
)
