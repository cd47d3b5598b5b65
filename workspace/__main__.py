"""`python -m workspace`: the workspace in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

import yaml

from workspace.errors import ManifestError
from workspace.rules import Rules
from workspace.server import Workspace


def main() -> int:
    """Serve until SIGTERM or SIGINT. Exit 2: the manifest or the port is no good."""
    options = _options()
    try:
        manifest = yaml.safe_load(Path(options.manifest).read_text("utf-8"))
        workspace = Workspace(
            manifest,
            host=options.host,
            port=options.port,
            request_url=options.request_url,
            rules=Rules(strict_rates=options.strict_rates),
        )
        asyncio.run(_serve(workspace))
    except (OSError, yaml.YAMLError, ManifestError) as error:
        print(f"workspace: {error}", file=sys.stderr)
        return 2
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workspace", description=__doc__)
    parser.add_argument("--manifest", required=True, help="the app's manifest, YAML or JSON")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--request-url", help="deliver over HTTP to this URL, not by Socket Mode")
    parser.add_argument("--strict-rates", action="store_true", help="rate limits as Slack has them")
    return parser.parse_args()


async def _serve(workspace: Workspace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with workspace:
        print(json.dumps(workspace.described()), flush=True)
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
