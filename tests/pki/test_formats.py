"""Texts with certificates, in every form in which they arrive."""

from __future__ import annotations

import base64
import contextlib
import datetime
import re
import time
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from bot.errors import FormatError
from bot.pki.certificate import Certificate
from bot.pki.formats import MAX_CERTIFICATES, MAX_SIZE, Reading, read, to_pem
from tests.support.authority import Issued, make, make_root, new_key, rsa_key
from tests.support.disguises import DISGUISES, MARKED, Disguise

ROOT = make_root("Example Root CA")
ISSUING = ROOT.intermediate("Example Issuing CA", key=rsa_key())
LEAF = ISSUING.leaf("www.example.test")
PEM = ROOT.pem.decode()
ISSUING_PEM = ISSUING.pem.decode()
BODY = "".join(PEM.splitlines()[1:-1])
#: Some characters fewer, so that one is left over beside the groups of four.
ONE_OVER = BODY.rstrip("=")[: (len(BODY.rstrip("=")) - 1) // 4 * 4 + 1 - 4]


def ders(reading: Reading) -> list[bytes]:
    return [found.certificate.der for found in reading.certificates]


def text(*issued: Issued) -> str:
    return "".join(each.pem.decode() for each in issued)


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("issued", [ROOT, ISSUING], ids=["padded", "unpadded"])
def test_a_certificate_is_read_in_every_disguise(disguise: Disguise, issued: Issued) -> None:
    reading = read(disguise(issued.pem.decode()))
    assert ders(reading) == [issued.der]
    assert not reading.private_keys
    assert not reading.damaged


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("separator", ["", "\n"], ids=["adjacent", "blank line"])
def test_several_are_read_in_their_order(disguise: Disguise, separator: str) -> None:
    parts = (LEAF, ISSUING, ROOT, ISSUING)
    reading = read(disguise(separator.join(each.pem.decode() for each in parts)))
    assert ders(reading) == [each.der for each in parts]
    assert [found.duplicate for found in reading.certificates] == [False, False, False, True]
    assert not reading.damaged


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_what_java_would_not_read_is_told(disguise: Disguise) -> None:
    reading = read(disguise(PEM))
    assert set(reading.java) == {11, 17, 21, 25}
    if any(reading.java.values()):
        assert reading.repairs


@pytest.mark.parametrize("name", ["plain", "CRLF", "CR", "double spaced", "Base64 on one line"])
def test_what_java_reads_needs_no_repair(name: str) -> None:
    reading = read(MARKED[name](PEM))
    assert reading.repairs == ()
    assert set(reading.java.values()) == {None}
    assert reading.format == "PEM"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("UTF-16 little endian, no mark", "UTF-16"),
        ("UTF-8 with a byte order mark", "byte order mark"),
        ("em dashes", "typographic dashes"),
        ("one line", "on one line"),
        ("mail quote", "quoted"),
        ("zero-width spaces", "Invisible"),
        ("JSON", '"\\n"'),
        ("HTML", "HTML"),
        ("percent-encoded", "percent-encoded"),
        ("URL-safe alphabet", "URL-safe"),
        ("Kubernetes secret", "once more"),
        ("bare Base64", "no BEGIN and END"),
        ("only BEGIN", "END line was missing"),
    ],
)
def test_a_repair_says_what_was_wrong(name: str, words: str) -> None:
    assert any(words in sentence for sentence in read(DISGUISES[name](PEM)).repairs)


def test_where_a_certificate_stood_is_its_line() -> None:
    reading = read(f"Hello,\n\n{PEM}\nand\n{ISSUING_PEM}".encode())
    lines = len(PEM.splitlines())
    assert [found.where for found in reading.certificates] == ["line 3", f"line {lines + 5}"]


@pytest.mark.parametrize("label", ["X509 CERTIFICATE", "X.509 CERTIFICATE", "NEW CERTIFICATE"])
def test_other_labels_of_a_certificate_are_read(label: str) -> None:
    assert ders(read(PEM.replace("CERTIFICATE", label).encode())) == [ROOT.der]


def test_the_trust_settings_of_a_trusted_certificate_are_cut_off() -> None:
    settings = bytes.fromhex("300c300a06082b06010505070301")
    body = base64.encodebytes(ROOT.der + settings).decode()
    reading = read(
        f"-----BEGIN TRUSTED CERTIFICATE-----\n{body}-----END TRUSTED CERTIFICATE-----\n".encode()
    )
    assert ders(reading) == [ROOT.der]
    assert "trust settings" in reading.repairs[0]
    assert all(reading.java.values())


def test_two_certificates_between_one_begin_and_end_are_read() -> None:
    body = base64.encodebytes(ROOT.der + LEAF.der).decode()
    reading = read(f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n".encode())
    assert ders(reading) == [ROOT.der, LEAF.der]
    assert "more than one" in reading.repairs[0]


def test_base64_of_two_certificates_between_one_begin_and_end_is_read() -> None:
    body = f"{BODY}\n{''.join(ISSUING_PEM.splitlines()[1:-1])}"
    reading = read(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n".encode())
    assert ders(reading) == [ROOT.der, ISSUING.der]


def test_openssl_s_client_output_is_read() -> None:
    output = (
        "CONNECTED(00000003)\n---\nCertificate chain\n 0 s:CN=www.example.test\n"
        f"   i:CN=Example Issuing CA\n{text(LEAF)} 1 s:CN=Example Issuing CA\n{text(ISSUING)}"
        "---\nSSL-Session:\n    Master-Key: 0011\n---\nDONE\n"
    )
    reading = read(output.encode())
    assert ders(reading) == [LEAF.der, ISSUING.der]
    assert reading.repairs == reading.notes == ()


def test_openssl_s_client_output_of_one_certificate_hints_at_showcerts() -> None:
    reading = read(f"CONNECTED(00000003)\n---\nServer certificate\n{text(LEAF)}---\n".encode())
    assert "-showcerts" in reading.notes[0]


def test_openssl_text_before_the_pem_does_not_matter() -> None:
    described = "Certificate:\n    Data:\n        Version: 3 (0x2)\n            Modulus:\n"
    described += "".join(f"                30:82:0{i}:ff:\n" for i in range(9))
    assert ders(read(f"{described}{PEM}".encode())) == [ROOT.der]


def hexadecimal(data: bytes, columns: int, form: str) -> str:
    lines = []
    for start in range(0, len(data), columns):
        part = data[start : start + columns]
        shown = "".join(chr(octet) if 32 < octet < 127 else "." for octet in part)
        octets = " ".join(f"{octet:02x}" for octet in part)
        if form == "certutil":
            octets = f"{octets[:23]}  {octets[24:]}".ljust(columns * 3 + 1)
        elif form == "xxd":
            octets = " ".join(part[i : i + 2].hex() for i in range(0, len(part), 2)).ljust(39)
        lines.append(
            {
                "certutil": f"    {start:04x}\t{octets}  {shown}",
                "hexdump": f"{start:08x}  {octets.ljust(48)} |{shown}|",
                "xxd": f"{start:08x}: {octets}  {shown}",
                "od": f"{start:06x} {octets}",
            }[form]
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "issued",
    [
        *(ROOT, ISSUING, LEAF),
        # The text column has what looks like a tag that ends some lines below.
        ROOT.intermediate(f"<u,{'x' * 40}>"),
        ROOT.intermediate(f"<b {'x' * 40}>"),
    ],
)
@pytest.mark.parametrize("form", ["certutil", "hexdump", "xxd", "od"])
def test_hexadecimal_dumps_are_read(form: str, issued: Issued) -> None:
    reading = read(f"dump of root.cer\n{hexadecimal(issued.der, 16, form)}".encode())
    assert ders(reading) == [issued.der]
    assert reading.format == "hexadecimal"


@pytest.mark.parametrize(
    "dump",
    [
        ROOT.der.hex(),
        ROOT.der.hex(" "),
        ROOT.der.hex(":").upper(),
        "CREATE CERTIFICATE root FROM BINARY = 0x" + ROOT.der.hex() + ";",
        "unsigned char root[] = {\n " + ", ".join(f"0x{octet:02x}" for octet in ROOT.der) + "\n};",
        "b'" + "".join(f"\\x{octet:02x}" for octet in ROOT.der) + "'",
    ],
    ids=["plain", "spaces", "colons", "SQL", "C", "escapes"],
)
def test_hexadecimal_digits_are_read(dump: str) -> None:
    assert ders(read(dump.encode())) == [ROOT.der]


def test_der_files_are_read_one_or_several() -> None:
    reading = read(ROOT.der)
    assert ders(reading) == [ROOT.der]
    assert (reading.format, set(reading.java.values())) == ("DER", {None})
    assert ders(read(ROOT.der + LEAF.der + b"\r\n")) == [ROOT.der, LEAF.der]


@pytest.mark.parametrize(
    "prose", ["Hello,\n\nthis is it:\n", "a\nb\nc\nd\ne\nf\ng\n", "1. x\n2. y\n"]
)
def test_line_numbers_are_seen_in_the_midst_of_prose(prose: str) -> None:
    numbered = DISGUISES["bare Base64, numbered"](PEM)
    reading = read(prose.encode() + numbered + prose.encode())
    assert ders(reading) == [ROOT.der]


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (PEM[: len(PEM) // 2], "cut off: it is"),
        (PEM[: len(PEM) // 2] + "\n-----END CERTIFICATE-----\n", "cut off: it is"),
        (BODY[:200], "cut off: it is"),
        (PEM.replace(BODY[100:110], "§…§"), '"§" "…"'),
        (BODY[:120] + "§" + BODY[120:], 'stops being Base64 at "§"'),
        (
            f"-----BEGIN CERTIFICATE-----\n{ONE_OVER}\n-----END CERTIFICATE-----\n",
            "Base64 characters, which cannot be",
        ),
        ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "is empty"),
        ("-----BEGIN CERTIFICATE-----\n\nsee attachment\n", "no END line and no complete data"),
    ],
    ids=["no end", "too short", "bare", "junk", "bare junk", "lost one", "empty", "begin only"],
)
def test_damage_is_described(damaged: str, words: str) -> None:
    with pytest.raises(FormatError, match=re.escape(words)):
        read(damaged.encode())


def test_a_damaged_certificate_beside_a_good_one_is_told() -> None:
    reading = read(f"{PEM}{ISSUING_PEM[:400]}".encode())
    assert ders(reading) == [ROOT.der]
    assert "cut off" in reading.damaged[0]
    # 25 passes over an incomplete block in silence, the others refuse the file.
    assert reading.java[17] == "java.io.IOException: Incomplete data"
    assert reading.java[25] is None


def test_cut_off_der_is_described() -> None:
    with pytest.raises(FormatError, match=f"it is {len(ROOT.der)} bytes long and 200"):
        read(ROOT.der[:200])


def test_junk_from_the_file_is_quoted_visibly() -> None:
    with pytest.raises(FormatError) as raised:
        read(PEM.replace(BODY[100:103], "\x1b\u2603\x07").encode())
    assert "\\x1b" in raised.value.message
    assert raised.value.message.isprintable()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \r\n\0", "is empty"),
        (b"<!DOCTYPE html><html><title>Login</title>", "web page"),
        (b"%PDF-1.7\n", "PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "Office document"),
        (b"\x89PNG\r\n\x1a\n", "screenshot"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (bytes(257) + b"ustar\0" + bytes(300), "tar archive"),
        (b"Certificate:\n    Data:\n        Version: 3 (0x2)\n", "openssl x509 -in FILE"),
        (b"CONNECTED(00000003)\n---\nno peer certificate available\n", "no certificate"),
        (b"Alias name: root\nEntry type: trustedCertEntry\n", "keytool -exportcert -rfc"),
        (b"javax.net.ssl.SSLHandshakeException: PKIX path building failed", "whichroot explain"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here\n", "SSH public key"),
        (b"SHA256 Fingerprint=" + ":".join(["A1"] * 32).encode(), "fingerprint"),
        (b"please install our root\n", "holds no certificate"),
    ],
)
def test_what_is_no_certificate_is_told_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(FormatError) as raised:
        read(data, name="root.crt")
    assert words in str(raised.value)


def test_the_file_is_named_in_the_message() -> None:
    with pytest.raises(
        FormatError, match=re.escape('The file "a\\x1bb.txt" holds no certificate.')
    ):
        read(b"nothing", name="a\x1bb.txt")


@pytest.mark.parametrize(
    ("described", "command"),
    [
        (
            "================ Certificate 0 ================\r\nSerial Number: 1a2b\r\n"
            "Issuer: CN=Example Root CA\r\nCert Hash(sha1): 00112233445566778899aabbccddeeff01234567"
            "\r\nCertUtil: -store command completed successfully.\r\n",
            "certutil -store Root 00112233445566778899aabbccddeeff01234567 root.cer",
        ),
        (
            "================ Zertifikat 0 ================\nSeriennummer: 1a2b\n"
            "Zertifikathash(sha1): 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 01 23 45 67\n",
            "certutil -store Root 00112233445566778899aabbccddeeff01234567 root.cer",
        ),
        ("CertUtil: -dump command completed successfully.\n", "certutil -store Root THUMBPRINT"),
    ],
    ids=["English", "German", "no hash"],
)
def test_certutil_without_the_certificate_tells_the_command(described: str, command: str) -> None:
    with pytest.raises(FormatError, match="without the certificate itself") as raised:
        read(described.encode("cp1252"))
    assert command in raised.value.remedy


def signing_request() -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(ROOT.certificate.subject)
    return builder.sign(new_key(), hashes.SHA256()).public_bytes(Encoding.DER)


def revocation_list() -> bytes:
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(ROOT.certificate.subject)
    builder = builder.last_update(now).next_update(now + datetime.timedelta(days=1))
    return builder.sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER)


def public_key() -> bytes:
    key = ROOT.key.public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def rsa_public_key() -> bytes:
    return rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)


@pytest.mark.parametrize(
    ("make_der", "label", "words"),
    [
        (signing_request, "CERTIFICATE REQUEST", "certificate signing request (CSR)"),
        (revocation_list, "X509 CRL", "certificate revocation list (CRL)"),
        (public_key, "PUBLIC KEY", "a public key"),
        (rsa_public_key, "RSA PUBLIC KEY", "an RSA public key"),
    ],
)
def test_other_pki_files_are_told_by_their_content(
    make_der: Callable[[], bytes], label: str, words: str
) -> None:
    encoded = make_der()
    as_pem = (
        f"-----BEGIN {label}-----\n{base64.b64encode(encoded).decode()}\n-----END {label}-----\n"
    )
    mislabelled = as_pem.replace(label, "CERTIFICATE")
    for data in (encoded, as_pem.encode(), mislabelled.encode(), base64.b64encode(encoded)):
        with pytest.raises(FormatError, match=re.escape(words)):
            read(data)
    beside = read(f"{as_pem}{PEM}".encode())
    assert ders(beside) == [ROOT.der]
    assert words in beside.notes[0]


def test_parameters_and_sessions_beside_a_certificate_are_passed_over() -> None:
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    reading = read(f"{parameters}{PEM}".encode())
    assert ders(reading) == [ROOT.der]
    assert reading.damaged == reading.notes == reading.private_keys == ()


def test_a_certificate_that_cannot_be_described_is_damage() -> None:
    broken = ROOT.der.replace(b"Example Root CA", b"Example Root C\xff", 1)
    broken = broken.replace(bytes.fromhex("170d"), bytes.fromhex("1700"), 1)
    with pytest.raises(FormatError):
        read(broken)


def test_too_large_a_file_is_refused_unread() -> None:
    with pytest.raises(FormatError, match="bytes long"):
        read(bytes(MAX_SIZE + 1))


def test_as_many_certificates_as_allowed_are_read_and_no_more() -> None:
    assert len(read(PEM.encode() * MAX_CERTIFICATES).certificates) == MAX_CERTIFICATES
    with pytest.raises(FormatError, match="more than 1,000"):
        read(PEM.encode() * (MAX_CERTIFICATES + 1))


@pytest.mark.parametrize(
    "piece",
    [
        "-----BEGIN CERTIFICATE-----\n",
        "-END CERTIFICATE ",
        "MIIP ",
        "MIAA ",
        "30820fff ",
        "0000 30 82 0f ff\n",
        "LS0tLS1C ",
        "PRIVATE KEY",
        "<br ",
        "\\\\n",
        '"AAAAAAAAAAAAAAAAAAAA"\n',
    ],
)
def test_hostile_texts_are_read_in_bounded_time(piece: str) -> None:
    hostile = (piece * (MAX_SIZE // len(piece))).encode()[:MAX_SIZE]
    started = time.process_time()
    with contextlib.suppress(FormatError):
        read(hostile)
    assert time.process_time() - started < 20


def test_a_long_log_with_a_certificate_at_its_end_is_read() -> None:
    log = "2026-01-01 12:00:00 INFO  nothing happened\n" * 100_000
    reading = read(f"{log}{PEM}".encode())
    assert ders(reading) == [ROOT.der]
    assert "only its beginning" in reading.notes[0]


def certificates(*issued: Issued) -> list[Certificate]:
    return [Certificate.from_der(each.der) for each in issued]


def test_pem_has_one_block_per_certificate_in_64_columns_of_ascii() -> None:
    written = to_pem(certificates(LEAF, ISSUING), comments=False)
    assert written == text(LEAF, ISSUING)
    assert ders(read(written.encode())) == [LEAF.der, ISSUING.der]


def test_comments_tell_subject_and_fingerprint() -> None:
    written = to_pem(certificates(ROOT)).splitlines()
    assert written[0] == "# Subject: CN=Example Root CA"
    assert written[1] == f"# SHA-256: {Certificate.from_der(ROOT.der).fingerprint}"
    assert written[2] == "-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    "name",
    [
        "x\n-----BEGIN CERTIFICATE-----\nMIIB",
        "-----BEGIN CERTIFICATE-----",
        "Größe 東京 \u202e\u2028\u0085\r",
        "a" * 3000,
        "------" * 20,
        "0\\-----",
    ],
)
def test_no_name_can_forge_a_line_of_the_pem(name: str) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.BUSINESS_CATEGORY, name)])
    forged = make(subject, ca=True)
    written = to_pem(certificates(forged, ROOT))
    comments = [line for line in written.splitlines() if line.startswith("#")]
    assert written.isascii()
    assert len(comments) == 4
    assert all("--" not in line and len(line) < 220 for line in comments)
    assert ders(read(written.encode())) == [forged.der, ROOT.der]
