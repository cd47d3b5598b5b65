"""Every row of what is known of Java's errors, as logs, traces, mails and chats show it."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Callable

import pytest

from bot.pki.errors import explain

BUILDER = "sun.security.provider.certpath.SunCertPathBuilderException: "
BUILDING = f"PKIX path building failed: {BUILDER}"
VALIDATION = "PKIX path validation failed: java.security.cert.CertPathValidatorException: "
ANCHOR = (
    "PKIX path validation failed: sun.security.validator.ValidatorException: TrustAnchor with "
    'subject "CN=Corp Root CA, O=Corp" '
)

#: Java's text, the code of its cause, words of the remedy, whether the truststore can help.
ROWS: list[tuple[str, str, str, bool | None]] = [
    (BUILDING + "unable to find valid certification path to requested target", "issuer_unknown", "root", True),
    ("Unexpected error: java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty", "truststore_empty", "Install the root as PEM", True),
    (VALIDATION + "Path does not chain with any of the trust anchors", "same_name_other_key", "Install the root that belongs to this server", True),
    (VALIDATION + "signature check failed", "issuer_has_other_key", "current root", True),
    ("java.security.SignatureException: Signature does not match.", "issuer_has_other_key", "current root", True),
    (VALIDATION + "validity check failed", "certificate_outside_validity", "new root does not help", False),
    ("java.security.cert.CertificateExpiredException: NotAfter: Sun Nov 22 05:16:10 UTC 2026", "certificate_expired", "new root does not help", False),
    ("java.security.cert.CertificateNotYetValidException: NotBefore: Thu Dec 03 05:15:43 UTC 2026", "certificate_not_yet_valid", "clock", False),
    (ANCHOR + "is not a CA certificate", "anchor_not_a_ca", "Install the CA certificate", True),
    (ANCHOR + "does not have keyCertSign bit set in KeyUsage extension", "anchor_may_not_sign_certificates", "reissue", True),
    (VALIDATION + "basic constraints check failed: this is not a CA certificate", "not_a_ca", "reissue", False),
    (VALIDATION + "basic constraints check failed: pathLenConstraint violated - this cert must be the last cert in the certification path", "path_too_long", "hierarchy", None),
    (VALIDATION + "CA key usage check failed: keyCertSign bit is not set", "may_not_sign_certificates", "reissue", False),
    (VALIDATION + "name constraints check failed", "name_constraints_violated", "issued by a CA that may", False),
    (VALIDATION + "unrecognized critical extension(s)", "unknown_critical_extension", "reissued", False),
    ("Extended key usage does not permit use for TLS server authentication", "not_for_servers", "serverAuth", False),
    ("KeyUsage does not allow digital signatures", "key_usage_forbids_signing", "digitalSignature", False),
    (VALIDATION + "Algorithm constraints check failed on signature algorithm: MD5withRSA", "broken_signature_algorithm", "SHA-256", False),
    (VALIDATION + "Algorithm constraints check failed on disabled algorithm: MD5 used with certificate: CN=dc01.corp.example.  Usage was TLSServer", "broken_signature_algorithm", "SHA-256", False),
    (VALIDATION + "Algorithm constraints check failed on keysize limits: RSA 768 bit key used with certificate: CN=dc01.corp.example", "key_too_short", "2048", False),
    (VALIDATION + "signature check failed <- java.security.InvalidKeyException: Curve not supported: secp256k1 (1.3.132.0.10)", "unsupported_curve", "P-256", False),
    (VALIDATION + "signature check failed <- java.security.NoSuchAlgorithmException: 1.3.101.112 Signature not available", "unknown_signature_algorithm", "newer Java", False),
    ("No subject alternative DNS name matching dc01.corp.example found.", "name_mismatch", "Never switch the check off", False),
    ("No name matching dc01.corp.example found", "name_not_in_common_name", "SAN", False),
    ("No subject alternative names matching IP address 192.0.2.1 found", "address_not_in_certificate", "host name", False),
    ("No subject alternative names present", "address_not_in_certificate", "IP SAN", False),
    ("Illegal given domain name: dc_01.corp.example", "host_name_not_allowed", "another name", False),
    ("SubjectAlternativeName extension MUST be marked critical when subject field is empty", "unreadable_certificate", "reissue", False),
    ("Unsupported or unrecognized SSL message", "plaintext", "636", False),
    ("Remote host terminated the handshake", "handshake_closed", "certificate is installed", False),
    ("java.net.SocketException: Connection reset", "connection_reset", "firewall", False),
    ("java.net.SocketException: Broken pipe (Write failed)", "connection_reset", "firewall", False),
    ("Received fatal alert: certificate_required", "client_certificate_required", "No change to the truststore", False),
    ("Received fatal alert: protocol_version", "tls_too_old", "TLS 1.2", False),
    ("Received fatal alert: handshake_failure", "handshake_failure", "ECDHE", False),
    ("Received fatal alert: unrecognized_name", "unrecognized_name", "name that the server is set up for", False),
    ("Received fatal alert: bad_certificate", "client_certificate_rejected", "Mend the client's certificate", False),
    ("Received fatal alert: certificate_unknown", "client_certificate_rejected", "Mend the client's certificate", False),
    ("TLS Server certificate issued after 2024-11-30 and anchored by a distrusted legacy Entrust root CA: CN=Entrust Root Certification Authority - G2", "ca_distrusted", "another CA", False),
    ("The certificate chain length (11) exceeds the maximum allowed length (10)", "chain_too_long", "send only", False),
    ("The size of the handshake message (40000) exceeds the maximum allowed size (32768)", "chain_too_large", "send only", False),
    ("java.net.SocketTimeoutException: Read timed out", "read_timeout", "speaks TLS", False),
    ("java.net.ConnectException: Connection refused (Connection refused)", "connection_refused", "port", False),
    ("java.net.UnknownHostException: dc01.corp.example", "unresolvable", "DNS", False),
]  # fmt: skip

#: Seen alone; anything else in the text says more.
ALONE = [
    ("java.io.IOException: Error writing to server", "closed_after_handshake"),
    ("javax.naming.NamingException: LDAP connection has been closed", "closed_after_handshake"),
]


def trace(text: str) -> str:
    return (
        "2026-11-24 05:16:11,201 ERROR [connector-7] c.m.c.Connector - synchronisation failed\n"
        "javax.naming.CommunicationException: dc01.corp.example:636 [Root exception is "
        f"javax.net.ssl.SSLHandshakeException: {text}]\n"
        "\tat java.naming/com.sun.jndi.ldap.Connection.<init>(Connection.java:252)\n"
        "\tat java.naming/com.sun.jndi.ldap.LdapClient.<init>(LdapClient.java:137)\n"
        f"Caused by: javax.net.ssl.SSLHandshakeException: {text}\n"
        "\tat java.base/sun.security.ssl.Alert.createSSLException(Alert.java:131)\n"
        "\t... 15 more\n"
    )


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "bare": lambda text: text,
    "handshake exception": lambda text: f"javax.net.ssl.SSLHandshakeException: {text}",
    "validator exception": lambda text: (
        f"SSLHandshakeException: sun.security.validator.ValidatorException: {text}"
    ),
    "JNDI": lambda text: (
        "javax.naming.CommunicationException: dc01.corp.example:636 [Root exception is "
        f"javax.net.ssl.SSLHandshakeException: {text}]"
    ),
    "simple bind": lambda text: (
        "simple bind failed: dc01.corp.example:636 [Root exception is "
        f"javax.net.ssl.SSLHandshakeException: {text}]"
    ),
    "chain of messages": lambda text: f"CommunicationException: dc01.corp.example:636 <- {text}",
    "stack trace": trace,
    "log line": lambda text: f"Nov 24 05:16:11 app01 connector[812]: WARN  o.a.Http - I/O: {text}",
    "HTTP client": lambda text: f'I/O error on GET request for "https://dc01.corp.example": {text}',
    "JSON log": lambda text: json.dumps({"level": "ERROR", "stack": trace(text)}),
    "HTML": lambda text: f"<pre>{html.escape(trace(text))}</pre>",
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "typographic quotes": lambda text: f"we get “{text.replace(chr(34), '“')}” since Monday",
    "guillemets": lambda text: f"Fehler: «{text.replace(chr(34), '»')}»",
    "chat": lambda text: f"@peter look:\n```{text}```\nany idea? :thinking_face:",
    "mail": lambda text: "\n".join(f"> > {line}" for line in textwrap.wrap(trace(text), 72)),
    "wrapped terminal": lambda text: "\n".join(textwrap.wrap(text, 40)),
    "table": lambda text: f"| 05:16 | sync | {text} |",
    "cut off behind it": lambda text: f"{trace(text)[:-90]}",
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "upper case": str.upper,
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize(("text", "code", "remedy", "helps"), ROWS, ids=[row[1] for row in ROWS])
def test_a_row_is_explained_however_it_is_wrapped(
    wrap: Callable[[str], str], text: str, code: str, remedy: str, helps: bool | None
) -> None:
    explanation = explain(wrap(text))
    assert explanation.code == code
    assert explanation.also == ()
    assert remedy in explanation.remedy
    assert explanation.truststore_helps is helps


@pytest.mark.parametrize("wrap", ["JNDI", "simple bind", "stack trace", "JSON log", "HTML", "mail"])
@pytest.mark.parametrize(("text", "code"), [row[:2] for row in ROWS], ids=[row[1] for row in ROWS])
def test_the_server_is_read_from_the_wrapping(wrap: str, text: str, code: str) -> None:
    assert explain(WRAPPINGS[wrap](text)).target == "dc01.corp.example:636"


@pytest.mark.parametrize(("text", "code"), ALONE)
@pytest.mark.parametrize("wrap", ["bare", "log line", "HTML twice", "chat", "table", "upper case"])
def test_what_mutual_tls_looks_like_is_explained_where_nothing_else_is_said(
    wrap: str, text: str, code: str
) -> None:
    explanation = explain(WRAPPINGS[wrap](text))
    assert explanation.code == code
    assert "client certificate" in explanation.remedy


#: Alerts that JDK 25 writes in front of what the client itself refuses (``CertificateMessage``).
OWN_ALERTS = ("certificate_unknown", "bad_certificate", "unsupported_certificate")
REFUSED_BY_THE_CLIENT = [row for row in ROWS if row[0].startswith(("PKIX", "No ", "Extended"))]


@pytest.mark.parametrize("alert", OWN_ALERTS)
@pytest.mark.parametrize(
    ("text", "code"),
    [row[:2] for row in REFUSED_BY_THE_CLIENT if row[1] != "certificate_outside_validity"],
)
@pytest.mark.parametrize("wrap", ["bare", "handshake exception", "simple bind", "stack trace"])
def test_the_alert_that_java_25_writes_in_front_does_not_matter(
    wrap: str, text: str, code: str, alert: str
) -> None:
    explanation = explain(WRAPPINGS[wrap](f"({alert}) {text}"))
    assert (explanation.code, explanation.also) == (code, ())


@pytest.mark.parametrize("alert", [*OWN_ALERTS, "certificate_expired", "unknown_ca"])
def test_an_alert_from_the_server_is_told_from_the_clients_own(alert: str) -> None:
    own = explain(f"SSLHandshakeException: ({alert}) {ROWS[0][0]}")
    received = explain(f"SSLHandshakeException: ({alert}) Received fatal alert: {alert}")
    older = explain(f"SSLHandshakeException: Received fatal alert: {alert}")
    assert (own.code, own.truststore_helps) == ("issuer_unknown", True)
    assert received.code == older.code == "client_certificate_rejected"
    assert received.details == older.details == {"alert": alert}
    assert received.truststore_helps is False
    assert "truststore of the client is not involved" in received.remedy


@pytest.mark.parametrize(("text", "code"), [row[:2] for row in ROWS], ids=[row[1] for row in ROWS])
def test_a_text_that_is_cut_off_never_gets_a_wrong_cause(text: str, code: str) -> None:
    """It may get none, or one that says less."""
    whole = f"simple bind failed: dc01.corp.example:636 [Root exception is {text}"
    found = {explain(whole[:end]).code for end in range(len(whole) - len(text), len(whole), 3)}
    less = {
        "unrecognised",
        "directory_unreachable",
        "path_not_built",
        "path_not_valid",
        "handshake_failed",
        "certificate_rejected",
        "alert_received",
        "issuer_has_other_key",
        "certificate_outside_validity",
        "broken_signature_algorithm",
    }
    assert found <= {code, *less}
