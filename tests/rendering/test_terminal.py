"""The page for a person: what is where on it, and that it fits and obeys nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from bot.lookup import Lookup, Question, refused
from bot.pki.certificate import Certificate
from bot.probe.target import parse_target
from bot.rendering.terminal import render
from bot.report import ClientCertificate, Finding, Presented, Report
from bot.settings import Settings
from tests.support.authority import Issued, make_root
from tests.support.program import Terminal, started

HOST = "dc01.corp.example:636"
NAME = "dc01.corp.example"


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root("Corp Root CA")


async def report(
    *chain: Issued,
    company: Path | None = None,
    at: datetime | None = None,
    installed: tuple[Issued, ...] = (),
    host: str = HOST,
) -> Report:
    certificates = tuple(Certificate.from_der(issued.der) for issued in chain)
    today = tuple(Certificate.from_der(issued.der) for issued in installed)
    return await Lookup(Settings(company_roots=company, aia=False)).answer(
        Question(parse_target(host), chain=("chain.txt", certificates), at=at, installed=today)
    )


@pytest.fixture
async def validated(root: Issued, tmp_path: Path) -> Report:
    (tmp_path / "root.pem").write_bytes(root.pem)
    issuing = root.intermediate("Corp Issuing CA")
    return await report(issuing.leaf(NAME), issuing, company=tmp_path)


async def test_the_first_screen_says_what_to_request(validated: Report, root: Issued) -> None:
    lines = render(validated, width=80).splitlines()
    assert lines[0] == f"VALIDATED  {HOST}"
    assert lines[1].startswith('Request the root certificate "Corp Root CA".')
    page = "\n".join(lines[:14])
    fields = dict(re.findall(r"^  (\S[^\n]{0,11}?)  +(\S.*)$", page, re.MULTILINE))
    assert fields["Root"] == "CN=Corp Root CA"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \([\d,]+ days left\)", fields["Expires"])
    assert fields["Known from"] == "the company's folder: root.pem"
    assert fields["Java"] == "11 ✓  17 ✓  21 ✓  25 ✓"
    assert "--pem" in fields["Next"]
    pairs = "".join(re.findall(r"\b(?:[0-9A-F]{2}:?){16}", page))
    assert pairs.replace(":", "").lower() == Certificate.from_der(root.der).sha256


async def test_details_come_after_what_to_do(validated: Report) -> None:
    page = render(validated)
    order = ["VALIDATED", "Next ", "Other options", "Chain from chain.txt", "To know"]
    assert sorted(order, key=page.index) == order
    assert "Option 1" not in page
    assert page.index("Option 2, the intermediate") < page.index("Option 3, the server's")
    assert re.search(r"^  0 CN=dc01\.corp\.example  until ", page, re.MULTILINE)
    assert re.search(r"^  1 CN=Corp Issuing CA  until ", page, re.MULTILINE)


async def test_a_root_that_is_missing_comes_with_the_message_to_send(root: Issued) -> None:
    issuing = root.intermediate("Corp Issuing CA")
    page = render(await report(issuing.leaf(NAME), issuing))
    assert page.startswith("NOT FOUND")
    message = page.index("Message to send")
    assert page.index("Send the message below") < message < page.index("Options\n")
    assert "  Please provide the root certificate for this system" in page


async def test_a_root_that_nobody_vouches_for_is_to_be_confirmed_and_said_once(
    root: Issued,
) -> None:
    page = render(await report(root.leaf(NAME), root))
    assert page.startswith("UNPROVEN")
    assert page.count("Nobody vouches for") == 1
    assert "once its fingerprint is" in page


async def test_what_the_summary_says_is_not_said_again(root: Issued, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(root.pem)
    page = " ".join(render(await report(root.leaf("other.example"), company=tmp_path)).split())
    assert page.startswith("NOT FOUND")
    assert page.split("Message to send")[0].count('not for "dc01.corp.example"') == 1


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (timedelta(days=2, hours=1), "(2 days left)"),
        (timedelta(days=1, hours=1), "(1 day left)"),
        (timedelta(hours=1), "(0 days left)"),
        (-timedelta(hours=1), "(expired less than a day ago)"),
        (-timedelta(days=1, hours=1), "(expired 1 day ago)"),
        (-timedelta(days=3, hours=1), "(expired 3 days ago)"),
    ],
)
async def test_days_are_counted_as_the_findings_count_them(
    left: timedelta, says: str, root: Issued
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    leaf = root.leaf(NAME, not_before=now - timedelta(days=9), not_after=now + left)
    page = render(await report(leaf, at=now))
    assert f"until {now + left:%Y-%m-%d} {says}" in page


async def test_the_same_chain_of_several_addresses_is_shown_once_and_another_apart(
    validated: Report, root: Issued
) -> None:
    first = replace(validated.presented[0], address="10.0.0.7")
    other = await report(root.leaf(NAME))
    presented = (
        first,
        replace(first, address="10.0.0.8"),
        replace(other.presented[0], address="2001:db8::9"),
    )
    page = render(replace(validated, presented=presented))
    assert page.count("Chain from") == 2
    assert "Chain from 10.0.0.7, 10.0.0.8\n" in page
    assert "Chain from 2001:db8::9\n" in page


async def test_what_is_installed_has_a_place_of_its_own(root: Issued, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(root.pem)
    wrong = make_root("Corp Root CA")
    page = render(await report(root.leaf(NAME), company=tmp_path, installed=(wrong,)))
    section = page.split("Installed today\n")[1].split("\n\n")[0]
    assert section.startswith("  Java         11 ✗  17 ✗  21 ✗  25 ✗\n")
    assert "has the right name and another key" in section


def test_a_refused_target_is_quoted() -> None:
    from bot.errors import TargetError

    page = render(refused("a\x1bb", TargetError('"a\\x1bb" is not a host.', "Write a host.")))
    assert page == 'REFUSED  a\\x1bb\n"a\\x1bb" is not a host. Write a host.\n'


async def test_an_unreachable_server_comes_with_a_command_on_one_line(validated: Report) -> None:
    error = Finding(
        "connect_timeout", "error", "No answer.", "Check the VPN.", "RFC 9293", "timed out", ()
    )
    presented = Presented("10.0.0.7", 636, None, (), (), None, error)
    command = (
        "openssl s_client " + "-option " * 30 + "> chain.txt\nwhichroot check --chain chain.txt x"
    )
    page = render(
        replace(
            validated,
            verdict="unreachable",
            summary="No answer. Check the VPN.",
            recommended=None,
            options=(),
            command=command,
            presented=(presented,),
            findings=(error,),
        ),
        width=60,
    )
    assert page.startswith(
        f"UNREACHABLE  {HOST}\nNo answer. Check the VPN.\nJava says: timed out\n"
    )
    for line in command.splitlines():
        assert f"\n  {line}\n" in page
    assert page.count("No answer.") == 1


HOSTILE = [
    "Corp\x1b[2J\x1b]0;owned\x07 CA",
    "Corp\nVALIDATED  bank.example\r\nCA",
    "Corp \u202egnp.AC\u202c \u200bCA\u2028x\u2066",
    "Corp\x00\x08\x7f\x9b31m CA",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_names_hold_is_shown_and_not_obeyed(name: str) -> None:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
        ]
    )
    root = make_root(subject)
    found = await report(root.leaf(NAME), root, installed=(make_root(subject),))
    for text in (
        render(found),
        render(found, width=40),
        found.to_json(),
        str(found.to_json(indent=2)),
    ):
        assert "Corp" in text
        assert all(c.isprintable() or c == "\n" for c in text)
    values = [found.summary, found.request_text or "", *(f.message for f in found.findings)]
    values += [c.subject for option in found.options for c in option.certificates]
    for value in values:
        assert all(c.isprintable() or c == "\n" for c in value)
    assert "\nVALIDATED  bank.example" not in render(found)


def _long_named(words: str) -> Issued:
    attribute = x509.NameAttribute(NameOID.ORGANIZATION_NAME, words * 500, _validate=False)
    return make_root(x509.Name([attribute]))


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("words", ["Long name ", "Unbroken", "名前"])
async def test_every_line_fits_whatever_the_names(width: int, words: str) -> None:
    root = _long_named(words)
    page = render(await report(root.leaf(NAME), root), width=width)
    assert max(map(len, page.splitlines())) <= min(width, 110)
    assert "…" in page
    # A name that fills the screen does not push the rest off it.
    assert len(page) < 25_000


@pytest.mark.parametrize("width", [40, 57, 80, 200])
async def test_ordinary_pages_fit(width: int, validated: Report, root: Issued) -> None:
    missing = await report(root.intermediate("Corp Issuing CA").leaf(NAME))
    for found in (validated, missing):
        assert max(map(len, render(found, width=width).splitlines())) <= min(width, 110)


async def test_the_client_certificate_that_is_wanted_is_named(validated: Report) -> None:
    cas = tuple(f"CN=Client CA {number}" for number in range(12))
    for required, says in (True, "Demands"), (False, "Asks for"), (None, "Asks for"):
        wanted = ClientCertificate(required, cas)
        presented = replace(validated.presented[0], client_certificate=wanted)
        page = " ".join(render(replace(validated, presented=(presented,))).split())
        assert f"{says} a client certificate from: CN=Client CA 0; CN=Client CA 1;" in page
        assert "CN=Client CA 9; and 2 more" in page


async def test_colours_are_there_only_when_asked_for(validated: Report) -> None:
    plain = render(validated)
    coloured = render(validated, colour=True)
    assert "\x1b" not in plain
    assert coloured.startswith("\x1b[1;32mVALIDATED \x1b[0m ")
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize(
    ("settings", "is_coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
async def test_a_terminal_gets_colours_unless_it_does_not_want_them(
    settings: dict[str, str], is_coloured: bool
) -> None:
    terminal = Terminal(columns=50)
    without: dict[str, Any] = {"NO_COLOR": "", "COLUMNS": "", **settings}
    try:
        async with started(
            "check", "127.0.0.1:1", stdout=terminal.descriptor, **without
        ) as process:
            await process.communicate()
        page = terminal.text
    finally:
        terminal.close()
    assert ("\x1b[" in page) is is_coloured
    lines = re.sub(r"\x1b\[[0-9;]*m", "", page).splitlines()
    assert lines[0] == "UNREACHABLE  127.0.0.1:1"
    assert max(len(line) for line in lines if "openssl" not in line) <= 50
