"""One JVM that reads certificate files and writes keystores: ``python java_reader_worker.py LIBJVM
OPTION…``, JSON Lines in, JSON Lines out, bytes in Base64. Started by :mod:`tests.support.java_reader`.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from typing import Any

import jpype


def main() -> None:
    jpype.startJVM(sys.argv[1], *sys.argv[2:], convertStrings=False)
    actions: dict[str, Callable[..., dict[str, Any]]] = {
        "read": read,
        "read_one": read_one,
        "store": store,
    }
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(json.dumps(actions[request.pop("action")](**request)) + "\n")
        sys.stdout.flush()


def read(data: str) -> dict[str, Any]:
    """``CertificateFactory.generateCertificates``."""
    try:
        found = factory().generateCertificates(stream(data))
    except jpype.JException as error:
        return {"certificates": [], "error": str(error.getMessage())}
    return {"certificates": [encoded(certificate) for certificate in found], "error": None}


def read_one(data: str) -> dict[str, Any]:
    """``CertificateFactory.generateCertificate``."""
    try:
        found = factory().generateCertificate(stream(data))
    except jpype.JException as error:
        return {"certificates": [], "error": str(error.getMessage())}
    return {"certificates": [encoded(found)], "error": None}


def store(
    kind: str, password: str, entries: list[dict[str, Any]], properties: dict[str, str]
) -> dict[str, Any]:
    """A keystore. ``properties`` are the security properties that shape it. An entry has an ``alias``, its ``certificates``, and a ``key`` (PKCS#8) or
    ``secret`` if it is not a trusted certificate."""
    security = jpype.JClass("java.security.Security")
    for name, value in properties.items():
        security.setProperty(name, value)
    keystore = jpype.JClass("java.security.KeyStore").getInstance(kind)
    secret = jpype.JString(password).toCharArray()
    keystore.load(None, secret)
    for entry in entries:
        chain = [factory().generateCertificate(stream(c)) for c in entry["certificates"]]
        if entry.get("key"):
            specification = jpype.JClass("java.security.spec.PKCS8EncodedKeySpec")(
                octets(entry["key"])
            )
            key = jpype.JClass("java.security.KeyFactory").getInstance("EC")
            array = jpype.JArray(jpype.JClass("java.security.cert.Certificate"))(chain)
            keystore.setKeyEntry(entry["alias"], key.generatePrivate(specification), secret, array)
        elif entry.get("secret"):
            key = jpype.JClass("javax.crypto.spec.SecretKeySpec")(octets(entry["secret"]), "AES")
            keystore.setKeyEntry(entry["alias"], key, secret, None)
        else:
            keystore.setCertificateEntry(entry["alias"], chain[0])
    output = jpype.JClass("java.io.ByteArrayOutputStream")()
    keystore.store(output, secret)
    return {"data": base64.b64encode(bytes(output.toByteArray())).decode()}


def factory() -> Any:
    return jpype.JClass("java.security.cert.CertificateFactory").getInstance("X.509")


def stream(data: str) -> Any:
    return jpype.JClass("java.io.ByteArrayInputStream")(octets(data))


def octets(data: str) -> Any:
    return jpype.JArray(jpype.JByte)(base64.b64decode(data))


def encoded(certificate: Any) -> str:
    return base64.b64encode(bytes(certificate.getEncoded())).decode()


if __name__ == "__main__":
    main()
