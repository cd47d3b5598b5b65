"""Who and what is there at the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Person:
    """A person: `name` is the handle, `team` the domain of their company's workspace. A `guest` is
    let into some channels only; a `bot` is another app's bot user."""

    name: str
    real_name: str
    team: str = "acme"
    email: str = ""
    guest: bool = False
    bot: bool = False


@dataclass(frozen=True)
class Room:
    """A channel, with the handles of its members; the bot joins where `with_bot`."""

    name: str
    topic: str
    members: tuple[str, ...]
    team: str = "acme"
    private: bool = False
    with_bot: bool = True
    archived: bool = False
    connected_teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A user group."""

    handle: str
    name: str
    members: tuple[str, ...]
    team: str = "acme"


@dataclass(frozen=True)
class Organisation:
    """An Enterprise organisation: the domains of its workspaces."""

    domain: str
    name: str
    teams: tuple[str, ...]


@dataclass(frozen=True)
class Cast:
    """The beginning of the story. `installed` are the teams, or organisations, that have the app."""

    teams: Sequence[tuple[str, str]] = (
        ("acme", "Acme"),
        ("globex", "Globex"),
        ("partner", "Partner Support"),
    )
    installed: Sequence[str] = ("acme", "globex")
    people: Sequence[Person] = (
        Person("rita", "Rita Requester", email="rita@acme.example"),
        Person("sam", "Sam Support", email="sam@acme.example"),
        Person("bea", "Bea Bystander", email="bea@acme.example"),
        Person("ext", "Ext External", team="partner", email="ext@partner.example"),
        Person("gina", "Gina Globex", team="globex", email="gina@globex.example"),
    )
    rooms: Sequence[Room] = (
        Room("general", "Company-wide announcements", ("rita", "sam", "bea"), with_bot=False),
        Room("connectors", "Native Connectors", ("rita", "sam", "bea")),
        Room(
            "matrix42-support",
            "Install requests",
            ("rita", "sam", "bea", "ext"),
            connected_teams=("partner",),
        ),
        Room("globex-general", "Globex", ("gina",), team="globex"),
    )
    organisations: Sequence[Organisation] = ()
    groups: Sequence[Group] = field(
        default=(Group("matrix42-support", "Matrix42 support", ("sam",)),)
    )
