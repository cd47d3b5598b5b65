"""A message as it is sent: blocks, and the text that is read aloud."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.blocks.elements import Block


@dataclass(frozen=True, slots=True)
class Message:
    """``text`` is mrkdwn and carries the verdict: a notification and a screen reader give it alone;
    ``blocks`` may be empty."""

    text: str
    blocks: tuple[Block, ...] = ()
