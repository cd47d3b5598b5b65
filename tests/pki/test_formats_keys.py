"""Private keys are named and refused; nothing of them leaves."""

from __future__ import annotations

import base64
import functools
import io
import logging
import zipfile
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from bot.errors import FormatError
from bot.pki.formats import Reading, read, to_pem
from tests.support.authority import make_root, rsa_key
from tests.support.disguises import BARE, MARKED, Disguise
from tests.support.java_reader import Entry, JavaReader

ROOT = make_root("Example Root CA")
LEAF = ROOT.leaf("www.example.test")
EC_KEY = LEAF.key
assert isinstance(EC_KEY, ec.EllipticCurvePrivateKey)
#: The part of the key that is not in its certificate too.
SCALAR = EC_KEY.private_numbers().private_value.to_bytes(32, "big")
#: No shorter piece of a key would tell anything.
_LEAK = 12


@functools.cache
def keys() -> dict[str, PrivateKeyTypes]:
    return {
        "RSA": rsa_key(),
        "EC": ec.generate_private_key(ec.SECP256R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
        "DSA": dsa.generate_private_key(1024),
    }


def encoded(name: str, form: PrivateFormat, encoding: Encoding, *, locked: bool = False) -> bytes:
    encryption = BestAvailableEncryption(b"geheim") if locked else NoEncryption()
    return keys()[name].private_bytes(encoding, form, encryption)


@pytest.fixture(scope="module")
def java() -> Iterator[JavaReader]:
    with JavaReader(25) as reader:
        yield reader


def pieces(secret: bytes) -> list[str]:
    """Pieces of the secret as it might be shown: its Base64, in any alignment, and hexadecimal."""
    shown = []
    for shift in range(3):
        text = base64.b64encode(secret[shift:]).decode()
        shown += [text[i : i + _LEAK] for i in range(0, len(text) - _LEAK, _LEAK)]
    text = secret.hex()
    return shown + [text[i : i + _LEAK] for i in range(0, len(text) - _LEAK, _LEAK)]


def refused(data: bytes, secret: bytes, caplog: pytest.LogCaptureFixture) -> Reading:
    """The reading of a file that holds ``secret``, after checking that nothing of it is told."""
    caplog.set_level(logging.DEBUG)
    reading = read(data, name="server.key")
    assert reading.private_keys
    assert reading.refusal is not None
    assert "consider the key exposed" in reading.refusal
    written = to_pem(found.certificate for found in reading.certificates)
    told = "\n".join([repr(reading), reading.refusal, written, caplog.text])
    assert not [piece for piece in pieces(secret) if piece in told]
    return reading


PKCS8 = PrivateFormat.PKCS8
TRADITIONAL = PrivateFormat.TraditionalOpenSSL


@pytest.mark.parametrize(
    ("name", "form", "locked", "kind"),
    [
        ("RSA", PKCS8, False, "RSA private key (PKCS#8)"),
        ("RSA", TRADITIONAL, False, "RSA private key (PKCS#1)"),
        ("RSA", PKCS8, True, "encrypted private key (PKCS#8)"),
        ("EC", PKCS8, False, "EC private key (PKCS#8)"),
        ("EC", TRADITIONAL, False, "EC private key (SEC 1)"),
        ("EC", PKCS8, True, "encrypted private key (PKCS#8)"),
        ("Ed25519", PKCS8, False, "Ed25519 private key (PKCS#8)"),
        ("DSA", TRADITIONAL, False, "DSA private key"),
        ("DSA", PKCS8, False, "DSA private key (PKCS#8)"),
    ],
)
def test_the_kind_is_told_by_the_der(
    name: str, form: PrivateFormat, locked: bool, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = encoded(name, form, Encoding.DER, locked=locked)
    assert refused(secret, secret, caplog).private_keys == (kind,)
    bare = refused(base64.b64encode(secret), secret, caplog)
    assert bare.private_keys == (f"{kind}, line 1",)
    mislabelled = b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n"
    assert refused(mislabelled % base64.encodebytes(secret), secret, caplog).private_keys
    dumped = refused(secret.hex(" ").encode(), secret, caplog)
    assert dumped.private_keys == (f"{kind}, line 1",)


@pytest.mark.parametrize(
    ("name", "form", "kind"),
    [
        ("RSA", PKCS8, "private key (PKCS#8)"),
        ("RSA", TRADITIONAL, "RSA private key (PKCS#1)"),
        ("EC", TRADITIONAL, "EC private key (SEC 1)"),
        ("EC", PrivateFormat.OpenSSH, "OpenSSH private key"),
        ("DSA", TRADITIONAL, "DSA private key"),
    ],
)
def test_the_kind_is_told_by_the_begin_line(
    name: str, form: PrivateFormat, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    pem = encoded(name, form, Encoding.PEM)
    secret = base64.b64decode("".join(pem.decode().splitlines()[1:-1]))
    assert refused(pem, secret, caplog).private_keys == (f"{kind}, line 1",)


@pytest.mark.parametrize("disguise", (MARKED | BARE).values(), ids=MARKED | BARE)
def test_a_key_is_found_in_every_disguise(
    disguise: Disguise, caplog: pytest.LogCaptureFixture
) -> None:
    for form in (PKCS8, TRADITIONAL):
        secret = encoded("RSA", form, Encoding.DER)
        refused(disguise(encoded("RSA", form, Encoding.PEM).decode()), secret, caplog)


@pytest.mark.parametrize("disguise", MARKED.values(), ids=MARKED)
def test_certificates_beside_a_key_are_listed_for_information(
    disguise: Disguise, caplog: pytest.LogCaptureFixture
) -> None:
    pem = encoded("EC", PKCS8, Encoding.PEM).decode()
    secret = encoded("EC", PKCS8, Encoding.DER)
    reading = refused(disguise(ROOT.pem.decode() + pem), secret, caplog)
    assert [found.certificate.der for found in reading.certificates] == [ROOT.der]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTY private key (PPK)"),
        ("Private-Key: (2048 bit, 2 primes)\nmodulus:\n", "private key (written out)"),
        ('{"kty": "EC", "crv": "P-256", "d": "AAAA"}', "private key (JWK)"),
        ("<RSAKeyValue><Modulus>AA==</Modulus><D>AA==</D></RSAKeyValue>", "RSA private key (XML)"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n", "PGP private key"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\ncut off", "encrypted private key (PKCS#8)"),
        ("AAAA\n-----END RSA PRIVATE KEY-----\n", "RSA private key (PKCS#1)"),
    ],
)
def test_keys_in_other_texts_are_named(text: str, kind: str) -> None:
    assert any(found.startswith(kind) for found in read(text.encode()).private_keys)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x1e\xf1\xb5\xb0" + bytes(40), "private key (PVK)"),
        (b"\x07\x02\0\0" + bytes(40), "private key (PRIVATEKEYBLOB)"),
        (b"%PDF-1.7\n-----BEGIN RSA PRIVATE KEY-----\n", "RSA private key (PKCS#1)"),
        ("\0\0-----BEGIN EC PRIVATE KEY-----".encode("utf-16-le"), "EC private key (SEC 1)"),
    ],
)
def test_keys_in_binary_files_are_named(data: bytes, kind: str) -> None:
    (named,) = read(data).private_keys
    assert named.startswith(kind)


def test_words_about_private_keys_are_no_private_key() -> None:
    text = f"Never send the private key - nor an RSA private key.\nEnd of it.\n{ROOT.pem.decode()}"
    assert read(text.encode()).private_keys == ()


def pfx(secret: object, encryption: object) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"server",
        secret,  # type: ignore[arg-type]  # an EC key
        LEAF.certificate,
        [ROOT.certificate],
        encryption,  # type: ignore[arg-type]  # either of the two kinds
    )


def test_the_key_of_a_pkcs12_is_named_without_asking_for_a_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    locked = refused(pfx(EC_KEY, BestAvailableEncryption(b"geheim")), SCALAR, caplog)
    assert locked.private_keys == ('encrypted private key in PKCS#12 (alias "server")',)
    open_one = refused(pfx(EC_KEY, NoEncryption()), SCALAR, caplog)
    assert len(open_one.certificates) == 2
    bare = base64.b64encode(pfx(EC_KEY, BestAvailableEncryption(b"geheim")))
    assert refused(bare, SCALAR, caplog).private_keys


@pytest.mark.parametrize("kind", ["JKS", "JCEKS", "PKCS12"])
def test_the_keys_of_java_keystores_are_named(
    kind: str, java: JavaReader, caplog: pytest.LogCaptureFixture
) -> None:
    secret = EC_KEY.private_bytes(Encoding.DER, PKCS8, NoEncryption())
    entries = [Entry("server", [LEAF.der, ROOT.der], key=secret), Entry("root", [ROOT.der])]
    reading = refused(java.store(kind, "geheim", entries), SCALAR, caplog)
    assert 'alias "server"' in reading.private_keys[0]
    if kind != "PKCS12":
        assert len(reading.certificates) == 3


def test_a_secret_key_of_jceks_is_named(java: JavaReader, caplog: pytest.LogCaptureFixture) -> None:
    secret = bytes(range(16))
    data = java.store("JCEKS", "geheim", [Entry("aes", secret=secret)])
    assert refused(data, secret, caplog).private_keys == ('secret key in JCEKS (alias "aes")',)


def test_a_key_in_a_zip_refuses_the_zip(caplog: pytest.LogCaptureFixture) -> None:
    secret = encoded("RSA", PKCS8, Encoding.DER)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("root.cer", ROOT.der)
        archive.writestr("private/server.key", secret)
    reading = refused(buffer.getvalue(), secret, caplog)
    assert reading.private_keys == ("RSA private key (PKCS#8), private/server.key",)


@pytest.mark.parametrize(
    "damage",
    [
        lambda pem: pem[:-40],
        lambda pem: pem[30:],
        lambda pem: pem.replace("A", "§"),
        lambda pem: pem[: len(pem) // 2],
    ],
    ids=["no end", "no begin", "junk", "half"],
)
def test_a_damaged_key_tells_nothing_either(
    damage: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = encoded("RSA", TRADITIONAL, Encoding.DER)
    pem = damage(encoded("RSA", TRADITIONAL, Encoding.PEM).decode())
    try:
        told = repr(read(pem.encode()))
    except FormatError as error:
        told = str(error)
    assert not any(piece in told + caplog.text for piece in pieces(secret))
