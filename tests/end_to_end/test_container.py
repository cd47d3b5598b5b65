"""What the Dockerfile does, done here: no engine is needed. Its own lines are run, into an empty
folder in place of /opt and /source, and the result is started as a user without rights."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.ports import free_port
from workspace import Cast, Workspace

ROOT = Path(__file__).parents[2]
USER = 10001


@dataclass(frozen=True)
class Instruction:
    """One instruction of the Dockerfile: its word, and what follows."""

    word: str
    rest: str


@dataclass(frozen=True)
class Installed:
    """The result of the build stage: `prefix` is what becomes /opt/whichroot, `data` is /data."""

    prefix: Path
    data: Path

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the installed command to its end, as the container does."""
        return subprocess.run(
            [self.prefix / "bin" / "whichroot", *arguments],
            **self.as_the_user(environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def as_the_user(self, environment: dict[str, str]) -> dict[str, Any]:
        """Where, as whom and with which environment to start a process."""
        options: dict[str, Any] = {
            "cwd": self.data,
            "env": {
                "PATH": f"{self.prefix / 'bin'}:/usr/bin:/bin",
                "HOME": "/nonexistent",
                "PYTHONUNBUFFERED": "1",
                "DATABASE_URL": f"sqlite:///{self.data / 'whichroot.db'}",
                "WHICHROOT_CACHE_DIR": str(self.data / "cache"),
                **environment,
            },
        }
        if os.getuid() == 0:
            options |= {"user": USER, "group": USER, "extra_groups": ()}
        return options


def stages() -> list[list[Instruction]]:
    """The Dockerfile's stages, each from its FROM on."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text()).replace("\\\n", " ")
    found: list[list[Instruction]] = [[]]
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append(Instruction(word, rest.strip()))
    return found[1:]


def python_for_everybody() -> str:
    """An interpreter that a user without rights may run: one below a private home is none."""
    for candidate in (
        f"{sys.base_prefix}/bin/python3",
        "/usr/bin/python3",
        "/usr/local/bin/python3",
    ):
        options: dict[str, Any] = {"user": USER, "group": USER} if os.getuid() == 0 else {}
        test = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run([candidate, "-c", test], cwd="/", check=False, **options)
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    pytest.fail("there is no Python 3.11 or later that every user may run")


@contextlib.contextmanager
def build() -> Iterator[Installed]:
    """Follows the build stage, and takes away the right to write to what it made."""
    # The folders of pytest are their owner's alone.
    with tempfile.TemporaryDirectory(prefix="whichroot-container-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "source").mkdir()
        tools = folder / "tools"
        tools.mkdir()
        # pip comes from the interpreter of the tests: not every system's has one.
        script = f'case "$2" in pip) exec {sys.executable} "$@";; esac\nexec {python_for_everybody()} "$@"\n'
        (tools / "python").write_text(f"#!/bin/sh\n{script}")
        (tools / "python").chmod(0o755)
        for instruction in stages()[0]:
            _follow(instruction, folder, tools)
        prefix, data = folder / "opt" / "whichroot", folder / "data"
        data.mkdir()
        if os.getuid() == 0:
            os.chown(data, USER, USER)
        subprocess.run(["chmod", "-R", "a-w", prefix], check=True)
        yield Installed(prefix, data)
        subprocess.run(["chmod", "-R", "u+w", prefix], check=True)


def _follow(instruction: Instruction, folder: Path, tools: Path) -> None:
    if instruction.word == "COPY":
        *sources, target = shlex.split(instruction.rest)
        for source in sources:
            goal = folder / "source" / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, goal, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, goal)
    elif instruction.word == "RUN":
        line = instruction.rest.replace("/opt/", f"{folder}/opt/")
        # Downloads are kept here, and compiling everything takes longer than all else.
        line = line.replace("--no-cache-dir", "--no-compile")
        environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder / "source",
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


async def test_the_build_stage_makes_a_read_only_install_that_serves() -> None:
    """One test, because the installation takes long."""
    with build() as installed:
        _runs(installed)
        _cannot_build(installed)
        await _serves(installed)
        await _shows_the_local_workspace(installed)


def _runs(installed: Installed) -> None:
    version = installed.run("--version")
    assert re.fullmatch(r"whichroot \d+\.\d+\.\d+\n", version.stdout), version
    refused = installed.run("serve")
    assert refused.returncode == 2
    assert "SLACK_BOT_TOKEN" in refused.stderr


def _cannot_build(installed: Installed) -> None:
    names = {path.name for path in (installed.prefix / "bin").iterdir()}
    assert {"whichroot", "python"} <= names
    assert not names & {"pip", "pip3", "hatchling", "uv", "cc", "gcc"}


async def _serves(installed: Installed) -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    async with Workspace(manifest, cast=Cast(installed=("acme",))) as workspace:
        options = installed.as_the_user(
            {
                "SLACK_BOT_TOKEN": workspace.bot_token,
                "SLACK_APP_TOKEN": workspace.app_token,
                "SLACK_API_URL": workspace.api_url,
                "WHICHROOT_SUPPORT_CHANNEL": workspace.channels["matrix42-support"],
                "WHICHROOT_LISTEN_PORT": (port := str(free_port())),
            }
        )
        process = await asyncio.create_subprocess_exec(
            installed.prefix / "bin" / "whichroot", "serve", **options
        )
        try:
            await workspace.wait_connected()
            rita = workspace.person("rita")
            assert (await rita.command("#connectors", "/cert help"))["ok"]
            check = await asyncio.create_subprocess_exec(
                *_health_check(),
                **{**options, "env": {**options["env"], "WHICHROOT_LISTEN_PORT": port}},
            )
            assert await check.wait() == 0
        finally:
            process.send_signal(_stop_signal())
            code = await asyncio.wait_for(process.wait(), 120)
    assert code == 0
    assert (installed.data / "whichroot.db").exists()


async def _shows_the_local_workspace(installed: Installed) -> None:
    process = await asyncio.create_subprocess_exec(
        *(installed.prefix / "bin" / "whichroot", "serve", "--local", "--port", "0"),
        **installed.as_the_user({}),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            found = None
            while found is None:
                line = await process.stdout.readline()
                assert line, "it ended before it said its address"
                found = re.search(rb"http://\S+", line)
        async with httpx.AsyncClient(base_url=found[0].decode(), trust_env=False) as client:
            for path in ("/", "/static/modules/main.js", "/static/emoji/check.svg"):
                assert (await client.get(path)).status_code == 200, path
    finally:
        process.send_signal(_stop_signal())
        await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0


def _health_check() -> list[str]:
    (line,) = (one.rest for one in stages()[1] if one.word == "HEALTHCHECK")
    command: list[str] = json.loads(line[line.index("CMD") + 3 :])
    return command


def _stop_signal() -> signal.Signals:
    (name,) = (one.rest for one in stages()[1] if one.word == "STOPSIGNAL")
    return signal.Signals[name]


def test_the_container_has_a_user_without_rights() -> None:
    (user,) = (one.rest for one in stages()[1] if one.word == "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_what_is_copied_is_not_ignored() -> None:
    let_through = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source for one in stages()[0] if one.word == "COPY" for source in shlex.split(one.rest)[:-1]
    }
    assert copied == let_through


def test_the_services_fit_together() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    bot, database = services["whichroot"], services["database"]
    assert bot["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "healthcheck" in database
    assert bot["read_only"] is True
    assert "@database/" in bot["environment"]["DATABASE_URL"]
