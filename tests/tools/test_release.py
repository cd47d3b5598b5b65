"""A release: one commit gives one wheel, and nothing vulnerable goes out unsaid."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tools.audit import judged
from tools.release.errors import ReleaseError
from tools.release.wheel import build, export, same

_REPOSITORY = Path(__file__).parents[2]
_PACKAGED = ("bot", "handlers", "workspace", "pyproject.toml", "README.md", "LICENSE")
_EPOCH = 1_700_000_000


def test_two_builds_at_other_places_and_times_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = (_copy(tmp_path / name) for name in ("one", "a-longer-name"))
    for path in second.rglob("*"):
        os.utime(path, (time.time(), 1_000_000_000))
    wheels = [build(source, source / "dist", epoch=_EPOCH) for source in (first, second)]
    assert len(same(*wheels)) == 64


def test_a_build_of_other_files_is_told_apart(tmp_path: Path) -> None:
    first, second = (_copy(tmp_path / name) for name in ("one", "other"))
    (second / "bot" / "errors.py").write_text("# changed\n")
    wheels = [build(source, source / "dist", epoch=_EPOCH) for source in (first, second)]
    with pytest.raises(ReleaseError, match="two builds of one commit differ"):
        same(*wheels)


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(ReleaseError, match=r"no wheel was built: .*project\.version"):
        build(tmp_path, tmp_path / "dist", epoch=_EPOCH)


def test_what_is_not_committed_is_not_released(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]
    (repository / "file").write_text("committed")
    for command in (["init", "-q"], ["add", "file"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=repository, check=True)
    (repository / "stray").write_text("not under version control")
    export(repository, tmp_path / "exported")
    assert [path.name for path in (tmp_path / "exported").iterdir()] == ["file"]
    (repository / "file").write_text("changed")
    with pytest.raises(ReleaseError, match="not committed yet:\nM file"):
        export(repository, tmp_path / "again")


def test_the_audit_tells_vulnerable_clean_and_unaudited_apart() -> None:
    audit = judged(
        json.dumps(
            {
                "dependencies": [
                    {"name": "good", "version": "1", "vulns": []},
                    {"name": "unknown", "skip_reason": "not found"},
                    {
                        "name": "bad",
                        "version": "2",
                        "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": []}],
                    },
                ],
                "fixes": [],
            }
        )
    )
    assert audit.clean == 1
    assert audit.vulnerable == ("bad 2: PYSEC-1, mended in 3",)
    assert audit.not_audited == ("unknown",)
    assert "NOT audited" in audit.text()


def test_an_audit_without_an_answer_is_no_clean_one() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        judged("")


def _copy(folder: Path) -> Path:
    folder.mkdir()
    for name in (*_PACKAGED, "manifest.yml"):
        source = _REPOSITORY / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        else:
            shutil.copy(source, folder / name)
    return folder
