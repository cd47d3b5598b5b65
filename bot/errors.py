"""The one exception hierarchy. Every message is a sentence for a person and is safe to show."""

from __future__ import annotations


class WhichrootError(Exception):
    """A failure that is expected and explained.

    ``message`` says what is wrong, quoting what was entered (escaped); ``remedy`` says what to do
    about it. Neither ever holds a secret, a control character or a traceback.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class TargetError(WhichrootError):
    """What was typed does not name a server that can be probed."""


class EgressError(WhichrootError):
    """The address, port or name may not be contacted from here."""


class FormatError(WhichrootError):
    """The bytes hold no certificate that can be read, or hold what must not be handed over."""


class SettingsError(WhichrootError):
    """A setting has a value that cannot be used."""
