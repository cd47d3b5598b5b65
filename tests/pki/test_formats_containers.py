"""PKCS#7, PKCS#12, Java's and Microsoft's stores, and zip archives."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES

from bot.errors import FormatError
from bot.pki.formats import PasswordNeeded, Reading, rc2, read
from tests.support.authority import Issued, der, make_root, rsa_key
from tests.support.java_reader import Entry, JavaReader

ROOT = make_root("Example Root CA")
ISSUING = ROOT.intermediate("Example Issuing CA", key=rsa_key())
LEAF = ISSUING.leaf("www.example.test")
PASSWORD = "geheim-42"
DATA = bytes.fromhex("06092a864886f70d010701")
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")


def ders(reading: Reading) -> list[bytes]:
    return [found.certificate.der for found in reading.certificates]


def signed_data(*certificates: bytes) -> bytes:
    """PKCS#7 with the certificates in exactly this order; serialisers sort them."""
    body = der(0x02, b"\x01") + der(0x31, b"") + der(0x30, DATA)
    body += der(0xA0, b"".join(certificates)) + der(0x31, b"")
    return der(0x30, SIGNED_DATA + der(0xA0, der(0x30, body)))


def indefinite(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x80]) + content + b"\0\0"


def signed_data_in_ber(*certificates: bytes) -> bytes:
    body = der(0x02, b"\x01") + der(0x31, b"") + indefinite(0x30, DATA)
    body += indefinite(0xA0, b"".join(certificates)) + der(0x31, b"")
    return indefinite(0x30, SIGNED_DATA + indefinite(0xA0, indefinite(0x30, body)))


@pytest.fixture(scope="module")
def java25() -> Iterator[JavaReader]:
    with JavaReader(25) as reader:
        yield reader


@pytest.fixture(scope="module")
def java11() -> Iterator[JavaReader]:
    with JavaReader(11) as reader:
        yield reader


@pytest.mark.parametrize("build", [signed_data, signed_data_in_ber], ids=["DER", "BER"])
def test_pkcs7_is_read_in_the_order_of_the_file(build: object) -> None:
    assert callable(build)
    chain = [ROOT.der, LEAF.der, ISSUING.der]
    encoded = build(*chain)
    reading = read(encoded)
    assert ders(reading) == chain
    assert reading.format == "PKCS#7"
    assert set(reading.java.values()) == {None}
    for label in ("PKCS7", "CMS", "CERTIFICATE", "PKCS #7 SIGNED DATA"):
        body = base64.encodebytes(encoded).decode()
        text = f"-----BEGIN {label}-----\n{body}-----END {label}-----\n"
        assert ders(read(text.encode())) == chain
    assert ders(read(base64.b64encode(encoded))) == chain


def test_pkcs7_of_a_library_is_read() -> None:
    chain = [LEAF.certificate, ISSUING.certificate]
    for encoding in (Encoding.DER, Encoding.PEM):
        reading = read(pkcs7.serialize_certificates(chain, encoding))
        assert set(ders(reading)) == {LEAF.der, ISSUING.der}


def test_netscape_certificate_sequence_is_read() -> None:
    oid = bytes.fromhex("0609608648018 6f8420205".replace(" ", ""))
    encoded = der(0x30, oid + der(0xA0, der(0x30, ROOT.der + LEAF.der)))
    assert ders(read(encoded)) == [ROOT.der, LEAF.der]


def test_pkcs7_without_certificates_is_told() -> None:
    with pytest.raises(FormatError, match="PKCS#7 file without any certificate"):
        read(signed_data())


@pytest.mark.parametrize("content_type", [3, 6], ids=["enveloped", "encrypted"])
def test_encrypted_messages_are_told(content_type: int) -> None:
    oid = SIGNED_DATA[:-1] + bytes([content_type])
    with pytest.raises(FormatError, match="encrypted"):
        read(der(0x30, oid + der(0xA0, der(0x30, b""))))


def truststore(encryption: object, *issued: Issued) -> bytes:
    entries = [pkcs12.PKCS12Certificate(each.certificate, b"alias") for each in issued]
    return pkcs12.serialize_java_truststore(entries, encryption)  # type: ignore[arg-type]  # built below


def encryption(scheme: PBES) -> object:
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2000)
    return builder.key_cert_algorithm(scheme).build(PASSWORD.encode())


@pytest.mark.parametrize(
    "scheme", [PBES.PBESv1SHA1And3KeyTripleDESCBC, PBES.PBESv2SHA256AndAES256CBC]
)
def test_pkcs12_truststore_opens_with_its_password_only(scheme: PBES) -> None:
    data = truststore(encryption(scheme), ROOT, ISSUING)
    reading = read(data, passwords=["wrong", PASSWORD])
    assert ders(reading) == [ROOT.der, ISSUING.der]
    assert reading.format == "PKCS#12"
    with pytest.raises(PasswordNeeded, match="no password was given") as asked:
        read(data, name="trust.p12")
    assert not asked.value.tried
    assert '"trust.p12"' in asked.value.message
    with pytest.raises(PasswordNeeded, match="none of the passwords given") as asked:
        read(data, passwords=["wrong"])
    assert asked.value.tried
    assert "wrong" not in str(asked.value)


def test_pkcs12_without_encryption_needs_no_password() -> None:
    assert ders(read(truststore(NoEncryption(), ROOT))) == [ROOT.der]


@pytest.mark.parametrize(
    "algorithm",
    [
        "PBEWithSHA1AndDESede",
        "PBEWithSHA1AndRC2_40",
        "PBEWithSHA1AndRC2_128",
        "PBEWithSHA1AndRC4_40",
        "PBEWithSHA1AndRC4_128",
        "PBEWithHmacSHA1AndAES_128",
        "PBEWithHmacSHA224AndAES_256",
        "PBEWithHmacSHA256AndAES_256",
        "PBEWithHmacSHA384AndAES_128",
        "PBEWithHmacSHA512AndAES_256",
        "PBEWithHmacSHA512/256AndAES_256",
        "NONE",
    ],
)
def test_pkcs12_of_java_is_read_whatever_its_encryption(java25: JavaReader, algorithm: str) -> None:
    properties = {"keystore.pkcs12.certProtectionAlgorithm": algorithm}
    entries = [Entry("root", [ROOT.der]), Entry("issuing", [ISSUING.der])]
    data = java25.store("PKCS12", PASSWORD, entries, properties)
    reading = read(data, passwords=[PASSWORD])
    assert sorted(ders(reading)) == sorted([ROOT.der, ISSUING.der])
    assert {found.where for found in reading.certificates} == {'alias "root"', 'alias "issuing"'}


@pytest.mark.parametrize("mac", ["NONE", "HmacPBESHA1", "HmacPBESHA512"])
def test_pkcs12_is_read_whatever_its_mac(java25: JavaReader, mac: str) -> None:
    properties = {
        "keystore.pkcs12.macAlgorithm": mac,
        "keystore.pkcs12.certProtectionAlgorithm": "PBEWithHmacSHA256AndAES_256",
    }
    data = java25.store("PKCS12", PASSWORD, [Entry("root", [ROOT.der])], properties)
    assert ders(read(data, passwords=[PASSWORD])) == [ROOT.der]


def test_javas_usual_password_is_tried_and_told(java11: JavaReader) -> None:
    data = java11.store("PKCS12", "changeit", [Entry("root", [ROOT.der])])
    reading = read(data)
    assert ders(reading) == [ROOT.der]
    assert "changeit" in reading.notes[0]


def test_pkcs12_in_ber_is_read() -> None:
    x509_oid = bytes.fromhex("060a2a864886f70d01091601")
    cert_bag_oid = bytes.fromhex("060b2a864886f70d010c0a0103")
    pieces = b"".join(der(0x04, ROOT.der[i : i + 100]) for i in range(0, len(ROOT.der), 100))
    bag = indefinite(0x30, x509_oid + indefinite(0xA0, indefinite(0x24, pieces)))
    safe = indefinite(0x30, indefinite(0x30, cert_bag_oid + indefinite(0xA0, bag)))
    inner = indefinite(0x30, DATA + indefinite(0xA0, indefinite(0x24, der(0x04, safe))))
    parts = indefinite(0x30, inner)
    outer = indefinite(0x30, DATA + indefinite(0xA0, indefinite(0x24, der(0x04, parts))))
    assert ders(read(indefinite(0x30, der(0x02, b"\x03") + outer))) == [ROOT.der]


def test_a_pkcs12_that_asks_for_endless_key_derivation_is_refused_at_once() -> None:
    data = truststore(encryption(PBES.PBESv2SHA256AndAES256CBC), ROOT)
    rounds = der(0x02, (2000).to_bytes(2, "big"))
    assert data.count(rounds) >= 1
    # Same length: the file's own lengths stay true.
    hostile = data.replace(rounds, b"\x02\x02\x7f\xff")
    with pytest.raises(PasswordNeeded):
        read(hostile)
    huge = der(0x02, (2**31 - 1).to_bytes(4, "big"))
    scheme = bytes.fromhex("060a2a864886f70d010c0106")
    algorithm = der(0x30, scheme + der(0x30, der(0x04, bytes(8)) + huge))
    info = der(0x30, DATA + algorithm + der(0x80, bytes(64)))
    encrypted = bytes.fromhex("06092a864886f70d010706")
    part = der(0x30, encrypted + der(0xA0, der(0x30, der(0x02, b"\0") + info)))
    outer = der(0x30, DATA + der(0xA0, der(0x04, der(0x30, part))))
    with pytest.raises(FormatError, match="rounds of key derivation"):
        read(der(0x30, der(0x02, b"\x03") + outer))


@pytest.mark.parametrize(
    ("key", "clear", "encrypted"),
    [
        ("ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"),
        ("3000000000000000", "1000000000000001", "30649edf9be7d2c2"),
        ("88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"),
    ],
)
def test_rc2_decrypts_the_vectors_of_rfc_2268(key: str, clear: str, encrypted: str) -> None:
    decrypted = rc2.decrypt_cbc(bytes.fromhex(key), bytes(8), bytes.fromhex(encrypted))
    assert decrypted.hex() == clear


@pytest.mark.parametrize("kind", ["JKS", "JCEKS"])
def test_java_keystores_are_read_without_a_password(java25: JavaReader, kind: str) -> None:
    entries = [Entry("root ä", [ROOT.der]), Entry("issuing", [ISSUING.der])]
    data = java25.store(kind, PASSWORD, entries)
    for passwords in ([], [PASSWORD]):
        reading = read(data, passwords=passwords)
        found = {each.where: each.certificate.der for each in reading.certificates}
        assert found == {'alias "root ä"': ROOT.der, 'alias "issuing"': ISSUING.der}
        assert (reading.format, reading.notes) == (kind, ())
    assert "not the keystore's" in read(data, passwords=["wrong"]).notes[0]


@pytest.mark.parametrize("kind", ["JKS", "JCEKS"])
@pytest.mark.parametrize("size", [6, 11, 30, 200, -21, -1])
def test_a_damaged_java_keystore_is_told(java25: JavaReader, kind: str, size: int) -> None:
    data = java25.store(kind, PASSWORD, [Entry("root", [ROOT.der])])
    with pytest.raises(FormatError, match=f"The {kind} file is damaged: it ends early"):
        read(data[:size])


def test_an_alias_cannot_forge_a_line(java25: JavaReader) -> None:
    data = java25.store("JKS", PASSWORD, [Entry("a\nb\u202e\x1b", [ROOT.der])])
    assert read(data).certificates[0].where.isprintable()


def sst(*certificates: bytes) -> bytes:
    packed = b"\0\0\0\0CERT"
    for certificate in certificates:
        packed += struct.pack("<III", 3, 1, 20) + bytes(20)
        packed += struct.pack("<III", 32, 1, len(certificate)) + certificate
    return packed + bytes(12)


def test_a_serialized_certificate_store_is_read() -> None:
    reading = read(sst(ROOT.der, LEAF.der))
    assert ders(reading) == [ROOT.der, LEAF.der]
    with pytest.raises(FormatError, match="ends early"):
        read(sst(ROOT.der)[:-30])


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_of_everything_is_read() -> None:
    data = zipped(
        ("root.cer", ROOT.der),
        ("chain/issuing.pem", ISSUING.pem),
        ("readme.txt", b"our certificates"),
        ("__MACOSX/._root.cer", b"\0\5\x16\7"),
        ("leaf.p7b", signed_data(LEAF.der)),
    )
    reading = read(data)
    assert ders(reading) == [ROOT.der, ISSUING.der, LEAF.der]
    places = [found.where for found in reading.certificates]
    assert places == ["root.cer", "chain/issuing.pem, line 1", "leaf.p7b, certificate 1"]
    assert reading.format.startswith("zip")
    assert 'The file "readme.txt" holds no certificate.' in reading.notes


def test_a_zip_in_a_zip_is_read_and_none_deeper() -> None:
    inner = zipped(("root.cer", ROOT.der))
    reading = read(zipped(("inner.zip", inner), ("leaf.cer", LEAF.der)))
    assert ders(reading) == [ROOT.der, LEAF.der]
    deeper = read(zipped(("a.zip", zipped(("b.zip", inner))), ("leaf.cer", LEAF.der)))
    assert ders(deeper) == [LEAF.der]
    assert "too deep" in deeper.notes[0]


def test_a_locked_keystore_in_a_zip_does_not_hide_the_rest() -> None:
    locked = truststore(encryption(PBES.PBESv2SHA256AndAES256CBC), ROOT)
    reading = read(zipped(("trust.p12", locked), ("leaf.cer", LEAF.der)))
    assert ders(reading) == [LEAF.der]
    assert "locked with a password" in reading.notes[0]
    with pytest.raises(PasswordNeeded, match=r'"trust\.p12"'):
        read(zipped(("trust.p12", locked)))


def test_an_encrypted_zip_is_told() -> None:
    data = bytearray(zipped(("root.cer", ROOT.der)))
    # Set the "encrypted" flag in the local and in the central header.
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FormatError, match="encrypted"):
        read(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        zipped(*((f"{number}.txt", b"") for number in range(1001))),
        zipped(("bomb", bytes(30 << 20))),
        zipped(("inner.zip", zipped(("bomb", bytes(30 << 20))))),
        zipped(("root.cer", ROOT.der))[:-10],
        b"PK\x03\x04" + bytes(100),
    ],
    ids=["entries", "bomb", "nested bomb", "cut off", "garbage"],
)
def test_archives_out_of_bounds_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="zip archive that"):
        read(data)


def test_a_word_document_is_told() -> None:
    with pytest.raises(FormatError, match="Office document"):
        read(zipped(("[Content_Types].xml", b"<x/>"), ("word/document.xml", ROOT.pem)))
