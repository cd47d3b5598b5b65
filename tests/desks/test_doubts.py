"""What was done at the desk although the client could not see the end of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.desks.base import Compared, DeskError, DeskUnreachable, MappingRejected, marker_of
from tests.desks.support import PEM, Place, draft
from tests.support.aia import page
from tests.support.servers import raw_server
from workspace.desks import EnterpriseServer, Fault


async def test_a_created_ticket_that_cannot_be_read_is_in_doubt_or_known_and_never_denied(
    place: Place,
) -> None:
    reading = "object" if isinstance(place.server, EnterpriseServer) else "read"
    place.server.faults.order(reading, Fault("status", 429))
    created, doubt = None, None
    try:
        created = await place.desk.create(draft())
    except DeskUnreachable as error:
        doubt = error
    if doubt is not None:
        assert doubt.maybe_done
        created = await place.desk.find(marker_of("R-7K3M"))
    assert created is not None
    assert place.kept(created.id).subject == draft().subject
    assert len(place.server.tickets) == 1


@pytest.mark.parametrize("status", [403, 400])
async def test_a_created_ticket_that_may_not_be_read_is_known_all_the_same(
    place: Place, status: int
) -> None:
    reading = "object" if isinstance(place.server, EnterpriseServer) else "read"
    place.server.faults.order(reading, Fault("status", status))
    ticket = await place.desk.create(draft())
    assert place.kept(ticket.id).subject == draft().subject
    assert ticket.number
    assert len(place.server.tickets) == 1


async def test_an_attached_file_that_cannot_be_listed_is_in_doubt(place: Place) -> None:
    ticket = await place.desk.create(draft())
    listing = "files" if isinstance(place.server, EnterpriseServer) else "read"
    place.server.faults.order(listing, Fault("status", 429))
    with pytest.raises(DeskUnreachable) as doubt:
        await place.desk.attach(ticket, "root.pem", PEM)
    assert doubt.value.maybe_done
    found = await place.desk.attached(ticket, "root.pem")
    assert found is not None
    assert found.matches(PEM)


@pytest.mark.parametrize("status", [500, 404])
async def test_a_desk_that_never_gives_files_back_does_not_hold_up_the_attachment(
    place: Place, status: int
) -> None:
    ticket = await place.desk.create(draft())
    place.server.faults.order("download", Fault("status", status))
    found = await place.desk.attach(ticket, "root.pem", PEM)
    assert found.compared is not Compared.SHA256
    assert found.matches(PEM)


async def test_a_file_that_cannot_be_read_back_for_now_is_in_doubt(place: Place) -> None:
    ticket = await place.desk.create(draft())
    place.server.faults.order("download", Fault("status", 503))
    with pytest.raises(DeskUnreachable) as doubt:
        await place.desk.attach(ticket, "root.pem", PEM)
    assert doubt.value.maybe_done


async def test_an_entry_of_the_far_future_hides_no_later_one(place: Place) -> None:
    ticket = await place.desk.create(draft())
    kept = place.kept(ticket.id)
    place.server.answer(kept, "imported").at = datetime(2099, 1, 1, tzinfo=UTC)
    first = await place.desk.poll(ticket, {})
    assert [entry.text for entry in first.entries] == ["imported"]
    place.server.answer(kept, "hello")
    second = await place.desk.poll(ticket, first.cursor)
    assert [entry.text for entry in second.entries] == ["hello"]
    assert list((await place.desk.poll(ticket, second.cursor)).entries) == []


async def test_an_error_that_quotes_the_sign_in_is_told_without_it(place: Place) -> None:
    """A server may quote what it was sent."""

    async def mirror(reader: object, writer: object) -> None:
        quoted = f"You sent {place.secret} and then {place.secret}".encode()
        await page(quoted, "text/plain", status=422)(reader, writer)  # type: ignore[arg-type]

    async with raw_server(mirror) as server:
        desk = place.client(url=f"http://{server.address}/")
        with pytest.raises(DeskError) as error:
            await desk.create(draft())
    assert isinstance(error.value, MappingRejected)
    assert "You sent" in str(error.value)
    assert place.secret not in str(error.value)
