"""What the wheel needs at run time: the bill of materials and the licences.

Both are read off an environment into which the locked dependencies and the wheel were installed,
by cyclonedx-py and pip-licenses.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.release.errors import ReleaseError

#: Parts of licence names that go together with Apache-2.0, this project's own.
ACCEPTED: Final = ("Apache", "BSD", "ISC", "MIT", "MPL", "PSF", "Python Software Foundation")


def install(lock: Path, wheel: Path, folder: Path) -> Path:
    """Makes an environment of exactly ``lock`` and ``wheel``, and returns its Python.

    Raises:
        ReleaseError: pip refused; its words are in the message.
    """
    venv.create(folder, with_pip=False, clear=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    _run([*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)])
    _run([*pip, "--no-deps", str(wheel)])
    return python


def bill_of_materials(python: Path, project: Path, tools: Path, *, epoch: int) -> str:
    """The CycloneDX JSON of what is installed beside ``python``; ``project`` is the pyproject.toml."""
    return _run(
        [
            *(str(tools / "cyclonedx-py"), "environment", "--output-reproducible"),
            *("--of", "JSON", "--pyproject", str(project), str(python)),
        ],
        SOURCE_DATE_EPOCH=str(epoch),
    )


def licences(python: Path, tools: Path, accepted: Sequence[str] = ACCEPTED) -> str:
    """A Markdown table of the packages installed beside ``python``: version, licence, home page.

    Raises:
        ReleaseError: a package has a licence that is not in ``accepted``, or names none.
    """
    return _run(
        [
            *(str(tools / "pip-licenses"), f"--python={python}", "--from=mixed", "--with-urls"),
            *("--format=markdown", "--partial-match", f"--allow-only={';'.join(accepted)}"),
        ]
    )


def _run(command: Sequence[str], **environment: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode:
        raise ReleaseError(
            f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stderr or done.stdout}"
        )
    return done.stdout
