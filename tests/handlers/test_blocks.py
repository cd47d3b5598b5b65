"""Everything that is sent keeps Slack's limits, whatever is in it, and says the verdict first."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from bot.pki.certificate import Certificate
from bot.pki.errors import explain
from bot.pki.formats import read
from bot.report import Prediction, Verdict
from bot.requests.request import (
    Entry,
    Installation,
    InstallRequest,
    Place,
    RequestedCertificate,
    TargetSystem,
)
from bot.requests.states import Action, State
from handlers.blocks import install_modal
from handlers.blocks.card import card_message
from handlers.blocks.details import details_message, details_view
from handlers.blocks.files import (
    Compared,
    compared_message,
    private_key_message,
    reading_blocks,
)
from handlers.blocks.help import explanation_message, help_message
from handlers.blocks.home import home_view, mine_message
from handlers.blocks.lines import alias, installer_summary, line_message, notice_message
from handlers.blocks.message import Message
from handlers.blocks.report import report_message
from handlers.blocks.request_views import history_view, words_view
from handlers.blocks.summary import summary_message
from tests.handlers.limits import check_message, check_view
from tests.handlers.reports import HOST, HOSTILE, LONG, report
from tests.support.authority import make_root

VERDICTS = get_args(Verdict)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def request(state: State = State.POSTED, text: str = LONG) -> InstallRequest:
    certificate = RequestedCertificate(text, "ab" * 32, text, text, "2035-01-01T00:00:00Z", text)
    predictions = {jdk: {"accepted": True, "message": None} for jdk in ("11", "17", "21", "25")}
    return InstallRequest(
        id="0" * 24, short_id="R-7K3M", team="T1", requester="U0123456789", requester_name=text,
        target=TargetSystem(HOST, 65535, "tls"), environment="production",
        installation=Installation("server", (certificate,) * 8, predictions, True, text),
        connector=text, contact=text, note=text, lookup_id="l", origin=Place("C1", "1.2"),
        state=state, taken_by="U0123456780", taken_by_name=text,
        ticket={"number": text, "url": "https://desk.example/" + "x" * 4000},
        channel="C1", card_ts="1.2", pem_file=None, version=3, created_at=NOW, changed_at=NOW,
        closed_at=None,
    )  # fmt: skip


def entry(what: str, text: str = LONG) -> Entry:
    return Entry("e", "r", 1, NOW, "U0123456789", text, what, text, State.POSTED, {"act": "a"})


def check(message: Message) -> None:
    check_message(message.text, message.blocks)
    assert_harmless([message.text, list(message.blocks)])


def assert_harmless(value: object) -> None:
    """No mention and no formatting came from an untrusted name."""
    shown = _without_plain(value)
    assert "<!channel>" not in shown
    assert " *x* " not in re.sub(r"`[^`]*`", "", shown)


def _without_plain(value: object) -> str:
    """All mrkdwn of a message: plain_text and raw_text are shown as they are."""
    if isinstance(value, dict):
        if value.get("type") in ("plain_text", "raw_text"):
            return ""
        return "".join(_without_plain(item) for item in value.values())
    if isinstance(value, list):
        return "".join(_without_plain(item) for item in value)
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_report_keeps_the_limits(verdict: Verdict) -> None:
    full = report(verdict)
    check(report_message(full, "lookup", "U0123456789"))
    check(details_message(full))
    check_view(details_view(full))
    assert_harmless(details_view(full)["blocks"])


def test_the_text_of_a_report_begins_with_the_verdict() -> None:
    plain = report(text="Corp Root CA")
    message = report_message(plain, "lookup", "U0123456789")
    assert message.text.startswith(f"✅ {HOST}:65535: Corp Root CA SHA-256 AB:AB")
    first = message.blocks[0]["text"]["text"]
    assert first.startswith("✅ *Request the 3 certificates*")


def test_a_report_tells_three_findings_at_most() -> None:
    message = report_message(report(text="Say", findings=40), "lookup", "U1")
    told = [b for b in message.blocks if "Say Say" in json.dumps(b)]
    assert len(told) == 3
    assert "37 more findings" in json.dumps(message.blocks)


def test_a_summary_of_many_servers_keeps_the_limits() -> None:
    reports = [report(verdict) for verdict in VERDICTS] * 4
    check(summary_message([LONG] * 20, [*reports[:19], None], "U1"))


@pytest.mark.parametrize("state", State)
def test_a_card_and_its_lines_keep_the_limits(state: State) -> None:
    full = request(state)
    check(card_message(full))
    for what in (
        *map(str, Action),
        "submitted",
        "joined",
        "attached",
        "ticket",
        "undelivered",
        "?{}",
    ):
        check(line_message(full, entry(what)))
        check(notice_message(full, entry(what), "https://x.slack.com/archives/C1/p1"))
    assert len(installer_summary(full)) <= 3000
    check_view(history_view(full, [entry("take")] * 200))
    for action in (Action.ASK, Action.ANSWER, Action.REJECT, Action.FAIL, Action.REOPEN):
        check_view(words_view(full, action))


def test_an_alias_is_made_of_plain_letters() -> None:
    (certificate, *_) = request(text=f"CN={HOSTILE}$(rm -rf /);,O=x").installation.certificates
    assert alias(certificate) == "channel-x-y-u0123456789-rm-rf-abababab"


def test_the_modal_keeps_the_limits() -> None:
    errors = dict.fromkeys(("choice", "file", "environment", "confirmed", "reason"), LONG)
    filled = install_modal.Filled(
        "upload", "test", "c" * 200, "c" * 200, "n" * 1500, "r" * 1500, True,
        {"id": "F1", "name": LONG}, LONG, errors,
    )  # fmt: skip
    full = report()
    full = dataclasses.replace(
        full,
        options=tuple(
            dataclasses.replace(o, predictions=full.options[0].predictions) for o in full.options
        ),
    )
    view = install_modal.install_view(full, "lookup", filled, {"channel": "C1", "ts": "1.2"})
    check_view(view)
    choices = next(b for b in view["blocks"] if b.get("block_id") == "choice")["element"]
    assert [choice["value"] for choice in choices["options"]] == [
        "root", "intermediate", "server", "upload",
    ]  # fmt: skip
    fresh = install_modal.install_view(full, "lookup", install_modal.Filled(), {})
    element = next(b for b in fresh["blocks"] if b.get("block_id") == "choice")["element"]
    assert element["initial_option"]["value"] == "root"


def test_home_and_mine_keep_the_limits() -> None:
    lookup: Any = type(
        "L",
        (),
        {"input": LONG, "verdict": "validated", "created_at": NOW, "state": "done", "id": "l"},
    )()
    check_view(home_view([request()] * 60, [request()] * 60, [lookup] * 30))
    check(mine_message([request()] * 60))
    check(mine_message([]))


def test_files_keep_the_limits() -> None:
    found = [Certificate.from_der(make_root(f"{HOSTILE[:50]}{n}").der) for n in range(30)]
    reading = read(b"".join(make_root(f"Root {n}").pem for n in range(30)), name="x")
    check_message("x", reading_blocks(reading))
    relations = ("same", "same_key", "other_key", "leaf", "chain", "unrelated")
    compared = [Compared(c, relations[n % 6]) for n, c in enumerate(found)]
    check(compared_message(LONG, compared, None, ["ab" * 32] * 8, "r", "f"))
    check(private_key_message(LONG, False))


def test_whoever_uses_a_file_says_that_its_fingerprint_was_confirmed() -> None:
    found = Certificate.from_der(make_root("Other Root").der)
    accepted = {"25": Prediction(True, None)}
    message = compared_message(
        "a.pem", [Compared(found, "same_key")], accepted, ["ab" * 32], "r", "f"
    )
    buttons = [e for block in message.blocks for e in block.get("elements", ())]
    (use,) = (one for one in buttons if one.get("action_id") == "file_use")
    assert found.fingerprint in use["confirm"]["text"]["text"]
    check(message)


def test_explanations_and_help_keep_the_limits() -> None:
    check(explanation_message(explain(LONG)))
    check(
        explanation_message(
            explain("PKIX path building failed: unable to find valid certification path"),
            about=LONG,
        )
    )
    check(help_message())


def test_that_nobody_vouches_for_a_root_is_said_once_above_the_summary() -> None:
    full = report("unproven", text="x", findings=1)
    assert full.recommended
    option = dataclasses.replace(full.recommended, proven=False, warnings=("Nobody vouches: w.",))
    finding = dataclasses.replace(
        full.findings[0], code="root_not_proven", severity="warning", message="Nobody vouches: f."
    )
    message = report_message(
        dataclasses.replace(full, recommended=option, findings=(finding,)), "l", "U1"
    )
    said = json.dumps(list(message.blocks))
    assert said.count("Nobody vouches") == 1
    # Where the option does not say it, the finding does.
    proven = dataclasses.replace(option, proven=True, warnings=())
    message = report_message(
        dataclasses.replace(full, recommended=proven, findings=(finding,)), "l", "U1"
    )
    assert json.dumps(list(message.blocks)).count("Nobody vouches") == 1


def test_a_form_that_comes_back_says_at_its_top_which_fields_are_wrong() -> None:
    full = report("validated")
    errors = {"environment": "Which one?", "confirmed": "Compare it."}
    filled = install_modal.Filled(environment="test", asks_environment="Which?", errors=errors)
    view = install_modal.install_view(full, "lookup", filled, {})
    said = view["blocks"][1]["text"]["text"]
    assert "Not submitted yet" in said
    assert "Environment, Fingerprint" in said
    fresh = install_modal.install_view(full, "lookup", install_modal.Filled(), {})
    assert "Not submitted yet" not in json.dumps(fresh)


def test_whoever_hears_a_report_hears_that_it_may_be_the_wrong_system() -> None:
    full = report("validated")
    doubt = dataclasses.replace(
        full.findings[0], code="environment_mismatch", severity="warning", message="Test or prod?"
    )
    full = dataclasses.replace(full, findings=(doubt,), summary="Request the root.")
    message = report_message(full, "lookup", "U1")
    assert "Test or prod?" in message.text
