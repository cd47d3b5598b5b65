"""A canary in each secret of a desk, and every octet to Slack and Matrix42 written down: none is where it
does not belong. And a new secret without a canary is found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, get_args, get_type_hints
from urllib.parse import urlsplit, urlunsplit

import pytest
from pydantic import BaseModel

from bot.app import Bot
from bot.desks.choosing import Desks
from bot.desks.configuration import (
    EmailTable,
    EnterpriseTable,
    ProfessionalTable,
    problem_with,
    read_desks,
)
from bot.desks.writing import desk_file_text
from bot.probe.egress import Proxy
from bot.settings import Settings
from tests.conversation.story import SUPPORT
from tests.conversation.support import Surroundings, shown
from tests.desks.mail import MailServer
from tests.hostile.acting import open_request
from tests.hostile.test_secrets import (
    BY_OAUTH,
    BY_TOKEN,
    CANARY,
    everything_logged,
    files_of,
    search,
    sent_by_bot,
    shown_by,
)
from tests.support.authority import make_root
from tests.support.ports import free_port
from tests.support.servers import raw_server, relaying
from workspace.desks import ProfessionalServer

_TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "enterprise": EnterpriseTable,
    "professional": ProfessionalTable,
    "email": EmailTable,
}
#: What else a table of each kind needs.
_NEEDED: Final = {
    "enterprise": {"url": "https://desk.example/"},
    "professional": {
        "url": "https://desk.example/",
        "login": "bot",
        "template": "t",
        "folder": "f",
    },
    "email": {
        "to": "a@corp.example",
        "sender": "b@corp.example",
        "host": "mail",
        "login": "bot",
    },
}


def test_every_secret_setting_has_a_canary() -> None:
    hints = get_type_hints(Settings, include_extras=True)
    secret = {
        name
        for name, hint in hints.items()
        if hint.__metadata__[0].secret or Proxy in get_args(hint.__origin__)
    }
    assert len(secret) > 7
    assert secret == BY_TOKEN | BY_OAUTH


def _secrets(kind: str) -> Iterable[str]:
    """The settings of such a desk that name where a secret is."""
    return [
        name for name in _TABLES[kind].model_fields if "env:NAME" in problem_with(kind, name, "x")
    ]


@pytest.mark.parametrize("kind", _TABLES)
def test_the_log_knows_every_secret_of_a_desk(kind: str) -> None:
    names = _secrets(kind)
    assert names
    given = {name: f"{name}-{CANARY}" for name in names}
    if "proxy" in given:
        given["proxy"] = f"http://user:p%40{CANARY}@proxy.example:3128"
    table = {"kind": kind, **_NEEDED[kind], **{name: f"env:{name}" for name in names}}
    found = Desks(read_desks({"production": table}), given).secrets
    assert set(given.values()) <= found
    if "proxy" in given:
        assert {f"p%40{CANARY}", f"p@{CANARY}"} <= found


def _at(url: str, port: int) -> str:
    return urlunsplit(urlsplit(url)._replace(netloc=f"127.0.0.1:{port}"))


async def test_no_secret_of_a_desk_is_where_it_does_not_belong(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    workspace, folder = surroundings.workspace, surroundings.folder
    rita, sam = (workspace.person(name) for name in ("rita", "sam"))
    to_slack, to_desk = bytearray(), bytearray()
    own = {
        "password of the professional API": f"professional-{CANARY}",
        "password of the mail server": f"mail-{CANARY}",
        "password of the desk's proxy": f"proxy-{CANARY}",
    }
    login, mailbox, proxy = own.values()
    ca = make_root("Mail Root CA")
    (tmp_path / "mail-ca.pem").write_bytes(ca.pem)
    mail = MailServer([ca.leaf("localhost", names=["localhost"])], tmp_path, login="bot")
    slack_port = urlsplit(workspace.api_url).port
    with everything_logged() as log:
        async with (
            ProfessionalServer() as server,
            mail.running(),
            raw_server(relaying(slack_port or 0, to_slack)) as slack,
            raw_server(relaying(urlsplit(server.url).port or 0, to_desk)) as desk,
        ):
            server.password = login
            mail.password = mailbox
            for name, value in (("login", login), ("mailbox", mailbox)):
                (folder / name).write_text(value)
            (folder / "proxy").write_text(f"http://user:{proxy}@127.0.0.1:{free_port()}")
            production = server.table(
                url=_at(server.url, desk.port),
                password=f"file:{folder}/login",
                timeout=2.0,
                outage=0,
                poll_first=0.2,
                poll_most=0.4,
            )
            by_mail = {
                "kind": "email",
                "to": "desk@corp.example",
                "sender": "bot@corp.example",
                "host": "localhost",
                "port": mail.port,
                "login": "bot",
                "password": f"file:{folder}/mailbox",
                "ca_bundle": str(tmp_path / "mail-ca.pem"),
            }

            def settings(**other: str) -> Settings:
                text = desk_file_text({**production, **other})
                second = desk_file_text(by_mail).partition("[production]")[2]
                (folder / "desk.toml").write_text(f"{text}\n[test]{second}")
                return surroundings.settings(
                    desk_file=folder / "desk.toml",
                    slack_api_url=_at(workspace.api_url, slack.port),
                )

            # A proxy that is not there, and a mail server that repeats the password it refuses.
            mail.answers["AUTH"] = f"535 5.7.8 {mailbox} is wrong"
            async with Bot(settings(proxy=f"file:{folder}/proxy")):
                await open_request(rita, surroundings.host)
                await sam.wait_for(lambda m: "cannot be reached" in shown(m), channel=SUPPORT)
                await open_request(
                    rita, surroundings.unproven_host, environment="test", confirmed=["yes"]
                )
                await sam.wait_for(
                    lambda m: "does not accept the login (535)" in shown(m), channel=SUPPORT
                )
            mail.answers.clear()
            async with Bot(settings()) as bot:
                await sam.wait_for(lambda m: "linked the ticket" in shown(m), channel=SUPPORT)
                told = await sam.wait_for(
                    lambda m: "(535)" in shown(m) and "ticket_retry" in json.dumps(m["blocks"]),
                    channel=SUPPORT,
                )
                await sam.click(told, "ticket_retry")
                async with asyncio.timeout(30):
                    while not mail.taken:  # noqa: ASYNC110  the server has no event
                        await asyncio.sleep(0.05)
                # The password is another one by now.
                server.password = "another"
                server.expire_tokens()
                await sam.wait_for(
                    lambda m: "does not accept" in shown(m) and "(535)" not in shown(m),
                    channel=SUPPORT,
                )
                places = await shown_by(bot.port)
            places["tickets"] = repr([vars(ticket) for ticket in server.tickets]).encode()
    places["mail"] = b"".join(mail.taken)
    places["log"] = log.getvalue().encode()
    places |= sent_by_bot(workspace)
    places |= files_of(folder, "whichroot.db*")
    secrets = {name: value.encode() for name, value in own.items()}
    assert search(secrets, places) == []
    # On the wire each other side hears its own secrets, and nobody else's.
    slacks = {"bot token": workspace.bot_token.encode(), "app token": workspace.app_token.encode()}
    assert len(to_slack) > 10_000
    assert search(secrets, {"to Slack": bytes(to_slack)}) == []
    assert slacks["bot token"] in to_slack
    others = {name: value for name, value in secrets.items() if "professional" not in name}
    assert len(to_desk) > 1_000
    assert search({**others, **slacks}, {"to Matrix42": bytes(to_desk)}) == []
    assert search({"own": secrets["password of the professional API"]}, {"": bytes(to_desk)})
