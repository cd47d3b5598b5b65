"""The certificates of a PKCS#7 file (RFC 5652 §5.1, RFC 2315), DER or BER."""

from __future__ import annotations

from bot.pki import der
from bot.pki.der import DerError
from bot.pki.formats import ber
from bot.pki.formats.contents import Contents
from bot.pki.formats.kinds import SIGNED_DATA

_CERTIFICATES = 0xA0
_CHOICES_IGNORED = "It also holds attribute certificates, which are no X.509 certificates."


def parse(encoded: bytes) -> Contents:
    """The certificates in the order of the file; signers and CRLs do not matter here.

    ``encoded`` is a ContentInfo of signed data or Netscape's certificate sequence. Raises DerError.
    """
    contents = Contents()
    _, start, stop, _ = ber.read(encoded, 0, len(encoded))
    (_, oid), (_, explicit) = ber.first_children(encoded[start:stop], 2)
    wrapped = ber.first_children(explicit, 1)
    if not wrapped or wrapped[0][0] != der.SEQUENCE:
        raise DerError("signed data without content")
    body = wrapped[0][1]
    if der.oid(oid) == SIGNED_DATA:
        fields = [content for tag, content in ber.first_children(body, 5) if tag == _CERTIFICATES]
        body = fields[0] if fields else b""
    for tag, content in ber.children(body):
        if tag == der.SEQUENCE:
            number = len(contents.certificates) + 1
            contents.certificates.append((der.encode(tag, content), f"certificate {number}"))
        elif _CHOICES_IGNORED not in contents.notes:
            contents.notes.append(_CHOICES_IGNORED)
    return contents
