"""What the hostile do first: ask, and request."""

from __future__ import annotations

from typing import Any

from tests.conversation.support import Json, shown
from workspace import Person


async def open_modal(person: Person, host: str) -> Json:
    """*Request installation* of a report on ``host``."""
    assert (await person.command("#connectors", f"/cert {host}"))["ok"]
    report = await person.wait_for(
        lambda m: "equest the root" in shown(m) and host in shown(m) and not m["ephemeral"]
    )
    assert (await person.click(report, "report_request"))["ok"]
    return await person.wait_for_view("install")


async def open_request(person: Person, host: str, **values: Any) -> None:
    """Requests the installation for ``host``."""
    view = await open_modal(person, host)
    answer = await person.submit(view, {"environment": "production", **values})
    assert answer["ok"], answer
    assert "errors" not in answer, answer
