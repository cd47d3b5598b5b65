from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FormatError
from bot.pki import der
from bot.pki.certificate import Certificate
from tests.support.authority import make_root

ROOT = make_root("Fuzzed Root").der


@given(st.integers(0, 0x1E), st.binary(max_size=300))
def test_what_is_encoded_is_read_back(tag: int, content: bytes) -> None:
    encoded = der.encode(tag, content)
    assert der.content(encoded, tag) == content
    assert list(der.children(encoded * 2)) == [(tag, content)] * 2


@given(st.integers(-(2**80), 2**80))
def test_integers_are_signed(value: int) -> None:
    content = value.to_bytes(11, "big", signed=True)
    assert der.integer(content) == value


def test_a_length_that_is_longer_than_needed_is_read_as_java_reads_it() -> None:
    assert der.content(b"\x04\x82\x00\x01x", der.OCTET_STRING) == b"x"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\x30\x02\x00",
        b"\x1f\x81\x01\x00",
        b"\x04\x85\0\0\0\0\1x",
    ],
)
def test_malformed_elements_are_refused(data: bytes) -> None:
    with pytest.raises(der.DerError):
        der.read(data, 0, len(data))


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        (der.UTC_TIME, "491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (der.UTC_TIME, "500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (der.UTC_TIME, "2601010000Z", datetime(2026, 1, 1, tzinfo=UTC)),
        (der.UTC_TIME, "260101020000+0200", datetime(2026, 1, 1, tzinfo=UTC)),
        (der.GENERALIZED_TIME, "20500101000000Z", datetime(2050, 1, 1, tzinfo=UTC)),
    ],
)
def test_times(tag: int, text: str, expected: datetime) -> None:
    assert der.time(tag, text.encode()) == expected


@pytest.mark.parametrize(
    "text", ["", "Z", "261301000000Z", "260101", "26010100000xZ", "2²0101000000Z"]
)
def test_times_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(der.DerError):
        der.time(der.UTC_TIME, text.encode())


@given(st.binary(max_size=64), st.integers(0, len(ROOT) - 1))
def test_a_mutated_certificate_is_read_or_refused(noise: bytes, at: int) -> None:
    mutated = ROOT[:at] + noise + ROOT[at + len(noise) :]
    try:
        certificate = Certificate.from_der(mutated)
    except FormatError:
        pass
    else:
        assert certificate.der == mutated
        assert certificate.subject.text.isprintable()
        assert certificate.is_signed_by(certificate) in (True, False)
