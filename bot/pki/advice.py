"""Which certificate to request, and what else would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.pki import letters
from bot.pki.candidates import Candidate, Candidates
from bot.pki.certificate import Certificate
from bot.pki.evidence import Evidence, server_certificate
from bot.pki.findings import find
from bot.pki.java import JDKS, LATEST_JDK
from bot.pki.java.checks import is_valid_at
from bot.pki.judge import Judge
from bot.pki.options import Advice, MissingIssuer, Option, OptionKind, Verdict
from bot.pki.paths import is_root
from bot.pki.wording import (
    counted,
    days_left,
    java_phrase,
    java_versions,
    listed,
    quoted,
    quoted_all,
    shortened,
    suppliers,
    valid_until,
)
from bot.text import visible

__all__ = ["Advice", "MissingIssuer", "Option", "OptionKind", "Verdict", "advise"]

#: From so many days before its end on an anchor comes with a warning.
ANCHOR_NOTICE_DAYS = 180
#: Findings that are no fault of the server.
_ABOUT_THE_ANCHOR = frozenset(
    {"issuer_unknown", "issuer_has_other_key", "installed_does_not_suffice"}
    | {"installed_leaf_renewed", "installed_has_other_key"}
)
#: Missing issuers that are asked for; the others will be when these are known.
MAX_REQUESTS = 3
#: Alternatives to the recommended root that are named.
MAX_OTHER_ROOTS = 5


def advise(evidence: Evidence) -> Advice:
    """The certificate to request for the server that ``evidence`` describes, and the other options.

    Preferred is the root that works at every address, then one that somebody vouches for, works
    with every JDK and alone, is held by its programme today, and lives longest. Where Java accepts
    no root (one of those that a JDK distrusts, or a faulty CA certificate), or where the company
    vouches for an intermediate and nobody for the root, an intermediate is; a
    server certificate only where it is self-signed and so its own root, or where the company vouches
    for it and it is valid: Java accepts an expired one that is pinned, until it is renewed. A root that nobody could
    supply is not replaced by an intermediate that nobody vouches for: it is asked for.
    """
    judge = Judge(evidence)
    candidates = Candidates(evidence, judge)
    options = _Options(evidence, candidates)
    missing = _missing(evidence)
    roots = [options.root(candidate) for candidate in candidates.roots]
    intermediates = [options.intermediate(c) for c in candidates.intermediates[:1]]
    servers = [options.server(candidates.server)] if candidates.server else []
    ca_options = (*roots[:1], *intermediates)
    recommended = _recommended(ca_options, servers, evidence.at, is_rooted=not missing)
    others = [root for root in roots[1:] if root.is_accepted and len(root.certificates) == 1]
    verdict: Verdict = "not_found"
    if recommended is not None:
        verdict = "validated" if recommended.proven else "unproven"
    advice = Advice(
        verdict=verdict,
        recommended=recommended,
        options=(*roots[:1], *intermediates, *servers),
        other_roots=tuple(others[:MAX_OTHER_ROOTS]),
        missing=missing[0] if missing else None,
        request_text=None,
        installed=judge.predictions(evidence.installed) if evidence.installed else None,
    )
    advice = replace(advice, findings=find(evidence, advice))
    return replace(advice, request_text=_request(evidence, advice, missing, candidates))


def _recommended(
    ca_options: Sequence[Option], servers: Sequence[Option], at: datetime, *, is_rooted: bool
) -> Option | None:
    """``is_rooted``: a root is known for every address."""
    accepted = [option for option in ca_options if option.is_accepted]
    for option in sorted(accepted, key=lambda option: not option.proven):
        if is_rooted or option.proven:
            return option
    for option in servers:
        if option.is_accepted and all(
            is_root(known.certificate)
            or (known.is_vouched_for and is_valid_at(known.certificate, at))
            for known in option.certificates
        ):
            return option
    return None


class _Options:
    """Makes options of candidates: adds why, why not and what to know."""

    def __init__(self, evidence: Evidence, candidates: Candidates) -> None:
        self._evidence = evidence
        self._candidates = candidates

    def root(self, candidate: Candidate) -> Option:
        reasons = [self._verdict(candidate)]
        warnings = []
        roots = [c for c in candidate.certificates if c not in candidate.extras]
        if len(roots) > 1:
            reasons.append("No single root anchors every address, so all of these are needed.")
        if candidate.extras:
            extras = quoted_all(candidate.extras)
            reasons.append(
                f"The server omits {extras}: its owner mends the chain; until then root and "
                "intermediate are installed together."
            )
        for root in roots:
            standing = self._evidence.public_root(root)
            if standing is not None and standing.certificate == root:
                reasons.append(standing.standing)
                if standing.warning:
                    warnings.append(standing.warning)
            which = "It" if len(candidate.certificates) == 1 else quoted(root)
            reasons += (
                f"{which} is one of the company's own roots ({visible(source.detail)})."
                for source in self._evidence.describe(root).sources
                if source.kind == "company"
            )
        return self._option("root", candidate, reasons, warnings)

    def intermediate(self, candidate: Candidate) -> Option:
        ends = [valid_until(c, self._evidence.at) for c in candidate.certificates]
        warning = (
            "An intermediate is exchanged more often than a root: "
            + ("this one ends" if len(ends) == 1 else "these end")
            + f" on {listed(ends)}, and the connector stops when the server moves to another one "
            "before that."
        )
        return self._option("intermediate", candidate, [self._verdict(candidate)], [warning])

    def server(self, candidate: Candidate) -> Option:
        reasons = [self._verdict(candidate)]
        if all(map(is_root, candidate.certificates)):
            reasons.append("The server's certificate is self-signed: it is its own root.")
        left = min(days_left(c, self._evidence.at) for c in candidate.certificates)
        warning = (
            "Fallback only, not for production: the connector stops at the next renewal of the "
            "server's certificate, "
            + (f"in {counted(left, 'day')} at the latest." if left >= 0 else "which is overdue.")
        )
        return self._option("server", candidate, reasons, [warning])

    def _option(
        self,
        kind: OptionKind,
        candidate: Candidate,
        reasons: list[str],
        warnings: list[str],
    ) -> Option:
        proven = all(c in self._candidates.proven for c in candidate.certificates)
        known = tuple(map(self._evidence.describe, candidate.certificates))
        refusing = [jdk for jdk in JDKS if not candidate.predictions[jdk].accepted]
        if candidate.is_accepted and refusing:
            message = candidate.predictions[refusing[0]].message or ""
            warnings.append(f"{java_versions(refusing)} still refuses: {java_phrase(message)}.")
        if not proven and candidate.is_accepted:
            unproven = [k for k in known if k.certificate not in self._candidates.proven]
            sources = listed(list(dict.fromkeys(suppliers(k) for k in unproven)))
            warnings.append(
                f"Nobody vouches for it, since it came from {sources}: confirm the SHA-256 "
                "fingerprint with the system's owner before it is installed."
            )
        warnings += (self._ending(c) for c in candidate.certificates if self._ends_soon(c))
        return Option(
            kind, known, candidate.predictions, proven, " ".join(reasons), tuple(warnings)
        )

    def _verdict(self, candidate: Candidate) -> str:
        accepting = [jdk for jdk in JDKS if candidate.predictions[jdk].accepted]
        installed = "With it" if len(candidate.certificates) == 1 else "With them"
        if candidate.is_accepted:
            count = len(self._evidence.chains)
            where = f" at each of {count} addresses" if count > 1 else ""
            accept = "accepts" if len(accepting) == 1 else "accept"
            return f"{installed}, {java_versions(accepting)} {accept} the server{where}."
        message = java_phrase(candidate.predictions[LATEST_JDK].message or "")
        if candidate.covered:
            served = self._evidence.distinct_chains.items()
            accepted = [a for chain, at in served if chain in candidate.covered for a in at]
            refused = [a for chain, at in served if chain not in candidate.covered for a in at]
            return (
                f"{installed}, Java {LATEST_JDK} accepts the server at {shortened(accepted, 3)} and "
                f"still refuses it at {shortened(refused, 3)}: {message}."
            )
        return f"{installed}, Java {LATEST_JDK} still refuses the server: {message}."

    def _ends_soon(self, certificate: Certificate) -> bool:
        left = days_left(certificate, self._evidence.at)
        return certificate.is_ca and left <= ANCHOR_NOTICE_DAYS

    def _ending(self, certificate: Certificate) -> str:
        return (
            f"{quoted(certificate)} is valid until {valid_until(certificate, self._evidence.at)}; "
            "Java accepts it after that day, but ask for its successor."
        )


def _missing(evidence: Evidence) -> list[MissingIssuer]:
    """The issuers that are missing for the chains from which no root can be reached."""
    wanting: dict[Certificate, list[str]] = {}
    for chain, addresses in evidence.distinct_chains.items():
        paths = evidence.paths[server_certificate(chain)]
        if paths and paths[0].end != "root":
            wanting.setdefault(paths[0].last, []).extend(addresses)
    found: dict[tuple[str, str | None], MissingIssuer] = {}
    for wanted_by, served_by in wanting.items():
        identifier = wanted_by.authority_key
        issuer = MissingIssuer(
            wanted_by=wanted_by,
            subject=wanted_by.issuer.text,
            key_identifier=letters.key_identifier_of_issuer(wanted_by),
            serial=identifier.serial if identifier else None,
            urls=wanted_by.ca_issuers,
            addresses=tuple(served_by),
        )
        same = found.setdefault((issuer.subject, issuer.key_identifier), issuer)
        if same is not issuer:
            more = tuple(dict.fromkeys((*same.addresses, *served_by)))
            found[issuer.subject, issuer.key_identifier] = replace(same, addresses=more)
    return list(found.values())


def _request(
    evidence: Evidence, advice: Advice, missing: list[MissingIssuer], candidates: Candidates
) -> str | None:
    """The letters that the advice calls for, one after the other."""
    host, at = evidence.host, evidence.at
    addresses = [served.address for served in evidence.chains]
    recommended, written = advice.recommended, []
    root = next((option for option in advice.options if option.option == "root"), None)
    if recommended is None:
        problems = _problems(evidence, advice)
        written += [
            letters.ask_for_root(issuer, host, _impostors(evidence, issuer.wanted_by))
            for issuer in missing[:MAX_REQUESTS]
        ]
        if problems or (advice.options and not missing):
            anchor = root.certificates[0].certificate if root and not missing else None
            written.append(letters.ask_to_mend(problems, anchor, host, addresses))
    else:
        if not recommended.proven:
            unproven = [
                k for k in recommended.certificates if k.certificate not in candidates.proven
            ]
            written.append(letters.ask_to_confirm(unproven, host, addresses, at))
        if recommended.option == "root":
            lacking = [k.certificate for k in recommended.certificates]
            if extras := [c for c in lacking if _is_lacking(evidence, c)]:
                written.append(letters.ask_to_send_intermediates(extras, host, addresses))
        elif root is not None and not root.is_accepted:
            problems = _problems(evidence, advice)
            anchor = root.certificates[0].certificate
            written.append(letters.ask_to_mend(problems, anchor, host, addresses))
    return "\n\n\n".join(written) or None


def _impostors(evidence: Evidence, wanted_by: Certificate) -> list[Certificate]:
    """The certificates with the wanted issuer's name and another key."""
    return [
        certificate
        for authority in evidence.issuers.of_name(wanted_by.issuer)
        if not wanted_by.is_signed_with(authority.key)
        for certificate in authority.certificates
    ]


def _problems(evidence: Evidence, advice: Advice) -> list[str]:
    """What the server's owner has to mend, whatever root is asked for."""
    found = advice.findings
    if advice.recommended is not None:
        # As if nothing were recommended: then what Java refuses is an error.
        found = find(evidence, replace(advice, recommended=None))
    return [
        f"{finding.message} {finding.remedy}".strip()
        for finding in found
        if finding.severity == "error" and finding.code not in _ABOUT_THE_ANCHOR
    ]


def _is_lacking(evidence: Evidence, certificate: Certificate) -> bool:
    """Whether it is an intermediate that some server should send and does not."""
    return not is_root(certificate) and any(
        certificate not in chain for chain in evidence.distinct_chains
    )
