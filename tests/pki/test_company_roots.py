"""The company's own certificates: a folder, read again when it changes."""

from __future__ import annotations

import io
import itertools
import os
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    pkcs7,
    pkcs12,
)

from bot.errors import FormatError
from bot.pki import pem
from bot.pki.certificate import Certificate, Source
from bot.pki.company_roots import MAX_FILE_SIZE, MAX_FILES, CompanyFolder
from bot.pki.formats import read
from tests.support.authority import Issued, make_root
from tests.support.disguises import DISGUISES

ROOT = make_root("Corp Root CA")
ISSUING = ROOT.intermediate("Corp Issuing CA")
OTHER = make_root("Other Root CA")


PLAIN = ROOT.pem + ISSUING.pem
KEY = ROOT.key_pem


def certificate(issued: Issued) -> Certificate:
    return Certificate.from_der(issued.der)


def subjects(folder: CompanyFolder) -> list[str]:
    return sorted(root.certificate.subject.short for root in folder.roots().all())


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        ROOT.pem,
        ROOT.der,
        pkcs7.serialize_certificates([ROOT.certificate], Encoding.DER),
        pkcs12.serialize_java_truststore(
            [pkcs12.PKCS12Certificate(ROOT.certificate, b"root")], NoEncryption()
        ),
        pkcs12.serialize_java_truststore(
            [pkcs12.PKCS12Certificate(ROOT.certificate, b"root")],
            BestAvailableEncryption(b"changeit"),
        ),
        zipped("root.cer", ROOT.der),
        *(DISGUISES[name](ROOT.pem.decode()) for name in ("UTF-16 little endian", "bare Base64")),
    ],
    ids=["PEM", "DER", "PKCS#7", "PKCS#12", "locked PKCS#12", "zip", "UTF-16", "bare"],
)
def test_files_of_every_format_are_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "root").write_bytes(data)
    roots = CompanyFolder(tmp_path).roots()
    (root,) = roots.all()
    assert root.certificate == certificate(ROOT)
    assert (root.source, root.programmes) == (Source("company", "root"), ())
    assert root.is_current
    assert root.warning is None
    assert roots.problems == ()


def test_a_root_is_found_by_name_key_and_identifier(tmp_path: Path) -> None:
    (tmp_path / "all.pem").write_bytes(ROOT.pem + ISSUING.pem + OTHER.pem)
    roots = CompanyFolder(tmp_path).roots()
    wanted = certificate(ROOT)
    assert len(roots) == 3
    assert [r.certificate for r in roots.by_subject(wanted.subject)] == [wanted]
    assert [r.certificate for r in roots.by_key(wanted.public_key)] == [wanted]
    identifier = wanted.subject_key_identifier
    assert identifier
    assert [r.certificate for r in roots.by_key_identifier(identifier)] == [wanted]
    assert [r.certificate for r in roots.issuers_of(certificate(ISSUING))] == [wanted]
    assert roots.find(certificate(make_root("Nobody's Root"))) is None


def looking(path: Path) -> CompanyFolder:
    """The folder, by a clock on which a second passes each time that it is asked."""
    return CompanyFolder(path, clock=itertools.count().__next__)


def test_the_folder_is_read_again_when_it_changes(tmp_path: Path) -> None:
    folder = looking(tmp_path)
    assert subjects(folder) == []
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    assert subjects(folder) == ["Corp Root CA"]
    (tmp_path / "more.pem").write_bytes(ISSUING.pem)
    assert subjects(folder) == ["Corp Issuing CA", "Corp Root CA"]
    (tmp_path / "root.pem").write_bytes(OTHER.pem)
    assert subjects(folder) == ["Corp Issuing CA", "Other Root CA"]
    (tmp_path / "more.pem").replace(tmp_path / "root.pem")
    assert subjects(folder) == ["Corp Issuing CA"]
    (tmp_path / "root.pem").unlink()
    assert subjects(folder) == []


def test_a_file_of_the_same_size_and_date_counts_as_changed(tmp_path: Path) -> None:
    """As `cp -p` and configuration management leave it."""
    path = tmp_path / "root.der"
    path.write_bytes(ROOT.der)
    folder = looking(tmp_path)
    assert subjects(folder) == ["Corp Root CA"]
    before = path.stat()
    renamed = ROOT.der.replace(b"Corp Root CA", b"Corp Ruut CA")
    path.write_bytes(renamed)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert subjects(folder) == ["Corp Ruut CA"]


def test_nothing_is_read_while_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    folder = looking(tmp_path)
    assert folder.roots() is folder.roots()


def test_a_change_takes_effect_within_a_second(tmp_path: Path) -> None:
    now = [0.0]
    folder = CompanyFolder(tmp_path, clock=lambda: now[0])
    assert subjects(folder) == []
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    now[0] = 0.9
    assert subjects(folder) == []
    now[0] = 1.0
    assert subjects(folder) == ["Corp Root CA"]


def test_a_certificate_in_several_files_is_there_once(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(ROOT.pem + ROOT.pem)
    (tmp_path / "b.der").write_bytes(ROOT.der)
    (tmp_path / "c.der").symlink_to(tmp_path / "b.der")
    (root,) = CompanyFolder(tmp_path).roots().all()
    assert root.source.detail == "a.pem"


def test_hidden_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".root.pem.swp").write_bytes(b"junk")
    assert CompanyFolder(tmp_path).roots().problems == ()


@pytest.mark.parametrize(
    ("name", "data", "severity", "words"),
    [
        ("empty.pem", b"", "warning", "is empty"),
        ("notes.txt", b"our root is on the share", "warning", "holds no certificate"),
        ("half.pem", ROOT.pem[:300], "warning", "is cut off"),
        ("huge.pem", b" " * (MAX_FILE_SIZE + 1), "warning", "is larger than 5 MiB"),
        ("key.pem", ROOT.key_pem + ROOT.pem, "error", "holds a private key (private key (PKCS#8)"),
        ("a\x1bb\u202e.pem", b"", "warning", "a\\x1bb\\u{202e}.pem"),
        (
            "locked.p12",
            pkcs12.serialize_java_truststore(
                [pkcs12.PKCS12Certificate(ROOT.certificate, b"root")],
                BestAvailableEncryption(b"SeSaM"),
            ),
            "warning",
            "password",
        ),
    ],
)
def test_what_cannot_be_used_becomes_a_problem_and_the_rest_is_used(
    tmp_path: Path, name: str, data: bytes, severity: str, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "zz-good.pem").write_bytes(OTHER.pem)
    folder = CompanyFolder(tmp_path)
    (problem,) = folder.roots().problems
    assert subjects(folder) == ["Other Root CA"]
    assert problem.severity == severity
    assert words in problem.message
    assert problem.message.isprintable()
    assert problem.remedy


def test_a_file_that_is_good_in_part_is_used_in_part(tmp_path: Path) -> None:
    (tmp_path / "two.pem").write_bytes(ROOT.pem + ISSUING.pem[:300])
    folder = CompanyFolder(tmp_path)
    (problem,) = folder.roots().problems
    assert subjects(folder) == ["Corp Root CA"]
    assert "is used in part" in problem.message


def test_what_is_no_file_becomes_a_problem_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling.pem").symlink_to(tmp_path / "nowhere")
    problems = CompanyFolder(tmp_path).roots().problems
    assert [problem.file for problem in problems] == ["dangling.pem", "folder", "pipe"]
    assert "No such file" in problems[0].message


def test_a_folder_that_is_gone_is_a_problem_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "roots"
    folder = CompanyFolder(path)
    (problem,) = folder.roots().problems
    assert (problem.file, problem.severity) == ("", "error")
    path.mkdir()
    (path / "root.pem").write_bytes(ROOT.pem)
    assert subjects(folder) == ["Corp Root CA"]
    assert folder.roots().problems == ()


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 5):
        (tmp_path / f"{number:04}.pem").write_bytes(b"")
    (tmp_path / "9999.pem").write_bytes(ROOT.pem)
    roots = CompanyFolder(tmp_path).roots()
    assert len(roots) == 0
    assert f"more than {MAX_FILES} files" in roots.problems[0].message


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        PLAIN.replace(b"\n", b"\r\n"),
        b"\n\n" + ROOT.pem + b"\n\n" + ISSUING.pem.strip(),
        ROOT.pem + ROOT.pem,
        b"Bag Attributes\n" + PLAIN,
        PLAIN + b"the end",
        PLAIN + KEY,
        KEY + PLAIN,
        PLAIN.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
        ROOT.pem.replace(b"M", b"!", 1) + ISSUING.pem,
        ROOT.pem + ISSUING.pem[:200] + b"\n-----END CERTIFICATE-----\n",
        PLAIN.replace(b"-----E", b"====\n-----E", 1),
        PLAIN * 51,
        b"",
    ],
)
def test_the_quick_way_through_plain_pem_finds_what_the_reader_of_every_format_finds(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "file.pem").write_bytes(data)
    found = [root.certificate.der for root in CompanyFolder(tmp_path).roots().all()]
    try:
        reading = read(data)
    except FormatError:
        assert found == []
    else:
        read_from_it = [] if reading.private_keys else reading.certificates
        assert found == list(dict.fromkeys(each.certificate.der for each in read_from_it))
        quickly = pem.plain_blocks(data)
        assert not quickly or not reading.private_keys
