"""Whatever the bytes, reading ends, and with FormatError if with anything."""

from __future__ import annotations

import base64
import functools
import io
import random
import struct
import zipfile

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    pkcs7,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import FormatError
from bot.pki.certificate import Certificate
from bot.pki.formats import read, to_pem
from bot.text import visible
from tests.support.authority import make_root
from tests.support.disguises import DISGUISES, MARKED

ROOT = make_root("Example Root CA")
LEAF = ROOT.leaf("www.example.test")
PEM = ROOT.pem.decode()


@functools.cache
def samples() -> list[bytes]:
    """One file of every kind."""
    chain = [LEAF.certificate, ROOT.certificate]
    aliased = [pkcs12.PKCS12Certificate(ROOT.certificate, b"root")]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("root.cer", ROOT.der)
        archive.writestr("leaf.pem", LEAF.pem)
    entry = struct.pack(">IH", 2, 4) + b"root" + bytes(8)
    entry += struct.pack(">H", 5) + b"X.509" + struct.pack(">I", len(ROOT.der)) + ROOT.der
    store = b"\0\0\0\0CERT" + struct.pack("<III", 32, 1, len(ROOT.der)) + ROOT.der + bytes(12)
    locked = BestAvailableEncryption(b"geheim")
    return [
        *(disguise(PEM) for disguise in DISGUISES.values()),
        ROOT.der,
        ROOT.key_pem,
        base64.b64decode("".join(ROOT.key_pem.decode().splitlines()[1:-1])),
        pkcs7.serialize_certificates(chain, Encoding.DER),
        pkcs7.serialize_certificates(chain, Encoding.PEM),
        pkcs12.serialize_java_truststore(aliased, NoEncryption()),
        pkcs12.serialize_java_truststore(aliased, locked),
        pkcs12.serialize_key_and_certificates(b"x", None, LEAF.certificate, chain, locked),
        b"\xfe\xed\xfe\xed" + struct.pack(">II", 2, 1) + entry + bytes(20),
        b"\xce\xce\xce\xce" + struct.pack(">II", 2, 1) + entry + bytes(20),
        store,
        buffer.getvalue(),
        "\n".join(f"{i:04x}\t{ROOT.der[i : i + 16].hex(' ')}" for i in range(0, 400, 16)).encode(),
        ROOT.der.hex(":").encode(),
    ]


def survives(data: bytes) -> None:
    """Reads, and looks at everything that would be shown."""
    try:
        reading = read(data, name="x", passwords=["geheim"])
    except FormatError as error:
        told = [error.message, error.remedy]
    else:
        assert reading.certificates or reading.private_keys
        assert set(reading.java) == {11, 17, 21, 25}
        written = to_pem(found.certificate for found in reading.certificates)
        again = (
            [found.certificate for found in read(written.encode()).certificates] if written else []
        )
        assert again == [found.certificate for found in reading.certificates]
        told = [
            *reading.private_keys,
            *reading.repairs,
            *reading.damaged,
            *reading.notes,
            *(found.where for found in reading.certificates),
            *filter(None, reading.java.values()),
        ]
    for sentence in told:
        assert visible(sentence, 10_000) == sentence


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_random_bytes_are_survived(data: bytes) -> None:
    survives(data)


@given(
    st.sampled_from([b"\x30\x80", b"\x30\x82\x01\x00", b"PK\x03\x04", b"\xfe\xed\xfe\xed"]),
    st.binary(max_size=300),
)
@settings(max_examples=150, deadline=None)
def test_random_bytes_behind_a_magic_are_survived(magic: bytes, data: bytes) -> None:
    survives(magic + data)


@given(st.integers(0, 2**32), st.integers(1, 8))
@settings(max_examples=600, deadline=None)
def test_damaged_files_are_survived(seed: int, changes: int) -> None:
    source = random.Random(seed)
    data = bytearray(source.choice(samples()))
    for _ in range(changes):
        if not data:
            break
        place = source.randrange(len(data))
        match source.randrange(5):
            case 0:
                data[place] = source.randrange(256)
            case 1:
                del data[place : place + source.randint(1, 20)]
            case 2:
                data[place:place] = source.randbytes(source.randint(1, 8))
            case 3:
                data = data[:place]
            case _:
                data += source.choice(samples())
    survives(bytes(data))


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_random_text_around_a_certificate_is_survived(text: str) -> None:
    survives(f"{text}\n{PEM}{text}".encode("utf-8", "surrogatepass"))


@given(st.lists(st.sampled_from(sorted(MARKED)), min_size=2, max_size=2))
@settings(max_examples=100, deadline=None)
def test_two_disguises_are_survived(names: list[str]) -> None:
    first, second = (MARKED[name] for name in names)
    survives(second(first(PEM).decode("utf-8", "replace")))


@given(st.sampled_from(sorted(DISGUISES)), st.text("abcdefg .,:;\n", max_size=80))
@settings(max_examples=100, deadline=None)
def test_prose_around_a_disguise_changes_nothing(name: str, prose: str) -> None:
    data = DISGUISES[name](PEM)
    if not data.startswith((b"\xff", b"\xfe", b"\xef", b"-\0", b"\0-")):
        data = f"{prose}\n\n".encode() + data + f"\n\n{prose}\n".encode()
    found = [each.certificate for each in read(data).certificates]
    assert found == [Certificate.from_der(ROOT.der)]
