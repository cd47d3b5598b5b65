"""Secrets in the database, encrypted with the keys of the settings (Fernet, of ``cryptography``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.errors import SettingsError

KEY_REMEDY: Final = "Make one with “python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'”."


def fernet(keys: Sequence[str]) -> MultiFernet:
    """What the first of ``keys`` encrypts and any of them decrypts. Raises SettingsError for a key that
    is none; its message does not show it."""
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except (ValueError, TypeError):
        raise SettingsError("A key to encrypt tokens with is no Fernet key.", KEY_REMEDY) from None


class Sealing:
    """Texts as they lie in the database: encrypted where there are ``keys``, else as they are. Raises
    SettingsError for a key that is none."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._fernet = fernet(keys) if keys else None

    def sealed(self, text: str | None) -> str | None:
        """``text`` as it is kept."""
        if text is None or self._fernet is None:
            return text
        return self._fernet.encrypt(text.encode()).decode()

    def opened(self, kept: str | None) -> str | None:
        """What was kept; None where no key opens it."""
        if kept is None or self._fernet is None:
            return kept
        try:
            return self._fernet.decrypt(kept.encode()).decode()
        except InvalidToken:
            return None
