"""Bytes of a text file → text, whatever editor, mail program or script had it last."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote, unquote_plus

from bot.pki.formats.repairs import Repair

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8", Repair.BYTE_ORDER_MARK),
    (b"\xff\xfe\0\0", "utf-32-le", Repair.UTF_32),
    (b"\0\0\xfe\xff", "utf-32-be", Repair.UTF_32),
    (b"\xff\xfe", "utf-16-le", Repair.UTF_16),
    (b"\xfe\xff", "utf-16-be", Repair.UTF_16),
)
_SAMPLE = 4096

#: What stands for a hyphen: dashes, minus signs, bullets and lines of chat clients and word processors.
DASHES = "‐‑‒–—―−⁃﹘﹣－─━─֊᠆➖"
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_BREAKS = "\x0b\x0c\x85\u2028\u2029"
_INVISIBLE = "\0\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\ufeff"
_UNUSUAL = _SPACES + _BREAKS + _INVISIBLE
_PLAIN = str.maketrans(
    {
        **dict.fromkeys(DASHES, "-"),
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys(_BREAKS, "\n"),
        **dict.fromkeys(_INVISIBLE, ""),
    }
)
_TYPOGRAPHIC_MARK = re.compile(
    rf"[{re.escape(DASHES)}] ?(?:BEGIN|END)\b|\b(?:BEGIN|END) [A-Z0-9 ]{{1,40}}[{re.escape(DASHES)}]",
    re.IGNORECASE,
)
_UNUSUAL_IN_BASE64 = re.compile(rf"[A-Za-z0-9+/]{{8}}[{_UNUSUAL}]|[{_UNUSUAL}][A-Za-z0-9+/]{{8}}")
_PERCENT = re.compile(r"BEGIN(?:%20|\+)[A-Z0-9%+]{0,40}(?:CERTIFICATE|PKCS|CMS|KEY)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
#: What follows a tag's name: nothing, something on the same line, or attributes. The text column of a
#: hexadecimal dump has "<b" as well, and ">" some lines below.
_TAG_END = r"(?:\s[^<>\n]{0,500}|\s{1,20}[a-z:-]{1,40}\s{0,20}=[^<>]{0,500})?\s{0,20}/?>"
_BLOCK_TAG = re.compile(
    rf"</?(?:br|p|div|pre|td|tr|th|table|li|ul|ol|body|html|blockquote|h[1-6]){_TAG_END}",
    re.IGNORECASE,
)
_INLINE_TAG = re.compile(
    rf"</?(?:span|b|i|u|em|strong|font|a|tt|code|wbr|small){_TAG_END}", re.IGNORECASE
)
#: One line of a string literal or of a list: 'MIID…\n' + or "MIID…",
_LITERAL_LINE = re.compile(
    r"""^[^"'\n]{0,80}["']([A-Za-z0-9+/=]{16,}|-+ ?(?:BEGIN|END)[^"'\n]{0,80}?)((?:\\{1,4}[rn]){0,4})["'][ \t]{0,8}[+.,;&|<>)\]}\\]{0,8}[ \t]{0,8}$""",
    re.MULTILINE,
)
_ESCAPED_BREAK = re.compile(r"(?:\\{1,8}r)?\\{1,8}n|\\{1,8}r")
_ESCAPED_BREAK_IN_PEM = re.compile(
    r"-\\{1,8}[rn]|[A-Za-z0-9+/=]{16}\\{1,8}[rn]|\\{1,8}[rn][A-Za-z0-9+/=]{16}"
)
_ESCAPED_CHARACTER = re.compile(r"\\{1,8}u00([0-9a-fA-F]{2})")
_ESCAPED_SLASH = re.compile(r"\\{1,8}/")
_QUOTED_PRINTABLE = re.compile(
    r"=3D\s{0,4}(?:=3D)?\s{0,4}-{1,5} ?END|quoted-printable", re.IGNORECASE
)


def decode(data: bytes) -> tuple[str, list[Repair]]:
    """The text of ``data``: UTF-8, -16 or -32 with or without a byte order mark, else Windows-1252.

    Line ends become ``\\n``. Never fails; the repairs say what Java does not read.
    """
    for mark, encoding, repair in _BOMS:
        if data.startswith(mark):
            return _lines(data[len(mark) :].decode(encoding, "replace")), [repair]
    sample = data[:_SAMPLE]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 4 > len(sample) and min(even, odd) * 20 < len(sample):
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        return _lines(data.decode(encoding, "replace")), [Repair.UTF_16]
    try:
        return _lines(data.decode()), []
    except UnicodeDecodeError:
        return _lines(data.decode("cp1252", "replace")), []


def undo(text: str) -> tuple[str, list[Repair]]:
    """``text`` without the escapes and typography that mail, chat, HTML, JSON or code put in."""
    repairs: list[Repair] = []
    # The cheap questions in front keep a text of 10 MiB from being searched a dozen times.
    if not text.isascii() and _TYPOGRAPHIC_MARK.search(text):
        repairs.append(Repair.DASHES)
    if any(character in text for character in _UNUSUAL) and _UNUSUAL_IN_BASE64.search(text):
        repairs.append(Repair.INVISIBLE)
    text = text.translate(_PLAIN)
    if ("BEGIN%20" in text or "BEGIN+" in text) and _PERCENT.search(text):
        text = _lines(unquote_plus(text) if "BEGIN+" in text else unquote(text))
        repairs.append(Repair.PERCENT)
    if "<" in text or "&" in text:
        text = _undo_markup(text, repairs)
    if '"' in text or "'" in text or "\\" in text:
        text = _undo_literals(text, repairs)
    quoted_printable = "=3D" in text or "quoted-printable" in text
    if quoted_printable and _QUOTED_PRINTABLE.search(text):
        text = re.sub(r"=[ \t]{0,8}\n", "", text)
        text = re.sub(r"=([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
        repairs.append(Repair.QUOTED_PRINTABLE)
    return text, repairs


def _undo_markup(text: str, repairs: list[Repair]) -> str:
    plain = _INLINE_TAG.sub("", _BLOCK_TAG.sub("\n", text))
    if _ENTITY.search(plain):
        plain = _lines(html.unescape(plain)).translate(_PLAIN)
    if plain != text:
        repairs.append(Repair.MARKUP)
    return plain


def _undo_literals(text: str, repairs: list[Repair]) -> str:
    plain, lines = _LITERAL_LINE.subn(r"\1", text)
    if lines < 2:
        plain = text
    if lines >= 2 or _ESCAPED_BREAK_IN_PEM.search(plain):
        repairs.append(Repair.ESCAPES)
    plain = _ESCAPED_BREAK.sub("\n", plain)
    plain = _ESCAPED_CHARACTER.sub(lambda found: chr(int(found[1], 16)), plain)
    return _ESCAPED_SLASH.sub("/", plain)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
