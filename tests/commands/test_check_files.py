"""Files given to a check: the chain, what is installed, and the PEM that it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
)

from tests.support.authority import Issued, make_root
from tests.support.program import Run, whichroot

HOST = "dc01.corp.example:636"
NAME = "dc01.corp.example"


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root("Corp Root CA")


@pytest.fixture(scope="module")
def issuing(root: Issued) -> Issued:
    return root.intermediate("Corp Issuing CA")


@pytest.fixture(scope="module")
def leaf(issuing: Issued) -> Issued:
    return issuing.leaf(NAME)


@pytest.fixture
def company(root: Issued, tmp_path: Path) -> str:
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "root.pem").write_bytes(root.pem)
    return str(folder)


@pytest.fixture
def chain(leaf: Issued, issuing: Issued, tmp_path: Path) -> str:
    path = tmp_path / "chain.pem"
    path.write_bytes(leaf.pem + issuing.pem)
    return str(path)


async def test_a_chain_from_a_file_gives_the_report(chain: str, company: str) -> None:
    run = await whichroot(
        *("check", "--json", "--offline", "--chain", chain, HOST), WHICHROOT_COMPANY_ROOTS=company
    )
    assert (run.code, run.json["verdict"]) == (0, "validated")
    presented = run.json["presented"]
    assert [one["address"] for one in presented] == [chain]
    assert len(presented[0]["chain"]) == 2
    assert presented[0]["tls"] is None


async def test_a_chain_comes_from_standard_input_as_openssl_prints_it(
    leaf: Issued, issuing: Issued, company: str
) -> None:
    pasted = b"CONNECTED(00000003)\n---\nCertificate chain\n 0 s:CN = dc01\n   i:CN = CA\n"
    pasted += leaf.pem + b" 1 s:CN = CA\n   i:CN = Root\n" + issuing.pem + b"---\nDONE\n"
    run = await whichroot(
        *("check", "--json", "--offline", "--chain", "-", HOST),
        stdin=pasted.replace(b"\n", b"\r\n"),
        WHICHROOT_COMPANY_ROOTS=company,
    )
    assert (run.code, run.json["verdict"]) == (0, "validated")


def described(issued: Issued) -> str:
    """The PEM, below what a person compares before it is installed."""
    certificate = issued.certificate
    fingerprint = certificate.fingerprint(SHA256()).hex(":").upper()
    subject = certificate.subject.rfc4514_string()
    return f"# Subject: {subject}\n# SHA-256: {fingerprint}\n{issued.pem.decode()}"


async def test_the_pem_to_request_is_written(
    chain: str, company: str, root: Issued, tmp_path: Path
) -> None:
    arguments = ("check", "--offline", "--chain", chain, HOST, "--pem")
    run = await whichroot(*arguments, str(tmp_path / "out.pem"), WHICHROOT_COMPANY_ROOTS=company)
    assert run.code == 0
    assert (tmp_path / "out.pem").read_text() == described(root)
    assert run.output.startswith("VALIDATED")
    assert "out.pem" in run.errors
    run = await whichroot(*arguments, "-", WHICHROOT_COMPANY_ROOTS=company)
    assert (run.code, run.output) == (0, described(root))
    same = await whichroot("read", str(tmp_path / "out.pem"), "--pem", "-")
    assert (same.code, same.output) == (0, described(root))


async def test_without_a_certificate_to_request_no_file_is_written(
    chain: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.pem"
    run = await whichroot("check", "--offline", "--chain", chain, HOST, "--pem", str(out))
    assert run.code == 1
    assert not out.exists()
    assert "No certificate was written" in run.errors


async def test_a_certificate_that_nobody_vouches_for_is_written_with_a_warning(
    leaf: Issued, issuing: Issued, root: Issued, tmp_path: Path
) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(leaf.pem + issuing.pem + root.pem)
    run = await whichroot("check", "--offline", "--chain", str(chain), HOST, "--pem", "-")
    assert (run.code, run.output) == (1, described(root))
    assert "Nobody vouches" in run.errors


async def installed(chain: str, company: str, *files: str, json: bool = True) -> Run:
    options = [option for name in files for option in ("--installed", name)]
    form = ["--json"] if json else []
    return await whichroot(
        *("check", *form, "--offline", "--chain", chain, *options, HOST),
        WHICHROOT_COMPANY_ROOTS=company,
    )


async def test_what_is_installed_suffices_or_not_and_why(
    chain: str, company: str, root: Issued, leaf: Issued, tmp_path: Path
) -> None:
    right, wrong, server = (tmp_path / name for name in ("right.pem", "wrong.pem", "leaf.pem"))
    right.write_bytes(root.pem)
    wrong.write_bytes(make_root("Corp Root CA").pem)
    server.write_bytes(leaf.pem)

    run = await installed(chain, company, str(right))
    assert all(found["accepted"] for found in run.json["installed"].values())
    assert run.json["summary"].startswith("Nothing need be requested")

    run = await installed(chain, company, str(wrong))
    assert not any(found["accepted"] for found in run.json["installed"].values())
    assert all(found["message"] for found in run.json["installed"].values())
    assert "installed_has_other_key" in [finding["code"] for finding in run.json["findings"]]
    # What is installed today is no fault of the certificate to request.
    assert run.json["verdict"] == "validated"
    assert "still will not connect" not in run.json["summary"]

    run = await installed(chain, company, str(wrong), str(right))
    assert all(found["accepted"] for found in run.json["installed"].values())

    run = await installed(chain, company, str(server))
    assert "installed_is_leaf" in [finding["code"] for finding in run.json["findings"]]
    assert run.json["summary"].startswith("Request the root")

    run = await installed(chain, company, str(wrong), json=False)
    assert "Installed today\n  Java         11 ✗" in run.output
    assert "has the right name and another key" in run.output


async def test_a_truststore_with_a_password_is_read(
    chain: str, company: str, root: Issued, tmp_path: Path
) -> None:
    store = tmp_path / "truststore.p12"
    certificate = PKCS12Certificate(root.certificate, b"root")
    store.write_bytes(
        serialize_java_truststore([certificate], BestAvailableEncryption(b"s3cret-one"))
    )
    arguments = ("check", "--json", "--offline", "--chain", chain, "--installed", str(store), HOST)
    run = await whichroot(*arguments, WHICHROOT_COMPANY_ROOTS=company)
    assert (run.code, run.output) == (2, "")
    assert "Set WHICHROOT_PASSWORD" in run.errors
    run = await whichroot(
        *arguments, WHICHROOT_COMPANY_ROOTS=company, WHICHROOT_PASSWORD="s3cret-one"
    )
    assert run.code == 0
    assert all(found["accepted"] for found in run.json["installed"].values())
    assert "s3cret-one" not in run.output + run.errors


async def test_nobody_asked_about_what_is_installed(chain: str, company: str) -> None:
    run = await installed(chain, company)
    assert run.json["installed"] is None


@pytest.mark.parametrize("option", ["--chain", "--installed"])
async def test_a_file_with_a_private_key_is_refused(
    option: str, leaf: Issued, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(leaf.pem + leaf.key_pem)
    for name, stdin in (str(both), b""), ("-", both.read_bytes()):
        run = await whichroot("check", "--offline", HOST, option, name, stdin=stdin)
        assert (run.code, run.output) == (2, "")
        assert run.errors.startswith(f"whichroot check: {option} {name}: ")
        assert "private key" in run.errors
        assert leaf.key_pem.decode().splitlines()[1] not in run.errors


@pytest.mark.parametrize("option", ["--chain", "--installed"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"", "empty"),
        (b"nothing of the kind", "no certificate"),
        (b"\0\1\2" * 50, "no certificate"),
    ],
)
async def test_a_file_without_certificates_is_bad_usage(
    option: str, content: bytes | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "some.pem"
    if content is not None:
        path.write_bytes(content)
    run = await whichroot("check", "--offline", HOST, option, str(path))
    assert (run.code, run.output) == (2, "")
    assert "some.pem" in run.errors
    assert says in run.errors
    assert "Traceback" not in run.errors


async def test_a_pem_that_cannot_be_written_is_bad_usage(chain: str, company: str) -> None:
    run = await whichroot(
        *("check", "--offline", "--chain", chain, HOST, "--pem", "/nowhere/root.pem"),
        WHICHROOT_COMPANY_ROOTS=company,
    )
    assert run.code == 2
    assert "“/nowhere/root.pem” cannot be written" in run.errors
