"""What is measured: a private CA, its servers, and questions about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.conformance.records import Record
from tests.support.authority import Issued, make_root, rsa_key

HOST = "dc01.corp.example"
#: Where its server is found, too.
ADDRESSES = [f"127.0.0.{number}" for number in range(1, 21)]


@dataclass(frozen=True, slots=True)
class Material:
    """A root and an intermediate with RSA keys of 2,048 bits, as companies have them, and where
    their files are: ``chain`` and ``key`` of a server, ``roots`` the folder of company roots."""

    root: Issued
    issuing: Issued
    chain: Path
    key: Path
    roots: Path


def make_material(folder: Path) -> Material:
    """Makes it in ``folder``, which is empty."""
    root = make_root("Corp Root CA", key=rsa_key(2048, 1))
    issuing = root.intermediate("Corp Issuing CA", key=rsa_key(2048, 2))
    leaf = issuing.leaf(HOST, key=rsa_key(2048, 3), names=[HOST, *ADDRESSES])
    chain, key, roots = folder / "chain.pem", folder / "key.pem", folder / "roots"
    chain.write_bytes(leaf.pem + issuing.pem)
    key.write_bytes(leaf.key_pem)
    roots.mkdir()
    (roots / "root.pem").write_bytes(root.pem)
    return Material(root, issuing, chain, key, roots)


def records(material: Material, count: int, start: int) -> list[Record]:
    """``count`` questions, each about a server of its own; every other one names another host, so
    that half of them are rejected. ``start`` numbers the first, so that two lists share nothing."""
    key = rsa_key(2048, 3)
    made = []
    for number in range(start, start + count):
        name = f"host{number}.corp.example"
        leaf = material.issuing.leaf(name, key=key)
        asked = name if number % 2 else f"other{number}.corp.example"
        chain = (leaf.der, material.issuing.der)
        made.append(Record(str(number), chain, (material.root.der,), asked))
    return made
