from __future__ import annotations

import pytest

from bot.pki import der
from bot.pki.names import COMMON_NAME, Name
from tests.conformance import der_builder as build


def name(*attributes: tuple[str, build.StringType, str]) -> Name:
    rdns = [
        build.set_of(build.seq(build.oid(oid), build.string(kind, text)))
        for oid, kind, text in attributes
    ]
    return Name.from_der(build.seq(*rdns))


def cn(text: str, kind: build.StringType = "utf8") -> Name:
    return name((COMMON_NAME, kind, text))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (cn("Example Root"), cn("EXAMPLE root")),
        (cn("Example Root"), cn("  Example   Root ")),
        (cn("Example Root"), cn("Example Root", "printable")),
        (cn("Straße"), cn("STRASSE")),
    ],
)
def test_names_that_java_takes_for_the_same(first: Name, second: Name) -> None:
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (cn("Example Root"), cn("Example Root 2")),
        (cn("Example Root"), cn("Example Root", "teletex")),
        (cn("Example Root", "ia5"), cn("example root", "ia5")),
        (
            name(("2.5.4.10", "utf8", "Example"), (COMMON_NAME, "utf8", "Root")),
            name((COMMON_NAME, "utf8", "Root"), ("2.5.4.10", "utf8", "Example")),
        ),
    ],
)
def test_names_that_java_tells_apart(first: Name, second: Name) -> None:
    assert first != second


def test_the_text_begins_with_the_most_specific_part() -> None:
    assert name(("2.5.4.10", "utf8", "A, B"), (COMMON_NAME, "utf8", "x")).text == "CN=x, O=A\\, B"


def test_control_characters_and_overrides_are_shown_not_obeyed() -> None:
    shown = cn("safe\u202egnp.exe\n<!channel>").text
    assert shown == "CN=safe\\u{202e}gnp.exe\\x0a\\<!channel\\>"


@pytest.mark.parametrize("data", [b"\x30\x02\x31\x01", b"\x31\x00", b"\x30\x04\x31\x02\x30\x00"])
def test_a_malformed_name_is_refused(data: bytes) -> None:
    with pytest.raises(der.DerError):
        Name.from_der(data)
