"""Slack's mrkdwn, made so that nothing untrusted can be more than text.

fill("*{}* for {}", name, code(host))     # a str is escaped, a Markup is taken as it is
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bot.text import visible

#: Look-alikes of the characters that format: Slack has no escape for them.
_FORMATTING: Final = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
#: An underline formats at a word's edge only, and stands in many names.
_UNDERLINE: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
#: ``:name:`` is shown as a picture; groups of hexadecimal digits belong to addresses.
_PICTURE: Final = re.compile(r":(?=(?![0-9a-f]{1,4}:)[a-z0-9_+'-]{1,100}:)", re.IGNORECASE)
_ID: Final = re.compile(r"[A-Z0-9]{2,30}")
_HALF_ENTITY: Final = re.compile(r"&[a-z]{0,3}$")
_HALF_LINK: Final = re.compile(r"<[^>]*$")


class Markup(str):
    """Text that Slack may read as mrkdwn: made here and nowhere else."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """Untrusted text as mrkdwn that shows exactly it: no mention, link, picture or formatting.

    Source: Slack, "Formatting text for app surfaces", escaping text. Control and bidirectional
    characters become visible; line breaks are kept.
    """
    if isinstance(text, Markup):
        return text
    lines = (visible(line, 4000) for line in text.splitlines())
    plain = "\n".join(lines).translate(_FORMATTING).translate(_ENTITIES)
    return Markup(_PICTURE.sub("∶", _UNDERLINE.sub("ˍ", plain)))


def code(text: str, limit: int = 200) -> Markup:
    """Untrusted text in a code span, at most ``limit`` characters of it: for names, hosts and
    fingerprints, which are copied."""
    return Markup(f"`{_plain(text, limit) or ' '}`")


def block(text: str, limit: int = 2500) -> Markup:
    """Untrusted text, lines kept, in a code block."""
    lines = [visible(line, limit).replace("`", "ˋ") for line in text.splitlines()]
    shown = "\n".join(lines)
    if len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    return Markup(f"```\n{shown.translate(_ENTITIES)}\n```")


def fill(template: str, *values: object) -> Markup:
    """``template``, which is ours, with every value escaped that is no Markup."""
    return Markup(
        template.format(*(v if isinstance(v, Markup) else escape(str(v)) for v in values))
    )


def joined(parts: Iterable[str], separator: str = "\n") -> Markup:
    """The parts that are not empty, each escaped unless it is Markup."""
    return Markup(separator.join(escape(part) for part in parts if part))


def user(identifier: str) -> Markup:
    """A mention of a user by id; what is no id is shown as text."""
    return Markup(f"<@{identifier}>") if _ID.fullmatch(identifier) else escape(identifier)


def channel(identifier: str) -> Markup:
    """A mention of a channel by id; what is no id is shown as text."""
    return Markup(f"<#{identifier}>") if _ID.fullmatch(identifier) else escape(identifier)


def link(url: str, label: str) -> Markup:
    """A link; a URL that is not plain http(s) in ASCII (RFC 3986) gives its label alone."""
    shown = escape(label.replace("|", "¦"))
    if not re.fullmatch(r"https?://[!-;=?-{}~]{1,2900}", url):
        return shown
    return Markup(f"<{url.replace('&', '&amp;')}|{shown}>")


def cut(text: Markup, limit: int) -> Markup:
    """``text`` within ``limit`` characters, with ``…`` where it was cut, no entity, link or code
    span left half."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 5]
    kept = _HALF_LINK.sub("", _HALF_ENTITY.sub("", kept))
    if kept.count("```") % 2:
        return Markup(kept.rstrip("`") + "…\n```")
    if (kept.count("`") - 3 * kept.count("```")) % 2:
        return Markup(kept + "…`")
    return Markup(kept + "…")


def unescaped(text: str) -> str:
    """What a person wrote, from the text of a Slack event: links as they were typed, mentions gone,
    entities read, and no-break spaces, which typography and word processors put, as spaces."""
    text = re.sub(r"<[@#!][^<>]*>", " ", text)
    text = re.sub(r"<(?:mailto:)?([^<>|]+)\|([^<>]*)>", _typed, text)
    text = re.sub(r"<([a-z]+:[^<>|]+)>", r"\1", text)
    text = text.replace("\xa0", " ").replace("\u202f", " ")
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _typed(found: re.Match[str]) -> str:
    address, label = found.groups()
    return label if address.rstrip("/").endswith(label.rstrip("/")) else address


def _plain(text: str, limit: int) -> str:
    return visible(text, limit).replace("`", "ˋ").translate(_ENTITIES)
