"""Install requests: submit, act, read. Every change writes an audit entry and its acts with it.

Lanes and payloads of the acts that are put here:

- ``card`` [request:ID] ``{"request"}``: post or update the root card
- ``pem`` [request:ID] ``{"request", "sha256": [...]}``: attach the PEM; superseded where the request's
  certificates are others by now
- ``line`` [request:ID] ``{"request", "entry"}``: a line in the thread
- ``notice`` [notice:ID:USER] ``{"request", "entry", "user"}``: what the requester or a follower hears
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.requests.request import Actor, Draft, Entry, Follower, Installation, InstallRequest
from bot.requests.states import Action
from bot.store.database import Database, Unit


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a draft. ``joined``: the same was open already, and the requester follows it."""

    request: InstallRequest
    joined: bool


class Requests:
    """The install requests of ``database``.

    Each method that takes ``unit`` works in that transaction, or in one of its own without it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def submit(
        self, draft: Draft, by: Actor, *, key: str, unit: Unit | None = None
    ) -> Submitted:
        """Keeps ``draft`` as a request, or joins the open one for the same certificates, target and
        environment in this workspace. The same ``key`` again gives the first call's outcome.

        Raises Refused: the server's own certificate without a reason, no certificate.
        """
        raise NotImplementedError

    async def act(
        self,
        request_id: str,
        action: Action,
        by: Actor,
        *,
        text: str = "",
        installation: Installation | None = None,
        key: str,
        unit: Unit | None = None,
    ) -> InstallRequest:
        """Does ``action``. ``text``: the reason, question, answer or error; ``installation``: what
        replaces the certificates. The same ``key`` again changes nothing and gives the request.

        Raises Refused: not theirs to do, not in this state (who changed it, and how), words missing,
        no such request in their workspace.
        """
        raise NotImplementedError

    async def get(self, request_id: str, *, team: str | None = None) -> InstallRequest | None:
        """The request with that id or short id; None: there is none (in that workspace)."""
        raise NotImplementedError

    async def find_by_thread(self, channel: str, ts: str) -> InstallRequest | None:
        """The request whose card is that message."""
        raise NotImplementedError

    async def of_user(self, team: str, user: str, *, limit: int = 20) -> Sequence[InstallRequest]:
        """What somebody requested or follows, the newest first."""
        raise NotImplementedError

    async def open(self, team: str, *, limit: int = 50) -> Sequence[InstallRequest]:
        """The open requests of a workspace, the oldest first."""
        raise NotImplementedError

    async def audit(self, request_id: str) -> Sequence[Entry]:
        """The audit trail, the oldest first."""
        raise NotImplementedError

    async def entry(self, entry_id: str) -> Entry | None:
        """One entry of it."""
        raise NotImplementedError

    async def followers(self, request_id: str) -> Sequence[Follower]:
        """Who joined, in order."""
        raise NotImplementedError

    async def note_posted(self, unit: Unit, request_id: str, channel: str, ts: str) -> None:
        """The card is posted there: for `on_delivered` of ``card``. Again: nothing changes."""
        raise NotImplementedError

    async def note_attached(self, unit: Unit, request_id: str, file: str) -> None:
        """The PEM is in the thread as that file: for `on_delivered` of ``pem``."""
        raise NotImplementedError

    async def note_ticket(self, unit: Unit, request_id: str, ticket: Mapping[str, Any]) -> None:
        """The request has that Matrix42 ticket."""
        raise NotImplementedError
