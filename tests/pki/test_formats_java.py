"""Real Java judges what is said about Java, and reads what is written for it."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from bot.pki import der
from bot.pki.certificate import Certificate
from bot.pki.formats import JDKS, JavaRefusal, generate_certificates, read, to_pem
from tests.support.authority import make, make_root, rsa_key
from tests.support.disguises import DISGUISES
from tests.support.java_reader import JavaReader
from tests.support.seeds import seed

ROOT = make_root("Example Root CA")
ISSUING = ROOT.intermediate("Example Issuing CA", key=rsa_key())
LEAF = ISSUING.leaf("www.example.test")
PEM = ROOT.pem
TWO = ROOT.pem + ISSUING.pem
CHAIN = [LEAF.certificate, ISSUING.certificate]
_WORDS_OF_JAVA = ("java.io.IOException: ", "No certificate data found")


@pytest.fixture(scope="module", params=JDKS)
def java(request: pytest.FixtureRequest) -> Iterator[tuple[int, JavaReader]]:
    with JavaReader(request.param) as reader:
        yield request.param, reader


def samples() -> dict[str, bytes]:
    """Files that Java reads, refuses, or reads in part."""
    body = b"".join(PEM.splitlines()[1:-1])
    files = {name: disguise(TWO.decode()) for name, disguise in DISGUISES.items()}
    return files | {
        "empty": b"",
        "DER": ROOT.der,
        "two in DER": ROOT.der + LEAF.der,
        "DER and a line end": ROOT.der + b"\r\n",
        "cut off DER": ROOT.der[:300],
        "PKCS#7": pkcs7.serialize_certificates(CHAIN, Encoding.DER),
        "PKCS#7 whose content type is longer than what it is in": pkcs7.serialize_certificates(
            CHAIN, Encoding.DER
        ).replace(b"\x30\x0b\x06\x09", b"\x30\x0b\x06\x30", 1),
        "PKCS#7 in PEM": pkcs7.serialize_certificates(CHAIN, Encoding.PEM),
        "bag attributes": b"Bag Attributes\n    friendlyName: x\n" + PEM,
        "comment": b"# a - -- --- ---- comment\n" + PEM,
        "comment with five hyphens": b"# a ----- comment\n" + PEM,
        "line that starts with 0": b"0 s:CN=x\n" + PEM,
        "text between": PEM + b" 1 s:CN=x\n" + LEAF.pem,
        "0 between": PEM + b"0 s:CN=x\n" + LEAF.pem,
        "no last line end": PEM.rstrip() + LEAF.pem,
        "spaces after END": PEM.rstrip() + b"  \n" + LEAF.pem,
        "spaces after BEGIN": PEM.replace(b"-----\nM", b"----- \nM"),
        "trailing text": PEM + b"junk\n",
        "no END": PEM[:-27],
        "second without END": PEM + LEAF.pem[:-27],
        "cut off": PEM[:300],
        "other label": PEM.replace(b"CERTIFICATE", b"X509 CERTIFICATE"),
        "labels differ": PEM.replace(b"END CERTIFICATE", b"END X"),
        "key after it": PEM + ROOT.key_pem,
        "header lines": PEM.replace(b"-----\nM", b"-----\nX: y\n\nM"),
        "extra data": b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n"
        % base64.encodebytes(ROOT.der + b"x"),
        "text before BEGIN": b"a: " + PEM,
        "Base64 behind BEGIN": b"-----BEGIN CERTIFICATE-----"
        + body
        + b"\n-----END CERTIFICATE-----",
    }


#: Behind or among elements: cut off, without a length, well-formed but out of place.
JUNK = {"cut off": b"\x30\x20\0", "no length": b"\x30", "empty": b"\x30\0", "odd": b"\x63\0"}


def distorted_certificates() -> dict[str, bytes]:
    """A certificate with junk where Java looks at it, and where it does not."""
    outer = der.elements(der.content(ROOT.der, der.SEQUENCE))
    version, *middle, extensions = der.elements(der.content(outer[0], der.SEQUENCE))
    listed = der.content(extensions, 0xA3)
    first, second = b"\x81\2\0\1", b"\x82\2\0\1"
    found = {}
    for name, junk in JUNK.items():
        for place, fields in {
            "behind the version": [der.encode(0xA0, der.content(version, 0xA0) + junk), *middle],
            "in the validity": [
                *(version, *middle[:3]),
                der.encode(der.SEQUENCE, der.content(middle[3], der.SEQUENCE) + junk),
                *middle[4:],
            ],
            "behind the key": [version, *middle, junk],
            "behind the first unique identifier": [version, *middle, first, junk],
            "behind both unique identifiers": [version, *middle, first, second, junk],
            "behind exchanged unique identifiers": [version, *middle, second, first, junk],
            "behind an odd element": [version, *middle, b"\x63\0", junk],
            "behind the list of extensions": [version, *middle, der.encode(0xA3, listed + junk)],
            "behind the extensions": [version, *middle, extensions, junk],
        }.items():
            tbs = der.encode(der.SEQUENCE, b"".join(fields))
            found[f"{name} {place}"] = der.encode(der.SEQUENCE, tbs + outer[1] + outer[2])
    return found


def distorted_signed_data() -> dict[str, bytes]:
    """PKCS#7 with parts that are missing, of another type, or followed by junk."""
    kind, explicit = der.elements(
        der.content(pkcs7.serialize_certificates(CHAIN, Encoding.DER), der.SEQUENCE)
    )
    parts = der.elements(der.content(der.content(explicit, 0xA0), der.SEQUENCE))

    def of(
        parts: list[bytes], tag: int = der.SEQUENCE, behind: bytes = b"", outer: int = 0xA0
    ) -> bytes:
        content = der.encode(outer, der.encode(tag, b"".join(parts)) + behind)
        return der.encode(der.SEQUENCE, kind + content)

    tags = (0x02, 0x04, 0x10, 0x2D, 0x30, 0x31, 0x80, 0x81, 0xA0, 0xA1, 0xA2)
    found = {f"content of tag {tag:#x}": of(parts, tag) for tag in tags}
    found |= {f"content inside tag {tag:#x}": of(parts, outer=tag) for tag in tags}
    for number, part in enumerate(parts):
        before, after = parts[:number], parts[number + 1 :]
        found[f"without part {number}"] = of([*before, *after])
        for tag in tags:
            found[f"part {number} of tag {tag:#x}"] = of([*before, bytes([tag]) + part[1:], *after])
        for name, junk in JUNK.items():
            content = der.content(part, part[0]) + junk
            found[f"{name} in part {number}"] = of([*before, der.encode(part[0], content), *after])
            found[f"{name} before part {number}"] = of([*before, junk, part, *after])
    for name, junk in JUNK.items():
        found[f"{name} behind the parts"] = of([*parts, junk])
        found[f"{name} behind the content"] = of(parts, behind=junk)
    return found


def mutated(seed: int, count: int) -> list[bytes]:
    """Random damage to the samples, most of it to the BEGIN and END lines."""
    source = random.Random(seed)
    originals = list(samples().values())
    pieces = [b"\n", b"\r\n", b"\r", b"-", b"-----", b" ", b"=", b"-----BEGIN ", b"0", b"\xff"]
    found = []
    for _ in range(count):
        data = bytearray(source.choice(originals))
        for _ in range(source.randint(1, 4)):
            ends = [source.randrange(40), -source.randrange(1, 40), source.randrange(len(data) + 1)]
            place = source.choice(ends) % (len(data) + 1)
            action = source.randrange(5)
            if action == 0:
                data[place : place + 1] = source.choice(pieces)
            elif action == 1:
                del data[place : place + source.randint(1, 5)]
            elif action == 2:
                data[place:place] = source.choice(pieces)
            elif action == 3:
                data += source.choice(originals)
            else:
                data = data[:place] if source.random() < 0.5 else data[place:]
        found.append(bytes(data))
    return found


def judged_alike(jdk: int, reader: JavaReader, data: bytes) -> str | None:
    """None when our Java and real Java read the same certificates, else how they differ."""
    answer = reader.read(data)
    try:
        found, error = tuple(generate_certificates(data, jdk)), None
    except JavaRefusal as refusal:
        found, error = (), str(refusal)
    if found != answer.certificates or (error is None) != (answer.error is None):
        return f"Java {jdk}: {len(answer.certificates)} {answer.error}; we: {len(found)} {error}"
    return None


def test_java_reads_every_sample_as_we_say(java: tuple[int, JavaReader]) -> None:
    jdk, reader = java
    differences = {name: judged_alike(jdk, reader, data) for name, data in samples().items()}
    assert not {name: found for name, found in differences.items() if found}


def test_java_reads_distorted_structures_as_we_say(java: tuple[int, JavaReader]) -> None:
    jdk, reader = java
    cases = distorted_certificates() | distorted_signed_data()
    assert len(cases) > 150
    differences = {name: judged_alike(jdk, reader, data) for name, data in cases.items()}
    assert not {name: found for name, found in differences.items() if found}


def test_java_reads_damaged_files_as_we_say(java: tuple[int, JavaReader]) -> None:
    jdk, reader = java
    for data in mutated(seed(), 1000):
        assert judged_alike(jdk, reader, data) is None, data


def test_the_words_are_javas(java: tuple[int, JavaReader]) -> None:
    jdk, reader = java
    compared = 0
    for name, data in samples().items():
        said = reader.read(data).error
        try:
            generate_certificates(data, jdk)
        except JavaRefusal as refusal:
            ours = str(refusal)
            if ours.startswith(_WORDS_OF_JAVA) and "..." not in ours:
                assert ours == said, name
                compared += 1
    assert compared > 20


@pytest.mark.parametrize(
    ("name", "readers"),
    [
        ("plain", {11, 17, 21, 25}),
        ("CRLF", {11, 17, 21, 25}),
        ("UTF-8 with a byte order mark", {25}),
        ("indented", {25}),
        ("one line", set()),
        ("UTF-16 little endian", set()),
        ("bare Base64", set()),
        ("em dashes", set()),
    ],
)
def test_a_reading_tells_which_java_reads_the_file(name: str, readers: set[int]) -> None:
    data = DISGUISES[name](PEM.decode())
    assert {jdk for jdk, said in read(data).java.items() if said is None} == readers


def test_java_that_reads_only_a_part_is_told() -> None:
    reading = read(PEM + b"-----BEGIN CERTIFICATE-----\n" + b"".join(LEAF.pem.splitlines()[1:-1]))
    assert len(reading.certificates) == 2
    assert reading.java[25] == "reads only 1 of the 2 certificates, without an error"
    assert reading.java[17] == "java.io.IOException: Incomplete data"


def forging(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.BUSINESS_CATEGORY, name)])


@pytest.mark.parametrize("comments", [True, False])
def test_java_reads_what_is_written(java: tuple[int, JavaReader], comments: bool) -> None:
    _, reader = java
    issued = [
        ROOT,
        ISSUING,
        LEAF,
        make(forging("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----")),
        make(forging("Größe 東京 \u202e\u2028\x85\r\n0")),
        make(forging("-" * 300)),
    ]
    for first in range(len(issued)):
        chosen = issued[first:]
        pem = to_pem([Certificate.from_der(each.der) for each in chosen], comments=comments)
        answer = reader.read(pem.encode("ascii"))
        assert (answer.certificates, answer.error) == (tuple(each.der for each in chosen), None)
        single = reader.read_one(pem.encode("ascii"))
        assert single.certificates == (chosen[0].der,)
