"""Text, blocks, attachments and metadata as chat.* methods and response URLs take them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from workspace.block_kit import check_blocks, normalized
from workspace.errors import SlackError
from workspace.text import app_text

LONGEST_TEXT = 40_000
_MOST_ATTACHMENTS = 100


@dataclass
class Content:
    """The content of a message, checked and in the form that Slack keeps."""

    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None

    @classmethod
    def read(
        cls,
        text: str | None,
        blocks: Any,
        attachments: Any,
        metadata: Any = None,
        *,
        needed: bool = True,
    ) -> Content:
        """Check the parts of a message. Raises SlackError `no_text`, `invalid_blocks`,
        `invalid_blocks_format`, `invalid_attachments`, `too_many_attachments`,
        `msg_blocks_too_long`, `invalid_metadata_format`."""
        checked_blocks = _blocks(blocks)
        checked_attachments = _attachments(attachments)
        if needed and not text and not checked_blocks and not checked_attachments:
            raise SlackError("no_text")
        return cls(
            text=app_text((text or "")[:LONGEST_TEXT]),
            blocks=checked_blocks,
            attachments=checked_attachments,
            metadata=_metadata(metadata),
        )


def _blocks(blocks: Any) -> list[dict[str, Any]]:
    if not blocks:
        return []
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackError("invalid_blocks_format")
    check_blocks(blocks)
    return normalized(blocks)


def _attachments(attachments: Any) -> list[dict[str, Any]]:
    if not attachments:
        return []
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > _MOST_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    kept = []
    for number, attachment in enumerate(attachments, start=1):
        blocks = _blocks(attachment.get("blocks"))
        kept.append({"id": number, **attachment, **({"blocks": blocks} if blocks else {})})
    return kept


def _metadata(metadata: Any) -> dict[str, Any] | None:
    if metadata is None or metadata == "":
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if not metadata:
        return {}
    if not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        raise SlackError("invalid_metadata_format")
    payload = metadata.get("event_payload")
    if not isinstance(payload, dict):
        raise SlackError("invalid_metadata_format")
    return {"event_type": metadata["event_type"], "event_payload": payload}
