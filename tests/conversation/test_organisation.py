"""Installed for a whole organisation: its workspaces share a token and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import Bot
from tests.conversation.conftest import MANIFEST, RULES
from tests.conversation.installing import by_oauth, install, manifest
from tests.conversation.story import SUPPORT
from tests.conversation.support import Surroundings, shown
from tests.hostile.acting import open_modal
from tests.support.ports import free_port
from workspace import Cast, Workspace
from workspace.cast import Organisation, Person, Room

#: Wanda's own workspace is Orbit, and she is in a channel of Acme's as well.
_CAST = Cast(
    teams=(("acme", "Acme"), ("orbit", "Orbit"), ("partner", "Partner Support")),
    organisations=(Organisation("starship", "Starship", ("acme", "orbit")),),
    installed=("starship",),
    people=(
        *(person for person in Cast().people if person.team != "globex"),
        Person("wanda", "Wanda Wanderer", team="orbit"),
    ),
    rooms=(
        Room("connectors", "Native Connectors", ("rita", "sam", "bea", "wanda")),
        Room("matrix42-support", "Install requests", ("rita", "sam", "bea", "wanda")),
        Room("orbit-general", "Orbit", ("wanda",), team="orbit"),
    ),
)


@pytest.fixture
async def organisation(tmp_path: Path) -> AsyncIterator[Surroundings]:
    async with (
        Workspace(MANIFEST, cast=_CAST, rules=RULES) as workspace,
        Surroundings(workspace, tmp_path) as found,
    ):
        yield found


async def test_a_token_of_an_organisation_serves_each_workspace(
    organisation: Surroundings,
) -> None:
    rita, sam, wanda = (organisation.workspace.person(name) for name in ("rita", "sam", "wanda"))
    async with Bot(organisation.settings()):
        view = await open_modal(rita, organisation.host)
        assert (await rita.submit(view, {"environment": "production"}))["ok"]
        card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        # Who is of the support staff is asked of Acme: a token of an organisation must say so.
        assert (await sam.click(card, "request_take"))["ok"]
        await rita.wait_for(lambda m: "took this" in shown(m), channel="@app")
        # Wanda acts in Acme, although her payloads name Orbit or no workspace at all.
        view = await open_modal(wanda, organisation.host)
        answer = await wanda.submit(view, {"environment": "production"})
        assert answer["ok"], answer
        await sam.wait_for(lambda m: "follows this request" in shown(m), channel=SUPPORT)
        asked = await wanda.say("#connectors", f"@whichroot check {organisation.host}")
        await wanda.wait_for(lambda m: m.get("thread_ts") == asked["ts"] and m.get("bot_id"))
        await wanda.click(card, "request_install")
        await wanda.wait_for(lambda m: "Only support staff" in shown(m), channel=SUPPORT)
        # In Orbit there is nothing of Acme's.
        assert (await wanda.command("#orbit-general", "/cert mine"))["ok"]
        mine = await wanda.wait_for(lambda m: m["ephemeral"], channel="#orbit-general")
        assert "requested nothing yet" in shown(mine)
        assert (await wanda.command("#orbit-general", f"/cert {organisation.host}"))["ok"]
        report = await wanda.wait_for(
            lambda m: "Request the root" in shown(m), channel="#orbit-general"
        )
        assert (await wanda.click(report, "report_details"))["ok"]
        await wanda.wait_for_view("details")
        refused = [entry for entry in await wanda.log("request") if entry["error"]]
    assert refused == []


# slack_sdk signs in to oauth.v2.access in a way that aiohttp has deprecated.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_an_organisation_installs_it_once_for_all(tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    async with (
        Workspace(manifest(base), cast=_CAST, rules=RULES) as workspace,
        Surroundings(workspace, tmp_path) as company,
    ):
        settings = company.settings(**by_oauth(workspace, port))
        rita, sam, wanda = (workspace.person(name) for name in ("rita", "sam", "wanda"))
        async with Bot(settings):
            assert await install(base, rita.id, org=True) == 200
            view = await open_modal(rita, company.host)
            assert (await rita.submit(view, {"environment": "production"}))["ok"]
            await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
        # After a start nothing but the organisation is known.
        async with Bot(settings):
            view = await open_modal(wanda, company.host)
            assert (await wanda.submit(view, {"environment": "production"}))["ok"]
            await sam.wait_for(lambda m: "follows this request" in shown(m), channel=SUPPORT)
            assert (await wanda.command("#orbit-general", f"/cert {company.host}"))["ok"]
            await wanda.wait_for(lambda m: "Request the root" in shown(m), channel="#orbit-general")
            card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
            assert (await sam.click(card, "request_take"))["ok"]
            await rita.wait_for(lambda m: "took this" in shown(m), channel="@app")
