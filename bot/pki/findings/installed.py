"""What is installed today against what is served."""

from __future__ import annotations

from collections.abc import Iterator

from bot.pki.certificate import Certificate
from bot.pki.findings.finding import Finding
from bot.pki.findings.picture import Picture
from bot.pki.java import JDKS, LATEST_JDK
from bot.pki.wording import counted, days_left, java_phrase, java_versions, quoted, valid_until

_PKIX = "sun.security.validator.PKIXValidator"


def check(picture: Picture) -> Iterator[Finding]:
    predictions = picture.advice.installed
    if predictions is None:
        return
    accepting = [jdk for jdk in JDKS if predictions[jdk].accepted]
    if len(accepting) == len(JDKS):
        yield Finding(
            "installed_suffices",
            "info",
            f"What is installed suffices: {java_versions(JDKS)} accept the server with it.",
            "",
            _PKIX,
        )
    else:
        refusing = [jdk for jdk in JDKS if jdk not in accepting]
        message = predictions[refusing[-1]].message or ""
        yield Finding(
            "installed_does_not_suffice",
            "error" if LATEST_JDK in refusing else "warning",
            f"What is installed does not suffice for {java_versions(refusing)}: "
            f"{java_phrase(message)}.",
            _what_to_install(picture),
            _PKIX,
        )
    for certificate in dict.fromkeys(picture.evidence.installed):
        yield _describe(picture, certificate, bool(accepting))


def _describe(picture: Picture, installed: Certificate, accepted: bool) -> Finding:
    """How one installed certificate stands to what is served."""
    name = f"The installed {quoted(installed)}"
    at = picture.at
    paths = [c for view in picture.views for c in view.path.certificates]
    leaves = [view.leaf for view in picture.views]
    everything = [
        c for leaf in leaves for path in picture.evidence.paths[leaf] for c in path.certificates
    ]
    if installed in leaves:
        left = max(days_left(installed, at), 0)
        return Finding(
            "installed_is_leaf",
            "warning",
            f"{name} is the server's own certificate: the connector stops when it is renewed, in "
            f"{counted(left, 'day')} at the latest.",
            _what_to_install(picture),
            "Matrix42, Native Connector certificates",
        )
    if installed in everything:
        if installed.not_after < at:
            return Finding(
                "installed_expired",
                "warning",
                f"{name} belongs to the server's chain and was valid until "
                f"{valid_until(installed, at)}; Java does not mind.",
                "Have its successor installed.",
                "RFC 5280 §4.1.2.5; sun.security.provider.certpath.PKIXCertPathValidator",
            )
        return Finding(
            "installed_belongs_to_chain",
            "info",
            f"{name} belongs to the server's chain.",
            "",
            _PKIX,
        )
    same_name = next((c for c in (*paths, *everything) if c.subject == installed.subject), None)
    if same_name is not None and same_name in leaves:
        same_key = same_name.public_key == installed.public_key
        return Finding(
            "installed_leaf_renewed",
            "error" if not accepted else "warning",
            f"{name} is an earlier certificate of this server, which has a new one since "
            f"{same_name.not_before:%Y-%m-%d}{', with the same key' if same_key else ''}: what is "
            "installed no longer matches.",
            _what_to_install(picture),
            _PKIX,
        )
    issuers = {view.path.last.issuer for view in picture.views}
    if same_name is not None or installed.subject in issuers:
        return Finding(
            "installed_has_other_key",
            "error" if not accepted else "warning",
            f"{name} has the right name and another key than the CA of this server.",
            "Test and production may be mixed up, or the CA has a new key. "
            + _what_to_install(picture),
            "RFC 5280 §6.1.3; sun.security.provider.certpath.BasicChecker",
        )
    return Finding(
        "installed_unrelated",
        "info" if accepted else "warning",
        f"{name} has no part in this server's chain"
        + (f" and expired {valid_until(installed, at)}." if installed.not_after < at else "."),
        "It may serve another system; this one does not need it.",
        _PKIX,
    )


def _what_to_install(picture: Picture) -> str:
    recommended = picture.advice.recommended
    if recommended is None:
        return "Mend what the other findings name first; then install the root."
    names = " and ".join(quoted(known.certificate) for known in recommended.certificates)
    return f"Install {names}."
