"""``whichroot serve``: the bot, in Slack or in a workspace on this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot import settings as settings_module
from bot.commands.garbage import collect_seldom
from bot.desks.writing import desk_file_text
from bot.errors import SettingsError
from bot.settings import Settings

if TYPE_CHECKING:
    from workspace import Workspace
    from workspace.desks import EnterpriseServer
    from workspace.estate import Estate

#: How long a thread that has committed waits for one that computes, in seconds: commits are what
#: acknowledgements wait for. Python's own 5 ms twice are more than the disk takes.
_SWITCH_SECONDS: Final = 0.0005
_MANIFEST: Final = "manifest.yml"
_TOKENS: Final = {
    "socket": ("slack_bot_token", "slack_app_token"),
    "http": ("slack_bot_token", "slack_signing_secret"),
}


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT. Exit code 0. Raises WhichrootError, and so ends with 2, where
    tokens are missing or a setting cannot be used."""
    settings = settings_module.load()
    needed = _TOKENS[settings.mode]
    if settings.slack_client_id:
        needed = ("slack_client_secret", *needed[1:])
    missing = [name for name in needed if not getattr(settings, name)]
    local = arguments.local or (bool(missing) and sys.stdin.isatty() and sys.stdout.isatty())
    if not local and missing:
        names = " and ".join(name.upper() for name in missing)
        raise SettingsError(
            f"The bot has no {names}.",
            "Set them (see README), or try “whichroot serve --local”, which needs no Slack.",
        )
    asyncio.run(_serve_locally(settings, arguments) if local else _serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    # What the start makes is no garbage: nobody looks for any meanwhile, nor in it afterwards.
    gc.disable()
    # Imported late: only this command needs Slack's libraries.
    from bot.app import Bot
    from bot.serving import logs

    logs.configure()
    stopped = _stop_on_signals()
    async with Bot(settings):
        gc.freeze()
        gc.enable()
        collect_seldom()
        sys.setswitchinterval(_SWITCH_SECONDS)
        await stopped.wait()


async def _serve_locally(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot.app import Bot
    from bot.serving import logs

    # A person looks at this terminal: what goes well needs no line.
    logs.configure(level=logging.WARNING)
    stopped = _stop_on_signals()
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="whichroot-")))
        desk = await stack.enter_async_context(_desk())
        workspace, estate = await stack.enter_async_context(_surroundings(arguments.port, desk))
        local = _local_settings(settings, workspace, estate, folder)
        local = replace(local, desk_file=settings.desk_file or _desk_file(desk, folder))
        await stack.enter_async_context(Bot(local))
        _welcome(workspace, estate, desk)
        await stopped.wait()


@contextlib.asynccontextmanager
async def _surroundings(
    port: int, desk: EnterpriseServer
) -> AsyncIterator[tuple[Workspace, Estate]]:
    from workspace import Cast, Workspace
    from workspace.estate import Estate

    async with (
        Estate() as estate,
        Workspace(
            _manifest(),
            port=port,
            cast=Cast(installed=("acme",)),
            places=[{"line": place.line, "shows": place.shows} for place in estate.places],
            links={"Matrix42": desk.root},
        ) as workspace,
    ):
        yield workspace, estate


def _desk() -> EnterpriseServer:
    from workspace.desks import EnterpriseServer

    return EnterpriseServer()


def _desk_file(desk: EnterpriseServer, folder: Path) -> Path:
    """The desk file for the Matrix42 of the demonstration, which is asked often."""
    secret = folder / "api-token"
    secret.write_text(desk.api_token, encoding="utf-8")
    table = desk.table(api_token=f"file:{secret}", poll_first=1.0, poll_most=3.0, settle=1.0)
    path = folder / "desk.toml"
    path.write_text(desk_file_text(table), encoding="utf-8")
    return path


def _local_settings(
    settings: Settings, workspace: Workspace, estate: Estate, folder: Path
) -> Settings:
    """The settings of the demonstration: the estate is reached, its roots are the company's, and
    nothing is kept."""
    roots = folder / "roots"
    roots.mkdir()
    estate.write_roots(roots)
    return replace(
        settings,
        mode="socket",
        slack_bot_token=workspace.bot_token,
        slack_app_token=workspace.app_token,
        slack_api_url=workspace.api_url,
        database_url=f"sqlite:///{folder / 'whichroot.db'}",
        hosts=tuple(f"{name}={address}" for name, address in estate.hosts.items()),
        egress_allow=(*settings.egress_allow, ip_network("127.0.0.0/8")),
        company_roots=settings.company_roots or roots,
        cache_dir=folder / "cache",
        support_channel=settings.support_channel or workspace.channels["matrix42-support"],
        support_by="group",
        support_group=workspace.groups["matrix42-support"],
        listen_port=0,
    )


def _manifest() -> Any:
    import yaml

    for folder in (Path(__file__).parents[2], Path(__file__).parents[1], Path()):
        if (folder / _MANIFEST).is_file():
            return yaml.safe_load((folder / _MANIFEST).read_text("utf-8"))
    raise SettingsError("The file manifest.yml is missing.", "Install whichroot again.")


def _welcome(workspace: Workspace, estate: Estate, desk: EnterpriseServer) -> None:
    print(f"\nwhichroot runs in a workspace of its own: {workspace.url}\n")
    print("Type there, in #connectors:\n")
    width = max(len(place.line) for place in estate.places)
    for place in estate.places:
        print(f"  {place.line:<{width}}  {place.shows}")
    print(f"\nInstall requests become tickets in a Matrix42 of its own: {desk.root}")
    print("\nCtrl+C ends it. Nothing is kept.\n", flush=True)


def _stop_on_signals() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows' event loop has no signal handlers; Ctrl+C ends it there all the same.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    return stopped
