"""The name check (``sun.security.util.HostnameChecker``), run after the path is accepted."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from bot import patterns
from bot.pki import der, extensions
from bot.pki.certificate import Certificate
from bot.pki.extensions import GeneralName
from bot.pki.java.addresses import to_address, unmapped
from bot.pki.java.rejection import Rejected
from bot.pki.java.releases import Jdk
from bot.pki.keeping import kept
from bot.pki.names import COMMON_NAME
from bot.text import visible

_SAN = extensions.SUBJECT_ALTERNATIVE_NAME

#: ``https`` and ``ldaps`` differ on old JDKs only: there HTTPS lets a wildcard stand in any label.
Endpoint = Literal["https", "ldaps"]

#: The first JDK that matches a wildcard in the leftmost label alone, whatever the protocol.
_LEFTMOST_ONLY = 21

#: A label under UseSTD3ASCIIRules (RFC 3490 §4.1): of ASCII only letters, digits and inner hyphens.
_STD3_ASCII = patterns.lazy(r"(?!-)[A-Za-z0-9-]+(?<!-)")
#: What IDNA takes for the full stop between labels (RFC 3490 §3.1).
_FULL_STOPS = str.maketrans("。．｡", "...")
_LONGEST_LABEL = 63
#: The first JDK that survives a common name which is a UniversalString.
_UNIVERSAL_STRINGS = 17
#: The first JDK whose name check stops at a SAN that it cannot read.
_STOPS_AT_MALFORMED_SAN = 21


def check_host(
    certificate: Certificate,
    host: str,
    endpoint: Endpoint,
    jdk: Jdk,
    added_names: Sequence[GeneralName] = (),
) -> None:
    """Raises Rejected where ``certificate`` is not for ``host``.

    ``added_names`` are names that the path validation has appended to the SAN (see
    ``Constraints.check``).
    """
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    # X509TrustManagerImpl.checkIdentity takes the final dot away.
    host = host.removesuffix(".")
    if reason := _refusal(certificate, host, endpoint, jdk, tuple(added_names)):
        raise Rejected(reason)


@kept(256, lambda certificate, *_: len(certificate.der))
def _refusal(
    certificate: Certificate,
    host: str,
    endpoint: Endpoint,
    jdk: Jdk,
    added_names: tuple[GeneralName, ...],
) -> str | None:
    """Why not, None where it is for ``host``. Kept, because the analysis asks it of one certificate
    with many sets of anchors."""
    names = [*certificate.subject_alternative_names, *added_names]
    if not names and certificate.extension(_SAN) and jdk >= _STOPS_AT_MALFORMED_SAN:
        return "java.security.cert.CertificateParsingException: not enough content"
    if not names and _has_edi_name(certificate) and jdk < _STOPS_AT_MALFORMED_SAN:
        return "java.lang.RuntimeException: name cannot be encoded"
    if is_address(host):
        return _address_refusal(host, names)
    if not _is_sni_name(host):
        return f"Illegal given domain name: {host}"
    dns_names = [name for name in names if name.kind == extensions.DNS]
    if dns_names:
        if any(_matches(host, name.text, endpoint, jdk) for name in dns_names):
            return None
        return f"No subject alternative DNS name matching {host} found."
    attribute = certificate.subject.most_specific(COMMON_NAME)
    if attribute is not None and attribute.tag == der.UNIVERSAL_STRING and jdk < _UNIVERSAL_STRINGS:
        return "java.lang.NullPointerException"
    if attribute is not None:
        common_name = attribute.text
        if unicodedata.normalize("NFKC", common_name) != common_name:
            return f"Not a formal name {visible(common_name)}"
        if _matches(host, common_name, endpoint, jdk):
            return None
    return f"No name matching {host} found"


def matches(host: str, name: str) -> bool:
    """Whether a certificate for the DNS name ``name`` serves ``host``, as current JDKs see it."""
    return _matches(host, name, "https", 25)


def is_address(host: str) -> bool:
    """Whether Java takes ``host`` for an IP address: IPv4 in one to four decimal parts, or IPv6."""
    return to_address(host) is not None


def _address_refusal(host: str, names: Sequence[GeneralName]) -> str | None:
    if not names:
        return "No subject alternative names present"
    wanted = to_address(host)
    for name in names:
        if name.kind == extensions.IP and len(name.content) in (4, 16):
            offered = unmapped(ipaddress.ip_address(name.content))
            if offered == wanted:
                return None
    return f"No subject alternative names matching IP address {host} found"


def _has_edi_name(certificate: Certificate) -> bool:
    """Whether the SAN, which cannot be read, holds an EDI party name: older JDKs read it all the
    same and fail as they list the names."""
    extension = certificate.extension(_SAN)
    try:
        names = der.children(der.content(extension.value, der.SEQUENCE)) if extension else ()
        return any(tag == 0xA0 | extensions.EDI for tag, _ in names)
    except der.DerError:
        return False


@lru_cache(maxsize=256)
def _is_sni_name(name: str) -> bool:
    """Whether ``javax.net.ssl.SNIHostName`` accepts ``name`` (RFC 6066 §3, RFC 1123)."""
    if not name or name.endswith("."):
        return False
    try:
        labels = _labels(name)
        return all(_is_std3_label(label) and _to_ascii(label) for label in labels)
    except UnicodeError:
        return False


def _is_std3_label(label: str) -> bool:
    """Raises UnicodeError for characters that RFC 3491 forbids."""
    if not label.isascii():
        # Few names need what RFC 3491 does; to ASCII it does no more than fold its case.
        from encodings.idna import nameprep

        label = re.sub(r"[^\0-\x7f]", "x", nameprep(label))
    return _STD3_ASCII.fullmatch(label) is not None


def _matches(host: str, template: str, endpoint: Endpoint, jdk: Jdk) -> bool:
    return not is_plainly_other(host, template) and is_match(host, template, endpoint, jdk)


def is_match(host: str, template: str, endpoint: Endpoint, jdk: Jdk) -> bool:
    """``HostnameChecker.isMatched``: whether a name of a certificate stands for ``host``."""
    try:
        host, template = _to_unicode(host), _to_unicode(template)
    except UnicodeError:
        return False
    if template in ("*", "*.") or ("*" in template and "." not in template[template.rindex("*") :]):
        return False
    if not _is_sni_name(template.replace("*", "z")):
        return False
    host, template = host.lower(), template.lower()
    host_labels, template_labels = host.split("."), template.split(".")
    # Where no wildcard stands elsewhere and no label is empty, both ways come to the same.
    differs = "*" in "".join(template_labels[1:]) or "" in host_labels or "" in template_labels
    if endpoint == "https" and differs and jdk < _LEFTMOST_ONLY:
        host_labels, template_labels = (
            [*filter(None, host_labels)],
            [*filter(None, template_labels)],
        )
        return len(host_labels) == len(template_labels) and all(
            map(_label_matches, host_labels, template_labels)
        )
    host_label, host_dot, host_rest = host.partition(".")
    template_label, template_dot, template_rest = template.partition(".")
    return (host_dot, host_rest) == (template_dot, template_rest) and _label_matches(
        host_label, template_label
    )


def is_plainly_other(host: str, template: str) -> bool:
    """Whether two names that IDN leaves as they are differ, so that nothing need be converted: a
    certificate may hold names by the ten thousand."""
    if not (host.isascii() and template.isascii()):
        return False
    host, template = host.lower().rstrip("."), template.lower().rstrip(".")
    if "xn--" in host or "xn--" in template:
        return False
    if "*" in template:
        # The last label has no wildcard.
        host, template = host.rpartition(".")[2], template.rpartition(".")[2]
    return host != template and "*" not in template


def _label_matches(label: str, template: str) -> bool:
    if "*" not in template:
        return label == template
    *pieces, last = template.split("*")
    for index, piece in enumerate(pieces):
        start = label.find(piece)
        if start < 0 or (index == 0 and start != 0):
            return False
        label = label[start + len(piece) :]
    return label.endswith(last)


@lru_cache(maxsize=256)
def _to_unicode(name: str) -> str:
    """``IDN.toUnicode(IDN.toASCII(name))``. Raises UnicodeError as Java raises
    IllegalArgumentException."""
    return ".".join(_label_to_unicode(_to_ascii(label)) for label in _labels(name))


def _label_to_unicode(label: str) -> str:
    """RFC 3490 §4.2, which never fails: a label that cannot be converted stays as it is."""
    if label[:4].lower() != "xn--":
        return label
    from encodings.idna import ToUnicode

    try:
        converted = ToUnicode(label.lower())
        _refuse_unassigned(converted)
    except UnicodeError:
        return label
    return converted


def _to_ascii(label: str) -> str:
    """RFC 3490 §4.1. Raises UnicodeError for a label of more than 63 characters, and for one with
    characters that Unicode 3.2 does not assign."""
    if label.isascii() and len(label) <= _LONGEST_LABEL:
        return label
    from encodings.idna import ToASCII

    _refuse_unassigned(label)
    return ToASCII(label).decode("ascii")


def _refuse_unassigned(label: str) -> None:
    from stringprep import in_table_a1

    if not label.isascii() and any(in_table_a1(character) for character in label):
        raise UnicodeError("an unassigned code point")


def _labels(name: str) -> list[str]:
    labels = name.translate(_FULL_STOPS).split(".")
    if any(not label for label in labels[:-1]) or not labels[0]:
        raise UnicodeError("an empty label")
    return labels
