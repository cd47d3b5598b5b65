"""A certificate before it is encoded, and the scene that it plays in.

Everything stays open until :func:`encode`: a draft may get another key or name, and what its issuer
signs and its children name follows.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

from tests.conformance import extensions as ext
from tests.conformance.der_builder import (
    Extension,
    Parts,
    Rdns,
    certificate,
    integer,
    name,
    octets,
    time,
)
from tests.conformance.keys import Key, Scheme
from tests.conformance.records import Protocol

T = TypeVar("T")

# What the authority key identifier holds; "wrong" is a key identifier of nobody.
AkiStyle = Literal[
    "none", "key", "both", "issuer", "wrong", "wrong-serial", "wrong-issuer", "empty"
]
SkiStyle = Literal["none", "key", "other", "empty"]


@dataclass(slots=True, eq=False)
class Draft:
    """One certificate to be; ``issuer`` None means that it signs itself.

    The fields that default to None replace what would follow from the others.
    """

    label: str
    rdns: Rdns
    key: Key
    issuer: Draft | None
    serial: int
    not_before: datetime
    not_after: datetime
    extensions: dict[str, Extension] = field(default_factory=dict)
    ski: SkiStyle = "key"
    aki: AkiStyle = "key"
    version: int | None = 3
    scheme: Scheme = "sha256"
    issuer_rdns: Rdns | None = None
    signer: Key | None = None
    inner_algorithm: bytes | None = None
    outer_algorithm: bytes | None = None
    serial_der: bytes | None = None
    not_before_der: bytes | None = None
    not_after_der: bytes | None = None
    spki: bytes | None = None
    unique_ids: bytes = b""
    repeated: tuple[Extension, ...] = ()
    empty_extensions: bool = False
    resign: Callable[[bytes], bytes] | None = None
    tail: bytes = b""
    rewrite: Callable[[bytes], bytes] | None = None

    def set(self, oid: str, value: bytes, critical: bool = False) -> None:
        """Sets one extension, in its old place if there was one."""
        self.extensions[oid] = Extension(oid, value, critical)

    def drop(self, *oids: str) -> None:
        """Takes extensions away."""
        for oid in oids:
            self.extensions.pop(oid, None)

    def twin(self, label: str, **changes: object) -> Draft:
        """A copy with its own extensions and the given fields changed."""
        other = copy.copy(self)
        other.label = label
        other.extensions = dict(self.extensions)
        for attribute, value in changes.items():
            setattr(other, attribute, value)
        return other


@dataclass(slots=True)
class Scene:
    """The pieces of one record.

    ``cas`` are the CAs from the leaf's issuer upwards, the root last (none when the leaf signs
    itself). ``served`` and ``installed`` are what the record will hold. ``notes`` tell what was done.
    """

    rng: random.Random
    leaf: Draft
    cas: list[Draft]
    served: list[Draft]
    installed: list[Draft]
    host: str | None
    protocol: Protocol
    at: datetime | None
    moment: datetime
    keys: KeyDealer
    notes: list[str] = field(default_factory=list)

    @property
    def root(self) -> Draft:
        """The top of the hierarchy."""
        return self.cas[-1] if self.cas else self.leaf

    def everyone(self) -> list[Draft]:
        """Each certificate of the record once, the hierarchy's first."""
        seen: dict[int, Draft] = {}
        for draft in (self.leaf, *self.cas, *self.served, *self.installed):
            seen.setdefault(id(draft), draft)
        return list(seen.values())


class KeyDealer:
    """Deals keys of one kind without repeating one until all are out."""

    def __init__(self, rng: random.Random, keys: Mapping[str, Key]) -> None:
        self._rng = rng
        self._keys = keys
        self._dealt: set[str] = set()

    def deal(self, prefix: str) -> Key:
        """A key whose label starts with *prefix*, such as ``rsa2048``."""
        labels = [label for label in self._keys if label.startswith(prefix + "-")]
        fresh = [label for label in labels if label not in self._dealt] or labels
        label = self._rng.choice(fresh)
        self._dealt.add(label)
        return self._keys[label]

    def usual(self) -> Key:
        """A key as servers and CAs have them."""
        return self.deal(
            pick(
                self._rng,
                {
                    "secp256r1": 60,
                    "rsa1024": 10,
                    "rsa2048": 12,
                    "secp384r1": 6,
                    "secp521r1": 3,
                    "ed25519": 2,
                },
            )
        )


def pick(rng: random.Random, weights: Mapping[T, float]) -> T:
    """One key of *weights*, as often as its weight says."""
    return rng.choices(list(weights), list(weights.values()))[0]


def encode(drafts: Sequence[Draft], memo: dict[int, bytes]) -> tuple[bytes, ...]:
    """The DER of each draft; *memo* keeps what is already encoded."""
    for draft in drafts:
        if id(draft) not in memo:
            memo[id(draft)] = _encode(draft)
    return tuple(memo[id(draft)] for draft in drafts)


def _encode(draft: Draft) -> bytes:
    issuer = draft.issuer or draft
    signer = draft.signer or issuer.key
    algorithm = signer.algorithm(draft.scheme)
    parts = Parts(
        version=draft.version,
        serial=draft.serial_der or integer(draft.serial),
        algorithm=draft.inner_algorithm or algorithm,
        issuer=name(issuer.rdns if draft.issuer_rdns is None else draft.issuer_rdns),
        not_before=draft.not_before_der or time(draft.not_before),
        not_after=draft.not_after_der or time(draft.not_after),
        subject=name(draft.rdns),
        spki=draft.spki or draft.key.spki,
        extensions=(*_extensions(draft, issuer), *draft.repeated),
        unique_ids=draft.unique_ids,
        empty_extensions=draft.empty_extensions,
    )
    tbs = parts.tbs()
    signature = signer.sign(tbs, draft.scheme)
    if draft.resign:
        signature = draft.resign(signature)
    der = certificate(tbs, draft.outer_algorithm or algorithm, signature)
    return (draft.rewrite(der) if draft.rewrite else der) + draft.tail


def _extensions(draft: Draft, issuer: Draft) -> list[Extension]:
    made = list(draft.extensions.values())
    if draft.version != 3:
        return made
    ski = subject_key_identifier(draft)
    if ski is not None and ext.SUBJECT_KEY_IDENTIFIER not in draft.extensions:
        made.append(Extension(ext.SUBJECT_KEY_IDENTIFIER, octets(ski)))
    aki = _authority_key_identifier(draft, issuer)
    if aki is not None and ext.AUTHORITY_KEY_IDENTIFIER not in draft.extensions:
        made.append(Extension(ext.AUTHORITY_KEY_IDENTIFIER, aki))
    return made


def subject_key_identifier(draft: Draft) -> bytes | None:
    """What the draft's SKI will hold."""
    match draft.ski:
        case "none":
            return None
        case "key":
            return draft.key.identifier
        case "other":
            return draft.key.identifier[::-1]
        case "empty":
            return b""


def _authority_key_identifier(draft: Draft, issuer: Draft) -> bytes | None:
    key = subject_key_identifier(issuer) or issuer.key.identifier
    above = name((issuer.issuer or issuer).rdns)
    match draft.aki:
        case "none":
            return None
        case "key":
            return ext.authority_key_identifier(key)
        case "both":
            return ext.authority_key_identifier(key, above, issuer.serial)
        case "issuer":
            return ext.authority_key_identifier(None, above, issuer.serial)
        case "wrong":
            return ext.authority_key_identifier(bytes(reversed(key)))
        case "wrong-serial":
            return ext.authority_key_identifier(key, above, issuer.serial + 1)
        case "wrong-issuer":
            return ext.authority_key_identifier(key, name(draft.rdns), issuer.serial)
        case "empty":
            return ext.authority_key_identifier(None)
