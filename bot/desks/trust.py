"""Whose certificates a desk's connection accepts."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx

from bot.errors import SettingsError
from bot.text import visible


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """The public roots and those of ``ca_bundle`` (PEM). Raises SettingsError."""
    context = httpx.create_ssl_context(trust_env=False)
    if ca_bundle is None:
        return context
    try:
        context.load_verify_locations(cafile=ca_bundle)
    except (OSError, ssl.SSLError):
        raise SettingsError(
            f"The desk's ca_bundle “{visible(str(ca_bundle))}” cannot be read.",
            "Name a file with the roots in PEM.",
        ) from None
    return context


def is_untrusted(error: BaseException) -> bool:
    """Whether ``error`` says that the other side's certificate is not accepted."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return True
        found = found.__cause__ or found.__context__
    return False
