"""A submission that cannot be finished ends with a word to whoever waits for it."""

from __future__ import annotations

from dataclasses import asdict

from bot.app import Bot
from bot.store import outbox
from bot.store.database import Database
from handlers.submission import Submission
from tests.conversation.support import Surroundings, shown


async def test_whoever_waits_for_a_submission_hears_that_its_report_is_gone(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    settings = surroundings.settings()
    # As it was kept when its look at the server took too long; the report was purged since.
    submission = Submission(
        lookup="purged",
        view="V1",
        team=(await rita.state())["team"]["id"],
        user=rita.id,
        name="rita",
        choice="root",
        environment="production",
        shown={},
    )
    payload = {"do": "submission", "submission": asdict(submission)}
    async with Bot(settings):
        database = Database(settings.database_url)
        async with database.begin() as unit:
            await outbox.put(unit, "submission:V1", "lookup", payload)
        await database.dispose()
        told = await rita.wait_for(lambda m: "was not submitted" in shown(m), channel="@app")
    assert "no longer kept" in shown(told)
