"""Texts that say that TLS failed and not why: used when nothing else in the text says more."""

from __future__ import annotations

from typing import Final

from bot.pki.causes.cause import Cause, Question

GENERAL_CAUSES: Final = (
    Cause(
        "path_not_built",
        (
            "PKIX path building failed",
            "Failed to validate certificate path",
            "SunCertPathBuilderException",
            "Failed to validate the server name in a certificate",
        ),
        "Java cannot build a path from the server's certificate to an installed one: most often the root is not "
        "installed, or the server does not send its intermediate.",
        'Install the root of the server\'s chain. For a surer answer paste the whole error, with its "Caused by" lines.',
        "sun.security.validator.PKIXValidator",
        True,
        Question.ISSUER,
        general=True,
    ),
    Cause(
        "path_not_valid",
        ("PKIX path validation failed", "CertPathValidatorException"),
        "Java found a path to an installed certificate and rejects one of its certificates.",
        'Paste the whole error: what comes after "CertPathValidatorException:" names the reason.',
        "sun.security.validator.PKIXValidator",
        None,
        Question.ISSUER,
        general=True,
    ),
    Cause(
        "certificate_rejected",
        (
            "(certificate_unknown)",
            "(bad_certificate)",
            "certificate verify failed",
            "CERTIFICATE_VERIFY_FAILED",
            "SSL certificate problem",
            "curl: (60)",
            "remote certificate is invalid",
            "remote certificate was rejected",
            "Could not establish trust relationship",
            "keine Vertrauensstellung hergestellt",
            "Remotezertifikat ist laut Validierungsverfahren",
            "SSLPeerUnverifiedException",
            "peer not authenticated",
            "ValidatorException",
            "server certificate verification failed",
            "unable to verify certificate",
        ),
        "The client does not accept the server's certificate; the text does not say why.",
        'Paste the whole error, with all "Caused by" lines, or check the server itself.',
        "sun.security.ssl.CertificateMessage",
        None,
        Question.ISSUER,
        general=True,
    ),
    Cause(
        "handshake_failed",
        (
            "SSLHandshakeException",
            "SSL handshake failed",
            "TLS handshake failed",
            "SSLException",
            "SSLProtocolException",
            "handshake failed",
            "handshake error",
            "SSL connect error",
            "SSL connection could not be established",
            "SSLError",
            "Failed to initialize SSL",
            "SSL/TLS secure channel",
            "geschützten SSL/TLS-Kanal",
        ),
        "The TLS connection failed; the text does not say why.",
        'Paste the whole error: the "Caused by" lines at its end name the reason. Or check the server itself.',
        "javax.net.ssl.SSLHandshakeException",
        None,
        Question.TLS,
        general=True,
    ),
    Cause(
        "directory_unreachable",
        (
            "simple bind failed",
            "javax.naming.CommunicationException",
            "javax.naming.ServiceUnavailableException",
            "Can't contact LDAP server",
            "ldap_sasl_bind",
        ),
        "The connection to the directory server failed; the text does not say why.",
        'Paste the whole error: "Root exception is" and the "Caused by" lines name the reason. Or check the server itself.',
        "com.sun.jndi.ldap.LdapClient",
        None,
        Question.ADDRESS,
        general=True,
    ),
)
