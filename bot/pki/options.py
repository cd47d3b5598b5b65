"""What the advice consists of: options, a missing issuer, a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

from bot.pki.certificate import Certificate
from bot.pki.evidence import Known
from bot.pki.java import LATEST_JDK, Prediction
from bot.records import record

if TYPE_CHECKING:
    from bot.pki.findings.finding import Finding

OptionKind: TypeAlias = Literal["root", "intermediate", "server"]
Verdict: TypeAlias = Literal["validated", "unproven", "not_found"]


@record
class Option:
    """One set of certificates that could be installed, and what comes of it.

    ``certificates``: exactly these, together: one root; a root and the intermediates that the
    server should send and does not; two roots, where no single one anchors every address; the
    intermediate(s); or the leaf(s). ``predictions``: per JDK, the worst over all addresses.
    ``proven``: somebody vouches for it (a root programme, the company's folder). ``reason``: why,
    or why not, one or two sentences; ``warnings``: what to know before installing it.
    """

    option: OptionKind
    certificates: tuple[Known, ...]
    predictions: Mapping[int, Prediction]
    proven: bool
    reason: str
    warnings: tuple[str, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Whether the newest Java accepts every address."""
        return self.predictions[LATEST_JDK].accepted


@record
class MissingIssuer:
    """A certificate that nobody supplied and that somebody must be asked for.

    ``wanted_by`` is the last certificate that there is; ``subject`` the name of its issuer;
    ``key_identifier`` that of the issuer's key as ``wanted_by`` states it (upper-case hexadecimal
    with colons, None where it says nothing); ``serial`` the issuer's serial number, where stated;
    ``urls`` where ``wanted_by`` says that it can be had; ``addresses`` the servers that need it.
    """

    wanted_by: Certificate
    subject: str
    key_identifier: str | None
    serial: int | None
    urls: tuple[str, ...]
    addresses: tuple[str, ...]


@record
class Advice:
    """Which certificate to request.

    ``verdict``: ``validated``: ``recommended`` is accepted at every address and vouched for;
    ``unproven``: accepted, but nobody vouches for it; ``not_found``: nothing can be recommended.
    ``options``: the best root, intermediate and server certificate that there are, in this order,
    accepted or not; ``recommended`` is one of them. ``other_roots``: roots that would do as well.
    ``missing``: the issuer that nobody supplied, None where a root is known. ``request_text``: a
    ready message to whoever can help; None where nothing is to be asked. ``installed``: what comes
    of the certificates that are installed today, per JDK, None where nobody said which these are.
    ``findings``: what a person must know about the chains, errors first.
    """

    verdict: Verdict
    recommended: Option | None
    options: tuple[Option, ...]
    other_roots: tuple[Option, ...]
    missing: MissingIssuer | None
    request_text: str | None
    installed: Mapping[int, Prediction] | None = None
    findings: tuple[Finding, ...] = ()
