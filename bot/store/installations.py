"""Slack installations of several workspaces, their tokens encrypted at rest.

Settings that `bot.settings` reads for it: the Fernet keys, the one that encrypts first and older
ones after it. To rotate: put a new key first, start, call `Installations.rotate`, drop the old key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from cryptography.fernet import InvalidToken
from sqlalchemy import ColumnElement, delete, select, update

from bot.errors import SettingsError
from bot.store.database import Database, StoreError
from bot.store.sealing import KEY_REMEDY, fernet
from bot.store.tables import installations

#: A `bot` is the installation as such, a `user` what one person granted.
Kind: TypeAlias = Literal["bot", "user"]


class Installations:
    """The installations in ``database``. ``keys``: Fernet keys, the first of which encrypts.

    Raises SettingsError for a key that is none; its message does not show it.
    """

    def __init__(self, database: Database, keys: Sequence[str]) -> None:
        self._database = database
        if not keys:
            raise SettingsError("There is no key to encrypt tokens with.", KEY_REMEDY)
        self._fernet = fernet(keys)

    async def save(
        self,
        kind: Kind,
        data: Mapping[str, Any],
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
    ) -> None:
        """Keeps ``data`` (JSON, with its tokens) for that workspace, or for that organisation where
        ``team_id`` is None; what was kept before is replaced."""
        token = self._fernet.encrypt(json.dumps(dict(data)).encode()).decode()
        values = {
            "kind": kind,
            "enterprise_id": enterprise_id or "",
            "team_id": team_id or "",
            "user_id": user_id or "",
        }
        async with self._database.begin() as unit:
            statement = unit.insert(installations).values(
                **values, token=token, installed_at=unit.now
            )
            await unit.execute(
                statement.on_conflict_do_update(
                    index_elements=list(values),
                    set_={"token": token, "installed_at": unit.now},
                )
            )

    async def find(
        self,
        kind: Kind,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
    ) -> dict[str, Any] | None:
        """What was kept for exactly that workspace or organisation (of that person; without one, the
        latest); None: nothing. Raises StoreError where no key opens it."""
        where = _where(kind, enterprise_id, team_id, user_id)
        statement = (
            select(installations.c.token)
            .where(*where)
            .order_by(installations.c.installed_at.desc())
            .limit(1)
        )
        async with self._database.read() as unit:
            token = (await unit.execute(statement)).scalar_one_or_none()
        if token is None:
            return None
        found: dict[str, Any] = json.loads(self._open(token))
        return found

    async def delete(
        self,
        kind: Kind,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
    ) -> None:
        """Forgets it; without ``user_id`` everybody's of that workspace or organisation."""
        async with self._database.begin() as unit:
            await unit.execute(
                delete(installations).where(*_where(kind, enterprise_id, team_id, user_id))
            )

    async def rotate(self) -> int:
        """Encrypts everything with the first key; gives how many were. Raises StoreError where no
        key opens one."""
        async with self._database.begin() as unit:
            rows = (await unit.execute(select(installations).with_for_update())).all()
            for row in rows:
                self._open(row.token)
                where = _where(row.kind, row.enterprise_id, row.team_id, row.user_id)
                token = self._fernet.rotate(row.token.encode()).decode()
                statement = update(installations).where(
                    *where, installations.c.user_id == row.user_id
                )
                await unit.execute(statement.values(token=token))
            return len(rows)

    def _open(self, token: str) -> bytes:
        try:
            return self._fernet.decrypt(token.encode())
        except InvalidToken:
            raise StoreError(
                "The token of a Slack workspace cannot be decrypted with the keys that are set.",
                "Set the key that it was encrypted with, or install the app there again.",
            ) from None


def _where(
    kind: str, enterprise_id: str | None, team_id: str | None, user_id: str | None
) -> list[ColumnElement[bool]]:
    conditions = [
        installations.c.kind == kind,
        installations.c.enterprise_id == (enterprise_id or ""),
        installations.c.team_id == (team_id or ""),
    ]
    if user_id:
        conditions.append(installations.c.user_id == user_id)
    return conditions
