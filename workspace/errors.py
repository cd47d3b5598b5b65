"""Errors of the workspace."""

from __future__ import annotations

from typing import Any


class WorkspaceError(Exception):
    """The workspace itself cannot do what was asked of it (a bad manifest, an unknown person)."""


class ManifestError(WorkspaceError):
    """The app manifest breaks one of Slack's rules; the text says which and where."""


class SlackError(Exception):
    """A Web API method answers `{"ok": false, "error": code, ...}`.

    `code` is Slack's error code; `more` are further keys of the answer, such as `needed` and
    `provided`; `messages` become `response_metadata.messages`.
    """

    def __init__(self, code: str, *messages: str, **more: Any) -> None:
        super().__init__(code, *messages)
        self.code = code
        self.messages = messages
        self.more = more

    def answer(self) -> dict[str, Any]:
        """The JSON that the caller gets."""
        answer: dict[str, Any] = {"ok": False, "error": self.code, **self.more}
        if self.messages:
            answer["response_metadata"] = {"messages": list(self.messages)}
        return answer
