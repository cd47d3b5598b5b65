"""Ready messages to the people who can help: plain text that can be forwarded as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.pki.certificate import Certificate
from bot.pki.evidence import Known
from bot.pki.options import MissingIssuer
from bot.pki.wording import colons, day, quoted, suppliers, valid_until
from bot.text import visible

ROOT_REQUEST = "Please provide the root certificate for this system in base64 encoded PEM format."
_WHAT_NOT_TO_SEND = (
    "Please do not send the server's own certificate, a private key, or a .pfx or .p12 file. The "
    "right file is text and begins with -----BEGIN CERTIFICATE-----; a root has the same name as "
    "subject and issuer."
)


def ask_for_root(
    missing: MissingIssuer,
    host: str | None,
    impostors: Sequence[Certificate] = (),
) -> str:
    """To the IT team: which certificate is wanted, where it lies, what not to send. ``impostors``
    bear the right name and another key."""
    wanted_by = missing.wanted_by
    name = quoted_issuer(wanted_by)
    wanted = [f"- Subject: {missing.subject}"]
    if missing.key_identifier:
        wanted.append(f"- Subject key identifier: {missing.key_identifier}")
    if missing.serial is not None:
        wanted.append(f"- Serial number: {missing.serial:X}")
    wanted.append(
        f"- It issued: {wanted_by.subject.text} (serial number {wanted_by.serial:X}, valid until "
        f"{day(wanted_by.not_after)}, SHA-256 {wanted_by.fingerprint})"
    )
    wanted += (
        f"- Not this one, which has the same name but another key: SHA-256 {other.fingerprint}"
        for other in impostors
    )
    where = [
        "- Active Directory Certificate Services, on the server of that CA: "
        "certutil -ca.cert ca.cer, then certutil -encode ca.cer ca.pem",
        "- Or its web page http://<CA server>/certsrv: Download a CA certificate, certificate chain, "
        "or CRL; choose Base 64; Download CA certificate",
        "- Or any computer of the domain: certlm.msc, Trusted Root (or Intermediate) Certification "
        f"Authorities, {name}, All Tasks, Export, Base-64 encoded X.509",
    ]
    where += (
        f"- The certificate itself says that it lies at {visible(url)}" for url in missing.urls
    )
    return _paragraphs(
        ROOT_REQUEST,
        _system(host, missing.addresses),
        f"What is needed is the certificate of the CA {name}:\n" + "\n".join(wanted),
        "If another CA issued that certificate, please send also the certificates above it, up to "
        "the root (the one that issued itself).",
        "Where to find it:\n" + "\n".join(where),
        _WHAT_NOT_TO_SEND,
    )


def ask_to_confirm(
    certificates: Iterable[Known], host: str | None, addresses: Sequence[str], at: datetime
) -> str:
    """To the system's owner: whether this is their root, by fingerprint."""
    described = "\n\n".join(
        f"- Subject: {known.certificate.subject.text}\n"
        f"- Valid until: {valid_until(known.certificate, at)}\n"
        f"- SHA-256 fingerprint: {known.certificate.fingerprint}\n"
        f"- It came from: {suppliers(known)}"
        for known in certificates
    )
    return _paragraphs(
        "Please confirm that the following certificate is yours before a connector is made to "
        "trust it.",
        _system(host, addresses),
        described,
        "Nobody has vouched for it so far. Compare the fingerprint with the one that your CA "
        "itself shows, not with what a server sends: certutil -dump FILE, or openssl x509 -noout "
        "-fingerprint -sha256 -in FILE.",
        "If it is the same, please answer that it is. If it is not: "
        + ROOT_REQUEST[0].lower()
        + ROOT_REQUEST[1:],
    )


def ask_to_send_intermediates(
    lacking: Sequence[Certificate], host: str | None, addresses: Sequence[str]
) -> str:
    """To the server's owner: the chain is incomplete."""
    described = "\n".join(
        f"- {c.subject.text} (valid until {day(c.not_after)}, SHA-256 {c.fingerprint})"
        for c in lacking
    )
    return _paragraphs(
        "Please make the server send its whole certificate chain (RFC 8446, section 4.4.2).",
        _system(host, addresses),
        "After its own certificate it must send every intermediate certificate. Missing:\n"
        + described,
        "Java clients do not fetch these by themselves. Until they are sent, the connector needs "
        "them installed beside the root.",
    )


def ask_to_mend(
    problems: Sequence[str],
    root: Certificate | None,
    host: str | None,
    addresses: Sequence[str],
) -> str:
    """To the server's owner: why no Java client can accept the server, whatever is installed."""
    then = ""
    if root is not None:
        then = (
            f"Once that is done, the certificate to install will be the root {quoted(root)} (valid "
            f"until {day(root.not_after)}, SHA-256 {root.fingerprint}), unless the new "
            "certificate comes from another CA."
        )
    return _paragraphs(
        "Please mend the server's certificate: Java clients refuse it, whatever root is installed.",
        _system(host, addresses),
        "\n".join(f"- {problem}" for problem in problems),
        then,
    )


def quoted_issuer(certificate: Certificate) -> str:
    """The name of the certificate's issuer in quotation marks."""
    return f'"{visible(certificate.issuer.short, 100)}"'


def key_identifier_of_issuer(certificate: Certificate) -> str | None:
    """What the certificate states as its issuer's key identifier, as people compare it."""
    identifier = certificate.authority_key_identifier
    return colons(identifier) if identifier else None


def _system(host: str | None, addresses: Sequence[str]) -> str:
    where = [address for address in addresses if address and address != host]
    if host is None:
        return f"System: {', '.join(where)}" if where else ""
    return f"System: {visible(host)}" + (f" ({', '.join(map(visible, where))})" if where else "")


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)
