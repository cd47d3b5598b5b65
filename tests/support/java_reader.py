"""Real Java reading certificate files and writing keystores, one JVM per object."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.conformance.oracle import libjvm

_WORKER = Path(__file__).with_name("java_reader_worker.py")


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``CertificateFactory`` returned (DER, in order), or the message it threw."""

    certificates: tuple[bytes, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a keystore: a trusted certificate, or a private key (PKCS#8, EC) with its chain,
    or a secret key."""

    alias: str
    certificates: Sequence[bytes] = ()
    key: bytes = b""
    secret: bytes = b""


class JavaReader:
    """Java *jdk* in a process of its own; a context manager."""

    def __init__(self, jdk: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_WORKER), str(libjvm(jdk)), *_options(jdk)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def read(self, data: bytes) -> Answer:
        """``CertificateFactory.generateCertificates``."""
        return self._answer({"action": "read", "data": _text(data)})

    def read_one(self, data: bytes) -> Answer:
        """``CertificateFactory.generateCertificate``: the first certificate alone."""
        return self._answer({"action": "read_one", "data": _text(data)})

    def store(
        self,
        kind: str,
        password: str,
        entries: Sequence[Entry],
        properties: Mapping[str, str] | None = None,
    ) -> bytes:
        """A keystore of type *kind* ("JKS", "JCEKS", "PKCS12"). Security *properties* stay set."""
        plain = [
            {
                "alias": entry.alias,
                "certificates": [_text(certificate) for certificate in entry.certificates],
                "key": _text(entry.key),
                "secret": _text(entry.secret),
            }
            for entry in entries
        ]
        answer = self._ask(
            {
                "action": "store",
                "kind": kind,
                "password": password,
                "entries": plain,
                "properties": dict(properties or {}),
            }
        )
        return base64.b64decode(answer["data"])

    def _answer(self, request: dict[str, Any]) -> Answer:
        answer = self._ask(request)
        certificates = (base64.b64decode(certificate) for certificate in answer["certificates"])
        return Answer(tuple(certificates), answer["error"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _options(jdk: int) -> list[str]:
    # Older JVMs do not know the last option, newer ones warn without it.
    native = ["--enable-native-access=ALL-UNNAMED"] if jdk >= 17 else []
    return [
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Duser.language=en",
        *native,
    ]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
