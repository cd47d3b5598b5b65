"""Who may what, as it is seen in Slack: nobody but whoever tried hears of it."""

from __future__ import annotations

from pathlib import Path

from bot.app import Bot
from tests.conversation.conftest import MANIFEST, RULES
from tests.conversation.story import SUPPORT
from tests.conversation.support import Json, Surroundings, shown
from tests.hostile.acting import open_request
from tests.hostile.conftest import EVERYBODY
from tests.hostile.payloads import Forge
from tests.hostile.policy import TABLE
from tests.hostile.stage import Stage
from workspace import Person, Workspace

_SUPPORT_ONLY = ("request_take", "request_install", "request_ask", "request_reject")


async def test_whoever_may_not_is_refused_at_once_and_in_private(
    surroundings: Surroundings,
) -> None:
    rita, sam, other = (surroundings.workspace.person(name) for name in ("rita", "sam", "ext"))
    async with Bot(surroundings.settings()):
        await open_request(rita, surroundings.host)
        card = await _card(sam)
        before = [m for m in await sam.messages(SUPPORT) if not m["ephemeral"]]
        open_views = len((await other.state())["views"])
        for number, action_id in enumerate(_SUPPORT_ONLY, start=1):
            assert (await other.click(card, action_id))["ok"]
            await _refusals(other, number)
        assert len((await other.state())["views"]) == open_views
        assert (await other.click(card, "request_cancel"))["ok"]
        await _refusals(other, len(_SUPPORT_ONLY) + 1)
        await surroundings.settled()
        after = [m for m in await sam.messages(SUPPORT) if not m["ephemeral"]]
    assert [shown(m) for m in after] == [shown(m) for m in before]


async def _refusals(person: Person, count: int) -> None:
    await person.until(
        lambda state: (
            sum(
                m["ephemeral"] and "🙏 Only" in m["text"]
                for channel in state["channels"]
                for m in channel["messages"]
            )
            == count
        ),
        what=f"refusal number {count}",
    )


async def _card(person: Person) -> Json:
    await person.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
    return await person.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)


async def test_another_companys_people_may_what_support_staff_may_where_they_count_as_that(
    tmp_path: Path,
) -> None:
    """Where support staff are the members of the support channel, those of a shared one are, too."""
    async with (
        Workspace(MANIFEST, cast=EVERYBODY, rules=RULES) as workspace,
        Surroundings(workspace, tmp_path) as company,
        Stage(company, support_by="channel", support_group="") as stage,
    ):
        forge = Forge(stage)
        rows = {row.listener + row.case: row for row in TABLE}
        for name in ("action:request_take", "event:app_mentionserver", "action:report_request"):
            effect = await stage.send(forge.of(rows[name], "external", "posted"))
            assert effect.does_something, (name, effect)
            stage.undo()
        # The guest is a member of neither.
        effect = await stage.send(forge.of(rows["action:request_take"], "guest", "posted"))
        assert not effect.does_something
