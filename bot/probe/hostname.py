"""Host names and IP addresses as typed → the form that is resolved, sent as SNI and shown."""

from __future__ import annotations

import ipaddress

from bot import patterns
from bot.errors import TargetError
from bot.records import record
from bot.text import visible

_EXAMPLE = "Write the full name of one server, for example dc01.corp.example:636."
_LABEL = patterns.lazy(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_NUMBER = patterns.lazy(r"[0-9]+|0x[0-9a-f]*")


@record
class Host:
    """One host. ``name``: lower-case A-labels without a trailing dot, or an IP address in its
    canonical form without brackets. ``unicode_name``: the same with U-labels."""

    name: str
    unicode_name: str
    is_ip: bool


def read_host(text: str) -> Host:
    """The host that ``text`` spells (IPv6 with or without brackets).

    Names are mapped by UTS 46 (non-transitional) and checked as IDNA 2008 (RFC 5891) and RFC 1035
    section 2.3.4 demand. Underscores are allowed: they occur in DNS, although Java refuses to match
    them. Raises `TargetError` for everything that is not one host.
    """
    bare = text.removeprefix("[").removesuffix("]")
    if ":" in bare:
        return _ipv6(bare)
    mapped = bare if bare.isascii() else _remapped(text, bare)
    labels = mapped.lower().removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(text, labels)
    _refuse_patterns(text, labels)
    pairs = [_label(text, label) for label in labels]
    name = ".".join(ascii_label for ascii_label, _ in pairs)
    if len(name) > 253:
        raise _not_a_name(text, f"it is {len(name)} characters long and a name has at most 253")
    return Host(name, ".".join(unicode_label for _, unicode_label in pairs), is_ip=False)


def _remapped(text: str, name: str) -> str:
    # Imported only for the names that need it, here and below.
    import idna

    try:
        return idna.uts46_remap(name, std3_rules=False)
    except idna.IDNAError:
        raise _not_a_name(text, "it holds a character that host names cannot hold") from None


def _ipv6(text: str) -> Host:
    if "%" in text:
        raise TargetError(
            f'"{visible(text)}" has a zone (the part after %), which means something on one machine only.',
            "Use the server's name or an address without a zone, for example [2001:db8::1]:636.",
        )
    try:
        name = str(ipaddress.IPv6Address(text))
    except ValueError:
        raise TargetError(
            f'"{visible(text)}" is neither an IPv6 address nor one host with one port.',
            "Write dc01.corp.example:636, or an IPv6 address as [2001:db8::1]:636.",
        ) from None
    return Host(name, name, is_ip=True)


def _ipv4(text: str, labels: list[str]) -> Host:
    """A name that ends in a number is an IPv4 address (RFC 3696 section 2); only its dotted
    decimal form is read, because programs disagree about all others."""
    dotted = ".".join(labels)
    try:
        name = str(ipaddress.IPv4Address(dotted))
    except ValueError:
        readings = _ipv4_readings(labels)
    else:
        return Host(name, name, is_ip=True)
    if not readings:
        raise TargetError(
            f'"{visible(text)}" ends in a number, as no host name does, and is not an IPv4 address.',
            "Write four numbers from 0 to 255, for example 192.0.2.10:636, or the server's name.",
        )
    raise TargetError(
        f'"{visible(text)}" is an unusual spelling of an IPv4 address, '
        f"which programs read as {' or as '.join(readings)}.",
        f"Write the plain form, for example {readings[-1]}:443.",
    )


def _ipv4_readings(labels: list[str]) -> tuple[str, ...]:
    """What ``inet_aton`` makes of the parts (octal, hexadecimal, fewer than four), then what they
    are as zero-padded decimals."""
    readings = []
    for octal in (True, False):
        try:
            *front, last = (_part(label, octal) for label in labels)
            if (
                len(front) > 3
                or any(part > 255 for part in front)
                or last >= 256 ** (4 - len(front))
            ):
                continue
        except ValueError:
            continue
        value = last + sum(part << (24 - 8 * place) for place, part in enumerate(front))
        readings.append(str(ipaddress.IPv4Address(value)))
    return tuple(dict.fromkeys(readings))


def _part(label: str, octal: bool) -> int:
    if len(label) > 16 or not _NUMBER.fullmatch(label):
        raise ValueError(label)
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if octal and label.startswith("0") else 10)


def _refuse_patterns(text: str, labels: list[str]) -> None:
    if "*" in labels[0]:
        name = ".".join(["www", *labels[1:]])
        raise TargetError(
            f'"{visible(text)}" is a pattern for many names, and a certificate is fetched from one server.',
            f"Write one server's name, for example {visible(name)}:443.",
        )
    service = [place for place, label in enumerate(labels) if label in ("_tcp", "_udp", "_tls")]
    if service and labels[0].startswith("_"):
        domain = labels[service[-1] + 1 :]
        if "_msdcs" in domain:
            domain = domain[domain.index("_msdcs") + 1 :]
        elif "_sites" in domain:
            domain = domain[domain.index("_sites") + 1 :]
        name = ".".join(domain) or "corp.example"
        raise TargetError(
            f'"{visible(text)}" is the name of an SRV record, which lists servers and is none itself.',
            f"Write one of the servers it lists, or the domain: {visible(name)}:636.",
        )


def _label(text: str, label: str) -> tuple[str, str]:
    """The A-label and the U-label (or what stands for it) of one label."""
    if not label:
        raise _not_a_name(text, "it has an empty part between two dots")
    if not label.isascii():
        if len(label) > 63:  # an A-label is longer than its U-label; encoding takes quadratic time
            raise _not_a_name(text, "a part of it is too long")
        import idna

        try:
            label = idna.alabel(label).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise _not_a_name(
                text, f'"{visible(label)}" is not an internationalised name'
            ) from None
    if len(label) > 63:
        raise _not_a_name(text, f"a part of it is {len(label)} characters long and may have 63")
    if not _LABEL.fullmatch(label):
        raise _not_a_name(
            text, f'"{visible(label)}" is not made of letters, digits and inner hyphens'
        )
    return label, _u_label(text, label) if label.startswith("xn--") else label


def _u_label(text: str, label: str) -> str:
    import idna

    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        pass
    # Names from before IDNA 2008, emoji for one, resolve all the same: they are left as they are.
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        decoded = ""
    if not decoded or decoded.isascii():
        raise _not_a_name(text, f'"{visible(label)}" is not valid punycode')
    return label


def _not_a_name(text: str, reason: str) -> TargetError:
    return TargetError(f'"{visible(text)}" is not a host name: {reason}.', _EXAMPLE)
