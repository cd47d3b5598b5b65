"""RC2 in CBC mode (RFC 2268), for PKCS#12 files of Java before 8u301 and of Windows before 10.

No kept library offers RC2 with 40 effective key bits. It hides nothing today: it is read, never written.
"""

from __future__ import annotations

import struct
from itertools import pairwise

_PITABLE = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)


def decrypt_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """``data`` (whole blocks of 8 octets) decrypted, padding included; every bit of ``key`` counts."""
    words = _expand(key)
    blocks = [iv, *(data[i : i + 8] for i in range(0, len(data), 8))]
    clear = bytearray()
    for before, block in pairwise(blocks):
        plain = int.from_bytes(_decrypt_block(words, block), "little")
        clear += (plain ^ int.from_bytes(before, "little")).to_bytes(8, "little")
    return bytes(clear)


def _expand(key: bytes) -> tuple[int, ...]:
    """Key expansion with as many effective bits as the key has (RFC 2268 §2)."""
    size = len(key)
    expanded = bytearray(key)
    for i in range(size, 128):
        expanded.append(_PITABLE[(expanded[i - 1] + expanded[i - size]) & 0xFF])
    expanded[128 - size] = _PITABLE[expanded[128 - size]]
    for i in range(127 - size, -1, -1):
        expanded[i] = _PITABLE[expanded[i + 1] ^ expanded[i + size]]
    return struct.unpack("<64H", expanded)


def _decrypt_block(key: tuple[int, ...], block: bytes) -> bytes:
    """RFC 2268 §4: five rounds, a mash, six rounds, a mash, five rounds, each reversed."""
    a, b, c, d = struct.unpack("<4H", block)
    for j in range(60, -1, -4):
        d = ((d >> 5 | d << 11) - (key[j + 3] + (c & b) + (~c & a))) & 0xFFFF
        c = ((c >> 3 | c << 13) - (key[j + 2] + (b & a) + (~b & d))) & 0xFFFF
        b = ((b >> 2 | b << 14) - (key[j + 1] + (a & d) + (~a & c))) & 0xFFFF
        a = ((a >> 1 | a << 15) - (key[j] + (d & c) + (~d & b))) & 0xFFFF
        if j in (44, 20):
            d = (d - key[c & 63]) & 0xFFFF
            c = (c - key[b & 63]) & 0xFFFF
            b = (b - key[a & 63]) & 0xFFFF
            a = (a - key[d & 63]) & 0xFFFF
    return struct.pack("<4H", a, b, c, d)
