"""What people send instead of a certificate, and what they should send."""

from __future__ import annotations

import re

from bot.records import record


@record
class Foreign:
    """``what`` is the predicate of a sentence about the file; ``remedy`` says what to do."""

    what: str
    remedy: str


_EXPORT = "Export the certificate as Base64 PEM and attach that file."
_UNPACK = "Unpack it and send the certificate file itself, or put it into a zip file."
_BINARY = (
    (b"%PDF-", "is a PDF document", _EXPORT),
    (b"{\\rtf", "is an RTF document", _EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Office document or an Outlook mail", _EXPORT),
    (b"\x89PNG", "is a picture", "A screenshot holds no certificate. " + _EXPORT),
    (b"\xff\xd8\xff", "is a picture", "A screenshot holds no certificate. " + _EXPORT),
    (b"GIF8", "is a picture", "A screenshot holds no certificate. " + _EXPORT),
    (b"\x1f\x8b", "is a gzip archive", _UNPACK),
    (b"BZh", "is a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "is an xz archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "is a RAR archive", _UNPACK),
    (b"MZ", "is a Windows program", _EXPORT),
    (b"\x7fELF", "is a program", _EXPORT),
    (
        b"\0\0\0\x01\0\0\0\x14",
        "is a BouncyCastle keystore (BKS)",
        "Export the certificate from it with: keytool -exportcert -rfc -storetype BKS -alias NAME "
        "-keystore FILE",
    ),
    (
        b"\0\0\0\x02\0\0\0\x14",
        "is a BouncyCastle keystore (BKS)",
        "Export the certificate from it with: keytool -exportcert -rfc -storetype BKS -alias NAME "
        "-keystore FILE",
    ),
)
#: How much of a text is looked at to tell what it is.
_LOOKED_AT = 50_000
_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
OFFICE = Foreign("is an Office document", _EXPORT)
TOO_LONG = Foreign(
    "is too long a text to be searched to its end, and its beginning holds no certificate",
    "Send only the certificates.",
)
_BINARY_KEYS = (
    (b"\x1e\xf1\xb5\xb0", "private key (PVK)"),
    (b"\x07\x02\0\0", "private key (PRIVATEKEYBLOB)"),
    (b"openssh-key-v1\0", "OpenSSH private key"),
)
_FROM_THE_CA = "Ask the CA that received it for the certificate that it issued."
#: What to do about a piece of DER that is no certificate, by its name in ``kinds``.
INSTEAD = {
    "a certificate signing request (CSR)": _FROM_THE_CA,
    "a certificate revocation list (CRL)": "Send the certificate of the CA that issued the list.",
    "a public key": "A certificate holds more than the key: send the certificate.",
    "an RSA public key": "A certificate holds more than the key: send the certificate.",
}
_NO_CERTIFICATES = re.compile(r"REQUEST|CRL|PUBLICKEY|PARAM|SESSION|PGP|SSH2|ATTRIBUTE|PRIVATEKEY")

_THUMBPRINT = re.compile(
    r"(?:[Hh]ash\s?\(?sha1\)?|[Tt]humbprint|[Ff]ingerabdruck)[^:\n]{0,20}:\s{0,4}"
    r"([0-9a-fA-F]{2}(?:[ :]?[0-9a-fA-F]{2}){19})\b"
)
_CERTUTIL = re.compile(
    r"CertUtil:|={4,20} [A-Z][a-z]{3,12} \d{1,5} ={4,20}|(?:Cert|Zertifikat)\s?[Hh]ash\s?\(sha1\)"
)
_OPENSSL_TEXT = re.compile(r"Certificate:\s{1,20}Data:\s{1,40}Version:")
_KEYTOOL = re.compile(
    r"Keystore type:|Keystore-Typ:|Certificate fingerprints:|Zertifikat-?Fingerprints:|"
    r"trustedCertEntry|PrivateKeyEntry"
)
_S_CLIENT = re.compile(r"^CONNECTED\([0-9A-F]{1,8}\)", re.MULTILINE)
_JAVA_ERROR = re.compile(
    r"PKIX path|SSLHandshakeException|CertPathValidatorException|SunCertPathBuilderException"
)
_SSH_PUBLIC = re.compile(r"^\s{0,8}(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\w{1,20}) AAAA", re.M)
_FINGERPRINT = re.compile(r"^[^\n]{0,40}?(?:[0-9a-fA-F]{2}[ :]?){19,31}[0-9a-fA-F]{2}$")


def binary(data: bytes) -> Foreign | None:
    """What the file is by its first bytes, when that is something known and no certificate."""
    for magic, what, remedy in _BINARY:
        if data.startswith(magic):
            return Foreign(what, remedy)
    if data[_TAR_OFFSET : _TAR_OFFSET + len(_TAR_MAGIC)] == _TAR_MAGIC:
        return Foreign("is a tar archive", _UNPACK)
    return None


def binary_private_key(data: bytes) -> str | None:
    """The kind of private key that the file is by its first bytes."""
    return next((name for magic, name in _BINARY_KEYS if data.startswith(magic)), None)


def may_hold_certificates(label: str) -> bool:
    """Whether a block with this label (capitals, no spaces) is meant to hold a certificate."""
    return not _NO_CERTIFICATES.search(label)


def text(plain: str) -> Foreign:
    """What a text without any certificate is, by its beginning."""
    plain = plain[:_LOOKED_AT]
    if re.search(r"<!doctype html|<html[\s>]", plain, re.IGNORECASE):
        return Foreign(
            "is a web page, probably the login page of the site it was downloaded from",
            "Log in, download the certificate again and look into the file before sending it.",
        )
    if _CERTUTIL.search(plain):
        found = _THUMBPRINT.search(plain)
        thumbprint = re.sub(r"[ :]", "", found[1]).lower() if found else "THUMBPRINT"
        return Foreign(
            "is certutil's description of a certificate, without the certificate itself",
            f"Export it with: certutil -store Root {thumbprint} root.cer (in place of Root: CA for "
            "an intermediate, My for the server's own)",
        )
    if _OPENSSL_TEXT.search(plain):
        return Foreign(
            "is OpenSSL's description of a certificate, without the certificate itself",
            "Leave out -noout, or send what this prints: openssl x509 -in FILE",
        )
    if _S_CLIENT.search(plain):
        return Foreign(
            "is the output of openssl s_client, but the server presented no certificate",
            "Check host and port, and run: openssl s_client -showcerts -connect HOST:PORT",
        )
    if _KEYTOOL.search(plain):
        return Foreign(
            "is keytool's description of certificates, without the certificates themselves",
            "Add -rfc to the command, or export one with: keytool -exportcert -rfc -alias NAME "
            "-keystore FILE",
        )
    if _JAVA_ERROR.search(plain):
        return Foreign(
            "is a Java error message, not a certificate",
            "See what it means with: whichroot explain",
        )
    if _SSH_PUBLIC.search(plain):
        return Foreign("is an SSH public key, not a certificate", _EXPORT)
    if _FINGERPRINT.match(plain.strip()[:200]):
        return Foreign(
            "is a fingerprint, which identifies a certificate but does not contain it", _EXPORT
        )
    return Foreign("holds no certificate", _EXPORT)


def text_notes(plain: str, certificates: int) -> list[str]:
    """What a person should know about the text that the certificates came in."""
    if certificates == 1 and _S_CLIENT.search(plain[:_LOOKED_AT]):
        return [
            "This openssl s_client output holds only one certificate. Run it again with -showcerts "
            "to see whether the server sends more."
        ]
    return []
