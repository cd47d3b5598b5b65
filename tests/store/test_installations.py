"""Slack installations, encrypted at rest."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from bot.errors import SettingsError
from bot.store.database import Database, StoreError
from bot.store.installations import Installations
from bot.store.tables import installations

_OLD, _NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
_TOKEN = "xoxb-canary-token"


async def test_an_installation_is_found_again_and_its_token_is_not_readable_at_rest(
    database: Database,
) -> None:
    store = Installations(database, [_OLD])
    await store.save("bot", {"bot_token": _TOKEN}, enterprise_id=None, team_id="T1")
    assert await store.find("bot", enterprise_id=None, team_id="T1") == {"bot_token": _TOKEN}
    for kind, enterprise, team in (("user", None, "T1"), ("bot", "E1", "T1"), ("bot", None, "T2")):
        found = await store.find(kind, enterprise_id=enterprise, team_id=team)  # type: ignore[arg-type]
        assert found is None
    async with database.read() as unit:
        rows = (await unit.execute(select(installations))).all()
    assert _TOKEN not in str(rows)


async def test_the_latest_of_a_workspace_and_that_of_a_person(database: Database) -> None:
    store = Installations(database, [_OLD])
    for number, user in enumerate(("U1", "U2", "U1")):
        data = {"n": number}
        await store.save("user", data, enterprise_id="E1", team_id=None, user_id=user)
    assert await store.find("user", enterprise_id="E1", team_id=None) == {"n": 2}
    found = await store.find("user", enterprise_id="E1", team_id=None, user_id="U2")
    assert found == {"n": 1}
    await store.delete("user", enterprise_id="E1", team_id=None, user_id="U1")
    assert await store.find("user", enterprise_id="E1", team_id=None) == {"n": 1}
    await store.delete("user", enterprise_id="E1", team_id=None)
    assert await store.find("user", enterprise_id="E1", team_id=None) is None


async def test_keys_are_rotated(database: Database) -> None:
    for user in ("U1", "U2"):
        await Installations(database, [_OLD]).save(
            "user", {"of": user}, enterprise_id=None, team_id="T1", user_id=user
        )
    with pytest.raises(StoreError, match="cannot be decrypted"):
        await Installations(database, [_NEW]).find("user", enterprise_id=None, team_id="T1")
    with pytest.raises(StoreError, match="cannot be decrypted"):
        await Installations(database, [_NEW]).rotate()
    assert await Installations(database, [_NEW, _OLD]).rotate() == 2
    store = Installations(database, [_NEW])
    for user in ("U1", "U2"):
        found = await store.find("user", enterprise_id=None, team_id="T1", user_id=user)
        assert found == {"of": user}


@pytest.mark.parametrize("keys", [[], ["canary"], [_OLD, "canary"], [""], ["ü"]])
async def test_a_key_that_is_none_is_refused_and_not_shown(
    keys: list[str], database: Database
) -> None:
    with pytest.raises(SettingsError) as raised:
        Installations(database, keys)
    assert "canary" not in str(raised.value)
    assert "Fernet" in str(raised.value)
