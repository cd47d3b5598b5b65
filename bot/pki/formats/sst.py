"""Microsoft's serialized certificate store (``.sst``), as the Windows certificate console exports it.

Format: MS-OSHARED §2.3.2.5.
"""

from __future__ import annotations

import struct

from bot.pki.formats.contents import Contents

MAGIC = b"\0\0\0\0CERT"
_CERTIFICATE = 32


class StoreError(ValueError):
    """The store is damaged."""


def parse(data: bytes) -> Contents:
    """The certificates in the order of the file; properties, CRLs and trust lists are skipped.

    Every element is a property number, an encoding type and a length, 4 octets each, then the
    value; number 0 ends the store. Raises StoreError.
    """
    contents = Contents()
    position = len(MAGIC)
    while position + 12 <= len(data):
        number, _, size = struct.unpack_from("<III", data, position)
        position += 12
        if number == 0:
            return contents
        if position + size > len(data):
            break
        if number == _CERTIFICATE:
            where = f"certificate {len(contents.certificates) + 1}"
            contents.certificates.append((data[position : position + size], where))
        position += size
    raise StoreError("the store ends early")
