"""Random records: mostly sound chains with none to two oddities, the same for the same seed.

``python -m tests.conformance.generator --cases 5 --seed 1`` prints records as ``predict`` reads them.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator

from tests.conformance.arrangements import INSTALLED, SERVED
from tests.conformance.drafts import Draft, Scene, encode, pick
from tests.conformance.extension_faults import EXTENSION_FAULTS
from tests.conformance.field_faults import FIELD_FAULTS, Fault
from tests.conformance.hierarchies import base_scene
from tests.conformance.host_faults import HOST_FAULTS
from tests.conformance.name_faults import NAME_FAULTS
from tests.conformance.records import Record
from tests.conformance.topologies import TOPOLOGIES

# Above ten a real connection ends before the trust manager is asked.
MAX_CHAIN = 10


def records(seed: int, cases: int) -> Iterator[Record]:
    """The first *cases* records of *seed*."""
    return (record(seed, index) for index in range(cases))


def record(seed: int, index: int) -> Record:
    """The record ``seed-index``, whatever others were made before."""
    scene = base_scene(random.Random(f"{seed}-{index}"))
    for _ in range(pick(scene.rng, {0: 5, 1: 42, 2: 38, 3: 15})):
        kind = pick(scene.rng, _ODDITIES)
        note = kind(scene)
        if note:
            scene.notes.append(note)
    memo: dict[int, bytes] = {}
    return Record(
        id=f"{seed}-{index}",
        chain=encode(scene.served[:MAX_CHAIN], memo),
        installed=encode(scene.installed, memo),
        host=scene.host,
        protocol=scene.protocol,
        at=scene.at,
        notes=tuple(scene.notes),
    )


def _topology(scene: Scene) -> str | None:
    return pick(scene.rng, TOPOLOGIES)(scene)


def _served(scene: Scene) -> str | None:
    return pick(scene.rng, SERVED)(scene)


def _installed(scene: Scene) -> str | None:
    return pick(scene.rng, INSTALLED)(scene)


def _host(scene: Scene) -> str | None:
    return pick(scene.rng, HOST_FAULTS)(scene)


def _field(scene: Scene) -> str | None:
    return _apply(scene, pick(scene.rng, FIELD_FAULTS))


def _extension(scene: Scene) -> str | None:
    return _apply(scene, pick(scene.rng, EXTENSION_FAULTS))


def _name(scene: Scene) -> str | None:
    return _apply(scene, pick(scene.rng, NAME_FAULTS))


def _apply(scene: Scene, fault: Fault) -> str | None:
    draft = _victim(scene)
    note = fault(scene, draft)
    return f"{draft.label}: {note}" if note else None


def _victim(scene: Scene) -> Draft:
    """Any certificate of the record, the leaf and what is installed more often than others."""
    weights = dict.fromkeys(scene.everyone(), 2.0)
    weights[scene.leaf] += 1
    for draft in scene.installed:
        weights[draft] += 1
    return pick(scene.rng, weights)


_ODDITIES: dict[Callable[[Scene], str | None], float] = {
    _topology: 15,
    _served: 14,
    _installed: 14,
    _host: 15,
    _field: 15,
    _extension: 17,
    _name: 9,
}


def main() -> None:
    """Prints records as JSON Lines."""
    parser = argparse.ArgumentParser(prog="generator", description="Random records.")
    parser.add_argument("--cases", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for made in records(arguments.seed, arguments.cases):
        sys.stdout.write(json.dumps(made.to_json(), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
