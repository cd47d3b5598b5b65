"""One line of ``predict``: what is read, what is refused, and that nothing ends a run."""

from __future__ import annotations

import base64
import json
from typing import Any, Never

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.prediction_records import MAX_LINE, answer
from tests.support.authority import Issued, make_root

HOST = "www.example.test"
ROOT = make_root("Record Root")
LEAF = ROOT.leaf(HOST)


def record(**changes: object) -> dict[str, Any]:
    return {
        "id": 7,
        "chain": [LEAF.pem.decode()],
        "installed": [ROOT.pem.decode()],
        "host": HOST,
        "protocol": "https",
        "at": None,
        "jdk": 25,
        **changes,
    }


def answered(line: bytes | dict[str, Any]) -> dict[str, Any]:
    text = line if isinstance(line, bytes) else json.dumps(line).encode()
    made = answer(text).to_json()
    assert "\n" not in made
    decoded: dict[str, Any] = json.loads(made)
    return decoded


def test_a_chain_below_an_installed_root_is_accepted() -> None:
    assert answered(record()) == {"id": 7, "accepted": True, "message": None}


def test_a_rejection_has_javas_words() -> None:
    told = answered(record(host="other.example.test"))
    assert told == {
        "id": 7,
        "accepted": False,
        "message": "No subject alternative DNS name matching other.example.test found.",
    }


def test_what_is_left_out_has_its_default() -> None:
    short = record()
    for key in ("host", "protocol", "at", "jdk"):
        del short[key]
    assert answered(short)["accepted"] is True


def test_the_time_decides() -> None:
    assert answered(record(at="2020-01-01T00:00:00Z"))["message"].startswith(
        "PKIX path validation failed"
    )
    assert answered(record(at="2020-01-01")) == answered(record(at="2020-01-01T01:00:00+01:00"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chain": None}, '"chain" is no list'),
        ({"chain": "-----BEGIN"}, '"chain" is no list'),
        ({"chain": [5]}, '"chain[0]" is no text'),
        ({"chain": ["nothing"]}, '"chain[0]" holds no complete PEM certificate'),
        ({"installed": {}}, '"installed" is no list'),
        (
            {"installed": ["-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"]},
            '"installed[0]" is PEM with damaged Base64',
        ),
        ({"host": 5}, '"host" is neither'),
        ({"protocol": "ftp"}, '"protocol" is "ftp"'),
        ({"protocol": ["https"]}, '"protocol" is ["https"]'),
        ({"at": "yesterday"}, '"at" is "yesterday"'),
        ({"at": 5}, '"at" is 5'),
        ({"jdk": 12}, '"jdk" is 12'),
        ({"jdk": True}, '"jdk" is true'),
        ({"jdk": "25"}, '"jdk" is "25"'),
    ],
)
def test_a_wrong_field_is_named_and_quoted(changes: dict[str, object], said: str) -> None:
    told = answered(record(**changes))
    assert told.keys() == {"id", "error"}
    assert told["id"] == 7
    assert said in told["error"]


@pytest.mark.parametrize("key", ["chain", "installed"])
def test_a_missing_list_is_named(key: str) -> None:
    short = record()
    del short[key]
    assert f'"{key}" is no list' in answered(short)["error"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "is not UTF-8"),
        (b"[]", "no JSON object"),
        (b'{"id": NaN}', "a number or a nesting"),
        (b"[" * 100_000, "a number or a nesting"),
        (b'{"id": ' + b"9" * 10_000 + b"}", "a number or a nesting"),
        (b'{"chain": "' + b"x" * MAX_LINE + b'"}', "longer than 8,388,608 bytes"),
    ],
)
def test_a_line_that_is_no_record_is_told(line: bytes, said: str) -> None:
    told = answered(line)
    assert told.keys() == {"id", "error"}
    assert told["id"] is None
    assert said in told["error"]


def test_what_javas_factory_cannot_read_is_rejected() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    told = answered(record(chain=[pem]))
    assert told["accepted"] is False
    assert told["message"].startswith("java.security.cert.CertificateException")


def test_a_fault_of_the_program_ends_one_record_alone(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))

    def faulty(*_: object, **__: object) -> Never:
        raise ZeroDivisionError("a secret of the program")

    told = json.loads(answer(json.dumps(record()).encode(), predictor=faulty).to_json())
    assert told.keys() == {"id", "error"}
    assert told["id"] == 7
    assert "fault of the program" in told["error"]
    assert "secret" not in told["error"]
    assert "Traceback" not in told["error"]


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_octets_end_a_run(line: bytes) -> None:
    assert "accepted" in (told := answered(line)) or told["error"]


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=2),
)
_KEYS = st.sampled_from(["id", "chain", "installed", "host", "protocol", "at", "jdk"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_KEYS, _VALUES)
def test_no_value_ends_a_run(key: str, value: object) -> None:
    changes = {key: value}
    told = answered(record(**changes))
    assert told.keys() in ({"id", "error"}, {"id", "accepted", "message"})
    if "error" in told:
        assert "fault of the program" not in told["error"]


def damaged(issued: Issued, position: int, octet: int) -> str:
    der = bytearray(issued.der)
    der[position % len(der)] = octet
    body = base64.encodebytes(bytes(der)).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


@settings(deadline=None)
@given(st.integers(0, 2000), st.integers(0, 255), st.sampled_from([11, 17, 21, 25]))
def test_no_damaged_certificate_ends_a_run(position: int, octet: int, jdk: int) -> None:
    for key, issued in (("chain", LEAF), ("installed", ROOT)):
        told = answered(record(**{key: [damaged(issued, position, octet)], "jdk": jdk}))
        assert told.keys() == {"id", "accepted", "message"}
