"""What a probe can find is found in some test, from a real server."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bot.probe

PROBE = Path(bot.probe.__file__).parent
TESTS = Path(__file__).parent


def test_every_code_is_met_in_a_test() -> None:
    met = {text for path in TESTS.glob("test_*.py") for text in _texts(path)}
    for code in _codes():
        assert code in met or f"aia_{code}" in met, code


def _codes() -> Iterator[str]:
    """The codes of findings and of failed downloads, so far as they are written out."""
    for path in PROBE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name not in ("ProbeFinding", "DownloadError", "_error", "_problem"):
                continue
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant) and str(part.value)[-1:].isalnum():
                    yield str(part.value)


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
