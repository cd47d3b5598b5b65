"""``python -m tools.release``: writes the wheel, its bill of materials, the licences and the
checksums to ``dist/``."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from tools.release.dependencies import bill_of_materials, install, licences
from tools.release.errors import ReleaseError
from tools.release.wheel import build, commit_time, export, same

_REPOSITORY: Final = Path(__file__).parents[2]
_TOOLS: Final = _REPOSITORY / ".cache" / "release" / "bin"


def main() -> int:
    """0 when everything is in ``dist/``; 1, with the reason, when nothing was written."""
    try:
        release(_REPOSITORY, _REPOSITORY / "dist", _TOOLS)
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def release(repository: Path, output: Path, tools: Path) -> None:
    """Makes the release of the last commit and says what it wrote.

    ``tools`` is the folder with cyclonedx-py and pip-licenses.

    Raises:
        ReleaseError: something is not fit for a release; ``output`` is as it was.
    """
    epoch = commit_time(repository)
    with tempfile.TemporaryDirectory() as folder:
        here, there = Path(folder) / "one", Path(folder) / "another-place"
        wheels = []
        for source in (here, there):
            export(repository, source)
            wheels.append(build(source, source.with_name(f"{source.name}-wheel"), epoch=epoch))
        same(*wheels)
        python = install(here / "requirements.lock", wheels[0], Path(folder) / "installed")
        name = "-".join(wheels[0].name.split("-")[:2])
        texts = {
            f"{name}.cdx.json": bill_of_materials(
                python, here / "pyproject.toml", tools, epoch=epoch
            ),
            f"{name}-licences.md": licences(python, tools),
        }
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        shutil.copy(wheels[0], output)
    for file, text in texts.items():
        (output / file).write_text(text)
    sums = [f"{_sha256(path)}  {path.name}" for path in sorted(output.iterdir())]
    (output / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    print(f"Built twice from one commit, the same bytes. In {output}:\n" + "\n".join(sums))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
