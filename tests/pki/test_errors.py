"""Error text → cause → remedy."""

from __future__ import annotations

import html
import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pki.causes import CAUSES, Cause
from bot.pki.errors import Explanation, Question, explain

BUILDING = (
    "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)
VALIDATION = "PKIX path validation failed: java.security.cert.CertPathValidatorException: "
ANCHOR = 'PKIX path validation failed: sun.security.validator.ValidatorException: TrustAnchor with subject "CN=Corp Root" '
EXPIRED_TRACE = """\
2026-11-24 05:16:11,201 ERROR [connector] sync failed
javax.naming.CommunicationException: dc01.corp.example:636 [Root exception is javax.net.ssl.SSLHandshakeException: PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed]
	at java.naming/com.sun.jndi.ldap.Connection.<init>(Unknown Source)
	at java.naming/com.sun.jndi.ldap.LdapClient.<init>(Unknown Source)
	at java.naming/javax.naming.directory.InitialDirContext.<init>(Unknown Source)
Caused by: javax.net.ssl.SSLHandshakeException: PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed
	at java.base/sun.security.ssl.Alert.createSSLException(Unknown Source)
	at java.base/sun.security.ssl.SSLSocketImpl.startHandshake(Unknown Source)
	... 15 more
Caused by: java.security.cert.CertPathValidatorException: validity check failed
	at java.base/sun.security.provider.certpath.PKIXMasterCertPathValidator.validate(Unknown Source)
	... 34 more
Caused by: java.security.cert.CertificateExpiredException: NotAfter: Sun Nov 22 05:16:10 UTC 2026
	at java.base/sun.security.x509.CertificateValidity.valid(Unknown Source)
	... 39 more
"""

JAVA = [
    (BUILDING, "issuer_unknown"),
    ("InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty", "truststore_empty"),
    (VALIDATION + "Path does not chain with any of the trust anchors", "same_name_other_key"),
    (VALIDATION + "signature check failed", "issuer_has_other_key"),
    ("Caused by: java.security.SignatureException: Signature does not match.", "issuer_has_other_key"),
    (VALIDATION + "validity check failed", "certificate_outside_validity"),
    ("CertificateExpiredException: NotAfter: Sun Nov 22 05:16:10 UTC 2026", "certificate_expired"),
    ("CertificateNotYetValidException: NotBefore: Thu Dec 03 05:15:43 CET 2026", "certificate_not_yet_valid"),
    ("(certificate_expired) " + VALIDATION + "validity check failed", "certificate_expired"),
    ("(bad_certificate) " + VALIDATION + "validity check failed", "certificate_not_yet_valid"),
    (ANCHOR + "is not a CA certificate", "anchor_not_a_ca"),
    (ANCHOR + "does not have keyCertSign bit set in KeyUsage extension", "anchor_may_not_sign_certificates"),
    (VALIDATION + "basic constraints check failed: this is not a CA certificate", "not_a_ca"),
    (VALIDATION + "basic constraints check failed: pathLenConstraint violated - this cert must be the last cert in the certification path", "path_too_long"),
    (VALIDATION + "CA key usage check failed: keyCertSign bit is not set", "may_not_sign_certificates"),
    (VALIDATION + "name constraints check failed", "name_constraints_violated"),
    (VALIDATION + "unrecognized critical extension(s)", "unknown_critical_extension"),
    ("ValidatorException: Extended key usage does not permit use for TLS server authentication", "not_for_servers"),
    ("ValidatorException: KeyUsage does not allow digital signatures", "key_usage_forbids_signing"),
    (VALIDATION + "Algorithm constraints check failed on signature algorithm: MD5withRSA", "broken_signature_algorithm"),
    (VALIDATION + "Algorithm constraints check failed on disabled algorithm: MD5 used with certificate: CN=a. Usage was TLSServer", "broken_signature_algorithm"),
    (VALIDATION + "Algorithm constraints check failed on keysize limits: RSA 768 bit key used with certificate: CN=a", "key_too_short"),
    (VALIDATION + "signature check failed <- InvalidKeyException: Curve not supported: secp256k1 (1.3.132.0.10)", "unsupported_curve"),
    (VALIDATION + "signature check failed <- NoSuchAlgorithmException: 1.3.101.112 Signature not available", "unknown_signature_algorithm"),
    ("No subject alternative DNS name matching dc01.corp.example found.", "name_mismatch"),
    ("No name matching dc01.corp.example found", "name_not_in_common_name"),
    ("No subject alternative names matching IP address 192.0.2.1 found", "address_not_in_certificate"),
    ("No subject alternative names present", "address_not_in_certificate"),
    ("Illegal given domain name: my_host.corp.example", "host_name_not_allowed"),
    ("SubjectAlternativeName extension MUST be marked critical when subject field is empty", "unreadable_certificate"),
    ("Unsupported or unrecognized SSL message", "plaintext"),
    ("Remote host terminated the handshake", "handshake_closed"),
    ("java.net.SocketException: Connection reset", "connection_reset"),
    ("java.net.SocketException: Broken pipe (Write failed)", "connection_reset"),
    ("Received fatal alert: certificate_required", "client_certificate_required"),
    ("java.io.IOException: Error writing to server", "closed_after_handshake"),
    ("javax.naming.NamingException: LDAP connection has been closed", "closed_after_handshake"),
    ("Received fatal alert: protocol_version", "tls_too_old"),
    ("(protocol_version) The server selected protocol version TLS10 is not accepted by client preferences [TLS13, TLS12]", "tls_too_old"),
    ("Received fatal alert: handshake_failure", "handshake_failure"),
    ("Received fatal alert: unrecognized_name", "unrecognized_name"),
    ("Received fatal alert: bad_certificate", "client_certificate_rejected"),
    ("(certificate_unknown) Received fatal alert: certificate_unknown", "client_certificate_rejected"),
    ("(certificate_expired) Received fatal alert: certificate_expired", "client_certificate_rejected"),
    ("(bad_certificate) something new", "certificate_rejected"),
    ("(certificate_unknown) " + BUILDING, "issuer_unknown"),
    ("Received fatal alert: internal_error", "alert_received"),
    ("(bad_certificate_status_response) Received fatal alert: bad_certificate_status_response", "alert_received"),
    ("TLS Server certificate issued after 2025-04-15 and anchored by a distrusted legacy Camerfirma root CA: CN=Chambers", "ca_distrusted"),
    ("The certificate chain length (11) exceeds the maximum allowed length (10)", "chain_too_long"),
    ("The size of the handshake message (40000) exceeds the maximum allowed size (32768)", "chain_too_large"),
    ("No appropriate protocol (protocol is disabled or cipher suites are inappropriate)", "client_protocols_disabled"),
    ("java.net.SocketTimeoutException: Read timed out", "read_timeout"),
    ("java.net.SocketTimeoutException: connect timed out", "connect_timeout"),
    ("java.net.ConnectException: Connection refused (Connection refused)", "connection_refused"),
    ("java.net.UnknownHostException: dc01.corp.example", "unresolvable"),
    ("java.net.NoRouteToHostException: No route to host", "no_route"),
    ("java.io.IOException: Unable to tunnel through proxy. Proxy returns \"HTTP/1.1 407 Proxy Authentication Required\"", "proxy_failed"),
    ("[LDAP: error code 49 - 80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 52e, v2580]", "ldap_credentials"),
    ("[LDAP: error code 8 - 00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on integrity checking]", "ldap_tls_required"),
    ("[LDAP: error code 52 - 00000000: LdapErr: DSID-0C091208, comment: Error initializing SSL/TLS, data 0, v4563]", "ldap_certificate_missing"),
    ("java.io.IOException: Keystore was tampered with, or password was incorrect", "truststore_password"),
    ("java.io.IOException: Invalid keystore format", "truststore_unreadable"),
    ("java.security.cert.CertificateException: Could not parse certificate: java.io.IOException: Empty input", "pem_unreadable"),
    ("keytool error: java.lang.Exception: Certificate not imported, alias <root> already exists", "already_installed"),
    ("javax.net.ssl.SSLHandshakeException", "handshake_failed"),
    ("SSL handshake failed", "handshake_failed"),
    ("simple bind failed: dc01.corp.example:636", "directory_unreachable"),
    ("PKIX path building failed", "path_not_built"),
    ("PKIX path validation failed", "path_not_valid"),
]  # fmt: skip

OTHERS = [
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)", "issuer_unknown"),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1006)", "root_not_installed"),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate (_ssl.c:1131)", "self_signed"),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)", "certificate_expired"),
    ("certificate verify failed: Hostname mismatch, certificate is not valid for 'h.example'. (_ssl.c:1006)", "name_mismatch"),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "certificate_rejected"),
    ("ssl.SSLEOFError: EOF occurred in violation of protocol (_ssl.c:997)", "handshake_closed"),
    ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "plaintext"),
    ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure", "handshake_failure"),
    ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required", "client_certificate_required"),
    ("sslv3 alert certificate expired:s3_pkt.c:1493:SSL alert number 45", "client_certificate_rejected"),
    ("curl: (60) SSL certificate problem: unable to get local issuer certificate", "issuer_unknown"),
    ("curl: (60) SSL certificate problem: self-signed certificate in certificate chain", "root_not_installed"),
    ("curl: (60) SSL: no alternative certificate subject name matches target host name 'h.example'", "name_mismatch"),
    ("curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to h.example:443", "handshake_closed"),
    ("verify error:num=21:unable to verify the first certificate", "intermediate_missing"),
    ("Error: unable to verify the first certificate\ncode: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'", "intermediate_missing"),
    ("Error: connect ECONNREFUSED 192.0.2.1:443", "connection_refused"),
    ("x509: certificate signed by unknown authority", "issuer_unknown"),
    ("x509: certificate has expired or is not yet valid: current time 2026 is before 2027", "certificate_outside_validity"),
    ("x509: certificate is valid for a.example, b.example, not c.example", "name_mismatch"),
    ("The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot", "root_not_installed"),
    ("The remote certificate is invalid because of errors in the certificate chain: PartialChain", "intermediate_missing"),
    ("The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch", "name_mismatch"),
    ("Das Remotezertifikat ist laut Validierungsverfahren ungültig.", "certificate_rejected"),
    ("NET::ERR_CERT_AUTHORITY_INVALID", "issuer_unknown"),
    ("NET::ERR_CERT_DATE_INVALID", "certificate_expired"),
    ("NET::ERR_CERT_COMMON_NAME_INVALID", "name_mismatch"),
    ("io.netty.handler.ssl.NotSslRecordException: not an SSL/TLS record: 485454502f312e31", "plaintext"),
    ("io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: h.example/192.0.2.1:443", "connection_refused"),
    ("Certificate for <h.example> doesn't match any of the subject alternative names: [a.example, b.example]", "name_mismatch"),
    ("javax.net.ssl.SSLPeerUnverifiedException: Hostname h.example not verified:", "name_mismatch"),
    ("java.security.cert.CertPathValidatorException: Trust anchor for certification path not found.", "issuer_unknown"),
    ("Die Wartezeit für die Verbindung ist abgelaufen", "connect_timeout"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), JAVA + OTHERS)
def test_every_known_text_is_explained(text: str, code: str) -> None:
    explanation = explain(text)
    assert explanation.code == code
    assert explanation.also == ()
    assert explanation.is_recognised


def test_every_cause_has_a_text_here() -> None:
    assert {cause.code for cause in CAUSES} - {code for _, code in JAVA + OTHERS} == {
        "blocked_certificate",
        "certificate_revoked",
        "client_certificate_not_for_clients",
        "dh_too_small",
        "no_application_protocol",
        "renegotiation_refused",
        "revocation_unknown",
    }


@pytest.mark.parametrize(
    ("cause", "phrase"),
    [
        pytest.param(cause, phrase, id=f"{cause.code}-{phrase[:40]}")
        for cause in CAUSES
        for phrase in cause.phrases
    ],
)
def test_every_phrase_leads_to_its_cause(cause: Cause, phrase: str) -> None:
    explanation = explain(f"java.lang.Exception: {phrase.replace('…', ' something ')}")
    assert cause.code in (explanation.code, *(other.code for other in explanation.also))


def test_the_table_is_consistent() -> None:
    codes = {cause.code for cause in CAUSES}
    for cause in CAUSES:
        assert set(cause.covers) <= codes
        assert set(re.findall(r"\{(\w+)\}", cause.cause + cause.remedy)) <= set(cause.details)
        assert re.sub(r"\[[^\]]*\]", "", cause.cause).endswith(".")
        assert cause.remedy.endswith(".")
        assert cause.source
        assert cause.general or all(len(phrase.partition("…")[0]) >= 5 for phrase in cause.phrases)


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("NotAfter: Sun Nov 22 05:16:10 UTC 2026", {"not_after": "2026-11-22 05:16:10 UTC"}),
        ("NotAfter: Sun Nov 2\n05:16:10 MEZ 2026", {"not_after": "2026-11-02 05:16:10 MEZ"}),
        ("NotBefore: Thu Dec 03 05:15:43 CET 2026", {"not_before": "2026-12-03 05:15:43 CET"}),
        (ANCHOR + "is not a CA certificate", {"subject": "CN=Corp Root"}),
        (
            "Algorithm constraints check failed on disabled algorithm: MD5 used with certificate: CN=a, O=b.  Usage was TLSServer",
            {"algorithm": "MD5", "certificate": "CN=a, O=b"},
        ),
        (
            "Algorithm constraints check failed on keysize limits: RSA 768 bit key used with certificate: CN=a]",
            {"key": "RSA 768 bit key", "certificate": "CN=a"},
        ),
        ("Curve not supported: secp256k1 (1.3.132.0.10)", {"curve": "secp256k1 (1.3.132.0.10)"}),
        ("1.3.101.112 Signature not available", {"algorithm_oid": "1.3.101.112"}),
        (
            "Certificate contains unsupported critical extensions: [1.2.3.4, 2.5.29.54]",
            {"extensions": "1.2.3.4, 2.5.29.54"},
        ),
        ("KeyUsage does not allow key encipherment", {"lacking": "key encipherment"}),
        ("Received fatal alert: unknown_ca", {"alert": "unknown_ca"}),
        ("tlsv1 alert unknown ca:s3_pkt.c", {"alert": "unknown ca"}),
        (
            "TLS Server certificate issued after 2019-04-16 and anchored by a distrusted legacy Symantec root CA: CN=GeoTrust, C=US",
            {"issued_after": "2019-04-16", "distrusted": "CN=GeoTrust, C=US"},
        ),
        (
            "The certificate chain length (11) exceeds the maximum allowed length (10)",
            {"length": "11", "allowed": "10"},
        ),
        (
            "The server selected protocol version TLS10 is not accepted by client preferences",
            {"version": "TLS10"},
        ),
        (
            "[LDAP: error code 49 - 80090308: AcceptSecurityContext error, data 52e, v2580]",
            {"ad_code": "52e"},
        ),
        (
            "Certificate for <h.example> doesn't match any of the subject alternative names: [a.example, b.example]",
            {"name": "h.example", "names": "a.example, b.example"},
        ),
    ],
)
def test_details_are_read(text: str, details: dict[str, str]) -> None:
    explanation = explain(text)
    assert dict(explanation.details) == details


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (f"simple bind failed: DC01.corp.example:636 [Root exception is {BUILDING}]", "dc01.corp.example:636"),
        ("javax.naming.CommunicationException: [2001:db8::1]:636 [Root exception is Connection reset]", "[2001:db8::1]:636"),
        ("CommunicationException: dc01.corp.example:636 Connection reset", "dc01.corp.example:636"),
        ("No subject alternative DNS name matching dc01.corp.example found.", "dc01.corp.example"),
        ("No subject alternative names matching IP address 192.0.2.1 found", "192.0.2.1"),
        ("java.net.UnknownHostException: dc01.corp.example: Name or service not known", "dc01.corp.example"),
        ("HttpHostConnectException: Connect to h.example:8443 [h.example/192.0.2.1] failed: Connection refused", "h.example:8443"),
        ("java.net.ConnectException: Failed to connect to h.example/192.0.2.1:443 Connection refused", "h.example:443"),
        ("curl: (7) Failed to connect to h.example port 443 after 3 ms: Connection refused", "h.example:443"),
        ("AnnotatedConnectException: Connection refused: h.example/192.0.2.1:443", "h.example:443"),
        ("HTTPSConnectionPool(host='h.example', port=443): Max retries: certificate verify failed", "h.example:443"),
        ('I/O error on POST request for "https://h.example:8443/api": Read timed out', "h.example:8443"),
        ('I/O error on GET request for "https://bob:SeSaM@h.example/api": Read timed out', "h.example"),
        ("curl: (60) SSL certificate problem: certificate has expired\nMore details here: https://curl.se/docs/sslcerts.html", None),
        (BUILDING, None),
    ],
)  # fmt: skip
def test_the_server_is_read_from_the_text(text: str, target: str | None) -> None:
    assert explain(text).target == target


def test_the_words_are_quoted_without_their_wrapping() -> None:
    explanation = explain(f"simple bind failed: h:636 [Root exception is {BUILDING}]")
    assert explanation.matched == "unable to find valid certification path to requested target"


def test_a_whole_stack_trace_is_explained_by_its_innermost_cause() -> None:
    explanation = explain(EXPIRED_TRACE)
    assert explanation.code == "certificate_expired"
    assert explanation.matched == "NotAfter: Sun Nov 22 05:16:10 UTC 2026"
    assert explanation.cause.endswith("has expired: its validity ended on 2026-11-22 05:16:10 UTC.")
    assert explanation.target == "dc01.corp.example:636"
    assert explanation.truststore_helps is False
    assert explanation.question is Question.VALIDITY
    assert explanation.also == ()


@pytest.mark.parametrize(
    "disguise",
    [
        html.escape,
        lambda text: html.escape(html.escape(text)),
        lambda text: f"<div>{html.escape(text)}</div>".replace("\n", "<br/>"),
        json.dumps,
        lambda text: json.dumps(json.dumps({"stack": text})),
        lambda text: "\n".join(f"> {line}" for line in text.splitlines()),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace('"', "“"),
        str.upper,
        lambda text: "\n".join(re.findall(r".{1,40}", text, re.DOTALL)),
        lambda text: f"```{text}```",
        lambda text: "x" * 200_000 + "\n" + text,
        lambda text: text + "\n" + "x" * 200_000,
    ],
)
@pytest.mark.parametrize("text", [EXPIRED_TRACE, BUILDING, ANCHOR + "is not a CA certificate"])
def test_what_mail_logs_and_chats_do_to_a_text_does_not_matter(disguise, text: str) -> None:  # type: ignore[no-untyped-def]
    assert explain(disguise(text)).code == explain(text).code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BUILDING[:-30], "issuer_unknown"),
        ("PKIX path building failed: sun.secur", "path_not_built"),
        ("unable to find valid certif…", "issuer_unknown"),
        ("nd valid certification path to requested target", "issuer_unknown"),
        ("d certification path to requested target", "unrecognised"),
        ("No subject alternative", "unrecognised"),
        ("Received fatal alert: certificate_req", "alert_received"),
        ("No name matching", "unrecognised"),
        ("Path does not chain with any of the tr", "same_name_other_key"),
    ],
)
def test_a_cut_off_text_is_explained_if_it_can_only_be_one(text: str, code: str) -> None:
    assert explain(text).code == code


@pytest.mark.parametrize(
    "text",
    [
        "the thread timed out",
        "write the pipe",
        "LDAP: error code 80 - other",
        "Not After : Jan  1 00:00:00 2020 GMT",
        "hello",
        "dc01.corp.example:636",
    ],
)
def test_what_only_looks_alike_is_not_recognised(text: str) -> None:
    explanation = explain(text)
    assert explanation.code == "unrecognised"
    assert text.split()[0] in explanation.cause
    assert "Caused by" in explanation.remedy
    assert not explanation.is_recognised


def test_nothing_is_not_recognised_either() -> None:
    assert explain(" \n\t ").code == "unrecognised"
    assert "no text" in explain("").cause


def test_a_bare_handshake_failure_asks_for_the_rest() -> None:
    assert (
        "Caused by" in explain("javax.net.ssl.SSLHandshakeException: SSL handshake failed").remedy
    )


def test_several_errors_are_all_explained() -> None:
    explanation = explain(
        f"10:00 simple bind failed: a.example:636 [Root exception is {BUILDING}]\n"
        "11:00 No subject alternative DNS name matching b.example found.\n"
        "12:00 CommunicationException: c.example:636 [Root exception is java.net.SocketException: Connection reset]\n"
    )
    assert [explanation.code, *(other.code for other in explanation.also)] == [
        "issuer_unknown",
        "name_mismatch",
        "connection_reset",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "https://bob:SeSaM@h.example/ Connection refused",
        "Connection refused: jdbc:sqlserver://h;user=a;password=SeSaM",
        "password: SeSaM",
        "simple bind failed: h:636 java.naming.security.credentials password=SeSaM",
        "-----BEGIN PRIVATE KEY-----\nSeSaM\n-----END PRIVATE KEY-----\nConnection refused",
        "-----BEGIN PRIVATE KEY-----\nSeSaM",
    ],
)
def test_secrets_are_not_quoted(text: str) -> None:
    assert "SeSaM" not in repr(explain(text))


def shown(explanation: Explanation) -> list[str]:
    return [
        explanation.matched,
        explanation.cause,
        explanation.remedy,
        explanation.target or "",
        *explanation.details.values(),
        *(text for other in explanation.also for text in shown(other)),
    ]


PHRASES = [phrase for cause in CAUSES for phrase in cause.phrases]


@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(PHRASES),
            st.sampled_from(["CommunicationException: h:1", "https://a:b@c", "\u202e", "\x1b[31m"]),
        ),
        max_size=8,
    ).map(" ".join)
)
def test_any_text_gives_an_explanation_that_is_safe_to_show(text: str) -> None:
    for part in shown(explain(text)):
        assert part.isprintable()
        assert len(part) < 800


def test_a_longer_name_may_be_wrapped_in_its_middle() -> None:
    text = "Received fatal alert: bad_certificate\n_status_response"
    assert explain(text).code == "alert_received"


@given(st.sampled_from([text for text, _ in JAVA]), st.data())
def test_a_line_may_be_wrapped_anywhere(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    assert explain(f"{text[:at]}\n{text[at:]}").code == explain(text).code


@pytest.mark.parametrize(
    "unit",
    ["a", " ", "\n", "<", "&amp;", "\\n", "-----BEGIN A-----", "TrustAnchor with subject ", "NotAfter: ", "https://",
     "certificate ", "at a.b(", "alert ", "critical extensions: 1.", "thread timed out ", '"', "host='", "password="],
)  # fmt: skip
def test_hostile_texts_take_no_time(unit: str) -> None:
    started = time.process_time()
    explain((unit * 70_000)[:400_000] + " Connection refused")
    assert time.process_time() - started < 10
