"""Fuzzes one target in this process, until so many inputs or seconds have passed.

The last line that it prints is JSON: inputs, seconds, crashes. libFuzzer's own lines, on standard
error, tell how much of the code was reached.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import atheris  # type: ignore[import-untyped]  # it has no types

from tests.hostile.fuzzing import ALL, KINDS, MODULES, WATCHED

if TYPE_CHECKING:
    from tests.hostile.fuzzing.target import FuzzTarget

#: Crashes of one kind that are kept.
_KEPT: Final = 3
#: Before so many inputs memory grows, because modules are imported.
_WARM_UP: Final = 500
_HANG_SECONDS: Final = 30
_BATCH: Final = 32


def main() -> None:
    """Does not return: ends the process, with 0 whatever was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=[*MODULES, ALL])
    parser.add_argument("--inputs", type=int, default=sys.maxsize)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crashes", type=Path, required=True)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="guided")
    arguments = parser.parse_args()
    arguments.crashes.mkdir(parents=True, exist_ok=True)
    target = _load(arguments.target, guided=arguments.kind == "guided")
    run = Run(target, arguments.crashes, arguments.inputs, arguments.seconds)
    if arguments.kind == "proposed":
        # Imported late: it imports the program, which is to be instrumented.
        from tests.hostile.fuzzing.strategies import propose

        propose(run, target, arguments.seed)
    if arguments.kind == "unguided":
        _hammer(run, target, arguments.corpus, random.Random(arguments.seed))
    with tempfile.TemporaryDirectory() as folder:
        corpus = arguments.corpus or Path(folder) / "corpus"
        options = _options(target, arguments.seed, arguments.crashes, corpus, Path(folder))
        mutator = {"custom_mutator": _mutator(target)} if target.mutation else {}
        atheris.Setup(options, run.one, **mutator)
        run.begin()
        atheris.Fuzz()


def _load(name: str, *, guided: bool) -> FuzzTarget:
    places = list(dict.fromkeys(MODULES.values())) if name == ALL else [MODULES[name]]
    watched = atheris.instrument_imports(include=[part for at in places for part in WATCHED[at]])
    with watched if guided else contextlib.nullcontext():
        modules = [importlib.import_module(f"tests.hostile.fuzzing.{place}") for place in places]
    found: dict[str, FuzzTarget] = {t.name: t for module in modules for t in module.TARGETS}
    if name == ALL:
        joined: FuzzTarget = importlib.import_module("tests.hostile.fuzzing.target").joined(
            ALL, found.values()
        )
        return joined
    return found[name]


def _options(target: FuzzTarget, seed: int, crashes: Path, corpus: Path, folder: Path) -> list[str]:
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, content in enumerate(target.seeds()):
        (seeds / f"{number:04}").write_bytes(content)
    options = [
        "fuzzing",
        f"-seed={seed or 1}",
        f"-max_len={target.max_bytes}",
        f"-timeout={_HANG_SECONDS}",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={crashes}/",
    ]
    if target.words:
        words = folder / "words"
        quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in target.words)
        words.write_text("".join(f'"{word}"\n' for word in quoted))
        options.append(f"-dict={words}")
    return [*options, str(corpus), str(seeds)]


def _hammer(run: Run, target: FuzzTarget, corpus: Path | None, source: random.Random) -> NoReturn:
    """Changes what was found before, without looking where it leads: several times as fast."""
    known = [*target.seeds()]
    if corpus is not None and corpus.is_dir():
        known += [file.read_bytes() for file in corpus.iterdir()]
    changed = target.mutation or _changed
    run.begin()
    while True:
        run.many([changed(source.choice(known), source)[: target.max_bytes] for _ in range(_BATCH)])


def _changed(data: bytes, source: random.Random) -> bytes:
    at, chance = int(source.random() * (len(data) + 1)), source.random()
    piece = source.getrandbits(8 * int(1 + chance * 4)).to_bytes(int(1 + chance * 4), "big")
    if chance < 0.5:
        return data[:at] + piece + data[at + len(piece) :]
    if chance < 0.65:
        return data[:at] + piece + data[at:]
    if chance < 0.8:
        return data[:at] + data[at + len(piece) :]
    if chance < 0.9:
        return data[:at] + data
    return data[:at]


def _mutator(target: FuzzTarget) -> Callable[[bytes, int, int], bytes]:
    mutation = target.mutation
    assert mutation is not None

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        source = random.Random(seed)
        if source.random() < 0.3:
            mutated: bytes = atheris.Mutate(data, len(data))
            return mutated[:size]
        return mutation(data, source)[:size]

    return mutate


class Run:
    """Counts inputs, and keeps those that crash."""

    def __init__(
        self,
        target: FuzzTarget,
        crashes: Path,
        inputs: int = sys.maxsize,
        seconds: float = float("inf"),
        max_seconds: float | None = None,
    ) -> None:
        # Imported late: it imports the program, which is to be instrumented.
        from tests.hostile.fuzzing import target as bounds

        self._target, self._crashes = target, crashes
        self._inputs, self._seconds = inputs, seconds
        self._max_seconds = bounds.MAX_SECONDS if max_seconds is None else max_seconds
        self._max_memory = bounds.MAX_MEMORY
        self._count = 0
        self._kinds: dict[str, int] = {}
        self._peak = 0
        self._slowest = 0.0
        self._started = 0.0

    def begin(self) -> None:
        """Time and memory count from now on."""
        self._started = time.monotonic()
        self._peak = _peak_memory()

    def one(self, data: bytes) -> None:
        """One input."""
        self.many([data])

    def many(self, batch: list[bytes]) -> None:
        """Inputs that are timed together, and each alone where that took long."""
        run, expected = self._target.run, self._target.expected
        started = time.process_time()
        for data in batch:
            self._count += 1
            try:
                run(data)
            except expected:
                pass
            except Exception as error:
                self._keep(data, _kind(error), traceback.format_exc())
        took = time.process_time() - started
        if took > self._slowest and self._count > _WARM_UP and len(batch) == 1:
            self._slowest = took
        if took > self._max_seconds:
            for data in batch:
                self._check_time(data)
        if (peak := _peak_memory()) > self._peak:
            if peak - self._peak > self._max_memory and self._count > _WARM_UP:
                # Of several it may be any.
                self._keep(b"\n".join(batch), "large", f"{(peak - self._peak) >> 20} MiB")
            self._peak = peak
        is_late = len(batch) > 1 or not self._count % 16
        if is_late and time.monotonic() - self._started > self._seconds:
            self._end()
        if self._count >= self._inputs:
            self._end()

    def _check_time(self, data: bytes) -> None:
        """Again: the first time may have been something else, as an import."""
        started = time.process_time()
        with contextlib.suppress(Exception):
            self._target.run(data)
        if (took := time.process_time() - started) > self._max_seconds:
            self._keep(data, "slow", f"{took:.2f} s")

    def _keep(self, data: bytes, kind: str, told: str) -> None:
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if self._kinds[kind] > _KEPT:
            return
        name = f"{self._target.name}-{hashlib.sha256(data).hexdigest()[:16]}"
        (self._crashes / name).write_bytes(data)
        (self._crashes / f"{name}.txt").write_text(f"{kind}\n{told}\n{data[:2000]!r}\n")

    def _end(self) -> None:
        seconds = time.monotonic() - self._started
        result: dict[str, Any] = {
            "target": self._target.name,
            "inputs": self._count,
            "seconds": round(seconds, 1),
            "slowest_ms": round(self._slowest * 1000),
            "memory_mb": self._peak >> 20,
            "crashes": self._kinds,
            "by_target": dict(self._target.counts),
        }
        print(json.dumps(result), flush=True)
        sys.stderr.flush()
        # libFuzzer has no other way to stop in good order.
        os._exit(0)


def _kind(error: Exception) -> str:
    """The error's type and where in the program it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [f for f in frames if "/bot/" in f.filename or "/handlers/" in f.filename]
    last = (mine or frames)[-1]
    return f"{type(error).__name__} {Path(last.filename).name}:{last.lineno}"


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


if __name__ == "__main__":
    main()
