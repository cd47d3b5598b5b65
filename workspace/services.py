"""The parts of a running workspace, as the Web API and the page API use them."""

from __future__ import annotations

from dataclasses import dataclass

from workspace.activity import Activity
from workspace.apps import App
from workspace.delivery import Transport
from workspace.events import Events
from workspace.faults import Faults
from workspace.feed import Feed, Log
from workspace.grants import Grants
from workspace.rates import Rates
from workspace.rendering import Rendering
from workspace.rules import Rules
from workspace.socket_mode import SocketMode
from workspace.state import State
from workspace.tasks import Tasks


@dataclass
class Services:
    """Everything, wired by `workspace.server.Workspace`. `base_url` has no slash at its end."""

    base_url: str
    rules: Rules
    app: App
    state: State
    feed: Feed
    log: Log
    faults: Faults
    rates: Rates
    grants: Grants
    tasks: Tasks
    socket_mode: SocketMode
    transport: Transport
    events: Events
    activity: Activity
    rendering: Rendering
