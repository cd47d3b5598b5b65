"""IP addresses as ``sun.net.util.IPAddressUtil`` reads them."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def to_address(text: str) -> Address | None:
    """The address that ``text`` is: IPv4 in one to four decimal parts, or IPv6; None for neither.
    One of IPv6 that stands for one of IPv4 is that one."""
    if ":" in text:
        try:
            return unmapped(ipaddress.IPv6Address(text.partition("%")[0]))
        except ValueError:
            return None
    parts = text.split(".")
    if len(parts) > 4 or not all(map(_is_number, parts)):
        return None
    *leading, last = map(int, parts)
    if any(part > 255 for part in leading) or last >= 256 ** (5 - len(parts)):
        return None
    value = sum(part << 8 * (3 - i) for i, part in enumerate(leading)) + last
    return ipaddress.IPv4Address(value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


def unmapped(address: Address) -> Address:
    """``address``, or the one of IPv4 that it stands for."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
