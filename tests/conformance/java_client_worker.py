"""One JVM that connects: ``python java_client_worker.py LIBJVM FOLDER OPTION…``.

It runs alone (no import of ours). The first line of standard input is
``{"installed": [PEM], "hosts": [name]}``: the truststore, a PKCS#12 file that holds only these, and
the names that lead to 127.0.0.1. Each further line ``{"protocol", "host", "port"}`` is one
connection, answered by ``{"connected", "message"}``. HTTPS is ``HttpsURLConnection`` and LDAPS a
JNDI context, both as they come: the name check on, default socket factories. ``connected`` says
that the TLS connection came about, or broke off for a reason other than a certificate; ``message``
is what Java said all the same.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import jpype

_PASSWORD = "changeit"  # of a truststore without secrets


def main() -> None:
    """Connects until standard input ends."""
    libjvm, folder, *options = sys.argv[1:]
    setup = json.loads(sys.stdin.readline())
    hosts = Path(folder, "hosts")
    hosts.write_text("".join(f"127.0.0.1 {host}\n" for host in setup["hosts"]))
    jpype.startJVM(
        libjvm,
        f"-Djdk.net.hosts.file={hosts}",
        "-Djava.net.preferIPv4Stack=true",
        "-XX:+UseSerialGC",
        # It lives for seconds: what the second compiler would win is less than it costs.
        "-XX:TieredStopAtLevel=1",
        *options,
        convertStrings=False,
    )
    _install(setup["installed"], Path(folder, "truststore.p12"))
    connect = {"https": _https, "ldaps": _ldaps}
    for line in sys.stdin:
        question = json.loads(line)
        try:
            told = connect[question["protocol"]](question["host"], question["port"])
            answer: dict[str, Any] = {"connected": True, "message": told}
        except jpype.JClass("java.lang.Throwable") as error:
            answer = {"connected": False, "message": _message(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    # JNDI leaves threads behind that the end of the JVM would wait for.
    os._exit(0)


def _install(pems: list[str], path: Path) -> None:
    factory = jpype.JClass("java.security.cert.CertificateFactory").getInstance("X.509")
    store = jpype.JClass("java.security.KeyStore").getInstance("PKCS12")
    password = jpype.JArray(jpype.JChar)(list(_PASSWORD))
    store.load(None, password)
    for index, pem in enumerate(pems):
        stream = jpype.JClass("java.io.ByteArrayInputStream")(pem.encode())
        store.setCertificateEntry(f"installed-{index}", factory.generateCertificate(stream))
    output = jpype.JClass("java.io.FileOutputStream")(str(path))
    store.store(output, password)
    output.close()
    system = jpype.JClass("java.lang.System")
    system.setProperty("javax.net.ssl.trustStore", str(path))
    system.setProperty("javax.net.ssl.trustStoreType", "PKCS12")
    system.setProperty("javax.net.ssl.trustStorePassword", _PASSWORD)


def _https(host: str, port: int) -> None:
    url = jpype.JClass("java.net.URL")(f"https://{host}:{port}/")
    connection = url.openConnection()
    connection.setConnectTimeout(60_000)
    connection.setReadTimeout(60_000)
    connection.getResponseCode()


def _ldaps(host: str, port: int) -> str | None:
    environment = jpype.JClass("java.util.Hashtable")()
    for name, value in {
        "java.naming.factory.initial": "com.sun.jndi.ldap.LdapCtxFactory",
        "java.naming.provider.url": f"ldaps://{host}:{port}",
        "com.sun.jndi.ldap.connect.timeout": "60000",
        "com.sun.jndi.ldap.read.timeout": "60000",
    }.items():
        environment.put(jpype.JString(name), jpype.JString(value))
    try:
        jpype.JClass("javax.naming.directory.InitialDirContext")(environment).close()
    except jpype.JClass("javax.naming.NamingException") as error:
        # The server speaks no LDAP: an error that is not about TLS means that TLS came about.
        told = _message(error)
        if "SSL" in told or "Certificate" in told:
            raise
        return told
    return None


def _message(error: Any) -> str:
    parts = []
    while error is not None:
        parts.append(f"{error.getClass().getSimpleName()}: {error.getMessage()}")
        error = getattr(error, "getRootCause", error.getCause)() or error.getCause()
    return " <- ".join(parts)


if __name__ == "__main__":
    main()
