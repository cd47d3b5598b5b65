"""One line of ``whichroot predict``: a JSON record in, a JSON answer out."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from bot import incidents
from bot.errors import FormatError
from bot.jdk_roots import jdk_root_test
from bot.pki.certificate import Certificate
from bot.pki.java import JDKS, LATEST_JDK, Endpoint, Prediction, predict
from bot.pki.keeping import kept
from bot.records import record
from bot.text import visible

#: A longer line is not read, in octets.
MAX_LINE: Final = 8 << 20

_ENDPOINTS: Final[tuple[Endpoint, ...]] = ("https", "ldaps")
# No hyphen occurs in Base64, which keeps the search linear whatever the text.
_PEM: Final = re.compile(
    r"-----BEGIN (?:X509 )?CERTIFICATE-----([^-]*)-----END (?:X509 )?CERTIFICATE-----"
)


class RecordError(Exception):
    """The record cannot be read; the message is a sentence."""


class _Unreadable(Exception):
    """A PEM block holds what Java's ``CertificateFactory`` does not read."""


@record
class Answer:
    """The answer to one record: exactly one of ``accepted`` and ``error`` is not None.

    ``id`` is the record's own, None where it cannot be read; ``message`` holds the phrases of
    Java's exceptions where it rejects.
    """

    id: object
    accepted: bool | None = None
    message: str | None = None
    error: str | None = None

    def to_json(self) -> str:
        """One line of JSON, in ASCII."""
        outcome: dict[str, object] = (
            {"error": self.error}
            if self.accepted is None
            else {"accepted": self.accepted, "message": self.message}
        )
        return json.dumps({"id": self.id, **outcome})


def answer(line: bytes, predictor: Callable[..., Prediction] = predict) -> Answer:
    """What Java decides about the record in ``line``, by ``predictor``. Raises nothing that depends
    on the line: what nobody expected becomes an error with a reference."""
    try:
        record = _parse(line)
    except RecordError as error:
        return Answer(None, error=str(error))
    identifier = _identifier(record)
    try:
        accepted, message = _decide(record, predictor)
    except RecordError as error:
        return Answer(identifier, error=str(error))
    except Exception as error:
        # One record must not end the run.
        return Answer(identifier, error=incidents.record(error, "predicting one record"))
    return Answer(identifier, accepted, message)


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise RecordError(f"The line is longer than {MAX_LINE:,} bytes.")
    try:
        record = json.loads(line.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise RecordError(f"The line is not UTF-8: {error.reason}.") from None
    except json.JSONDecodeError as error:
        raise RecordError(f"The line is not JSON: {error.msg} (column {error.colno}).") from None
    except (ValueError, RecursionError):
        raise RecordError("The line holds a number or a nesting that is not read.") from None
    if not isinstance(record, dict):
        raise RecordError("The line is no JSON object.")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _identifier(record: dict[str, Any]) -> object:
    """The record's id where it can be written again: 1e999 is read as infinity, for one."""
    identifier: object = record.get("id")
    try:
        json.dumps(identifier, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return identifier


def _decide(
    record: dict[str, Any], predictor: Callable[..., Prediction]
) -> tuple[bool, str | None]:
    host = record.get("host")
    if host is not None and not isinstance(host, str):
        raise RecordError('"host" is neither text nor null.')
    endpoint = record.get("protocol")
    if endpoint is None:
        endpoint = "https"
    if endpoint not in _ENDPOINTS:
        raise RecordError(f'"protocol" is {_shown(endpoint)}, not "https" or "ldaps".')
    jdk = record.get("jdk")
    if jdk is None:
        jdk = LATEST_JDK
    if type(jdk) is not int or jdk not in JDKS:
        raise RecordError(f'"jdk" is {_shown(jdk)}, none of {", ".join(map(str, JDKS))}.')
    at = _time(record.get("at"))
    try:
        chain = _certificates(record, "chain")
        installed = _certificates(record, "installed")
    except _Unreadable as error:
        return False, f"java.security.cert.CertificateException: {error}"
    prediction = predictor(
        chain,
        installed,
        host=host,
        endpoint=endpoint,
        at=at,
        jdk=jdk,
        is_jdk_root=jdk_root_test(jdk),
    )
    return prediction.accepted, prediction.message


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        moment = datetime.fromisoformat(value.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RecordError(f'"at" is {_shown(value)}, no time as 2026-11-24T12:00:00Z.') from None


def _certificates(record: dict[str, Any], key: str) -> list[Certificate]:
    texts = record.get(key)
    if not isinstance(texts, list):
        raise RecordError(f'"{key}" is no list of PEM texts.')
    found: list[Certificate] = []
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise RecordError(f'"{key}[{number}]" is no text.')
        try:
            found += _read(text)
        except ValueError as error:
            raise RecordError(f'"{key}[{number}]" {error}.') from None
    return found


@kept(1024)
def _read(text: str) -> tuple[Certificate, ...]:
    """The certificates in ``text``. Raises ValueError with the rest of a sentence when there is
    none, and _Unreadable."""
    blocks = _PEM.findall(text)
    if not blocks:
        raise ValueError("holds no complete PEM certificate")
    try:
        # Of octets, split() takes out ASCII white space and nothing else.
        encoded = [
            base64.b64decode(b"".join(body.encode().split()), validate=True) for body in blocks
        ]
    except ValueError:
        raise ValueError("is PEM with damaged Base64") from None
    try:
        return tuple(Certificate.from_der(data) for data in encoded)
    except FormatError as error:
        raise _Unreadable(error.message) from None


def _shown(value: object) -> str:
    return visible(json.dumps(value)[:100], 60)
