"""Whose certificates a desk's connection accepts."""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

import httpx

from bot.errors import SettingsError
from bot.text import visible


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """The public roots and those of ``ca_bundle`` (PEM). Raises SettingsError."""
    if ca_bundle is None:
        return _public()
    context = httpx.create_ssl_context(trust_env=False)
    try:
        context.load_verify_locations(cafile=ca_bundle)
    except (OSError, ssl.SSLError):
        raise SettingsError(
            f"The desk's ca_bundle “{visible(str(ca_bundle))}” cannot be read.",
            "Name a file with the roots in PEM.",
        ) from None
    return context


@functools.cache
def _public() -> ssl.SSLContext:
    """Reading the public roots takes a while; one context serves any number of connections."""
    return httpx.create_ssl_context(trust_env=False)


def is_untrusted(error: BaseException) -> bool:
    """Whether ``error`` says that the other side's certificate is not accepted."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return True
        found = found.__cause__ or found.__context__
    return False
