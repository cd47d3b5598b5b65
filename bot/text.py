"""Untrusted text made visible: shown, never obeyed."""

from __future__ import annotations

import unicodedata


def visible(text: str, limit: int = 200) -> str:
    """``text`` with every control, format (bidi, zero-width), surrogate, private-use and
    line-break character replaced by a ``\\uXXXX`` escape, cut to ``limit`` characters with ``…``."""
    if len(text) <= limit and text.isprintable():
        return text
    shown = "".join(_escape(character) for character in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _escape(character: str) -> str:
    if unicodedata.category(character)[0] != "C" and character not in "\u2028\u2029":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:04x}}}"


def authority(host: str, port: int) -> str:
    """``host:port`` with an IPv6 address in brackets (RFC 3986 section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def duration(seconds: float) -> str:
    """So many seconds: ``1 second``, ``1.5 seconds``."""
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"
