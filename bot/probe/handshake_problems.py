"""How a TLS handshake went wrong, and what Java could not do where the probe could: in words, with
a remedy, and with what a Java client says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.probe.flight import TLS12, TLS13
from bot.probe.openssl import can_read_certificate
from bot.probe.presented import Limits, ProbeFinding
from bot.probe.problems import plaintext
from bot.probe.protocols import Protocol
from bot.probe.suites import group_name, is_static_rsa, java_has_group, java_offers, suite_name
from bot.probe.target import Target
from bot.probe.tls import Attempt, Ending
from bot.text import duration

ALERTS: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
"""TLS alerts by number, under the names that Java's ``sun.security.ssl.Alert`` prints."""

_TITLES: Final = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1"}
_JAVA_VERSIONS: Final = {0x0300: "SSL30", 0x0301: "TLS10", 0x0302: "TLS11"}
"""As ``sun.security.ssl.ProtocolVersion`` prints them."""

_NOTHING_IN_COMMON: Final = ("handshake_failure", "insufficient_security")
_TOO_LARGE: Final = "excessive message size"
"""The TLS library's words for a message beyond its own bound, which is 100 KiB for certificates."""
_FATAL: Final = 2
_UNRECOGNIZED_NAME: Final = 112
_SHA1_SCHEMES: Final = frozenset({0x0201, 0x0202, 0x0203})
_DIRECTORY_PORTS: Final = frozenset({636, 3269})
_WEB_PORTS: Final = frozenset({443, 8443})
_PLAIN_DIRECTORY_PORTS: Final = frozenset({389, 3268})


def attempt_failed(target: Target, attempt: Attempt, limits: Limits) -> ProbeFinding | None:
    """Why the handshake did not complete; ``None`` when it did."""
    if attempt.ending is Ending.COMPLETED:
        return None
    if attempt.ending is Ending.NOT_TLS or (attempt.first_bytes and _is_plain(attempt)):
        return plaintext(target, attempt.first_bytes)
    if attempt.asked and attempt.is_required:
        return _certificate_required(target, attempt)
    if attempt.ending is Ending.ALERT:
        return _alerted(target, attempt)
    if attempt.ending is Ending.TIMED_OUT:
        return _timed_out(target, attempt, limits)
    if attempt.ending in (Ending.CLOSED, Ending.RESET):
        return _cut_off(target, attempt)
    if attempt.ending is Ending.TOO_LONG:
        return _too_long(f"The server's handshake exceeds {limits.max_handshake_bytes:,} bytes")
    if attempt.reason == _TOO_LARGE:
        return _too_long("A message of the server's handshake exceeds 100 KiB")
    return _given_up(attempt)


def attempt_findings(target: Target, attempt: Attempt) -> list[ProbeFinding]:
    """What else the attempt has shown."""
    findings = []
    if any(level != _FATAL and code == _UNRECOGNIZED_NAME for level, code in attempt.alerts):
        findings.append(_unrecognized_name(target, "handshake warning: unrecognized_name"))
    if attempt.asked and not attempt.is_required:
        findings.append(_certificate_requested(attempt))
    if attempt.left_out:
        findings.append(
            ProbeFinding(
                "certificates_left_out",
                "warning",
                f"The server sends {len(attempt.chain) + attempt.left_out} certificates; the first {len(attempt.chain)} were read.",
                "Send the leaf and the intermediates, no more.",
                "sun.security.ssl.SSLConfiguration (jdk.tls.client.maxInboundCertificateChainLength)",
                "exceeds the maximum allowed length (10)",
            )
        )
    return findings


def is_strange_to_java(attempt: Attempt) -> bool:
    """Whether JDK 25 would not have agreed to what the server chose."""
    flight = attempt.flight
    if flight.version is None or flight.suite is None:
        return False
    return (
        flight.version < TLS12
        or not java_offers(suite_name(flight.suite))
        or (flight.group is not None and not java_has_group(group_name(flight.group)))
        or (flight.dh_bits is not None and flight.dh_bits < 1024)
        or flight.signature_scheme in _SHA1_SCHEMES
    )


def java_cannot(attempt: Attempt, as_java: Attempt | None) -> ProbeFinding:
    """Why Java cannot connect where ``attempt`` did. ``as_java`` is the attempt with an offer like
    Java's, which failed; ``None`` when none was made."""
    flight = attempt.flight
    version, suite = flight.version or 0, suite_name(flight.suite or 0)
    if version < TLS12:
        return _too_old(attempt, as_java)
    java = _java_phrase(as_java) or "Received fatal alert: handshake_failure"
    if is_static_rsa(suite) and java_offers(suite.replace("TLS_RSA", "TLS_ECDHE_RSA")):
        return ProbeFinding(
            "tls_rsa_only",
            "warning",
            f"The server offers only static RSA key exchange ({suite}), which JDK 24 and later and recent updates of older ones disable.",
            "Enable ECDHE suites on the server; a truststore change does not help.",
            "java.security, jdk.tls.disabledAlgorithms (TLS_RSA_*)",
            java,
        )
    if not java_offers(suite):
        return ProbeFinding(
            "cipher_not_in_java",
            "error",
            f"The server offers only {suite} or the like, which Java does not.",
            "Enable ECDHE with AES-GCM on the server; a truststore change does not help.",
            "sun.security.ssl.CipherSuite",
            java,
        )
    if flight.dh_bits is not None and flight.dh_bits < 1024:
        return ProbeFinding(
            "dh_too_small",
            "error",
            f"The server's Diffie-Hellman group has {flight.dh_bits} bits; Java demands 1024.",
            "Enable ECDHE suites on the server, or a group of 2048 bits.",
            "java.security, jdk.tls.disabledAlgorithms (DH keySize < 1024)",
            "DH ServerKeyExchange does not comply to algorithm constraints",
        )
    if flight.group is not None and not java_has_group(group_name(flight.group)):
        return ProbeFinding(
            "group_not_in_java",
            "error",
            f"The server agrees on keys only with the curve {group_name(flight.group)}, which Java does not offer.",
            "Enable x25519 or secp256r1 on the server.",
            "sun.security.ssl.NamedGroup",
            java,
        )
    return ProbeFinding(
        "sha1_handshake",
        "warning",
        "The server signs the handshake only with SHA-1, which JDK 25 and recent updates of older ones disable.",
        "Enable signatures with SHA-256 on the server.",
        "java.security, jdk.tls.disabledAlgorithms (HandshakeSignature)",
        _java_phrase(as_java) or "Unsupported signature algorithm (rsa_pkcs1_sha1)",
    )


def _too_old(attempt: Attempt, as_java: Attempt | None) -> ProbeFinding:
    version = attempt.flight.version or 0
    chosen = as_java.flight if as_java else attempt.flight
    suite = suite_name(chosen.suite or 0)
    java = _java_phrase(as_java) or (
        f"The server selected protocol version {_JAVA_VERSIONS.get(version, version)} is not "
        "accepted by client preferences [TLS13, TLS12]"
        if java_offers(suite)
        else f"Server selected improper ciphersuite {suite}"
    )
    return ProbeFinding(
        "tls_too_old",
        "error",
        f"The server speaks {_TITLES.get(version, 'an unknown version of TLS')} at best; Java speaks TLS 1.2 and 1.3.",
        "Enable TLS 1.2 or 1.3 on the server; a truststore change does not help.",
        "java.security, jdk.tls.disabledAlgorithms (TLSv1, TLSv1.1); RFC 8996",
        java,
    )


def large_hello_refused() -> ProbeFinding:
    return ProbeFinding(
        "large_hello_refused",
        "warning",
        "The server, or something on the way, does not answer a ClientHello of more than one packet.",
        "Update the server or the firewall: a client with post-quantum key exchange sends one.",
        "RFC 8446 section 4.1.2",
    )


def seen_by_old_hello(error: ProbeFinding | None) -> ProbeFinding | None:
    """``error`` of the first attempt, where the certificate came in answer to an outdated offer."""
    if error is None or error.code not in _NOTHING_IN_COMMON:
        return error
    return replace(
        error,
        message=f"The server ends the handshake with a current client ({error.code}); its certificate "
        "was seen by offering outdated ciphers and curves.",
        remedy="Check the certificate's key (RSA, or EC on P-256, P-384 or P-521), and enable ECDHE "
        "with AES-GCM.",
    )


def _java_phrase(as_java: Attempt | None) -> str | None:
    """What Java says of a server that ends the handshake after Java's offer."""
    if as_java is None:
        return None
    if as_java.ending is Ending.ALERT:
        return _java_on_alert(as_java)
    if as_java.ending is Ending.CLOSED:
        return "Remote host terminated the handshake"
    if as_java.ending is Ending.RESET:
        return "Connection reset"
    return None


def _is_plain(attempt: Attempt) -> bool:
    return attempt.first_bytes[:1] not in (b"\x14", b"\x15", b"\x16", b"\x17")


def _alert_name(attempt: Attempt) -> str:
    code = _fatal_alert(attempt)
    return ALERTS.get(code, f"unknown ({code})")


def _java_on_alert(attempt: Attempt) -> str:
    code = _fatal_alert(attempt)
    if code in ALERTS:
        return f"Received fatal alert: {ALERTS[code]}"
    # Java takes the number for a signed byte.
    return f"Unknown alert description ({code - 256 if code > 127 else code})"


def _fatal_alert(attempt: Attempt) -> int:
    return next((code for level, code in reversed(attempt.alerts) if level == _FATAL), -1)


def _certificate_required(target: Target, attempt: Attempt) -> ProbeFinding:
    if attempt.ending is Ending.ALERT:
        java = _java_on_alert(attempt)
    elif attempt.ending is Ending.RESET:
        java = "Connection reset"
    elif attempt.flight.version != TLS13:
        java = "Remote host terminated the handshake"
    elif _is_directory(target):
        java = "LDAP connection has been closed"
    else:
        # In TLS 1.3 the client's handshake is complete by then.
        java = "Unexpected end of file from server"
    return ProbeFinding(
        "client_certificate_required",
        "error",
        "The server demands a client certificate (mutual TLS) and ends the handshake without one.",
        "Supply a client certificate from one of the CAs that the server accepts; no truststore change helps.",
        "RFC 8446 section 4.3.2, RFC 5246 section 7.4.4",
        java,
    )


def _is_directory(target: Target) -> bool:
    return target.protocol is Protocol.LDAP or target.port in _DIRECTORY_PORTS


def _certificate_requested(attempt: Attempt) -> ProbeFinding:
    went_on = (
        "goes on without one"
        if attempt.is_required is False
        else "does not say whether it must have one"
    )
    return ProbeFinding(
        "client_certificate_requested",
        "info",
        f"The server asks for a client certificate and {went_on}; it may still refuse a request later.",
        "If it refuses, supply a client certificate: no truststore change helps.",
        "RFC 8446 section 4.3.2, RFC 5246 section 7.4.4",
    )


def _alerted(target: Target, attempt: Attempt) -> ProbeFinding:
    name = _alert_name(attempt)
    java = _java_on_alert(attempt)
    if name == "unrecognized_name":
        return _unrecognized_name(target, java)
    if name == "protocol_version":
        return ProbeFinding(
            name,
            "error",
            "The server accepts none of TLS 1.0 to 1.3.",
            "Enable TLS 1.2 or 1.3 on the server.",
            "RFC 8446 section 6.2",
            java,
        )
    if name in _NOTHING_IN_COMMON:
        return ProbeFinding(
            name,
            "error",
            f"The server ends the handshake ({name}): it found no cipher, curve or certificate to use with this client.",
            "Check that the server has a certificate with its private key, and enable ECDHE with AES-GCM.",
            "RFC 8446 section 6.2",
            java,
        )
    if name == "no_application_protocol" and target.protocol is Protocol.MSSQL_STRICT:
        return ProbeFinding(
            name,
            "error",
            "The server does not speak TDS 8 (strict encryption).",
            "Probe it as mssql; strict encryption needs SQL Server 2022 or later.",
            "MS-TDS section 2.1, RFC 7301",
            java,
        )
    return ProbeFinding(
        f"alert_{name}" if name in ALERTS.values() else "alert_unknown",
        "error",
        f"The server ends the handshake with the alert {name}.",
        "Look into the server's log for the reason; a truststore change does not help.",
        "RFC 8446 section 6.2",
        java,
    )


def _unrecognized_name(target: Target, java: str) -> ProbeFinding:
    return ProbeFinding(
        "unrecognized_name",
        "error",
        f'The server does not know the name "{target.host}" (SNI).',
        "Connect by a name that the server is set up for, or add this name to it.",
        "RFC 6066 section 3",
        java,
    )


def _timed_out(target: Target, attempt: Attempt, limits: Limits) -> ProbeFinding:
    after = "after its certificate" if attempt.chain else "during the handshake"
    return ProbeFinding(
        "handshake_timeout",
        "error",
        f"The server went silent {after}, for {duration(limits.handshake_seconds)}."
        if attempt.first_bytes
        else f"Port {target.port} accepts the connection and does not answer a ClientHello.",
        "Check the server and what is between (a firewall that inspects TLS, a proxy), and the port.",
        "RFC 8446 section 4",
        "Read timed out",
    )


def _cut_off(target: Target, attempt: Attempt) -> ProbeFinding:
    is_reset = attempt.ending is Ending.RESET
    how = "resets the connection" if is_reset else "closes the connection"
    java = "Connection reset" if is_reset else "Remote host terminated the handshake"
    remedy = "Check the port, and a load balancer or firewall between here and the server."
    if not attempt.chain and target.port in _PLAIN_DIRECTORY_PORTS:
        url = f"ldap://{target.address}"
        remedy = f"This is the port of LDAP without TLS: write {url} for StartTLS, or use LDAPS on port 636."
    elif not attempt.chain and _is_directory(target):
        remedy = (
            "A domain controller does this when it has no certificate for server authentication: "
            "issue one to it. Otherwise check a load balancer or firewall on the way."
        )
    elif not attempt.chain and target.protocol is Protocol.TLS and target.port not in _WEB_PORTS:
        remedy = (
            "Check the port, and a load balancer or firewall on the way. If another protocol comes "
            f"before TLS there, name it: ldap://{target.address}, postgresql://{target.address}."
        )
    when = "after its certificate" if attempt.chain else "in answer to the ClientHello"
    return ProbeFinding(
        "handshake_reset" if is_reset else "handshake_closed",
        "error",
        f"The server {how} {when}.",
        remedy,
        "RFC 8446 section 6.1" if not is_reset else "RFC 9293 section 3.5.2",
        java,
    )


def _too_long(what: str) -> ProbeFinding:
    return ProbeFinding(
        "handshake_too_long",
        "error",
        f"{what}; Java takes certificates of 32,768 bytes in all.",
        "Check what the server sends: its chain should hold the leaf and the intermediates, no more.",
        "sun.security.ssl.SSLConfiguration (jdk.tls.maxHandshakeMessageSize)",
        "exceeds the maximum allowed size (32768)",
    )


def _given_up(attempt: Attempt) -> ProbeFinding:
    if attempt.flight.has_certificate and not attempt.chain:
        return ProbeFinding(
            "no_certificate",
            "error",
            "The server sends an empty chain: it has no certificate to show.",
            "Install a certificate on the server.",
            "RFC 8446 section 4.4.2, RFC 5246 section 7.4.2",
            "Empty server certificate chain",
        )
    if not all(can_read_certificate(der) for der in attempt.chain):
        return ProbeFinding(
            "certificate_unreadable",
            "error",
            "The server sends a certificate whose encoding is broken.",
            "Reissue the certificate: X.509 certificates are DER.",
            "RFC 5280 section 4.1; sun.security.ssl.CertificateMessage",
            "Failed to parse server certificates",
        )
    after = "after its certificate" if attempt.chain else "before its certificate"
    return ProbeFinding(
        "handshake_broken",
        "error",
        f"The server's handshake is faulty {after}: {attempt.reason}.",
        "Check the server's TLS software and what is between (a proxy that inspects TLS).",
        "RFC 8446 section 4, RFC 5246 section 7.4",
    )
