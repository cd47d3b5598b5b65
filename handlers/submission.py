"""A filled-in request, probed again and judged: a draft that may be submitted, or what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from bot.errors import FormatError, WhichrootError
from bot.pki import signs
from bot.pki.certificate import Certificate
from bot.pki.pem import encoded
from bot.report import Certificate as ReportCertificate
from bot.report import Option, OptionKind, Report
from bot.requests.request import (
    Draft,
    Environment,
    Installation,
    Place,
    RequestedCertificate,
    TargetSystem,
)
from bot.store.lookups import KeptLookup
from bot.text import storable
from handlers.blocks import install_modal as modal
from handlers.blocks.certificates import option_of, prediction_line
from handlers.keys import refusal_of
from handlers.parts import Parts, element_of
from handlers.questions import report_of
from handlers.uploads import question_for, read_certificates

_MAX_CERTIFICATES: Final = 8
_LABELS: Final = {"test": "a test system", "production": "a production system"}


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody filled in, as data: see `handlers.blocks.install_modal` for the fields."""

    lookup: str
    view: str
    team: str
    user: str
    name: str
    choice: str
    environment: str
    shown: Mapping[str, str]
    connector: str = ""
    contact: str = ""
    note: str = ""
    reason: str = ""
    confirmed: bool = False
    sure: bool = False
    file: Mapping[str, str] | None = None
    channel: str | None = None
    ts: str | None = None

    @property
    def origin(self) -> Mapping[str, str | None]:
        """Where it was begun."""
        return {"channel": self.channel, "ts": self.ts}


@dataclass(frozen=True, slots=True)
class Outcome:
    """``draft`` may be submitted; else ``errors`` says by block what is wrong. ``report`` is what the
    server presents now; ``question`` asks about the environment."""

    draft: Draft | None
    report: Report | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    question: str = ""

    def filled(self, submission: Submission) -> modal.Filled:
        """What to show in the modal again."""
        return modal.Filled(
            choice=submission.choice,
            environment=submission.environment,
            connector=submission.connector,
            contact=submission.contact,
            note=submission.note,
            reason=submission.reason,
            confirmed=submission.confirmed,
            file=submission.file,
            asks_environment=self.question,
            errors=self.errors,
        )


def submission_of(
    view: Mapping[str, Any], metadata: Mapping[str, Any], team: str, user: str, name: str
) -> Submission:
    """What a submitted view holds. Raises WhichrootError where it is none that the bot made."""

    def chosen(block_id: str) -> str:
        option = element_of(view, block_id, modal.INPUT).get("selected_option")
        return str(option.get("value") or "") if isinstance(option, dict) else ""

    def text(block_id: str) -> str:
        entered = element_of(view, block_id, modal.INPUT).get("value")
        return storable(entered).strip() if isinstance(entered, str) else ""

    def checked(block_id: str) -> bool:
        return bool(element_of(view, block_id, modal.INPUT).get("selected_options"))

    environment, shown = chosen(modal.ENVIRONMENT), metadata.get("shown")
    if environment not in _LABELS or not isinstance(shown, dict):
        raise WhichrootError(
            "I cannot read this form.", "Open it again, and choose the environment."
        )
    files = element_of(view, modal.FILE, modal.INPUT).get("files") or []
    return Submission(
        lookup=str(metadata["lookup"]),
        view=str(view["id"]),
        team=team,
        user=user,
        name=name,
        choice=chosen(modal.CHOICE),
        environment=environment,
        shown=shown,
        connector=text(modal.CONNECTOR),
        contact=text(modal.CONTACT),
        note=text(modal.NOTE),
        reason=text(modal.REASON),
        confirmed=checked(modal.CONFIRMED),
        sure=checked(modal.SURE),
        file=_file(files[0]) if files else _file(metadata.get("file")),
        channel=_id(metadata.get("channel")),
        ts=_id(metadata.get("ts")),
    )


def _file(found: object) -> dict[str, str] | None:
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        return None
    return {"id": found["id"], "name": str(found.get("name") or "file")}


def _id(found: object) -> str | None:
    return found if isinstance(found, str) else None


def missing_words(submission: Submission) -> dict[str, str]:
    """What can be said without a look at the server."""
    written = {
        modal.CONNECTOR: submission.connector,
        modal.CONTACT: submission.contact,
        modal.NOTE: submission.note,
        modal.REASON: submission.reason,
    }
    errors = {
        field: refusal[:2000] for field, text in written.items() if (refusal := refusal_of(text))
    }
    if submission.choice == modal.UPLOAD and not submission.file:
        errors[modal.FILE] = "Upload the certificate, or choose one of those above."
    if submission.choice == "server" and not submission.reason:
        errors[modal.REASON] = (
            "Say why neither root nor intermediate can be installed: the server certificate expires "
            "very often, and the connector with it."
        )
    return errors


async def assess(parts: Parts, submission: Submission, lookup: KeptLookup) -> Outcome:
    """Probes the server again and judges what is asked for. Raises Busy, Later."""
    try:
        question = await question_for(parts, lookup)
        uploaded: tuple[Certificate, ...] = ()
        if submission.choice == modal.UPLOAD and submission.file:
            _, uploaded = await read_certificates(parts, lookup.team, submission.file["id"])
    except FormatError as error:
        return Outcome(None, report_of(lookup), {modal.FILE: str(error)[:2000]})
    report = await parts.runner.run(
        replace(question, installed=uploaded),
        team=submission.team,
        user=submission.user,
        fresh=True,
    )
    if not any(presented.certificates for presented in report.presented):
        return Outcome(
            None,
            report_of(lookup),
            {modal.CHOICE: f"The server cannot be looked at now: {report.summary}"},
        )
    if uploaded:
        installation, errors = _of_upload(report, uploaded)
    else:
        installation, errors = _of_option(report, submission)
    if installation is None:
        return Outcome(None, report, errors)
    proven = _is_proven(report, installation)
    if not proven and not submission.confirmed:
        errors[modal.CONFIRMED] = (
            "Nobody vouches for this certificate: compare its fingerprint with the system's owner, "
            "then tick this box."
        )
    if installation.option == "server" and not submission.reason:
        errors.update(missing_words(replace(submission, choice="server")))
    doubt = "" if submission.sure else _doubt(report, installation, submission.environment)
    if doubt:
        errors[modal.ENVIRONMENT] = doubt
    if errors:
        return Outcome(None, report, errors, doubt)
    installation = replace(
        installation,
        provenance_confirmed=submission.confirmed,
        reason=submission.reason if installation.option == "server" else "",
    )
    return Outcome(_draft(submission, report, installation), report)


def _of_option(
    report: Report, submission: Submission
) -> tuple[Installation | None, dict[str, str]]:
    option = option_of(report, submission.choice)
    if option is None or modal.shown(option) != submission.shown.get(submission.choice):
        return None, {
            modal.CHOICE: "The server presents something else than when you began: look at the "
            "certificates again, and submit once more."
        }
    if not _is_accepted(option):
        line = prediction_line(option.predictions)
        return None, {modal.CHOICE: f"With this installed Java does not accept the server: {line}"}
    return installation_of(option), {}


def installation_of(option: Option) -> Installation:
    """An option of a report as what is to be installed."""
    return Installation(
        option.option,
        tuple(_requested(found) for found in option.certificates),
        {
            jdk: {"accepted": p.accepted, "message": p.message}
            for jdk, p in option.predictions.items()
        },
    )


def _of_upload(
    report: Report, uploaded: tuple[Certificate, ...]
) -> tuple[Installation | None, dict[str, str]]:
    installation = uploaded_installation(report, uploaded)
    if isinstance(installation, str):
        return None, {modal.FILE: installation}
    return installation, {}


def uploaded_installation(report: Report, uploaded: tuple[Certificate, ...]) -> Installation | str:
    """Uploaded certificates as what is to be installed; ``report`` is of a lookup with them
    installed. A sentence where they will not do."""
    if len(uploaded) > _MAX_CERTIFICATES:
        return (
            f"The file holds {len(uploaded)} certificates, more than {_MAX_CERTIFICATES}: send only "
            "the one that is to be installed."
        )
    if report.installed is None or not all(p.accepted for p in report.installed.values()):
        told = next((f for f in report.findings if f.code == "installed_does_not_suffice"), None)
        why = told.message if told else report.summary
        return f"This certificate does not anchor what the server presents. {why}"
    return Installation(
        _kind(report, uploaded),
        tuple(_requested_upload(found) for found in uploaded),
        {
            jdk: {"accepted": p.accepted, "message": p.message}
            for jdk, p in report.installed.items()
        },
    )


def _kind(report: Report, uploaded: tuple[Certificate, ...]) -> OptionKind:
    leaves = {p.certificates[0].sha256 for p in report.presented if p.certificates}
    if any(found.sha256 in leaves or not found.is_ca for found in uploaded):
        return "server"
    if all(found.subject == found.issuer for found in uploaded):
        return "root"
    return "intermediate"


def _requested(found: ReportCertificate) -> RequestedCertificate:
    return RequestedCertificate(
        found.pem, found.sha256, found.subject, found.issuer, found.not_after, found.source
    )


def _requested_upload(found: Certificate) -> RequestedCertificate:
    return RequestedCertificate(
        encoded(found.der),
        found.sha256,
        found.subject.text,
        found.issuer.text,
        f"{found.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "upload",
    )


def _is_accepted(option: Option) -> bool:
    return bool(option.predictions) and all(p.accepted for p in option.predictions.values())


def _is_proven(report: Report, installation: Installation) -> bool:
    """Whether somebody vouches for every certificate that is to be installed."""
    proven = {
        certificate.sha256
        for option in (*report.options, *report.other_roots)
        if option.proven
        for certificate in option.certificates
    }
    return all(certificate.sha256 in proven for certificate in installation.certificates)


def _doubt(report: Report, installation: Installation, environment: str) -> str:
    """The question where names speak of another environment than was chosen."""
    found = [signs.host_environment(report.target.host or "")]
    found += [signs.authority_environment(c.subject) for c in installation.certificates]
    for sign in found:
        if sign and sign[0] != environment:
            return (
                f"“{sign[1]}” in the names speaks of {_LABELS[sign[0]]}, and you chose "
                f"{_LABELS.get(environment, 'another')}. Choose the other, or confirm that it is right."
            )
    mismatch = next((f for f in report.findings if f.code == "environment_mismatch"), None)
    return f"{mismatch.message} Confirm that the environment is right." if mismatch else ""


def guessed_environment(report: Report) -> str:
    """What the host's name says; empty where it is silent."""
    sign = signs.host_environment(report.target.host or "")
    return sign[0] if sign else ""


def _draft(submission: Submission, report: Report, installation: Installation) -> Draft:
    target = report.target
    return Draft(
        target=TargetSystem(target.host or "", target.port or 0, target.protocol or "tls"),
        environment=cast("Environment", submission.environment),
        installation=installation,
        connector=submission.connector,
        contact=submission.contact,
        note=submission.note,
        lookup_id=submission.lookup,
        origin=Place(submission.channel, submission.ts) if submission.channel else None,
    )
