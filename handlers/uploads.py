"""Files that people send, read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.errors import FormatError
from bot.lookup import Question
from bot.pki.certificate import Certificate
from bot.pki.formats import Reading, read
from bot.store.lookups import KeptLookup
from handlers.blocks.files import MAX_FILES
from handlers.couriers.files import download
from handlers.parts import Parts
from handlers.questions import question_from


def files_of(message: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The files of a message that are looked at, and the names of those beyond them, as far as
    Slack says."""
    files = [file for file in message.get("files") or () if file.get("id")]
    return files[:MAX_FILES], [str(f.get("name") or "") for f in files[MAX_FILES:]]


async def read_file(parts: Parts, team: str, file: str) -> tuple[str, Reading]:
    """A Slack file's name and what it holds. Raises FormatError, or Later where Slack is unwell."""
    client = await parts.clients.web(team)
    name, content, _ = await download(client, parts.metrics, file)
    # Java's readers are imitated over megabytes: not in the event loop.
    return name, await asyncio.to_thread(read, content, name=name)


async def read_certificates(
    parts: Parts, team: str, file: str
) -> tuple[str, tuple[Certificate, ...]]:
    """A file's name and its certificates, each once. Raises FormatError, also for a private key."""
    name, reading = await read_file(parts, team, file)
    if reading.refusal:
        raise FormatError(reading.refusal)
    return name, tuple(dict.fromkeys(found.certificate for found in reading.certificates))


async def question_for(parts: Parts, lookup: KeptLookup) -> Question:
    """What a kept lookup asks; where a chain was uploaded for it, the file is read again. Raises
    FormatError."""
    question = question_from(lookup.extra)
    file = lookup.extra.get("upload")
    if not file:
        return question
    name, certificates = await read_certificates(parts, lookup.team, str(file))
    return Question(question.target, chain=(name, certificates))
