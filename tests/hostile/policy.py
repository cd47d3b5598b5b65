"""Who may do what: one row for each way in, one column for each kind of person.

The table is data: `test_who_may_each` tries every row as everybody in every state, and fails where a
listener that the bot registers has no row. `markdown` is how SECURITY.md shows it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

REQUESTER, FOLLOWER, SUPPORTER = "requester", "follower", "supporter"
BYSTANDER, GUEST, EXTERNAL = "bystander", "guest", "external"
ELSEWHERE, BOT = "elsewhere", "bot"

#: The columns: who it is, and what stands above.
PEOPLE: Final = {
    REQUESTER: "requester",
    FOLLOWER: "who joined",
    SUPPORTER: "support staff",
    BYSTANDER: "colleague",
    GUEST: "guest",
    EXTERNAL: "other company (Slack Connect)",
    ELSEWHERE: "other workspace",
    BOT: "another bot",
}

_ALL: Final = frozenset({REQUESTER, FOLLOWER, SUPPORTER, BYSTANDER, GUEST, EXTERNAL, BOT})
_OURS: Final = _ALL - {EXTERNAL}
_PEOPLE: Final = _ALL - {BOT}

OPEN: Final = ("submitted", "posted", "taken", "waiting")
CLOSED: Final = ("verified", "rejected", "cancelled")
STATES: Final = (*OPEN, "installed", *CLOSED)


@dataclass(frozen=True)
class Row:
    """``listener`` is what the bot registers, ``kind:name``; ``case`` tells rows of one listener
    apart. ``who`` may, in these ``states`` of a request (empty: it is about none). Anybody else is
    told why not, or is not heard (``silent``). ``never``: Slack itself keeps these people from it."""

    listener: str
    case: str
    does: str
    who: frozenset[str]
    states: Collection[str] = ()
    silent: bool = False
    never: frozenset[str] = frozenset()


def _press(action: str, does: str, who: Collection[str], states: Collection[str] = ()) -> Row:
    return Row(f"action:{action}", "", does, frozenset(who), states)


def _words(action: str, does: str, who: Collection[str], states: Collection[str]) -> Row:
    return Row("view:request_words", action, does, frozenset(who), states)


_EXTERNAL: Final = frozenset({EXTERNAL})
_ASKING: Final = frozenset({REQUESTER, FOLLOWER})
_CLOSING: Final = frozenset({REQUESTER, FOLLOWER, SUPPORTER})
_OWNING: Final = frozenset({REQUESTER, SUPPORTER})

TABLE: Final = (
    Row("command:/cert", "server", "check a server", _OURS, never=_EXTERNAL),
    Row("command:/cert", "mine", "list one's own requests", _OURS, never=_EXTERNAL),
    Row("shortcut:explain_error", "", "explain the error in a message", _OURS, never=_EXTERNAL),
    Row("shortcut:analyse_certificate", "", "read a message's file", _OURS, never=_EXTERNAL),
    _press("report_details", "see the details of a report", _ALL),
    _press("report_ask", "see what to ask the owner", _ALL),
    _press("report_pem", "get the PEM", _ALL),
    _press("report_again", "check the same server again", _ALL),
    _press("report_upload", "open the form for a chain", _ALL),
    Row("view:upload_chain", "", "have an uploaded chain analysed", _ALL),
    _press("report_request", "open the request form", _OURS),
    Row("view:install", "", "submit a request", _OURS),
    _press("request_take", "take a request", {SUPPORTER}, ("submitted", "posted")),
    _press("request_ask", "open the form for a question", {SUPPORTER}, OPEN),
    _words("ask", "ask the requester", {SUPPORTER}, OPEN),
    _press("request_answer", "open the form for an answer", _ASKING, ("waiting",)),
    _words("answer", "answer the question", _ASKING, ("waiting",)),
    _press("request_install", "say that it is installed", {SUPPORTER}, OPEN),
    _press("request_verify", "say that it works", _CLOSING, ("installed",)),
    _press("request_fail", "open the form for a failure", _CLOSING, ("installed", "verified")),
    _words("fail", "say that it still fails", _CLOSING, ("installed", "verified")),
    _press("request_reject", "open the form for a refusal", {SUPPORTER}, OPEN),
    _words("reject", "reject a request", {SUPPORTER}, OPEN),
    _press("request_cancel", "cancel a request", {REQUESTER}, OPEN),
    _press("request_reopen", "open the form to reopen", _OWNING, CLOSED),
    _words("reopen", "reopen a request", _OWNING, CLOSED),
    _press("file_use", "exchange the certificate for a file's", _OWNING, OPEN),
    _press("file_ignore", "set a file aside", _OWNING, OPEN),
    _press("request_check", "verify the server now", _ALL, STATES),
    _press("request_details", "see a request's history", _ALL, STATES),
    _press("act_retry", "have a failed delivery tried again", _CLOSING),
    _press("ticket_retry", "have what waits for Matrix42 tried again", _CLOSING),
    _press("ticket_sent", "say that the offered e-mail was sent", _CLOSING),
    Row("event:message", "thread", "write in a request's thread", _PEOPLE, silent=True),
    Row("event:message", "file", "have a file in the thread compared", _PEOPLE, silent=True),
    Row("event:message", "direct", "ask in a direct message", _PEOPLE - _EXTERNAL),
    Row("event:app_mention", "server", "name a server in a mention", _PEOPLE - _EXTERNAL),
    Row("event:app_mention", "word", "ask for help, chain, pem, status", _PEOPLE, silent=True),
    Row(
        "event:app_home_opened",
        "",
        "see one's own App Home",
        _PEOPLE - _EXTERNAL,
        silent=True,
        never=_EXTERNAL | {BOT},
    ),
)


#: What no person sends: Slack says that the app was removed, and it is asked whether that is so
#: (`test_faults_slack`).
FROM_SLACK: Final = frozenset({"event:app_uninstalled", "event:tokens_revoked"})


def markdown() -> str:
    """The table for people: ● may, – is told why not, · is not heard, (blank) cannot in Slack."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| | " + " | ".join(PEOPLE.values()) + " | while the request is |"
    yield "|---|" + ":-:|" * len(PEOPLE) + "---|"
    for row in TABLE:
        cells = [_cell(row, person) for person in PEOPLE]
        yield f"| {row.does} | {' | '.join(cells)} | {_states(row)} |"


def _cell(row: Row, person: str) -> str:
    if person in row.never:
        return ""
    if person in row.who:
        return "●"
    return "·" if row.silent or _is_event_unheard(row, person) else "–"


def _is_event_unheard(row: Row, person: str) -> bool:
    return row.listener.startswith("event:") and person in (ELSEWHERE, BOT)


def _states(row: Row) -> str:
    names = {STATES: "in any state", OPEN: "open, not installed", CLOSED: "closed", (): ""}
    return names.get(tuple(row.states), ", ".join(row.states))
