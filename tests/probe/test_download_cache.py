"""Downloaded certificates are kept in memory and on disk, within bounds, and never for ever."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.pki.certificate import Certificate
from bot.probe.download_cache import CacheLimits, DownloadCache, Encoded
from bot.probe.download_limits import DownloadError
from bot.probe.issuers import IssuerFinder
from tests.support.aia import aia_server, page
from tests.support.authority import make_root
from tests.support.probing import LOCAL

URL = "http://aia.example.test/ca.cer"
DAY = 86_400


@dataclass
class Clock:
    now: float = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Origin:
    """Gives its ``answer`` and counts how often it was asked."""

    answer: Encoded | DownloadError = (b"one", b"", b"two")
    asked: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> Encoded:
        self.asked += 1
        if isinstance(self.answer, DownloadError):
            raise self.answer
        return self.answer

    async def held(self) -> Encoded:
        self.asked += 1
        await self.release.wait()
        return await self()


def failure() -> DownloadError:
    return DownloadError("status", "It answers with status 503.", "Try again later.")


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_what_was_fetched_is_kept_and_fetched_again_when_it_is_old(clock: Clock) -> None:
    cache, origin = DownloadCache(clock=clock), Origin()
    for _ in range(3):
        assert await cache.get(URL, origin) == (b"one", b"", b"two")
    assert origin.asked == 1
    clock.now += 7 * DAY + 1
    origin.answer = (b"new",)
    assert await cache.get(URL, origin) == (b"new",)
    assert origin.asked == 2


async def test_a_clock_that_is_set_back_makes_nothing_immortal(clock: Clock) -> None:
    cache, origin = DownloadCache(clock=clock), Origin()
    await cache.get(URL, origin)
    clock.now -= 365 * DAY
    await cache.get(URL, origin)
    assert origin.asked == 2


async def test_a_failure_is_kept_for_a_minute(clock: Clock) -> None:
    cache, origin = DownloadCache(clock=clock), Origin(failure())
    for _ in range(3):
        with pytest.raises(DownloadError, match="503"):
            await cache.get(URL, origin)
    assert origin.asked == 1
    clock.now += 61
    origin.answer = (b"one",)
    assert await cache.get(URL, origin) == (b"one",)


async def test_what_is_old_is_better_than_nothing(clock: Clock) -> None:
    cache, origin = DownloadCache(clock=clock), Origin()
    await cache.get(URL, origin)
    clock.now += 30 * DAY
    origin.answer = failure()
    assert await cache.get(URL, origin) == (b"one", b"", b"two")
    assert origin.asked == 2


async def test_the_disk_keeps_it_from_one_run_to_the_next(clock: Clock, tmp_path: Path) -> None:
    folder, origin = tmp_path / "made" / "when needed", Origin()
    await DownloadCache(folder, clock=clock).get(URL, origin)
    assert await DownloadCache(folder, clock=clock).get(URL, origin) == (b"one", b"", b"two")
    assert origin.asked == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    clock.now += 8 * DAY
    await DownloadCache(folder, clock=clock).get(URL, origin)
    assert origin.asked == 2


async def test_a_failure_is_not_kept_on_disk(tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        await DownloadCache(tmp_path).get(URL, Origin(failure()))
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content.replace(b"[3, 0, 3]", b"[2, 1, 3]"),
        lambda content: content.replace(b"one", b"two"),
        lambda content: content.replace(b"ca.cer", b"cb.cer"),
        lambda content: b"[]\n" + content,
        lambda content: b"\xff" * 100,
    ],
    ids=["empty", "shorter", "longer", "sizes", "content", "URL", "no object", "noise"],
)
async def test_a_damaged_file_is_not_used(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    origin = Origin()
    await DownloadCache(tmp_path).get(URL, origin)
    (file,) = files(tmp_path)
    damaged = damage(file.read_bytes())
    assert damaged != file.read_bytes()
    file.write_bytes(damaged)
    assert await DownloadCache(tmp_path).get(URL, origin) == (b"one", b"", b"two")
    assert origin.asked == 2


async def test_a_file_under_the_name_of_another_url_is_not_used(tmp_path: Path) -> None:
    await DownloadCache(tmp_path).get(URL, Origin((b"one",)))
    (file,) = files(tmp_path)
    other = Origin((b"other",))
    await DownloadCache(tmp_path).get(f"{URL}2", other)
    (other_file,) = (path for path in files(tmp_path) if path != file)
    other_file.write_bytes(file.read_bytes())
    assert await DownloadCache(tmp_path).get(f"{URL}2", other) == (b"other",)
    assert other.asked == 2


async def test_a_folder_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache, origin = DownloadCache(tmp_path / "file" / "folder"), Origin()
    for _ in range(2):
        assert await cache.get(URL, origin) == (b"one", b"", b"two")
    assert origin.asked == 1


async def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    cache = DownloadCache(limits=CacheLimits(memory_bytes=10_000))
    origins = {f"{URL}{number}": Origin((bytes(3_000),)) for number in range(4)}
    for url, origin in origins.items():
        await cache.get(url, origin)
    for url, origin in reversed(origins.items()):
        await cache.get(url, origin)
    assert [origin.asked for origin in origins.values()] == [2, 1, 1, 1]


async def test_what_is_larger_than_the_memory_is_given_all_the_same() -> None:
    cache, origin = DownloadCache(limits=CacheLimits(memory_bytes=100)), Origin((bytes(3_000),))
    assert await cache.get(URL, origin) == (bytes(3_000),)


async def test_the_disk_is_bounded_and_the_oldest_go_first(tmp_path: Path) -> None:
    cache = DownloadCache(tmp_path, limits=CacheLimits(disk_bytes=20_000))
    for number in range(12):
        await cache.get(f"{URL}{number}", Origin((bytes(3_000),)))
        for path in files(tmp_path):
            at = path.stat().st_mtime - 10
            os.utime(path, (at, at))
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 20_000
    latest = Origin()
    assert await DownloadCache(tmp_path).get(f"{URL}11", latest) == (bytes(3_000),)
    assert latest.asked == 0


async def test_what_another_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    old, new = tmp_path / "old.part", tmp_path / "new.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    await DownloadCache(tmp_path).get(URL, Origin())
    assert not old.exists()
    assert new.exists()


async def test_failures_are_bounded() -> None:
    cache, first = DownloadCache(limits=CacheLimits(failures=3)), Origin(failure())
    for origin, url in [(first, URL), *((Origin(failure()), f"{URL}{n}") for n in range(3))]:
        with pytest.raises(DownloadError):
            await cache.get(url, origin)
    with pytest.raises(DownloadError):
        await cache.get(URL, first)
    assert first.asked == 2


async def test_who_asks_at_the_same_time_shares_one_fetch() -> None:
    cache, origin = DownloadCache(), Origin()
    asking = [asyncio.create_task(cache.get(URL, origin.held)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking[0].cancel()
    origin.release.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [(b"one", b"", b"two")] * 4
    assert origin.asked == 2  # once held, once for its answer


async def test_a_fetch_ends_when_the_last_one_leaves() -> None:
    cache, origin = DownloadCache(), Origin()
    asking = [asyncio.create_task(cache.get(URL, origin.held)) for _ in range(2)]
    await asyncio.sleep(0.01)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert await cache.get(URL, origin) == (b"one", b"", b"two")


async def test_a_finder_downloads_once_for_all_chains_and_runs(tmp_path: Path) -> None:
    root = make_root()
    async with aia_server() as aia:
        aia.pages["/ca"] = page(root.der)
        for _ in range(2):
            finder = IssuerFinder(LOCAL, DownloadCache(tmp_path))
            for number in range(3):
                leaf = root.leaf(f"s{number}.example.test", ca_issuers=[aia.url("/ca")])
                completion = await finder.complete(Certificate.from_der(leaf.der))
                assert [c.der for c, _ in completion.found] == [root.der]
        assert aia.requests == ["/ca"]
