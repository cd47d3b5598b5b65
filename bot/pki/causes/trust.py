"""Errors about what is installed and whether the served chain leads to it, the most specific first."""

from __future__ import annotations

from typing import Final

from bot.pki.causes.cause import Cause, Question

TRUST_CAUSES: Final = (
    Cause(
        "ca_distrusted",
        ("anchored by a distrusted legacy", "TLS Server certificate issued after"),
        "Java itself distrusts this CA for server certificates issued after a fixed date"
        "[: {distrusted} after {issued_after}].",
        "Have the server's certificate issued by another CA: installing this root does not help.",
        "sun.security.validator.CADistrustPolicy",
        False,
        Question.ISSUER,
        ("issued_after", "distrusted"),
    ),
    Cause(
        "blocked_certificate",
        ("Untrusted certificate:",),
        "Java blocks this very certificate, because it is known to be fraudulent or compromised.",
        "Replace the certificate on the server. Find out how it came there.",
        "sun.security.provider.certpath.UntrustedChecker",
        False,
        Question.CONTENT,
    ),
    Cause(
        "truststore_empty",
        (
            "the trustAnchors parameter must be non-empty",
            "problem with the SSL CA cert",
            "error setting certificate verify locations",
        ),
        "The truststore holds no certificate, or its file does not exist, is empty or cannot be read.",
        "Install the root as PEM, and check the path, type and password of the truststore.",
        "java.security.cert.PKIXParameters",
        True,
        Question.ISSUER,
    ),
    Cause(
        "anchor_not_a_ca",
        ("TrustAnchor with subject … is not a CA certificate",),
        "The installed certificate[ {subject}] signs the server's, but it is not marked as a CA: it is a "
        "server's certificate, or one made without CA:TRUE.",
        "Install the CA certificate instead. If the server's certificate is self-signed and was renewed, "
        "install the new one.",
        "sun.security.validator.PKIXValidator",
        True,
        Question.ISSUER,
        ("subject",),
    ),
    Cause(
        "anchor_may_not_sign_certificates",
        ("does not have keyCertSign bit set",),
        "The installed CA certificate[ {subject}] has a key usage that forbids it to sign certificates.",
        "Have the owner of the CA reissue it with keyCertSign, or install the intermediate below it.",
        "sun.security.validator.PKIXValidator",
        True,
        Question.ISSUER,
        ("subject",),
    ),
    Cause(
        "same_name_other_key",
        ("Path does not chain with any of the trust anchors",),
        "The installed root has the name of the right one, but another key: test and production were mixed up, "
        "or the CA was set up anew.",
        "Install the root that belongs to this server: compare the key identifiers or fingerprints.",
        "sun.security.provider.certpath.PKIXCertPathValidator",
        True,
        Question.ISSUER,
    ),
    Cause(
        "issuer_has_other_key",
        (
            "signature check failed",
            "Signature does not match",
            "Certificate signature validation failed",
            "certificate signature failure",
        ),
        "A certificate was not signed by the key of the CA with that name: the installed root is another one "
        "of the same name, or the CA has a new key and the server still sends the old certificates.",
        "Install the current root of this server's CA, and have the owner clean up the chain.",
        "sun.security.provider.certpath.BasicChecker",
        True,
        Question.ISSUER,
    ),
    Cause(
        "intermediate_missing",
        (
            "unable to verify the first certificate",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "PartialChain",
        ),
        "The server sends only its own certificate, and its issuer is not installed: usually the "
        "server does not send its intermediate.",
        "Have the owner of the server send the intermediate too. Until then root and intermediate must "
        "both be installed.",
        "RFC 8446 section 4.4.2; OpenSSL X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        True,
        Question.ISSUER,
        covers=("issuer_unknown",),
    ),
    Cause(
        "self_signed",
        (
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            "verify failed: self-signed certificate (",
            "verify failed: self signed certificate (",
            "num=18:self",
            "error 18 at 0 depth",
            "SSL certificate problem: self-signed certificate",
            "SSL certificate problem: self signed certificate",
            "SEC_ERROR_CA_CERT_INVALID",
            "MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT",
        ),
        "The server's certificate is self-signed, and it is not installed.",
        "Give the server a certificate of the company's CA; until then its own certificate can be installed.",
        "OpenSSL X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT",
        True,
        Question.ISSUER,
        covers=("issuer_unknown",),
    ),
    Cause(
        "root_not_installed",
        (
            "self-signed certificate in certificate chain",
            "self signed certificate in certificate chain",
            "SELF_SIGNED_CERT_IN_CHAIN",
            "UntrustedRoot",
            "CERT_E_UNTRUSTEDROOT",
            "SEC_E_UNTRUSTED_ROOT",
            "0x800B0109",
            "terminated in a root certificate which is not trusted",
        ),
        "The root of the server's chain is not installed. Where a public site shows this, a TLS inspection proxy "
        "has put its own certificate in place.",
        "Install the root of the server's chain, after comparing its fingerprint with the owner's.",
        "OpenSSL X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN",
        True,
        Question.ISSUER,
        covers=("issuer_unknown", "self_signed"),
    ),
    Cause(
        "issuer_unknown",
        (
            "unable to find valid certification path",
            "No trusted certificate found",
            "Trust anchor for certification path not found",
            "Certificate chaining error",
            "unable to get local issuer certificate",
            "unable to get issuer certificate",
            "UNABLE_TO_GET_ISSUER_CERT",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "certificate signed by unknown authority",
            "certificate is not trusted",
            "certificate issuer is unknown",
            "ERR_CERT_AUTHORITY_INVALID",
            "SEC_ERROR_UNKNOWN_ISSUER",
            "RemoteCertificateChainErrors",
            "Peer's Certificate issuer is not recognized",
            "invalid peer certificate: UnknownIssuer",
        ),
        "No installed certificate leads to the server's: the wrong root or none is installed, the server does not "
        "send its intermediate, or a server certificate was installed that has since been renewed.",
        "Compare what the server sends with what is installed, and install the root of its chain. If the chain is "
        "incomplete, the owner of the server mends it.",
        "sun.security.provider.certpath.SunCertPathBuilder",
        True,
        Question.ISSUER,
    ),
)
