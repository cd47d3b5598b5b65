"""The certificates of a PKCS#12 keystore (RFC 7292), DER or BER; private keys stay encrypted.

The keystore's MAC is not looked at: it proves only that the writer knew the password, and what is
read here is judged by its content.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.pki import der
from bot.pki.der import DerError
from bot.pki.formats import ber
from bot.pki.formats.contents import Contents
from bot.pki.formats.pbe import Budget, UnsupportedEncryption, decrypt
from bot.text import visible

_DATA = "1.2.840.113549.1.7.1"
_ENCRYPTED_DATA = "1.2.840.113549.1.7.6"
_BAG_PREFIX = "1.2.840.113549.1.12.10.1."
_X509_CERTIFICATE = "1.2.840.113549.1.9.22.1"
_FRIENDLY_NAME = "1.2.840.113549.1.9.20"
_MAX_SAFE_DEPTH = 4
#: No password, the empty one, and the one that Java's own truststores have carried since 1996.
_JAVA_DEFAULT = "changeit"
_COMMON_PASSWORDS = (None, "", _JAVA_DEFAULT)


def parse(encoded: bytes, passwords: Sequence[str], budget: Budget) -> Contents:
    """What the keystore holds, opened without a password or with one of ``passwords``.

    When a private key lies in a part that is readable without a password, as in every usual
    keystore, no other part is opened: the file is to be refused, and nobody needs to be asked for
    its password. Raises DerError and UnsupportedEncryption.
    """
    contents = Contents()
    locked: list[tuple[bytes, bytes]] = []
    for content_type, explicit in _safes(encoded):
        (tag, content), *_ = ber.first_children(explicit, 1) or [(0, b"")]
        if content_type == _DATA:
            _read_bags(ber.octets(tag, content), contents, _MAX_SAFE_DEPTH)
        elif content_type == _ENCRYPTED_DATA:
            locked.append(_encrypted(content))
        else:
            raise UnsupportedEncryption("it is protected by a public key instead of a password")
    if contents.private_keys and locked:
        contents.notes.append("Its encrypted part was not opened.")
    elif locked:
        _unlock(locked, contents, passwords, budget)
    return contents


def _safes(encoded: bytes) -> list[tuple[str, bytes]]:
    """The parts of the AuthenticatedSafe: content type and the content of its [0]."""
    _, start, stop, _ = ber.read(encoded, 0, len(encoded))
    (_, _), (_, auth_safe) = ber.first_children(encoded[start:stop], 2)
    (_, oid), (_, explicit) = _two(auth_safe)
    if der.oid(oid) != _DATA:
        raise UnsupportedEncryption("it is protected by a public key instead of a password")
    (tag, content), *_ = ber.first_children(explicit, 1) or [(0, b"")]
    safe = ber.octets(tag, content)
    _, start, stop, _ = ber.read(safe, 0, len(safe))
    parts = []
    for _, content_info in ber.children(safe[start:stop]):
        (_, oid), (_, explicit) = _two(content_info)
        parts.append((der.oid(oid), explicit))
    return parts


def _encrypted(encrypted_data: bytes) -> tuple[bytes, bytes]:
    """The AlgorithmIdentifier's content and the encrypted octets (RFC 5652 §8)."""
    (_, _), (_, info) = _two(encrypted_data)
    fields = ber.first_children(info, 3)
    if len(fields) != 3:
        raise DerError("encrypted data without content")
    return fields[1][1], ber.octets(*fields[2])


def _unlock(
    locked: list[tuple[bytes, bytes]],
    contents: Contents,
    passwords: Sequence[str],
    budget: Budget,
) -> None:
    for password in (*_COMMON_PASSWORDS, *passwords):
        opened = Contents()
        if all(_open(part, password, opened, budget) for part in locked):
            contents.certificates += opened.certificates
            contents.private_keys += opened.private_keys
            contents.notes += opened.notes
            if password == _JAVA_DEFAULT:
                contents.notes.append(f'It opened with Java\'s usual password "{_JAVA_DEFAULT}".')
            return
    contents.locked = True


def _open(
    part: tuple[bytes, bytes], password: str | None, opened: Contents, budget: Budget
) -> bool:
    """Whether ``password`` opens the part; a wrong one leaves bytes that are no safe."""
    clear = decrypt(*part, password, budget)
    if clear is None:
        return False
    try:
        _read_bags(clear, opened, _MAX_SAFE_DEPTH)
    except DerError:
        return False
    return True


def _read_bags(safe_contents: bytes, contents: Contents, depth: int) -> None:
    if not depth:
        raise DerError("safes nested too deeply")
    tag, start, stop, _ = ber.read(safe_contents, 0, len(safe_contents))
    if tag != der.SEQUENCE:
        raise DerError("not a safe")
    for _, bag in ber.children(safe_contents[start:stop]):
        fields = ber.first_children(bag, 3)
        if len(fields) < 2:
            raise DerError("an empty bag")
        kind = der.oid(fields[0][1])
        alias = _friendly_name(fields[2][1]) if len(fields) > 2 else ""
        where = f"alias {alias}" if alias else ""
        _read_bag(kind.removeprefix(_BAG_PREFIX), fields[1][1], where, contents, depth)


def _read_bag(kind: str, explicit: bytes, where: str, contents: Contents, depth: int) -> None:
    """RFC 7292 §4.2: 1 key, 2 shrouded key, 3 certificate, 4 CRL, 5 secret, 6 nested safe."""
    at = f" ({where})" if where else ""
    if kind == "1":
        contents.private_keys.append(f"private key in PKCS#12{at}")
    elif kind == "2":
        contents.private_keys.append(f"encrypted private key in PKCS#12{at}")
    elif kind == "5":
        contents.private_keys.append(f"secret key in PKCS#12{at}")
    elif kind == "6":
        _read_bags(explicit, contents, depth - 1)
    elif kind == "3":
        ((_, bag),) = ber.first_children(explicit, 1) or [(0, b"")]
        (_, oid), (_, value) = _two(bag)
        if der.oid(oid) != _X509_CERTIFICATE:
            contents.notes.append(f"An entry{at} is a certificate of another kind than X.509.")
            return
        ((tag, content),) = ber.first_children(value, 1) or [(0, b"")]
        place = where or f"certificate {len(contents.certificates) + 1}"
        contents.certificates.append((ber.octets(tag, content), place))


def _friendly_name(attributes: bytes) -> str:
    """The alias that Java shows, quoted; an empty text without one (RFC 2985 §5.5.1)."""
    for _, attribute in ber.children(attributes):
        (_, oid), (_, values) = _two(attribute)
        if der.oid(oid) == _FRIENDLY_NAME:
            for _, value in ber.first_children(values, 1):
                return f'"{visible(value.decode("utf-16-be", "replace"), 80)}"'
    return ""


def _two(content: bytes) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    fields = ber.first_children(content, 2)
    if len(fields) != 2:
        raise DerError("an element that is incomplete")
    return fields[0], fields[1]
