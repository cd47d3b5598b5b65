"""Events: which arrive, what they hold, how they are retried."""

from __future__ import annotations

import asyncio
import copy
import itertools
from typing import Any

from tests.workspace.bench import MANIFEST, Bench, bench, eventually
from workspace import Rules


class Heard:
    """Every event that the app was sent, acknowledged at once."""

    def __init__(self, made: Bench) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._arrived = asyncio.Condition()

        @made.app.middleware
        async def hear(body: dict[str, Any], ack: Any, next: Any) -> None:  # noqa: A002
            async with self._arrived:
                self.bodies.append(body)
                self._arrived.notify_all()
            await ack()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [body["event"] for body in self.bodies]

    async def wait(self, kind: str, subtype: str | None = None) -> dict[str, Any]:
        """The first event of that type."""

        def found() -> list[dict[str, Any]]:
            return [e for e in self.events if e["type"] == kind and e.get("subtype") == subtype]

        async with asyncio.timeout(120), self._arrived:
            await self._arrived.wait_for(found)
        return found()[0]


async def heard_by(made: Bench) -> Heard:
    heard = Heard(made)
    await made.connect()
    return heard


async def test_a_message_arrives_escaped_with_hosts_linked(greeter: Bench) -> None:
    heard = await heard_by(greeter)
    rita = greeter.workspace.person("rita")
    said = await rita.say("#connectors", "is www.example.com:636 <ok> & https://a.example/x?y=1 ?")
    event = await heard.wait("message")
    assert event["text"] == (
        "is <http://www.example.com:636|www.example.com:636> &lt;ok&gt; &amp; <https://a.example/x?y=1> ?"
    )
    assert event["user"] == rita.id
    assert event["channel"] == greeter.workspace.channels["connectors"]
    assert event["channel_type"] == "channel"
    assert event["ts"] == event["event_ts"] == said["ts"]
    body = heard.bodies[0]
    assert body["type"] == "event_callback"
    assert (
        body["authorizations"][0]["user_id"]
        == greeter.workspace.services.state.app.installations[body["team_id"]].bot_user_id
    )
    assert body["is_ext_shared_channel"] is False


async def test_a_mention_is_an_event_of_its_own_beside_the_message(greeter: Bench) -> None:
    heard = await heard_by(greeter)
    rita = greeter.workspace.person("rita")
    said = await rita.say("#connectors", "@greeter www.example.com")
    mention = await heard.wait("app_mention")
    bot = greeter.workspace.users["greeter"]
    assert mention["text"] == f"<@{bot}> <http://www.example.com|www.example.com>"
    assert (await heard.wait("message"))["ts"] == mention["ts"] == said["ts"]
    assert heard.bodies[0]["event_id"] != heard.bodies[1]["event_id"]


async def test_edits_and_deletions_are_message_events_with_a_subtype(greeter: Bench) -> None:
    heard = await heard_by(greeter)
    rita = greeter.workspace.person("rita")
    said = await rita.say("#connectors", "one")
    await rita.edit(said, "two")
    changed = await heard.wait("message", "message_changed")
    assert changed["message"]["text"] == "two"
    assert changed["message"]["edited"]["user"] == rita.id
    assert changed["previous_message"]["text"] == "one"
    await rita.delete(said)
    deleted = await heard.wait("message", "message_deleted")
    root = await rita.say("#connectors", "root")
    await rita.reply(root, "reply")
    await rita.delete(root)

    async def is_buried() -> bool:
        return bool(heard.events[-1].get("message", {}).get("subtype") == "tombstone")

    await eventually(is_buried)
    assert heard.events[-1]["message"]["subtype"] == "tombstone"
    assert heard.events[-1]["previous_message"]["text"] == "root"
    assert deleted["deleted_ts"] == said["ts"]
    assert deleted["previous_message"]["text"] == "two"


async def test_a_file_arrives_as_file_share_and_file_shared(greeter: Bench) -> None:
    heard = await heard_by(greeter)
    rita = greeter.workspace.person("rita")
    root = await rita.say("#connectors", "here it is")
    file_id = await rita.upload("root.cer", b"\x30\x82")
    await rita.reply(root, "", files=[file_id])
    share = await heard.wait("message", "file_share")
    assert share["thread_ts"] == root["ts"]
    assert share["files"][0]["url_private_download"].endswith("/download/root.cer")
    shared = await heard.wait("file_shared")
    assert shared["file_id"] == file_id
    assert shared["user_id"] == rita.id


async def test_in_a_shared_channel_a_file_says_only_that_it_must_be_asked_for(
    greeter: Bench,
) -> None:
    heard = await heard_by(greeter)
    ext = greeter.workspace.person("ext")
    file_id = await ext.upload("root.pem", b"pem")
    await ext.say("#matrix42-support", "", files=[file_id])
    share = await heard.wait("message", "file_share")
    assert share["files"] == [
        {
            "id": file_id,
            "mode": "file_access",
            "file_access": "check_file_info",
            "created": 0,
            "timestamp": 0,
            "user": "",
        }
    ]
    body = heard.bodies[heard.events.index(share)]
    assert body["is_ext_shared_channel"] is True
    assert share["user_team"] == share["team"] != body["team_id"]
    info = await greeter.client.files_info(file=file_id)
    assert info["file"]["name"] == "root.pem"


async def test_the_apps_own_messages_arrive_with_its_bot_id(greeter: Bench) -> None:
    await greeter.connect()
    await greeter.client.chat_postMessage(
        channel=greeter.workspace.channels["connectors"],
        text="mine",
        metadata={"event_type": "act", "event_payload": {"act": 7}},
    )
    rita = greeter.workspace.person("rita")
    envelopes = await eventually(lambda: rita.log("envelope"))
    event = envelopes[0]["payload"]["event"]
    assert event["bot_id"] == greeter.workspace.services.state.users[event["user"]].bot_id
    assert event["app_id"] == greeter.workspace.services.app.id
    assert event["metadata"] == {"event_type": "act", "event_payload": {"act": 7}}


async def test_reactions_joins_and_home_arrive(greeter: Bench) -> None:
    heard = await heard_by(greeter)
    rita = greeter.workspace.person("rita")
    said = await rita.say("#connectors", "one")
    await rita.react(said, "eyes")
    reaction = await heard.wait("reaction_added")
    assert reaction["item"] == {"type": "message", "channel": said["channel"], "ts": said["ts"]}
    await rita.invite("#general", greeter.workspace.users["greeter"])
    joined = await heard.wait("member_joined_channel")
    assert joined["inviter"] == rita.id
    await rita.open_home()
    opened = await heard.wait("app_home_opened")
    assert (opened["user"], opened["tab"]) == (rita.id, "home")
    assert opened["channel"].startswith("D")


async def test_a_direct_message_is_a_message_im_and_never_a_mention(greeter: Bench) -> None:
    heard = await heard_by(greeter)
    rita = greeter.workspace.person("rita")
    await rita.say("@app", "@greeter hello")
    event = await heard.wait("message")
    assert event["channel_type"] == "im"
    assert [e["type"] for e in heard.events] == ["message"]


async def test_nothing_arrives_from_channels_the_bot_is_not_in(greeter: Bench) -> None:
    heard = await heard_by(greeter)
    rita = greeter.workspace.person("rita")
    await rita.say("#general", "@greeter hello")
    await rita.say("#connectors", "marker")
    assert (await heard.wait("message"))["text"] == "marker"
    assert len(heard.events) == 1


async def test_an_event_that_is_not_subscribed_or_lacks_its_scope_is_not_sent() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["settings"]["event_subscriptions"]["bot_events"].remove("app_mention")
    manifest["oauth_config"]["scopes"]["bot"].remove("reactions:read")
    async with bench(manifest=manifest) as made:
        heard = await heard_by(made)
        rita = made.workspace.person("rita")
        said = await rita.say("#connectors", "@greeter hello")
        await rita.react(said, "eyes")
        await rita.say("#connectors", "marker")
        async with asyncio.timeout(120):
            while not any(e.get("text") == "marker" for e in heard.events):  # noqa: ASYNC110  of many
                await asyncio.sleep(0.02)
        assert [e["type"] for e in heard.events] == ["message", "message"]


async def test_an_unacknowledged_event_is_sent_three_times_more_with_the_same_id() -> None:
    async with bench(Rules(ack_seconds=0.15, event_retry_seconds=(0.0, 0.3, 0.6))) as made:
        seen: list[dict[str, Any]] = []

        @made.app.middleware
        async def never(body: dict[str, Any], next: Any) -> None:  # noqa: A002
            seen.append(body)
            await asyncio.sleep(1)

        await made.connect()
        rita = made.workspace.person("rita")
        await rita.say("#connectors", "hello")

        async def four() -> list[dict[str, Any]]:
            failures = await rita.log("event_failed")
            return failures if len(failures) >= 4 else []

        failures = await eventually(four)
        assert [f["attempt"] for f in failures] == [0, 1, 2, 3]
        envelopes = await rita.log("envelope")
        assert [e["attempt"] for e in envelopes] == [0, 1, 2, 3]
        assert len({body["event_id"] for body in seen}) == 1
        gaps = [later["at"] - earlier["at"] for earlier, later in itertools.pairwise(envelopes)]
        # The first comes again at once.
        assert 0.15 <= gaps[0] < gaps[1] + gaps[2]
        assert gaps[1] >= 0.45
        assert gaps[2] >= 0.75


async def test_two_teams_hear_only_their_own(greeter: Bench) -> None:
    heard = Heard(greeter)
    await greeter.connect()
    gina = greeter.workspace.person("gina")
    await gina.say("@app", "from globex")
    await heard.wait("message")
    team = greeter.workspace.services.state.users[gina.id].team_id
    assert heard.bodies[0]["team_id"] == team
    assert heard.bodies[0]["authorizations"][0]["team_id"] == team
    assert team in greeter.workspace.bot_tokens
