"""The settings of ``whichroot serve``, beside those of a lookup in ``bot.settings``."""

import ipaddress
from dataclasses import field
from pathlib import Path
from typing import Annotated, Final

from bot.errors import SettingsError
from bot.records import record
from bot.setting_kinds import SECONDS, Setting, count, folder, number, patterns, switch
from bot.text import visible

_CHANNEL: Final = "channel id, as C0123456789"
_LIST: Final = "separated by commas"
_YES_NO: Final = "yes or no"
_DAYS: Final = "days"


def _hosts(text: str) -> tuple[str, ...]:
    found = []
    for item in patterns(text):
        name, _, address = item.partition("=")
        try:
            found.append(f"{name.strip().lower()}={ipaddress.ip_address(address.strip())}")
        except ValueError:
            raise SettingsError(
                f"“{visible(item)}” gives a name no address.", "Write name=address,name=address."
            ) from None
    return tuple(found)


def _one_of(*words: str) -> Setting:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise SettingsError(
                f"“{visible(text)}” is none of {', '.join(words)}.", f"Write {' or '.join(words)}."
            )
        return text.lower()

    return Setting(parse, " or ".join(f"`{word}`" for word in words), "")


def _described(setting: Setting, meaning: str) -> Setting:
    return Setting(setting.parse, setting.kind, meaning)


@record
class ServingSettings:
    """How the bot is served, who may do what, and how long things are kept."""

    slack_bot_token: Annotated[
        str,
        Setting(str, "`xoxb-…`", "The bot's token.", secret=True, variable="SLACK_BOT_TOKEN"),
    ] = field(default="", repr=False)
    slack_app_token: Annotated[
        str,
        Setting(
            str,
            "`xapp-…`",
            "The app-level token (connections:write) for Socket Mode.",
            secret=True,
            variable="SLACK_APP_TOKEN",
        ),
    ] = field(default="", repr=False)
    slack_signing_secret: Annotated[
        str,
        Setting(
            str,
            "text",
            "What Slack signs its requests with; for HTTP mode.",
            secret=True,
            variable="SLACK_SIGNING_SECRET",
        ),
    ] = field(default="", repr=False)
    slack_client_id: Annotated[
        str,
        Setting(
            str,
            "text",
            "The app's client id: the bot is installed by OAuth, in several workspaces, at "
            "`/slack/install`, in place of SLACK_BOT_TOKEN.",
            variable="SLACK_CLIENT_ID",
        ),
    ] = ""
    slack_client_secret: Annotated[
        str,
        Setting(
            str, "text", "The app's client secret.", secret=True, variable="SLACK_CLIENT_SECRET"
        ),
    ] = field(default="", repr=False)
    encryption_keys: Annotated[
        tuple[str, ...],
        Setting(
            patterns,
            f"Fernet keys, {_LIST}",
            "What tokens and other secrets in the database are encrypted with: the first encrypts, all "
            "decrypt.",
            secret=True,
        ),
    ] = field(default=(), repr=False)
    public_url: Annotated[
        str,
        Setting(str, "URL", "Where people reach this bot, for the way back from Slack (OAuth)."),
    ] = ""
    slack_api_url: Annotated[
        str, Setting(str, "URL", "Where Slack's Web API is.", variable="SLACK_API_URL")
    ] = "https://slack.com/api/"
    database_url: Annotated[
        str,
        Setting(
            str,
            "`sqlite:///file` or `postgresql://user:password@host/database`",
            "Where lookups, requests and everything still to be delivered are kept.",
            secret=True,
            variable="DATABASE_URL",
        ),
    ] = field(default="sqlite:///whichroot.db", repr=False)
    hosts: Annotated[
        tuple[str, ...],
        Setting(
            _hosts,
            f"name=address, {_LIST}",
            "Names that are not resolved but have these addresses, as in a hosts file.",
        ),
    ] = ()
    mode: Annotated[
        str,
        _described(
            _one_of("socket", "http"),
            "How Slack's events come: over Socket Mode, or by HTTP requests to `/slack/events`.",
        ),
    ] = "socket"
    socket_connections: Annotated[
        int, Setting(count(1, 10), "count", "Socket Mode connections held at once.")
    ] = 1
    listen_host: Annotated[
        str,
        Setting(str, "address", "Where `/healthz`, `/readyz`, `/metrics` and HTTP mode listen."),
    ] = "127.0.0.1"
    listen_port: Annotated[
        int, Setting(count(0, 65535), "port", "Their port; 0: one that is free.")
    ] = 8080
    support_channel: Annotated[
        str, Setting(str, _CHANNEL, "Where install requests are posted.")
    ] = ""
    support_channel_test: Annotated[
        str,
        Setting(str, _CHANNEL, "Where those for test systems are posted; empty: in the same one."),
    ] = ""
    support_by: Annotated[
        str,
        _described(
            _one_of("channel", "group", "users"),
            "Who works on install requests: the members of the support channel, of the user group "
            "`WHICHROOT_SUPPORT_GROUP`, or `WHICHROOT_SUPPORT_USERS`.",
        ),
    ] = "channel"
    support_group: Annotated[
        str, Setting(str, "user group id, as S0123456789", "The user group of the support staff.")
    ] = ""
    support_users: Annotated[
        tuple[str, ...], Setting(patterns, f"user ids, {_LIST}", "The support staff.")
    ] = ()
    desk_file: Annotated[
        Path | None,
        Setting(
            folder,
            "file",
            "The Matrix42 desks, as `whichroot desk init` writes them; empty: Slack alone.",
        ),
    ] = None
    private_reports: Annotated[
        bool,
        Setting(switch, _YES_NO, "Send reports to whoever asked alone, as with `/cert --private`."),
    ] = False
    lookup_cache_seconds: Annotated[
        float,
        Setting(number(0, 3600), SECONDS, "How long a report answers the same question; 0: never."),
    ] = 30.0
    lookups_per_user: Annotated[
        int, Setting(count(1, 1000), "count", "Lookups that run at once for one user.")
    ] = 4
    lookups_per_workspace: Annotated[
        int, Setting(count(1, 1000), "count", "Lookups that run at once for one workspace.")
    ] = 20
    lookups_stalled: Annotated[
        int,
        Setting(
            count(0, 5000),
            "count",
            "Lookups of one workspace that may wait for servers that do not answer, beside those "
            "that run.",
        ),
    ] = 400
    lookups_waiting: Annotated[
        int,
        Setting(count(1, 10000), "count", "Lookups that one user may have waiting."),
    ] = 100
    lease: Annotated[
        float,
        Setting(
            number(1, 3600),
            SECONDS,
            "How long after the last sign of life of a replica the others take over what it had begun.",
        ),
    ] = 30.0
    retention_lookups: Annotated[
        int, Setting(count(1, 36500), _DAYS, "How long lookups are kept.")
    ] = 90
    retention_requests: Annotated[
        int, Setting(count(1, 36500), _DAYS, "How long closed install requests are kept.")
    ] = 730

    def channel_for(self, environment: str) -> str:
        """The support channel for ``test`` or ``production``."""
        if environment == "test" and self.support_channel_test:
            return self.support_channel_test
        return self.support_channel
