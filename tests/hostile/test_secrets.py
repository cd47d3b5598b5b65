"""A canary in each secret and in private keys: after a story in which everything fails once, none of
them is in the log, the database, the numbers, the desk, or what the bot sends."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from sqlalchemy import text

from bot import incidents
from bot.app import Bot
from bot.desks.writing import desk_file_text
from bot.probe.egress import Proxy
from bot.serving import logs
from bot.settings import load, secrets_of
from bot.store.database import Database
from handlers.keys import without_passwords
from tests.conversation.installing import by_oauth, install, manifest
from tests.conversation.story import SUPPORT
from tests.conversation.support import Surroundings, shown
from tests.hostile.acting import open_modal, open_request
from tests.support.ports import free_port
from tests.support.postgresql import PostgreSQL
from workspace import Workspace
from workspace.desks import EnterpriseServer

CANARY = "Canary-7f3a9!"
#: The secret settings that have a canary here: of a bot that is given its token, and of one by OAuth.
BY_TOKEN = frozenset(
    {"slack_bot_token", "slack_app_token", "slack_signing_secret", "password", "proxy"}
)
BY_OAUTH = frozenset({"slack_client_secret", "encryption_keys", "database_url"})


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All that is logged at the level DEBUG, as the program writes it."""
    root, own = logging.getLogger(), logging.getLogger("whichroot")
    before = (root.handlers[:], root.level, own.handlers[:], own.level)
    bolt = own.getChild("bolt").level
    stream = io.StringIO()
    logs.configure(stream, logging.DEBUG)
    try:
        yield stream
    finally:
        root.handlers, own.handlers = before[0], before[2]
        root.setLevel(before[1])
        own.setLevel(before[3])
        own.getChild("bolt").setLevel(bolt)


def forms(secret: bytes) -> Mapping[str, bytes]:
    """A secret as it might be written: as it is, and encoded."""
    found = {
        "plain": secret,
        "hex": secret.hex().encode(),
        "HEX": secret.hex().upper().encode(),
        "url": quote(secret, safe="").encode(),
        "json": json.dumps(secret.decode("latin-1"))[1:-1].encode(),
    }
    for shift in range(3):
        # Base64 looks different at each of three places; the ends depend on the neighbours.
        encoded = base64.b64encode(b"\0" * shift + secret)
        found[f"base64 at {shift}"] = encoded[4 if shift else 0 : -4]
        found[f"urlsafe base64 at {shift}"] = found[f"base64 at {shift}"].translate(
            bytes.maketrans(b"+/", b"-_")
        )
    return found


def search(secrets: Mapping[str, bytes], places: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    """Where any form of a secret is: secret, form, place."""
    return [
        (name, form, place)
        for name, secret in secrets.items()
        for form, written in forms(secret).items()
        for place, content in places.items()
        if written in content
    ]


def files_of(folder: Path, *names: str) -> dict[str, bytes]:
    """The bytes of the files in ``folder`` that match."""
    return {str(p): p.read_bytes() for name in names for p in folder.rglob(name) if p.is_file()}


async def shown_by(port: int) -> dict[str, bytes]:
    """What the bot tells everybody who asks over HTTP."""
    found = {}
    async with aiohttp.ClientSession() as session:
        for path in ("healthz", "readyz", "metrics", "slack/install", "nowhere"):
            async with session.get(f"http://127.0.0.1:{port}/{path}") as answer:
                found[path] = await answer.read()
    return found


def sent_by_bot(workspace: Workspace) -> dict[str, bytes]:
    """What the bot sent to Slack: calls (without the credentials), acknowledgements, files."""
    kinds = ("request", "acknowledgement")
    sent = [
        entry
        for entry in workspace.services.log.entries()
        # The client secret belongs into this one, as its credentials.
        if entry["kind"] in kinds and entry.get("method") != "oauth.v2.access"
    ]
    bots = {i.bot_user_id for i in workspace.services.app.installations.values()}
    files = workspace.services.state.files.values()
    return {
        "Slack calls": json.dumps(sent, ensure_ascii=False).encode(),
        **{f"file {f.name}": f.content or b"" for f in files if f.user in bots},
    }


async def test_no_secret_of_the_settings_and_no_private_key_leaves(
    surroundings: Surroundings,
) -> None:
    workspace, folder = surroundings.workspace, surroundings.folder
    rita, sam = (workspace.person(name) for name in ("rita", "sam"))
    key = load_pem_private_key(surroundings.leaf.key_pem, None)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    keystore_password = f"p12-{CANARY}"
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    p12 = serialize_key_and_certificates(
        b"server", key, None, None, BestAvailableEncryption(keystore_password.encode())
    )
    slack_secrets = {
        "bot token": workspace.bot_token,
        "app token": workspace.app_token,
        "signing secret": f"signing-{CANARY}",
        "keystore password of the settings": f"store-{CANARY}",
        "proxy password": f"proxy-{CANARY}",
        "desk token": f"desk-{CANARY}",
    }
    secrets = {name: value.encode() for name, value in slack_secrets.items()}
    secrets["password in a message"] = keystore_password.encode()
    # Not just any part: its file holds the public key as well, which certificates show.
    private_value = key.private_numbers().private_value.to_bytes(32, "big")
    assert private_value in der
    secrets["private key"] = private_value
    secrets["keystore"] = p12[len(p12) // 2 :][:24]
    with everything_logged() as log:
        async with EnterpriseServer() as server:
            (folder / "secret").write_text(f"desk-{CANARY}")
            table = server.table(api_token=f"file:{folder}/secret", timeout=1.0, outage=0)
            (folder / "desk.toml").write_text(desk_file_text(table))
            settings = surroundings.settings(
                desk_file=folder / "desk.toml",
                slack_signing_secret=f"signing-{CANARY}",
                password=f"store-{CANARY}",
                proxy=Proxy("127.0.0.1", free_port(), "user", f"proxy-{CANARY}"),
                proxy_bypass=(),
                connect_timeout=2.0,
            )
            assert all(getattr(settings, name) for name in BY_TOKEN)
            async with Bot(settings) as bot:
                # A proxy that refuses the connection, a name that is none.
                await rita.command("#connectors", "/cert 203.0.113.7:443")
                await rita.command("#connectors", f"/cert https://u:{CANARY}-url@saas.example.net/")
                direct = settings.database_url
                assert direct
                await rita.wait_for(lambda m: "203.0.113.7" in shown(m) and "❌" in shown(m))
            # The proxy is for what lies outside.
            plain = surroundings.settings(
                desk_file=folder / "desk.toml", slack_signing_secret=f"signing-{CANARY}"
            )
            async with Bot(plain) as bot:
                await rita.fault(kind="truncated", method="chat.postMessage")
                await rita.fault(kind="error", method="conversations.open", code="fatal_error")
                await _private_keys(surroundings, der, p12, keystore_password)
                # Something unexpected, with its traceback.
                with pytest.raises(ValueError, match="Canary"):
                    _break(CANARY)
                await sam.wait_for(lambda m: "🔑" in shown(m), channel=SUPPORT)
                places = await shown_by(bot.port)
                await rita.open_home()
                home = await rita.wait_for_home()
                places["home"] = json.dumps(home).encode()
            places["desk"] = repr([vars(ticket) for ticket in server.tickets]).encode()
    places["log"] = log.getvalue().encode()
    places |= sent_by_bot(workspace)
    places |= files_of(folder, "whichroot.db*")
    places |= files_of(folder / "cache", "*") if (folder / "cache").exists() else {}
    assert log.getvalue().count("\n") > 20
    # The message beside the keystores was kept, and shown to the desk's side without its password.
    kept = b"".join(content for place, content in places.items() if "whichroot.db" in place)
    assert b"The password is ***" in kept
    assert all(json.loads(line) for line in log.getvalue().splitlines())
    found = search(secrets, places)
    assert found == []
    calls = places["Slack calls"].decode()
    for masked in ("[bot token]", "[app token]", "[signing secret]", "[client secret]"):
        assert masked not in calls


async def _private_keys(surroundings: Surroundings, der: bytes, p12: bytes, password: str) -> None:
    """Everything that people do with private keys, in one request's thread and elsewhere."""
    rita, sam = (surroundings.workspace.person(name) for name in ("rita", "sam"))
    pem = surroundings.leaf.key_pem
    await open_request(rita, surroundings.host)
    card = await sam.wait_for(lambda m: "waiting for support" in shown(m), channel=SUPPORT)
    await sam.wait_for(lambda m: "asked for this" in shown(m), channel=SUPPORT)
    for name, content in (("key.pem", pem), ("key.der", der), ("key.p12", p12)):
        file = await rita.upload(name, content)
        words = f"The password is {password} and the password: {password}"
        await rita.reply(card, words, files=[file])
    await sam.until(
        lambda state: (
            sum("rivate key" in shown(m) or "❌" in shown(m) for m in _thread(state, card)) >= 3
        ),
    )
    await rita.reply(card, pem.decode())
    await rita.command("#connectors", f"/cert explain {pem.decode()}")
    await rita.command("#connectors", f"/cert {pem.decode()[:2000]}")
    view = await open_modal(rita, surroundings.host)
    answer = await rita.submit(view, {"environment": "production", "note": pem.decode()})
    assert "private key" in answer["errors"]["note"]
    await sam.until(lambda state: len(_thread(state, card)) >= 4)


def _thread(state: Any, card: Any) -> list[Any]:
    return [
        message
        for channel in state["channels"]
        for message in channel["messages"]
        if message.get("thread_ts") == card["ts"] and message.get("bot_id")
    ]


def _break(secret: str) -> None:
    """An unexpected error whose text holds a secret that the bot knows."""
    logs.hide([f"desk-{secret}"])
    try:
        raise ValueError(f"cannot sign in with desk-{secret}")
    except ValueError as error:
        incidents.record(error, "signing in")
        raise


# slack_sdk signs in to oauth.v2.access in a way that aiohttp has deprecated.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_no_secret_of_an_installation_or_of_postgresql_is_kept_or_shown(
    tmp_path: Path, postgresql: PostgreSQL
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    user, password = "canary_role", f"db-{CANARY}"
    url = _with_login(postgresql, user, password)
    async with (
        Workspace(manifest(base)) as workspace,
        Surroundings(workspace, tmp_path) as surroundings,
    ):
        rita = workspace.person("rita")
        given = {**by_oauth(workspace, port), "database_url": url}
        with everything_logged() as log:
            wrong = surroundings.settings(**{**given, "slack_client_secret": f"client-{CANARY}"})
            async with Bot(wrong):
                assert await install(base, rita.id) != 200
            right = surroundings.settings(**given)
            assert all(getattr(right, name) for name in BY_OAUTH)
            async with Bot(right) as bot:
                assert await install(base, rita.id) == 200
                await rita.command("#connectors", f"/cert {surroundings.host}")
                await rita.wait_for(lambda m: "Request the root" in shown(m))
                async with (
                    aiohttp.ClientSession() as session,
                    session.get(f"{base}/slack/install") as page,
                ):
                    state = page.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
                places = await shown_by(bot.port)
            unreachable = surroundings.settings(
                **{**given, "database_url": f"postgresql://u:{password}@127.0.0.1:{free_port()}/x"}
            )
            with pytest.raises(Exception, match="database") as raised:
                async with Bot(unreachable):
                    pass
        places["exception"] = f"{raised.value!r} {raised.value.__cause__!r}".encode()
        places["log"] = log.getvalue().encode()
        places["PostgreSQL"] = await _dump(url)
        places |= sent_by_bot(workspace)
        secrets = {
            "client secret": given["slack_client_secret"],
            "wrong client secret": f"client-{CANARY}",
            "encryption key": given["encryption_keys"][0],
            "database password": password,
            "installation token": workspace.bot_token,
        }
        found = search({name: value.encode() for name, value in secrets.items()}, places)
        assert found == []
        # The state of a sign-in that has begun is of no use to whoever reads the database.
        assert len(state) > 20
        assert search({"state": state.encode()}, {"PostgreSQL": places["PostgreSQL"]}) == []
        assert b"installations" in places["PostgreSQL"]


def _with_login(server: PostgreSQL, user: str, password: str) -> str:
    url = server.new_database()
    server.run(f"CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{password}';")
    rest = url.partition("://")[2].partition("@")[2]
    return f"postgresql://{user}:{quote(password, safe='')}@{rest}"


async def _dump(url: str) -> bytes:
    """Every row of every table."""
    database = Database(url)
    parts: list[str] = []
    async with database.read() as unit:
        tables = await unit.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        for (table,) in tables.all():
            rows = await unit.execute(text(f'SELECT t::text FROM "{table}" t'))
            parts += [table, *(str(row[0]) for row in rows)]
    await database.dispose()
    return "\n".join(parts).encode()


def test_the_search_finds_a_secret_in_each_form() -> None:
    secret = b'a "secret"/with+everything \xff'
    for shift in range(3):
        padded = base64.b64encode(b"x" * shift + secret + b"tail")
        assert search({"s": secret}, {"somewhere": b"before " + padded})
        assert search({"s": secret}, {"somewhere": base64.urlsafe_b64encode(b"x" * shift + secret)})
    for written in (secret, secret.hex().encode(), quote(secret, safe="").encode()):
        assert search({"s": secret}, {"somewhere": b"before " + written + b" after"})


def test_what_the_log_was_told_is_hidden_in_every_form() -> None:
    secret = 'a "quoted" pass/word'
    logs.hide([secret])
    encoded = base64.b64encode(secret.encode()).decode()
    for form in (secret, quote(secret, ""), json.dumps(secret), repr(secret), encoded):
        assert "pass" not in logs.without_secrets(f"It is {form}.")
        assert encoded.rstrip("=") not in logs.without_secrets(f"It is {form}.")


def test_every_secret_setting_is_known_to_the_log(tmp_path: Path) -> None:
    given = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_SIGNING_SECRET": "signing",
        "SLACK_CLIENT_SECRET": "client",
        "WHICHROOT_ENCRYPTION_KEYS": "one, two",
        "DATABASE_URL": "postgresql://user:p%40ss@host/x",
        "WHICHROOT_PASSWORD": "store",
        "WHICHROOT_PROXY": "http://u:proxy@host:3128",
    }
    found = secrets_of(load(given, tmp_path))
    assert found == {
        "xoxb-1",
        "xapp-1",
        "signing",
        "client",
        "one",
        "two",
        "p%40ss",
        "p@ss",
        "store",
        "proxy",
    }


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("The password is S3cret!", "The password is ***"),
        ("password: hunter2 and the rest", "password: *** and the rest"),
        ("Passwort=geheim", "Passwort=***"),
        ("Das Kennwort lautet 'mein geheimes'", "Das Kennwort lautet *** geheimes'"),
        ("The password is wrong.", "The password is wrong."),
        ("keystore password was incorrect", "keystore password was incorrect"),
    ],
)
def test_a_password_beside_a_keystore_stays_in_slack(written: str, kept: str) -> None:
    assert without_passwords(written) == kept
