"""A reproducible wheel: the same commit gives the same bytes, wherever and whenever it is built
(https://reproducible-builds.org/docs/source-date-epoch/)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from tools.release.errors import ReleaseError


def export(repository: Path, folder: Path) -> None:
    """Writes the files of the last commit into ``folder``, nothing else that lies about.

    Raises:
        ReleaseError: a file under version control differs from the last commit, or there is none.
    """
    changed = _git(repository, "status", "--porcelain", "--untracked-files=no")
    if changed:
        raise ReleaseError(f"not committed yet:\n{changed}\nCommit it first.")
    archive = folder.with_suffix(".tar")
    _git(repository, "archive", f"--output={archive}", "HEAD")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()


def commit_time(repository: Path) -> int:
    """When the last commit was made, in seconds since 1970: the time inside the wheel."""
    return int(_git(repository, "log", "-1", "--format=%ct"))


def build(source: Path, output: Path, *, epoch: int) -> Path:
    """Builds the wheel of the files in ``source`` into ``output`` and returns its path.

    Raises:
        ReleaseError: the build failed; its last line is in the message.
    """
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", output],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(output.glob("*.whl"))
    if built.returncode or len(wheels) != 1:
        said = (built.stderr or built.stdout).strip().splitlines()
        raise ReleaseError(f"no wheel was built: {said[-1] if said else 'without a word'}")
    return wheels[0]


def same(first: Path, second: Path) -> str:
    """The SHA-256 (hexadecimal) of two wheels.

    Raises:
        ReleaseError: they differ.
    """
    one, other = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second))
    if one != other:
        raise ReleaseError(f"two builds of one commit differ: {first} ({one}), {second} ({other})")
    return one


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=repository, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
