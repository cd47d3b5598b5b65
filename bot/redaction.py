"""Secrets taken out of text before it is shown, stored or logged."""

from __future__ import annotations

import re

from bot import patterns

#: Without white space, ``=`` and ``@`` nothing is told apart that could be a secret.
_HARMLESS = patterns.lazy(r"[\w.:/-]*")
_SECRETS = patterns.lazy(
    r"""((?:password|passwd|passphrase|pwd|secret|token|api-?key)\w*(?:\s*=\s*|\s*:\s+))"""
    r"""(?:\{[^}]*\}?|"[^"]*"?|'[^']*'?|[^;&]+)""",
    re.IGNORECASE,
)
_SECRET_OPTIONS = patterns.lazy(r"(\s-(?:w|u|-user|-password|pass|passin|storepass)[ =])\s*\S+")
_NO_PORT = r"(?![0-9]{1,5}(?:[/?#\s]|$))"
_USER_INFO = patterns.lazy(rf"://(?:[^/?#@\s:]*:{_NO_PORT}.*@|[^/?#\s]*@)", re.DOTALL)
_ORACLE_USER = patterns.lazy(r"(oracle:\w+:)[^@\s]+@", re.IGNORECASE)
# Bounded: each "(" or "<" may begin one, and a text may consist of them.
_BARE_USER_INFO = patterns.lazy(
    rf"(?<![^\s\"'<(])(?!jdbc:)[^\s:/@]{{1,256}}:(?!//){_NO_PORT}\S{{1,1024}}@", re.IGNORECASE
)


def redacted(text: str) -> str:
    """``text`` (one address, command or line) with ``***`` for the user information of URLs and
    the values of passwords and tokens."""
    if _HARMLESS.fullmatch(text):
        return text
    text = _SECRET_OPTIONS.sub(r"\1***", _SECRETS.sub(r"\1***", text))
    text = _ORACLE_USER.sub(r"\1***@", _USER_INFO.sub("://***@", text))
    return _BARE_USER_INFO.sub("***@", text)
