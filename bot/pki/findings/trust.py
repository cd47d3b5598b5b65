"""Who vouches for the anchor, and whether it will last."""

from __future__ import annotations

from collections.abc import Iterator

from bot.pki.certificate import Certificate
from bot.pki.findings.dates import SHORT_LIVED
from bot.pki.findings.finding import Finding
from bot.pki.findings.picture import Picture, View
from bot.pki.java import JDKS, LATEST_JDK
from bot.pki.java.distrust import check_distrust, distrusted_after
from bot.pki.java.rejection import Rejected
from bot.pki.paths import is_root
from bot.pki.wording import (
    counted,
    day,
    days_left,
    java_phrase,
    java_versions,
    listed,
    quoted,
    suppliers,
)

_VENDOR = "Matrix42, Native Connector certificates"


def check(picture: Picture) -> Iterator[Finding]:
    for leaf in dict.fromkeys(view.leaf for view in picture.views):
        yield from _leaf(picture, leaf)
    yield from _provenance(picture)
    for root in picture.roots:
        yield from _removed(picture, root)
    for view in picture.views:
        yield from _distrusted(picture, view)
    yield from _refused_root(picture)
    yield from _older_java(picture)


def _leaf(picture: Picture, leaf: Certificate) -> Iterator[Finding]:
    name = picture.named("leaf", leaf)
    left = max(days_left(leaf, picture.at), 0)
    if is_root(leaf):
        yield Finding(
            "self_signed",
            "warning",
            f"{name} is self-signed: no CA stands behind it, and it is its own root.",
            "Give the server a certificate of the company's CA; until then this one is installed, "
            "and again each time that it is renewed.",
            f"RFC 5280 §3.2; {_VENDOR}",
        )
    elif picture.is_recommended(leaf):
        yield Finding(
            "pinned_leaf",
            "warning",
            f"{name} itself would be installed: the connector stops when it is renewed, in "
            f"{counted(left, 'day')} at the latest.",
            "Use it for a test only and ask for the root.",
            _VENDOR,
        )
    lifetime = leaf.not_after - leaf.not_before
    if lifetime <= SHORT_LIVED and left and not is_root(leaf):
        yield Finding(
            "short_lived_leaf",
            "info",
            f"{name} lives {counted(lifetime.days, 'day')} only: a connector that has it installed "
            f"in place of the root stops in {counted(left, 'day')} at the latest.",
            "Install the root.",
            f"CA/Browser Forum Baseline Requirements §6.3.2; {_VENDOR}",
        )


def _provenance(picture: Picture) -> Iterator[Finding]:
    option = picture.advice.recommended or next(
        (option for option in picture.advice.options if option.option == "root"), None
    )
    if option is None or option.proven:
        return
    for known in option.certificates:
        if known.is_vouched_for:
            continue
        yield Finding(
            "root_not_proven",
            "warning",
            f"Nobody vouches for {quoted(known.certificate)}: it came from {suppliers(known)}.",
            f"Have the system's owner confirm its SHA-256 fingerprint "
            f"{known.certificate.fingerprint} before it is installed.",
            "RFC 5280 §6.1.1 (d): trust anchors come by a trusted way",
        )


def _removed(picture: Picture, root: Certificate) -> Iterator[Finding]:
    standing = picture.evidence.public_root(root)
    if standing is None or standing.certificate != root or standing.is_current:
        return
    dropped = standing.mozilla.dropped if standing.mozilla else None
    name = picture.named("root", root)
    if dropped:
        yield Finding(
            "root_removed",
            "warning",
            f"{name} was dropped by Mozilla's programme (certifi {dropped}): the site will move to "
            "another root.",
            "Ask its owner when, and have the new root installed beside this one before that day.",
            "Mozilla Root Store Policy §7.4",
        )
    else:
        yield Finding(
            "root_of_jdk_only",
            "info",
            f"{name} is not in Mozilla's programme, only in Java's own cacerts.",
            "",
            "lib/security/cacerts",
        )


def _distrusted(picture: Picture, view: View) -> Iterator[Finding]:
    last = distrusted_after(view.root) if view.root else None
    if last is None or view.root is None:
        return
    refusing = []
    for jdk in JDKS:
        try:
            check_distrust(view.path.certificates, jdk)
        except Rejected:
            refusing.append(jdk)
    source = "jdk.security.caDistrustPolicies; sun.security.validator.CADistrustPolicy"
    name = picture.named("root", view.root)
    if refusing:
        yield Finding(
            "ca_distrusted",
            "error" if LATEST_JDK in refusing else "warning",
            f"{name} is distrusted by {java_versions(refusing)} for certificates issued after "
            f"{day(last)}, and the server's was issued on {day(view.leaf.not_before)}.",
            "Have the server's certificate issued by another CA; installing this root does not "
            "help.",
            source,
        )
    else:
        yield Finding(
            "ca_distrusted_at_renewal",
            "warning",
            f"{name} is distrusted by current JDKs for certificates issued after {day(last)}: the "
            "server's is older, its next one will be refused.",
            "Plan the move to another CA before the renewal.",
            source,
        )


def _refused_root(picture: Picture) -> Iterator[Finding]:
    recommended, options = picture.advice.recommended, picture.advice.options
    if recommended is None or recommended.option == "root" or options[0].option != "root":
        return
    if options[0].is_accepted:
        return
    message = options[0].predictions[LATEST_JDK].message or ""
    root = options[0].certificates[0].certificate
    yield Finding(
        "root_refused",
        "warning",
        f"With the root {quoted(root)} installed Java {LATEST_JDK} refuses the server: "
        f"{java_phrase(message)}.",
        "Until the chain is mended, install the recommended certificate instead.",
        "sun.security.validator.PKIXValidator",
    )


def _older_java(picture: Picture) -> Iterator[Finding]:
    recommended = picture.advice.recommended
    if recommended is None:
        return
    refused = {
        jdk: prediction.message or ""
        for jdk, prediction in recommended.predictions.items()
        if not prediction.accepted
    }
    if refused:
        jdks = list(refused)
        others = listed([jdk for jdk in JDKS if jdk not in refused])
        yield Finding(
            "java_versions_differ",
            "warning",
            f"With the recommended certificate Java {others} connect, but "
            f"{java_versions(jdks)} does not: {java_phrase(refused[jdks[0]])}.",
            f"Run the connector on Java {others}.",
            "The predictions per JDK",
        )
