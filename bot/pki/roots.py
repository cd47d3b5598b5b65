"""Roots that somebody vouches for, looked up by name and key; and the public ones that ship here.

The public roots are those of Mozilla's programme, now or since 2014, as certifi's releases carried
them, with the ``cacerts`` of the JDKs that connectors run on. ``make roots`` writes them to two
files: ``roots.der`` holds the certificates one after the other, ``roots.json`` says for each where
it lies, what it is found by and who holds it. Only the latter is read at the start.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import Any, Final

from bot.computed import cached_property
from bot.errors import WhichrootError
from bot.pki.certificate import Certificate, Source
from bot.pki.digests import sha1, sha256
from bot.pki.keeping import kept
from bot.pki.keys import PublicKey
from bot.pki.names import Name
from bot.records import record

MOZILLA: Final = "mozilla"
INDEX_FORMAT: Final = 1
INDEX_NAME: Final = "roots.json"
STORE_NAME: Final = "roots.der"
DATA_FOLDER: Final = Path(__file__).with_name("data")


@record
class Membership:
    """That a root programme holds a root, or held it.

    ``programme``: ``mozilla``, or ``jdk-17`` and the like; ``since``: the first of its releases
    looked at that holds the root, ``last``: the last one that does; ``dropped``: the release that
    came without it, None while it is held. Mozilla's releases are certifi's, a JDK's its build
    (``Temurin-17.0.9+9``).
    """

    programme: str
    since: str
    last: str
    dropped: str | None = None

    @property
    def is_current(self) -> bool:
        """Whether the newest release looked at holds the root."""
        return self.dropped is None


@record
class Root:
    """A certificate that may be a trust anchor, and who vouches for it.

    ``programmes`` is empty for a company's own.
    """

    certificate: Certificate
    source: Source
    programmes: tuple[Membership, ...] = ()

    @property
    def mozilla(self) -> Membership | None:
        """Its place in Mozilla's programme, None if it never had one."""
        return next((m for m in self.programmes if m.programme == MOZILLA), None)

    @property
    def is_current(self) -> bool:
        """Whether those who vouch for it do so today: for a public root, Mozilla's programme."""
        if self.source.kind != "public":
            return True
        return self.mozilla is not None and self.mozilla.is_current

    @property
    def standing(self) -> str:
        """Who holds it, and who no longer does: one sentence."""
        if self.source.kind != "public":
            return f"It is one of the company's own roots ({self.source.detail})."
        jdks = [m.last for m in self.programmes if m.programme != MOZILLA]
        holders = f"the cacerts of {_listed(jdks)}" if jdks else ""
        mozilla = self.mozilla
        if mozilla is None:
            return f"Mozilla's programme never held it; {holders} hold it."
        if mozilla.is_current:
            also = f", and so do {holders}" if jdks else ""
            return f"Mozilla's programme holds it (certifi {mozilla.last}){also}."
        still = f"{holders} hold it" if jdks else "no JDK looked at holds it"
        return (
            f"Mozilla's programme dropped it with certifi {mozilla.dropped} "
            f"({mozilla.last} was the last to hold it); {still}."
        )

    @property
    def warning(self) -> str | None:
        """What to expect of a public root that its programme dropped; None while it is held."""
        if self.is_current:
            return None
        return (
            f"{self.standing} A public site that still uses it will move to another root: ask its "
            "owner when, and install the new root beside this one before that day."
        )


class Roots(ABC):
    """Roots that can be looked up. A self-signed certificate is not its own issuer here."""

    @abstractmethod
    def all(self) -> tuple[Root, ...]:
        """Every root. For lists: a lookup never needs it."""

    @abstractmethod
    def by_subject(self, name: Name) -> tuple[Root, ...]:
        """The roots of this name, compared as Java compares names."""

    @abstractmethod
    def by_key(self, key: PublicKey) -> tuple[Root, ...]:
        """The roots with this public key, whatever their name."""

    @abstractmethod
    def by_key_identifier(self, identifier: bytes) -> tuple[Root, ...]:
        """The roots that an authority key identifier means: by their subject key identifier, or by
        the SHA-1 of their key (RFC 5280 §4.2.1.2, method 1)."""

    def issuers_of(self, certificate: Certificate) -> tuple[Root, ...]:
        """The roots that issued ``certificate``: of the issuer's name, and its signature is made
        with their key. The best comes first: the one that the authority key identifier means, then
        one that is vouched for today, then the one that lives longest."""
        issuers = [
            root
            for root in self.by_subject(certificate.issuer)
            if root.certificate != certificate and certificate.is_signed_by(root.certificate)
        ]
        wanted = certificate.authority_key_identifier

        def rank(root: Root) -> tuple[bool, bool, float, str]:
            found = root.certificate
            return (
                wanted is None or found.subject_key_identifier != wanted,
                not root.is_current,
                -found.not_after.timestamp(),
                found.sha256,
            )

        return tuple(sorted(issuers, key=rank))

    def find(self, certificate: Certificate) -> Root | None:
        """``certificate`` itself; else a root that is the same CA: of the same name, with the same
        key, such as the root behind a cross-certificate."""
        same_key = [
            root
            for root in self.by_key(certificate.public_key)
            if root.certificate.subject == certificate.subject
        ]
        return min(
            same_key,
            key=lambda root: (
                root.certificate != certificate,
                not root.is_current,
                -root.certificate.not_after.timestamp(),
                root.certificate.sha256,
            ),
            default=None,
        )


class PublicRoots(Roots):
    """The public roots in ``folder``. Opening reads the index; a certificate is read when it is
    asked for, and then kept.

    Raises WhichrootError when the files are missing or do not belong together.
    """

    def __init__(self, folder: Path = DATA_FOLDER) -> None:
        self._folder = folder
        try:
            index: dict[str, Any] = json.loads((folder / INDEX_NAME).read_bytes())
            if index["format"] != INDEX_FORMAT:
                raise _unreadable(folder)
            self._entries: list[dict[str, Any]] = index["roots"]
            self.certifi_releases: tuple[str, ...] = tuple(index["certifi"])
            self.jdks: dict[str, str] = index["jdks"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _unreadable(folder) from error
        self._roots: dict[int, Root] = {}
        self._starts: list[int] = []
        self._subjects: dict[str, list[int]] = {}
        self._keys: dict[str, list[int]] = {}
        self._identifiers: dict[str, list[int]] = {}
        start = 0
        for number, entry in enumerate(self._entries):
            self._starts.append(start)
            start += entry["size"]
            self._subjects.setdefault(entry["subject"], []).append(number)
            self._keys.setdefault(entry["key"], []).append(number)
            for identifier in entry["identifiers"]:
                self._identifiers.setdefault(identifier, []).append(number)

    def __len__(self) -> int:
        return len(self._entries)

    def all(self) -> tuple[Root, ...]:
        return self._read(range(len(self._entries)))

    def by_subject(self, name: Name) -> tuple[Root, ...]:
        return self._read(self._subjects.get(digest(name.key), ()))

    def by_key(self, key: PublicKey) -> tuple[Root, ...]:
        return self._read(self._keys.get(digest(key.spki), ()))

    def by_key_identifier(self, identifier: bytes) -> tuple[Root, ...]:
        return self._read(self._identifiers.get(identifier.hex(), ()))

    def _read(self, numbers: list[int] | range | tuple[()]) -> tuple[Root, ...]:
        return tuple(self._roots.get(number) or self._load(number) for number in numbers)

    def _load(self, number: int) -> Root:
        entry = self._entries[number]
        start = self._starts[number]
        encoded = self._store[start : start + entry["size"]]
        if sha256(encoded) != entry["sha256"]:
            raise _unreadable(self._folder)
        certificate = Certificate.from_der(encoded)
        programmes = tuple(self._memberships(entry))
        root = Root(certificate, Source("public", _holder(programmes)), programmes)
        self._roots[number] = root
        return root

    def _memberships(self, entry: dict[str, Any]) -> list[Membership]:
        memberships = []
        if entry["certifi"]:
            releases = self.certifi_releases
            first, last = entry["certifi"]
            dropped = releases[last + 1] if last + 1 < len(releases) else None
            memberships.append(Membership(MOZILLA, releases[first], releases[last], dropped))
        for feature in entry["jdks"]:
            build = self.jdks[feature]
            memberships.append(Membership(f"jdk-{feature}", build, build))
        return memberships

    @cached_property
    def _store(self) -> bytes:
        try:
            return (self._folder / STORE_NAME).read_bytes()
        except OSError as error:
            raise _unreadable(self._folder) from error


@cache
def public_roots() -> PublicRoots:
    """The roots that ship with the bot, opened once."""
    return PublicRoots()


@kept(512)
def digest(data: bytes) -> str:
    """The index's short form of a name's key or of a public key: half of its SHA-256, in hex."""
    return sha256(data)[:32]


def key_identifiers(certificate: Certificate) -> tuple[str, ...]:
    """What an authority key identifier may say of this certificate, in hex."""
    key_octets = certificate.public_key.key_octets
    identifiers = {sha1(key_octets)}
    if certificate.subject_key_identifier:
        identifiers.add(certificate.subject_key_identifier.hex())
    return tuple(sorted(identifiers))


def _holder(programmes: tuple[Membership, ...]) -> str:
    first = programmes[0]
    if first.programme != MOZILLA:
        return f"cacerts of {_listed([m.last for m in programmes])}"
    if first.is_current:
        return f"Mozilla (certifi {first.last})"
    return f"Mozilla until certifi {first.last}"


def _listed(builds: list[str]) -> str:
    """``Temurin-17.0.9+9``, ``Temurin-21.0.8+9`` → "Temurin 17.0.9+9 and 21.0.8+9"."""
    vendors: dict[str, list[str]] = {}
    for build in builds:
        vendor, _, version = build.partition("-")
        vendors.setdefault(vendor, []).append(version)
    return " and ".join(
        f"{vendor} {', '.join(versions[:-1])}{' and ' if versions[1:] else ''}{versions[-1]}"
        for vendor, versions in vendors.items()
    )


def _unreadable(folder: Path) -> WhichrootError:
    return WhichrootError(
        f"The public roots in {folder} cannot be read.", "Install the program again."
    )
