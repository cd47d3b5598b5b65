"""Java's TLS error texts, their cause and their remedy."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.text import visible

#: Of a longer text the beginning and the end are read: that is where the causes stand.
MAX_TEXT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One error that Java reports: ``pattern`` finds it (white space stands for any white space),
    ``truststore_helps`` says whether another installed certificate can be the remedy."""

    code: str
    pattern: str
    cause: str
    remedy: str
    truststore_helps: bool
    source: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an error means. ``matched`` is the text that gave it away; ``details`` what else it
    tells, such as ``host``, ``port``, ``not_after`` or ``subject``; ``also`` other errors in the
    same text that say something different."""

    code: str
    matched: str
    cause: str
    remedy: str
    truststore_helps: bool | None
    source: str
    details: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()


_VALIDATOR = "sun.security.validator.PKIXValidator"
_PATH = "sun.security.provider.certpath.PKIXCertPathValidator"
_NAMES = "sun.security.util.HostnameChecker"
_ALERT = "sun.security.ssl.Alert, RFC 8446 §6"

#: The most specific first: of several that a text holds, the first one here is the cause.
ROWS: Final = (
    Row("trust_anchors_empty", r"the trustAnchors parameter must be non-empty",
        "The truststore is empty, or the PEM file that was installed holds no certificate.",
        "Install the root certificate as Base64 PEM.", True, "java.security.cert.PKIXParameters"),
    Row("anchor_not_ca", r"TrustAnchor with subject .{0,500}? is not a CA certificate",
        "The installed certificate is no CA certificate: CA:TRUE is missing. It may be the server's own.",
        "Get the certificate of the CA that issued the server's certificate, best the root.", True, _VALIDATOR),
    Row("anchor_key_usage", r"does not have keyCertSign bit set",
        "The installed certificate may not sign certificates, by its own key usage.",
        "Have the CA reissued with keyCertSign, or get the right CA certificate.", True, _VALIDATOR),
    Row("no_chaining_anchor", r"Path does not chain with any of the trust anchors",
        "A root of the same name but with another key is installed: test and production were mixed up, or the root was renewed.",
        "Get the root certificate of just this environment, and compare its SHA-256 fingerprint.", True, _PATH),
    Row("distrusted_ca", r"anchored by a distrusted legacy",
        "The JDK itself distrusts this public CA for certificates issued after a date; installing its root does not help.",
        "Have the server's certificate issued by another CA.", False, "sun.security.validator.CADistrustPolicy"),
    Row("expired", r"NotAfter:\s*[A-Z][^\n<;]{0,60}|CertificateExpiredException|certificate has expired|certificate_expired",
        "A certificate of the server's chain has expired: the server's own or an intermediate, not the installed one.",
        "Have it renewed on the server; a new root does not help.", False, "java.security.cert.CertificateExpiredException"),
    Row("not_yet_valid", r"NotBefore:\s*[A-Z][^\n<;]{0,60}|CertificateNotYetValidException|certificate is not yet valid",
        "A certificate of the server's chain is not valid yet, or the connector's clock is wrong.",
        "Check the time on both sides; wait, or have the certificate reissued.", False, "java.security.cert.CertificateNotYetValidException"),
    Row("expired", r"validity check failed",
        "A certificate of the server's chain has expired or is not valid yet.",
        "Look for the line with NotAfter or NotBefore; have the certificate renewed on the server.", False, _PATH),
    Row("disabled_algorithm", r"Algorithm constraints check failed|disabled algorithm|algorithm check failed",
        "A key or signature in the chain is too weak for Java: MD5, or RSA of less than 1024 bits.",
        "Have the certificate reissued with SHA-256 and a key of at least 2048 bits.", False, "jdk.certpath.disabledAlgorithms"),
    Row("signature_check", r"signature check failed|Signature does not match",
        "A root of the same name but with another key is installed, or the server still sends a certificate of the old root; an unknown curve does the same.",
        "Get the current root certificate of this environment; clean the chain that the server sends.", True, _PATH),
    Row("intermediate_not_ca", r"basic constraints check failed: this is not a CA certificate",
        "An intermediate certificate is no CA certificate.",
        "Have the CA reissue it with CA:TRUE.", False, "RFC 5280 §4.2.1.9"),
    Row("path_length", r"pathLenConstraint violated",
        "There are more intermediates than a CA above them allows.",
        "Have the hierarchy mended, or install the intermediate.", True, "RFC 5280 §4.2.1.9"),
    Row("ca_key_usage", r"CA key usage check failed",
        "An intermediate certificate may not sign certificates, by its key usage.",
        "Have the CA reissue it with keyCertSign.", False, "RFC 5280 §4.2.1.3"),
    Row("name_constraints", r"name constraints check failed",
        "The host is outside the names that the CA may issue for.",
        "Have the certificate issued by the right CA.", False, "RFC 5280 §4.2.1.10"),
    Row("critical_extension", r"unrecognized critical extension",
        "A certificate has a critical extension that Java does not know.",
        "Have it reissued without.", False, "RFC 5280 §4.2"),
    Row("extended_key_usage", r"Extended key usage does not permit use for TLS server authentication",
        "The server uses a certificate that was issued for clients.",
        "Have it reissued with serverAuth.", False, "sun.security.validator.EndEntityChecker"),
    Row("key_usage", r"KeyUsage does not allow (digital signatures|key encipherment|key agreement)",
        "The server's certificate does not allow what the handshake needs it for.",
        "Have it reissued with digitalSignature.", False, "sun.security.validator.EndEntityChecker"),
    Row("empty_subject", r"SubjectAlternativeName extension MUST be marked critical",
        "The certificate has no subject, and its SAN is not critical.",
        "Have it reissued with a subject.", False, "RFC 5280 §4.1.2.6"),
    Row("name_mismatch", r"No subject alternative DNS name matching (?P<host>\S{1,300}) found|hostname mismatch|Hostname .{1,300} not verified",
        "The name that the connector uses is not among the names of the server's certificate.",
        "Connect by a name in the certificate's SAN, or have it reissued with this one; never switch the check off.", False, _NAMES),
    Row("name_mismatch", r"No name matching (?P<host>\S{1,300}) found",
        "The server's certificate has no SAN, and its common name is another one.",
        "Have it reissued with a SAN, or connect by that common name.", False, _NAMES),
    Row("ip_mismatch", r"No subject alternative names matching IP address (?P<host>\S{1,100})|No subject alternative names present",
        "The connector connects by IP address, and the certificate holds no such address.",
        "Connect by the full host name, or have the address added to the certificate.", False, _NAMES),
    Row("illegal_name", r"Illegal given domain name: (?P<host>[^\s]{1,300})",
        "Java takes the configured name for no host name, for instance because of an underscore.",
        "Use a name of letters, digits and hyphens that the certificate holds.", False, _NAMES),
    Row("chain_too_long", r"certificate chain length \(\d+\) exceeds|size of the handshake message \(\d+\) exceeds",
        "The server sends more certificates than Java reads.",
        "Have the server send its own certificate and the intermediates only.", False, "jdk.tls.maxCertificateChainLength"),
    Row("unknown_issuer", r"unable to find valid certification path to requested target|PKIX path building failed|unable to get (?:local )?issuer certificate|self[- ]signed certificate(?: in certificate chain)?|certificate signed by unknown authority|unknown_ca",
        "The connector does not trust the server: no root or the wrong one is installed, the server does not send its intermediate, or an installed server certificate was renewed.",
        "Request the root certificate of this system; if the chain is incomplete, its owner mends it.", True, "sun.security.provider.certpath.SunCertPathBuilder"),
    Row("client_certificate_missing", r"certificate_required",
        "The server demands a client certificate.",
        "Supply one to the connector: no change to the truststore helps.", False, _ALERT),
    Row("client_certificate_rejected", r"Received fatal alert: (?:bad_certificate|certificate_unknown|unsupported_certificate|certificate_revoked)",
        "The server rejects the connector's client certificate.",
        "Mend the client certificate, not the truststore.", False, _ALERT),
    Row("protocol_version", r"protocol_version|No appropriate protocol",
        "The server speaks only TLS 1.1 or older, which Java no longer does.",
        "Enable TLS 1.2 or newer on the server.", False, _ALERT),
    Row("unrecognized_name", r"unrecognized_name",
        "The server does not know the name that was asked for.",
        "Use the host name that the server is configured for.", False, "RFC 6066 §3"),
    Row("handshake_failure", r"handshake_failure|no cipher suites in common",
        "Server and Java have no cipher suite in common: TLS_RSA only, an odd curve, or an MD5 certificate.",
        "Enable ECDHE suites on the server, or have its certificate reissued.", False, _ALERT),
    Row("plaintext", r"Unsupported or unrecognized SSL message|plaintext connection\?|wrong version number",
        "The port does not speak TLS: 389, 80 or a mail server's banner.",
        "Use the TLS port, 636 or 443, or StartTLS.", False, "sun.security.ssl.SSLSocketInputRecord"),
    Row("closed", r"Remote host terminated the handshake|Remote host closed connection during handshake",
        "The server closed the connection: a domain controller without a certificate, a load balancer, a firewall.",
        "Check the server's certificate and the port.", False, "sun.security.ssl.SSLSocketImpl"),
    Row("unknown_host", r"UnknownHostException|Name or service not known|nodename nor servname",
        "The name cannot be resolved where the connector runs.",
        "Check the name, the DNS and the VPN.", False, "java.net.UnknownHostException"),
    Row("refused", r"Connection refused",
        "Nothing listens on this port, or a firewall refuses.",
        "Check host, port and firewall.", False, "java.net.ConnectException"),
    Row("timeout", r"Read timed out|connect timed out|Connection timed out|SocketTimeoutException",
        "The server does not answer: a firewall, the VPN, or a wrong port.",
        "Check that the connector's network reaches the server.", False, "java.net.SocketTimeoutException"),
    Row("reset", r"Connection reset|Broken pipe|Error writing to server|LDAP connection has been closed",
        "The connection was cut on the way: a firewall, or a server that demands a client certificate.",
        "Check the firewall, and whether the server wants a client certificate.", False, "java.net.SocketException"),
)  # fmt: skip

_COMPILED: Final = tuple(
    (row, re.compile(re.sub(r" (?![?*{])", r"\\s+", row.pattern), re.IGNORECASE | re.DOTALL))
    for row in ROWS
)
_DETAILS: Final = {
    "not_after": re.compile(r"NotAfter:\s*([A-Z][\w :+-]{10,40}\d{4})"),
    "not_before": re.compile(r"NotBefore:\s*([A-Z][\w :+-]{10,40}\d{4})"),
    "subject": re.compile(r'TrustAnchor\s+with\s+subject\s+"([^"\n]{1,300})"'),
    "target": re.compile(
        r"(?:simple bind failed|CommunicationException):\s*([\w.\-\[\]:]{1,253}:\d{1,5})\b"
    ),
}
_UNKNOWN: Final = Explanation(
    "unknown",
    "",
    "This text is not an error that is known here.",
    "Paste the whole error with its “Caused by” lines; the last of them names the cause.",
    None,
    "",
)


def explain(text: str) -> Explanation:
    """What ``text``, a message or a whole stack trace, means. An unknown one gives an explanation
    with the code ``unknown``, whose ``matched`` is its first line."""
    if len(text) > MAX_TEXT:
        text = f"{text[: MAX_TEXT // 2]}\n{text[-MAX_TEXT // 2 :]}"
    plain = html.unescape(text)
    found: list[tuple[Row, re.Match[str]]] = []
    for row, pattern in _COMPILED:
        match = pattern.search(plain)
        if match and row.code not in (other.code for other, _ in found):
            found.append((row, match))
    first_line = visible(next((line.strip() for line in plain.splitlines() if line.strip()), ""))
    if not found:
        if re.search(r"SSL\s*handshake\s*(?:failed|exception)|SSLHandshakeException", plain, re.I):
            cause = "The TLS handshake failed; the reason stands in the lines below this one."
            return Explanation("handshake", first_line, cause, _UNKNOWN.remedy, None, "")
        return Explanation("unknown", first_line, _UNKNOWN.cause, _UNKNOWN.remedy, None, "")
    row, match = found[0]
    details = {
        name: visible(hit[1])
        for name, pattern in _DETAILS.items()
        if (hit := pattern.search(plain))
    }
    if host := match.groupdict().get("host"):
        details["host"] = visible(host)
    return Explanation(
        code=row.code,
        matched=visible(" ".join(match[0].split())),
        cause=row.cause,
        remedy=row.remedy,
        truststore_helps=row.truststore_helps,
        source=row.source,
        details=details,
        also=tuple(other.cause for other, _ in found[1:3]),
    )
