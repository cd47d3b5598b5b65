"""What holds for the clients of both APIs, against the servers that stand in for them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from bot.desks.base import (
    Compared,
    Cursor,
    DeskError,
    DeskUnreachable,
    FileRefused,
    MappingRejected,
    Meaning,
    MissingRole,
    NotAllowed,
    OddAnswer,
    SignInRefused,
    marker_of,
)
from bot.requests.states import State
from tests.desks.support import PEM, Place, draft
from workspace.desks import EnterpriseServer, Fault, ProfessionalServer

_READ = {EnterpriseServer: "fragments", ProfessionalServer: "read"}
#: Codes of states there: open, working, waiting, and one that no setting names.
_CODES = {
    EnterpriseServer: ("200", "202", "203", "333"),
    ProfessionalServer: ("01", "02", "03", "77"),
}


async def test_a_ticket_is_found_by_its_whole_marker(place: Place) -> None:
    ticket = await place.desk.create(draft())
    assert await place.desk.find(marker_of("R-7K3M")) == ticket
    assert await place.desk.find(marker_of("R-7K3")) is None
    assert await place.desk.find(marker_of("R-0000")) is None
    assert await place.desk.find("[cert-req R-7'K]") is None


async def test_a_ticket_is_found_as_the_settings_say(place: Place) -> None:
    ticket = await place.desk.create(draft())
    subject = "Subject" if isinstance(place.server, EnterpriseServer) else "$subject$"
    other = place.client(find=f"{subject} LIKE 'Install a root _cert-req {{word}}]'")
    assert await other.find(marker_of("R-7K3M")) == ticket


async def test_an_attachment_is_read_back_and_its_bytes_compared(place: Place) -> None:
    ticket = await place.desk.create(draft())
    found = await place.desk.attach(ticket, "root.pem", PEM)
    assert found.sha256 == hashlib.sha256(PEM).hexdigest()
    assert found.compared is Compared.SHA256
    assert found.matches(PEM)
    place.kept(ticket.id).files[0].content = PEM.replace(b"M", b"N")
    again = await place.desk.attached(ticket, "root.pem")
    assert again is not None
    assert (again.compared, again.matches(PEM)) == (Compared.SHA256, False)
    assert await place.desk.attached(ticket, "other.pem") is None


async def test_of_two_files_with_one_name_the_newer_counts(place: Place) -> None:
    ticket = await place.desk.create(draft())
    await place.desk.attach(ticket, "root.pem", b"old")
    assert (await place.desk.attach(ticket, "root.pem", PEM)).matches(PEM)


@pytest.mark.parametrize("how", ["unset", "refused", "page"])
async def test_where_a_file_cannot_be_read_back_less_is_compared_and_said(
    place: Place, how: str
) -> None:
    download = {"unset": "", "refused": "nowhere/{id}", "page": "../../.."}[how]
    desk = place.client(download=download)
    found = await desk.attach(await desk.create(draft()), "root.pem", PEM)
    says_size = isinstance(place.server, EnterpriseServer)
    assert found.compared is (Compared.SIZE if says_size else Compared.NOTHING)
    assert (found.sha256, found.size) == ("", len(PEM) if says_size else None)
    assert found.matches(PEM)
    assert found.matches(PEM + b"x") is not says_size


async def test_a_refused_file_is_told(place: Place) -> None:
    ticket = await place.desk.create(draft())
    with pytest.raises(FileRefused, match="not allowed"):
        await place.desk.attach(ticket, "root.exe", PEM)
    with pytest.raises(FileRefused, match="too large"):
        await place.desk.attach(ticket, "large.pem", b"x" * (place.server.largest + 1))


async def test_files_are_news_once_unless_that_is_not_wanted(place: Place) -> None:
    ticket = await place.desk.create(draft())
    await place.desk.attach(ticket, "root.pem", PEM)
    place.server.answer(place.kept(ticket.id), "With the root")
    assert (await place.client(relay_files=False).poll(ticket, {})).files == ()
    news = await place.desk.poll(ticket, {})
    assert [file.name for file in news.files] == ["root.pem"]
    assert await place.desk.download(ticket, news.files[0].id) == PEM
    assert list((await place.desk.poll(ticket, news.cursor)).files) == []


async def test_a_file_that_comes_with_an_internal_entry_stays(place: Place) -> None:
    ticket = await place.desk.create(draft())
    kept = place.kept(ticket.id)
    place.server.tickets.attach(kept, "internal.txt", b"internal", visible=False)
    cursor: Cursor = {}
    names = []
    for step in range(3):
        if step == 1:
            place.server.answer(kept, "For us", visible=False)
        if step == 2:
            # What was decided stays so, whatever is written afterwards.
            place.server.answer(kept, "For you")
        news = await place.desk.poll(ticket, cursor)
        cursor = news.cursor
        names += [file.name for file in news.files]
    assert names == []


async def test_a_state_is_given_to_the_ticket_as_the_settings_say(place: Place) -> None:
    _, working, waiting, unnamed = _CODES[type(place.server)]
    states = {"taken": working, "waiting": waiting, "verified": unnamed}
    desk = place.client(set_states=states)
    ticket = await desk.create(draft())
    taken = await desk.set_state(ticket, State.TAKEN)
    assert taken is not None
    assert (taken.code, taken.meaning) == (working, Meaning.WORKING)
    assert place.kept(ticket.id).state == working
    unknown = await desk.set_state(ticket, State.VERIFIED)
    assert unknown is not None
    assert (unknown.code, unknown.meaning) == (unnamed, None)
    before = place.server.calls.count("update")
    assert await desk.set_state(ticket, State.VERIFIED) == unknown
    assert await desk.set_state(ticket, State.REJECTED) is None
    assert place.server.calls.count("update") == before == 2


async def test_a_state_that_matrix42_does_not_take_is_told(place: Place) -> None:
    desk = place.client(set_states={"taken": "999"})
    ticket = await desk.create(draft())
    with pytest.raises(MappingRejected):
        await desk.set_state(ticket, State.TAKEN)
    desk = place.client(set_states={"taken": _CODES[type(place.server)][1]})
    place.server.faults.order("update", Fault("null"))
    with pytest.raises(MappingRejected, match=r"leaves the ticket in “.*set_states.taken"):
        await desk.set_state(ticket, State.TAKEN)


async def test_a_state_that_no_setting_names_is_shown_as_it_is(place: Place) -> None:
    ticket = await place.desk.create(draft())
    unnamed = _CODES[type(place.server)][-1]
    place.server.move(place.kept(ticket.id), unnamed)
    state = (await place.desk.poll(ticket, {})).state
    assert state is not None
    assert (state.code, state.meaning) == (unnamed, None)
    assert state.label in ("state 333", "77 - Parked")


async def test_the_sign_in_is_had_again_when_it_has_run_out(place: Place) -> None:
    ticket = await place.desk.create(draft())
    assert place.server.calls.count("sign-in") == 1
    place.server.expire_tokens()
    await place.desk.comment(ticket, "Hello")
    assert place.server.calls.count("sign-in") == 2


async def test_the_sign_in_is_renewed_before_it_ends(place: Place) -> None:
    place.server.life = timedelta(seconds=30)
    ticket = await place.desk.create(draft())
    before = place.server.calls.count("sign-in")
    await place.desk.comment(ticket, "Hello")
    assert place.server.calls.count("sign-in") == before + 1


async def test_what_refuses_the_bot_is_one_kind_of_error_and_holds_no_secret(place: Place) -> None:
    desk = place.desk
    place.server.lacks_role = True
    with pytest.raises(MissingRole, match="403") as error:
        await desk.create(draft())
    assert isinstance(error.value, NotAllowed)
    place.server.lacks_role = False
    # Refused, signed in anew, and refused all the same.
    place.server.faults.order("create", Fault("status", 401), Fault("status", 401))
    before = place.server.calls.count("sign-in")
    with pytest.raises(SignInRefused) as refused:
        await desk.create(draft())
    assert isinstance(refused.value, NotAllowed)
    assert place.server.calls.count("sign-in") == before + 1
    assert place.secret not in str(refused.value)
    assert len(place.server.tickets) == 0


@pytest.mark.parametrize("fault", [Fault("late", seconds=60), Fault("cut")])
async def test_a_creation_in_doubt_is_found_again(place: Place, fault: Fault) -> None:
    desk = place.client(timeout=1.5)
    place.server.faults.order("create", fault)
    with pytest.raises(DeskUnreachable) as doubt:
        await desk.create(draft())
    assert doubt.value.maybe_done
    assert await desk.find(marker_of("R-7K3M")) is not None
    assert len(place.server.tickets) == 1


async def test_an_outage_is_told_from_a_doubt(place: Place) -> None:
    with pytest.raises(DeskUnreachable, match=r"127\.0\.0\.1:9: nothing listens") as outage:
        await place.client(url="http://127.0.0.1:9/").create(draft())
    assert not outage.value.maybe_done
    place.server.faults.order("create", Fault("status", 429, retry_after="17"))
    with pytest.raises(DeskUnreachable) as wait:
        await place.desk.create(draft())
    assert (wait.value.seconds, wait.value.maybe_done) == (17, False)


async def test_an_address_that_is_none_of_the_api_is_told(place: Place) -> None:
    with pytest.raises(OddAnswer, match="Check url"):
        await place.client(url=place.server.root).create(draft())


async def _told(place: Place, **settings: object) -> tuple[str, str]:
    """What a check says is missing, and what it remarks."""
    lines = await place.client(**settings).check()
    return (
        "\n".join(line.text for line in lines if not line.ok),
        "\n".join(line.text for line in lines if line.remark),
    )


async def test_a_check_finds_everything_and_reads_a_file_back(place: Place) -> None:
    missing, remarks = await _told(place)
    assert missing == ""
    assert "no ticket of the bot has one yet" in remarks
    await place.desk.attach(await place.desk.create(draft()), "root.pem", PEM)
    assert await _told(place) == ("", "")
    assert any("compared by SHA-256" in line.text for line in await place.desk.check())
    _, remarks = await _told(place, download="nowhere/{id}")
    assert "compared by size alone. Check download" in remarks
    _, remarks = await _told(place, download="", states={}, set_states={})
    assert "download is not set: attached files are compared by size" in remarks
    assert "states is empty" in remarks


async def test_a_check_names_the_setting_to_look_at(place: Place) -> None:
    missing, _ = await _told(place, find="Betreff = '{word}'")
    assert "cannot look for its tickets" in missing
    assert missing.endswith("Check find in the desk file.")


async def test_a_check_that_is_refused_says_once_what_to_do(place: Place) -> None:
    place.server.lacks_role = True
    missing, _ = await _told(place)
    assert "(403)" in missing
    assert missing.count("Give it ") == 1
    place.server.faults.down = True
    missing, _ = await _told(place)
    assert missing.count("\n") == 0


async def test_a_check_changes_nothing(place: Place) -> None:
    await place.client(set_states={"taken": _CODES[type(place.server)][1]}).check()
    assert set(place.server.calls) <= {
        "sign-in", "fragments", "templates", "template", "search", "read", "object", "files"
    }  # fmt: skip
    assert len(place.server.tickets) == 0


@pytest.mark.parametrize("status", [400, 404, 409, 418, 500, 503])
async def test_whatever_status_comes_is_an_error_of_the_desk(place: Place, status: int) -> None:
    ticket = await place.desk.create(draft())
    place.server.faults.order(_READ[type(place.server)], Fault("status", status))
    with pytest.raises(DeskError):
        await place.desk.poll(ticket, {})
