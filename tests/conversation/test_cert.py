"""``/cert`` from the command to the report."""

from __future__ import annotations

from bot.app import Bot
from tests.conversation.support import HOST, Surroundings, shown


async def test_a_command_gives_a_report_with_the_root_to_request(
    surroundings: Surroundings,
) -> None:
    rita = surroundings.workspace.person("rita")
    async with Bot(surroundings.settings()):
        await rita.command("#connectors", f"/cert {surroundings.host}")
        report = await rita.wait_for(lambda m: "Corp Root CA" in shown(m))
    assert "Request the root certificate" in shown(report)
    assert HOST in report["text"]
    assert not report["ephemeral"]
    ephemeral = [m for m in await rita.messages("#connectors") if m["ephemeral"]]
    assert ["Checking" in m["text"] for m in ephemeral] == [True]
