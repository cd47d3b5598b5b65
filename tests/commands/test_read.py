"""``whichroot read`` as its user runs it: a process of its own."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs7,
    pkcs12,
)
from pydantic import TypeAdapter

from bot.commands.read import FileRead
from bot.pki.formats import JDKS
from tests.support.authority import make_root
from tests.support.disguises import DISGUISES
from tests.support.java_reader import JavaReader
from tests.support.program import whichroot

ROOT = make_root("Corp Root CA")
ISSUING = ROOT.intermediate("Corp Issuing CA")
LEAF = ISSUING.leaf("dc01.corp.example")
LOCKED = pkcs12.serialize_java_truststore(
    [pkcs12.PKCS12Certificate(ROOT.certificate, b"root")], BestAvailableEncryption(b"SeSaM")
)
WITH_KEY = pkcs12.serialize_key_and_certificates(
    b"x",
    ROOT.key,  # type: ignore[arg-type]  # an EC key is one
    ROOT.certificate,
    None,
    BestAvailableEncryption(b"changeit"),
)


async def read(*arguments: str, stdin: bytes = b"", **environment: str) -> tuple[int, str, str]:
    """The exit code, standard output and standard error."""
    run = await whichroot("read", *arguments, stdin=stdin, **environment)
    assert "Traceback" not in run.errors
    return run.code, run.output, run.errors


def put(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def logged(folder: Path) -> str:
    """Every log below ``folder``."""
    return "".join(path.read_text() for path in folder.rglob("*.log"))


async def test_what_is_in_a_file_is_shown(tmp_path: Path) -> None:
    code, output, errors = await read(put(tmp_path, "chain.pem", LEAF.pem + ISSUING.pem))
    assert (code, errors) == (0, "")
    assert "chain.pem  (PEM)" in output
    assert "CN=dc01.corp.example  [line 1]" in output
    assert "issued by  CN=Corp Root CA" in output
    assert "not a CA" in output


@pytest.mark.parametrize(
    "data",
    [
        ISSUING.der,
        pkcs7.serialize_certificates([ISSUING.certificate], Encoding.DER),
        DISGUISES["UTF-16 little endian"](ISSUING.pem.decode()),
        DISGUISES["em dashes"](ISSUING.pem.decode()),
        DISGUISES["bare Base64 on one line"](ISSUING.pem.decode()),
        zipped(**{"a/b.crt": ISSUING.der}),
        b"CONNECTED(00000003)\n---\n 0 s:CN=x\n" + ISSUING.pem + b"---\n",
    ],
    ids=["DER", "PKCS#7", "UTF-16", "dashes", "bare", "zip", "s_client"],
)
async def test_every_form_gives_the_same_certificate(data: bytes) -> None:
    code, output, _ = await read("--json", "-", stdin=data)
    assert code == 0
    answer = json.loads(output)
    (found,) = answer["certificates"]
    assert (answer["file"], answer["error"], answer["private_keys"]) == ("-", None, [])
    assert found["pem"].encode() == ISSUING.pem
    assert (found["subject"], found["ca"]) == ("CN=Corp Issuing CA", True)


async def test_the_json_keeps_its_schema(tmp_path: Path) -> None:
    _, output, _ = await read("--json-schema")
    schema = json.loads(output)
    for model in (schema, schema["$defs"]["FoundCertificate"]):
        assert all("description" in found for found in model["properties"].values())
    files = [
        put(tmp_path, "chain.pem", LEAF.pem + ISSUING.pem),
        put(tmp_path, "key.pem", ROOT.key_pem + ROOT.pem),
        put(tmp_path, "empty", b""),
        str(tmp_path / "missing"),
    ]
    code, output, errors = await read("--json", *files)
    assert (code, errors) == (1, "")
    lines = output.splitlines()
    assert [json.loads(line)["file"] for line in lines] == files
    for line in lines:
        TypeAdapter(FileRead).validate_json(line)
        answer = json.loads(line)
        assert set(answer) == set(schema["properties"])
        for found in answer["certificates"]:
            assert set(found) == set(schema["$defs"]["FoundCertificate"]["properties"])


async def test_the_pem_of_several_files_holds_each_certificate_once_and_every_java_reads_it(
    tmp_path: Path,
) -> None:
    files = [
        put(tmp_path, "chain.p7b", pkcs7.serialize_certificates([LEAF.certificate, ISSUING.certificate], Encoding.DER)),
        put(tmp_path, "root.der", ROOT.der),
        put(tmp_path, "again.pem", ISSUING.pem),
    ]  # fmt: skip
    written = tmp_path / "out.pem"
    code, _, errors = await read(*files, "--pem", str(written))
    assert (code, errors) == (0, "")
    text = written.read_text("ascii")
    fingerprint = "# SHA-256: "
    assert text.count("# Subject: ") == text.count(fingerprint) == 3
    for jdk in JDKS:
        with JavaReader(jdk) as java:
            answer = java.read(text.encode())
        assert set(answer.certificates) == {LEAF.der, ISSUING.der, ROOT.der}, answer.error
        assert len(answer.certificates) == 3


async def test_the_pem_alone_is_on_standard_output(tmp_path: Path) -> None:
    code, output, errors = await read(put(tmp_path, "root.der", ROOT.der), "--pem", "-")
    assert (code, errors) == (0, "")
    assert output.startswith("# Subject: CN=Corp Root CA\n# SHA-256: ")
    assert output.encode().endswith(ROOT.pem)


async def test_what_is_damaged_is_told_beside_the_pem(tmp_path: Path) -> None:
    file = put(tmp_path, "two.pem", ROOT.pem + ISSUING.pem[:300])
    code, output, errors = await read(file, "--pem", "-")
    assert code == 1
    assert output.encode().endswith(ROOT.pem)
    assert "Damaged: " in errors


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("key.pem", ROOT.key_pem + ROOT.pem, "private key (PKCS#8)"),
        ("key.p12", WITH_KEY, "private key in PKCS#12"),
        ("all.zip", zipped(**{"root.pem": ROOT.pem, "x/key.pem": ROOT.key_pem}), "private key"),
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--json"]])
async def test_a_private_key_is_named_and_refused_and_no_pem_is_written(
    tmp_path: Path, name: str, data: bytes, kind: str, arguments: list[str]
) -> None:
    written = tmp_path / "out.pem"
    file, good = put(tmp_path, name, data), put(tmp_path, "good.pem", ISSUING.pem)
    code, output, errors = await read(
        file, good, "--pem", str(written), *arguments, XDG_STATE_HOME=str(tmp_path / "state")
    )
    assert code == 1
    assert kind in output + errors
    assert "consider the key exposed" in output + errors
    assert "No PEM was written" in errors
    assert not written.exists()
    secret = "".join(ROOT.key_pem.decode().splitlines()[1:-1])[:40]
    assert secret not in output + errors
    assert secret not in logged(tmp_path)
    if arguments:
        refused = json.loads(output.splitlines()[0])
        assert all(found["pem"] is None for found in refused["certificates"])


async def test_files_that_cannot_be_read_do_not_keep_the_others_from_it(tmp_path: Path) -> None:
    files = [
        str(tmp_path / "missing.pem"),
        str(tmp_path),
        put(tmp_path, "empty.pem", b""),
        put(tmp_path, "huge.pem", b" " * ((10 << 20) + 1)),
        put(tmp_path, "text.txt", b"nothing of the kind"),
        put(tmp_path, "root.pem", ROOT.pem),
    ]
    code, output, errors = await read(*files)
    assert code == 1
    assert "CN=Corp Root CA" in output
    lines = errors.splitlines()
    assert len(lines) == 5
    words = ["cannot be read: No such file", "is a folder", "is empty", "more than", "holds no"]
    for line, file, said in zip(lines, files[:5], words, strict=True):
        assert line.startswith(file)
        assert said in line


async def test_a_file_name_is_shown_not_obeyed(tmp_path: Path) -> None:
    file = put(tmp_path, "a\x1b[31m\n\u202eb.pem", ROOT.pem)
    for arguments in ([file], [f"{file}.missing"]):
        _, output, errors = await read(*arguments)
        assert "\\x1b[31m" in output + errors
        assert "\x1b" not in output + errors
        assert "\u202e" not in output + errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is no FILE"),
        (["-", "-"], "read only once"),
        (["-", "--json", "--pem", "-"], "standard output"),
        (["-", "--pem", "/nowhere/out.pem"], "cannot be written"),
        (["-", "--password-file", "/nowhere/password"], "cannot be read"),
        (["--nonsense", "x"], "--nonsense"),
    ],
)
async def test_bad_usage_is_told(arguments: list[str], words: str) -> None:
    code, _, errors = await read(*arguments, stdin=ROOT.pem)
    assert code == 2
    assert words in errors


async def test_a_keystore_is_opened_with_its_password_only(tmp_path: Path) -> None:
    file = put(tmp_path, "trust.p12", LOCKED)
    password, wrong = put(tmp_path, "right", b"SeSaM\r\n"), put(tmp_path, "wrong", b"Simsalabim\n")
    opened: list[tuple[Any, ...]] = [
        await read(file, "--password-file", password),
        await read(file, WHICHROOT_PASSWORD="SeSaM"),
    ]
    for code, output, errors in opened:
        assert code == 0
        assert "CN=Corp Root CA" in output
        assert "SeSaM" not in output + errors
    for arguments in ([file], [file, "--password-file", wrong]):
        code, output, errors = await read(*arguments)
        assert (code, output) == (1, "")
        assert "password" in errors
        assert "Simsalabim" not in errors


async def test_a_person_at_a_terminal_is_asked_for_the_password(tmp_path: Path) -> None:
    file = put(tmp_path, "trust.p12", LOCKED)
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "read", file),
        stdin=theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Its own terminal: there getpass asks.
        start_new_session=True,
    )
    os.close(theirs)
    assert process.stdout
    assert process.stderr
    try:
        for answer in (b"wrong\n", b"SeSaM\n"):
            async with asyncio.timeout(120):
                asked = await process.stderr.readuntil(b": ")
            assert b"Password of " in asked
            os.write(ours, answer)
        async with asyncio.timeout(120):
            output = await process.stdout.read()
            assert await process.wait() == 0
    finally:
        os.close(ours)
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert b"CN=Corp Root CA" in output
