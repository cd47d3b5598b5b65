"""One JVM that judges: ``python oracle_worker.py LIBJVM OPTION…``, JSON Lines in, JSON Lines out.

It runs alone (no import of ours), because a process holds one JVM and the version under test is
chosen by the library's path. Started by :mod:`tests.conformance.oracle`.

What Java is asked is what a TLS client asks: the trust manager of ``TrustManagerFactory("PKIX")``
made from ``CertPathTrustManagerParameters`` (the only public way to set the date), then
``sun.security.util.HostnameChecker`` on the same certificate object. Same object, in that order:
checking name constraints adds the CN to the names that the object answers for
(``sun.security.x509.NameConstraintsExtension``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import jpype

# As in a TLS 1.3 handshake; ECDHE_* of TLS 1.2 asks for the same key usage
# (sun.security.validator.EndEntityChecker).
AUTH_TYPE = "UNKNOWN"

# HashSet's smallest table: which bucket an anchor falls into decides Java's order of trial.
_BUCKETS = 16

_OPTIONS = (
    "-Xmx512m",
    "-Xss1m",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Duser.timezone=UTC",
    "-Duser.language=en",
    "-Duser.country=US",
    "--add-exports=java.base/sun.security.util=ALL-UNNAMED",
)


class Judge:
    """The Java classes, looked up once."""

    def __init__(self, libjvm: str, options: Sequence[str]) -> None:
        jpype.startJVM(libjvm, *_OPTIONS, *options, convertStrings=False)
        jclass = jpype.JClass
        self._throwable = jclass("java.lang.Throwable")
        self._stream = jclass("java.io.ByteArrayInputStream")
        self._date = jclass("java.util.Date")
        self._hash_set = jclass("java.util.LinkedHashSet")
        self._anchor = jclass("java.security.cert.TrustAnchor")
        self._selector = jclass("java.security.cert.X509CertSelector")
        self._parameters = jclass("java.security.cert.PKIXBuilderParameters")
        self._manager_parameters = jclass("javax.net.ssl.CertPathTrustManagerParameters")
        self._managers = jclass("javax.net.ssl.TrustManagerFactory")
        self._certificate = jclass("java.security.cert.X509Certificate")
        self._certificates = jclass("java.security.cert.X509Certificate[]")
        self._factory = jclass("java.security.cert.CertificateFactory").getInstance("X.509")
        self._identity_hash = jclass("java.lang.System").identityHashCode
        checker = jclass("sun.security.util.HostnameChecker")
        self._checkers = {
            "https": checker.getInstance(checker.TYPE_TLS),
            "ldaps": checker.getInstance(checker.TYPE_LDAP),
        }

    def judge(self, record: dict[str, Any]) -> dict[str, Any]:
        """One record of the ``predict`` contract → Java's verdict, path and full."""
        self._forget()
        # The truststore is loaded before the server is asked.
        read: dict[str, list[Any]] = {"installed": [], "chain": []}
        for key, certificates in read.items():
            for index, pem in enumerate(record[key]):
                try:
                    certificates.append(self._read(pem))
                except self._throwable as error:
                    return self._answer(record, _message(error), _message(error), f"{key}[{index}]")
        try:
            self._check_path(read["chain"], read["installed"], record.get("at"))
        except self._throwable as error:
            return self._answer(record, _message(error), _message(error))
        host = record.get("host")
        if host is None:
            return self._answer(record, None, None)
        try:
            self._check_name(read["chain"][0], host, record.get("protocol") or "https")
        except self._throwable as error:
            return self._answer(record, None, _message(error))
        return self._answer(record, None, None)

    def _check_path(self, chain: list[Any], installed: list[Any], at: str | None) -> None:
        parameters = self._parameters(self._anchors(installed), self._selector())
        parameters.setRevocationEnabled(False)
        if at is not None:
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            parameters.setDate(self._date(jpype.JLong(round(moment.timestamp() * 1000))))
        factory = self._managers.getInstance("PKIX")
        factory.init(self._manager_parameters(parameters))
        factory.getTrustManagers()[0].checkServerTrusted(self._certificates(chain), AUTH_TYPE)

    def _check_name(self, leaf: Any, host: str, protocol: str) -> None:
        # X509TrustManagerImpl.checkIdentity takes one final dot and the brackets off first.
        name = host[:-1] if host.endswith(".") else host
        if name.startswith("[") and name.endswith("]"):
            name = name[1:-1]
        self._checkers[protocol].match(name, leaf)

    def _anchors(self, installed: list[Any]) -> Any:
        """The anchors, such that Java tries them in the order installed.

        Java copies them to a ``HashSet``, and ``TrustAnchor`` hashes by identity: the order, and
        with it the message of the last failure, would differ from run to run. So each anchor is made
        anew until its bucket follows that of the anchor before it.
        """
        anchors = self._hash_set()
        share = _BUCKETS / max(len(installed), 1)
        for index, certificate in enumerate(installed):
            low, high = int(index * share), max(int((index + 1) * share), int(index * share) + 1)
            while True:
                anchor = self._anchor(certificate, None)
                code = int(self._identity_hash(anchor)) & 0xFFFFFFFF
                if (
                    len(installed) > _BUCKETS * 3 // 4
                    or low <= (code ^ code >> 16) % _BUCKETS < high
                ):
                    break
            anchors.add(anchor)
        return anchors

    def _read(self, pem: str) -> Any:
        stream = self._stream(jpype.JArray(jpype.JByte)(pem.encode("utf-8")))
        return self._certificate @ self._factory.generateCertificate(stream)

    def _forget(self) -> None:
        """Empties the factory's cache, or a certificate's changed object would serve again."""
        try:
            self._factory.generateCertificate(None)
        except self._throwable:
            return

    @staticmethod
    def _answer(
        record: dict[str, Any], path: str | None, full: str | None, refused: str | None = None
    ) -> dict[str, Any]:
        return {
            "id": record["id"],
            "accepted": full is None,
            "message": full,
            "path": {"accepted": path is None, "message": path},
            "refused": refused,
        }


def _message(error: Any) -> str:
    """The exception and its causes, outermost first."""
    parts: list[str] = []
    while error is not None and len(parts) < 10:
        name, text = str(error.getClass().getSimpleName()), error.getMessage()
        parts.append(name if text is None else f"{name}: {text}")
        error = error.getCause()
    return " <- ".join(parts)


def main() -> None:
    """Answers each line of stdin with one line of stdout, until stdin ends."""
    judge = Judge(sys.argv[1], sys.argv[2:])
    for line in sys.stdin:
        sys.stdout.write(json.dumps(judge.judge(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
