"""Errors about the truststore and about files with certificates."""

from __future__ import annotations

from typing import Final

from bot.pki.causes.cause import Cause, Question

FILE_CAUSES: Final = (
    Cause(
        "truststore_password",
        (
            "Keystore was tampered with, or password was incorrect",
            "keystore password was incorrect",
            "Integrity check failed: java.security.UnrecoverableKeyException",
            "failed to decrypt safe contents entry",
        ),
        "The password of the truststore is wrong, or the file is damaged.",
        "Use the password with which the truststore was made (Java's own: changeit), or make it anew.",
        "sun.security.provider.JavaKeyStore; sun.security.pkcs12.PKCS12KeyStore",
        False,
        Question.NONE,
    ),
    Cause(
        "truststore_unreadable",
        (
            "Invalid keystore format",
            "toDerInputStream rejects tag type",
            "DerInputStream.getLength()",
            "Unrecognized keystore format",
            "KeyStoreException: … not found",
            "Short read of DER length",
        ),
        "The file that is set as the truststore is no keystore of the set type: it is a PEM file, empty or damaged.",
        "Import the PEM into the truststore, and set the right type (PKCS12 or JKS).",
        "sun.security.provider.JavaKeyStore; sun.security.pkcs12.PKCS12KeyStore",
        False,
        Question.NONE,
    ),
    Cause(
        "pem_unreadable",
        (
            "Could not parse certificate",
            "Unable to initialize, java.io.IOException",
            "Input not an X.509 certificate",
            "Eingabe kein X.509-Zertifikat",
            "Illegal header:",
            "Illegal footer:",
            "Incomplete BER/DER data",
            "No certificate data found",
            "signed fields invalid",
            "Illegal base64 character",
            "unable to load certificate",
            "Could not read certificate",
            "no start line",
        ),
        "The file with the certificate cannot be read: it is not PEM as Java reads it, is cut off, or holds something else.",
        "Make it anew: base64 between the BEGIN CERTIFICATE and END CERTIFICATE lines, plain text, no word processor.",
        "sun.security.provider.X509Factory; RFC 7468",
        True,
        Question.NONE,
    ),
    Cause(
        "already_installed",
        (
            "Certificate not imported, alias",
            "already exists in keystore under alias",
            "Zertifikat nicht importiert, Alias",
        ),
        "The certificate, or another one under the same alias, is in the truststore already.",
        "Look at the installed one (keytool -list -v). If it is an old one, remove it or choose another alias.",
        "sun.security.tools.keytool.Main",
        None,
        Question.ISSUER,
    ),
)
