"""What holds for the whole suite."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadFileScheduling

    from tests.support.postgresql import PostgreSQL

#: What takes longest begins first, so that no worker is left with it at the end.
_LONG = (
    "tests/hostile/fuzzing/test_fuzzing.py",
    "tests/conformance/test_handshakes.py",
    "tests/hostile/test_crash_points.py",
    "tests/conformance/test_conformance.py",
    "tests/end_to_end/test_container.py",
    "tests/conversation/test_story.py",
    "tests/end_to_end/test_story.py",
    "tests/end_to_end/test_page.py",
    "tests/conformance/test_found_cases.py",
    "tests/desks/test_conversation.py",
    "tests/conformance/test_edge_cases.py",
    "tests/tools/",
    "tests/desks/test_polling.py",
    "tests/requests/",
    "tests/hostile/",
)


def pytest_configure() -> None:
    """Whoever runs the tests in the background has Ctrl-C ignored, by what the tests start as well."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first, otherwise in their order."""
    items.sort(key=lambda item: _turn(item.nodeid))


def _turn(name: str) -> int:
    return next((n for n, long in enumerate(_LONG) if name.startswith(long)), len(_LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """A worker has all tests of a file, so that what they share is made once; files in order."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that skips has failed: what it needs must be installed."""
    report = yield
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One server for the whole run; `new_database` gives a test its own database."""
    # Most runs need none and should not pay for its import.
    from tests.support.postgresql import postgresql_server

    with postgresql_server() as server:
        yield server
