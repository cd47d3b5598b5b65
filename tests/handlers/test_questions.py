"""Kept lookups, read back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers import questions


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that give way to each other all the time."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_what_reads_reports_is_made_once_however_many_want_it_at_once() -> None:
    questions._made.cache_clear()
    together = threading.Barrier(4)

    def made() -> int:
        together.wait()
        return id(questions._adapter())

    with ThreadPoolExecutor(4) as pool:
        found = {future.result() for future in [pool.submit(made) for _ in range(4)]}
    assert len(found) == 1
