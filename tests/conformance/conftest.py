"""What the conformance tests share."""

from __future__ import annotations

import pytest

from tests.conformance.limbo import LimboCase, corpus_path, read_corpus


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the corpus its tests are deselected: a skip would count as a failure in CI."""
    if corpus_path() is not None:
        return
    gone = [item for item in items if "limbo_cases" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if item not in gone]


@pytest.fixture(scope="session")
def limbo_cases() -> list[LimboCase]:
    """The core cases of x509-limbo."""
    path = corpus_path()
    assert path is not None
    return read_corpus(path)
