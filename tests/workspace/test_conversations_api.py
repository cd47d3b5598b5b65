"""Messages and channels through the Web API, as a client of slack_sdk sees them."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.workspace.bench import Bench, bench
from workspace import Cast
from workspace.cast import Room

SECTION = [{"type": "section", "text": {"type": "mrkdwn", "text": "*old*"}}]


async def posted(made: Bench, text: str, **more: Any) -> dict[str, Any]:
    answer = await made.client.chat_postMessage(
        channel=made.workspace.channels["connectors"], text=text, **more
    )
    data = answer.data
    assert isinstance(data, dict)
    return data


async def test_a_text_alone_takes_the_blocks_away_and_marks_the_message_as_edited(
    greeter: Bench,
) -> None:
    first = await posted(greeter, "old", blocks=SECTION)
    answer = await greeter.client.chat_update(
        channel=first["channel"], ts=first["ts"], blocks=SECTION, text="other fallback"
    )
    assert "edited" not in answer["message"]
    answer = await greeter.client.chat_update(channel=first["channel"], ts=first["ts"], text="new")
    assert "blocks" not in answer["message"]
    assert answer["message"]["edited"]


async def test_metadata_stays_until_it_is_taken_away(greeter: Bench) -> None:
    metadata = {"event_type": "act", "event_payload": {"act": 7}}
    first = await posted(greeter, "one", metadata=metadata)
    await greeter.client.chat_update(channel=first["channel"], ts=first["ts"], text="two")
    channel = first["channel"]
    history = await greeter.client.conversations_history(channel=channel)
    assert "metadata" not in history["messages"][0]
    history = await greeter.client.conversations_history(channel=channel, include_all_metadata=True)
    assert history["messages"][0]["metadata"] == metadata
    await greeter.client.chat_update(channel=channel, ts=first["ts"], text="three", metadata={})
    history = await greeter.client.conversations_history(channel=channel, include_all_metadata=True)
    assert "metadata" not in history["messages"][0]


async def test_a_reply_to_a_message_that_is_gone_lands_in_the_channel(greeter: Bench) -> None:
    root = await posted(greeter, "root")
    await greeter.client.chat_delete(channel=root["channel"], ts=root["ts"])
    reply = await posted(greeter, "reply", thread_ts=root["ts"])
    assert "thread_ts" not in reply["message"]
    with pytest.raises(SlackApiError, match="thread_not_found"):
        await greeter.client.conversations_replies(channel=root["channel"], ts=root["ts"])


async def test_a_thread_survives_its_deleted_root_and_replies_to_replies_join_it(
    greeter: Bench,
) -> None:
    root = await posted(greeter, "root")
    one = await posted(greeter, "one", thread_ts=root["ts"])
    two = await posted(greeter, "two", thread_ts=one["ts"])
    assert two["message"]["thread_ts"] == root["ts"]
    history = await greeter.client.conversations_history(channel=root["channel"])
    assert [m["text"] for m in history["messages"]] == ["root"]
    assert history["messages"][0]["reply_count"] == 2
    await greeter.client.chat_delete(channel=root["channel"], ts=root["ts"])
    replies = await greeter.client.conversations_replies(channel=root["channel"], ts=root["ts"])
    assert [m["text"] for m in replies["messages"]] == [
        "This message was deleted.",
        "one",
        "two",
    ]
    assert replies["messages"][0]["subtype"] == "tombstone"
    assert "bot_id" not in replies["messages"][0]
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await greeter.client.chat_update(channel=root["channel"], ts=root["ts"], text="back")
    three = await posted(greeter, "three", thread_ts=root["ts"])
    assert three["message"]["thread_ts"] == root["ts"]


async def test_history_pages_newest_first_and_replies_oldest_first(greeter: Bench) -> None:
    root = await posted(greeter, "0")
    for number in range(1, 5):
        await posted(greeter, str(number))
        await posted(greeter, f"r{number}", thread_ts=root["ts"])
    texts: list[str] = []
    async for page in await greeter.client.conversations_history(channel=root["channel"], limit=2):
        texts += [message["text"] for message in page["messages"]]
    assert texts == ["4", "3", "2", "1", "0"]
    texts = []
    async for page in await greeter.client.conversations_replies(
        channel=root["channel"], ts=root["ts"], limit=3
    ):
        texts += [message["text"] for message in page["messages"]]
    assert texts == ["0", "r1", "r2", "r3", "r4"]
    with pytest.raises(SlackApiError, match="invalid_cursor"):
        await greeter.client.conversations_history(channel=root["channel"], cursor="nonsense")


async def test_history_between_two_times(greeter: Bench) -> None:
    answers = [await posted(greeter, str(number)) for number in range(4)]
    channel = answers[0]["channel"]

    async def texts(**bounds: Any) -> list[str]:
        answer = await greeter.client.conversations_history(channel=channel, **bounds)
        return [message["text"] for message in answer["messages"]]

    oldest, latest = answers[1]["ts"], answers[3]["ts"]
    assert await texts(oldest=oldest, latest=latest) == ["2"]
    assert await texts(oldest=oldest, latest=latest, inclusive=True) == ["3", "2", "1"]
    with pytest.raises(SlackApiError, match="invalid_ts_oldest"):
        await texts(oldest="yesterday")


async def test_only_ones_own_messages_are_changed_or_deleted(greeter: Bench) -> None:
    said = await greeter.workspace.person("rita").say("#connectors", "mine")
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await greeter.client.chat_update(channel=said["channel"], ts=said["ts"], text="yours")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await greeter.client.chat_delete(channel=said["channel"], ts=said["ts"])
    with pytest.raises(SlackApiError, match="message_not_found"):
        await greeter.client.chat_update(channel=said["channel"], ts="1.000000", text="x")


async def test_where_the_bot_is_not_it_cannot_post_or_read_until_it_joins(greeter: Bench) -> None:
    general = greeter.workspace.channels["general"]
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await greeter.client.chat_postMessage(channel=general, text="hello")
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await greeter.client.conversations_history(channel=general)
    await greeter.client.conversations_join(channel=general)
    again = await greeter.client.conversations_join(channel=general)
    assert again["warning"] == "already_in_channel"
    await greeter.client.chat_postMessage(channel="#general", text="hello")
    history = await greeter.client.conversations_history(channel=general)
    assert [m.get("subtype") for m in history["messages"]] == [None, "channel_join"]


async def test_another_teams_channels_and_people_do_not_exist(greeter: Bench) -> None:
    foreign = greeter.workspace.channels["globex-general"]
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await greeter.client.chat_postMessage(channel=foreign, text="hello")
    with pytest.raises(SlackApiError, match="user_not_found"):
        await greeter.client.users_info(user=greeter.workspace.users["gina"])
    listed = await greeter.client.conversations_list(types="public_channel,private_channel")
    assert foreign not in [channel["id"] for channel in listed["channels"]]
    ext = await greeter.client.users_info(user=greeter.workspace.users["ext"])
    assert ext["user"]["team_id"] != ext["user"]["profile"].get("home")
    assert "is_stranger" in ext["user"]


async def test_direct_messages(greeter: Bench) -> None:
    rita = greeter.workspace.users["rita"]
    opened = await greeter.client.conversations_open(users=rita)
    sent = await greeter.client.chat_postMessage(channel=rita, text="psst")
    assert sent["channel"] == opened["channel"]["id"]
    seen = await greeter.workspace.person("rita").wait_for(lambda m: m["text"] == "psst")
    assert seen["channel"] == sent["channel"]
    info = await greeter.client.conversations_info(channel=sent["channel"])
    assert info["channel"]["is_im"]
    assert info["channel"]["user"] == rita


async def test_groups_members_and_people(greeter: Bench) -> None:
    users, channels = greeter.workspace.users, greeter.workspace.channels
    group = greeter.workspace.groups["matrix42-support"]
    members = await greeter.client.usergroups_users_list(usergroup=group)
    assert members["users"] == [users["sam"]]
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await greeter.client.usergroups_users_list(usergroup="S404")
    found = await greeter.client.conversations_members(channel=channels["connectors"], limit=2)
    assert len(found["members"]) == 2
    assert found["response_metadata"]["next_cursor"]
    rita = await greeter.client.users_lookupByEmail(email="rita@acme.example")
    assert rita["user"]["id"] == users["rita"]
    mine = await greeter.client.users_conversations()
    assert channels["general"] not in [channel["id"] for channel in mine["channels"]]


async def test_a_permalink_names_channel_message_and_thread(greeter: Bench) -> None:
    root = await posted(greeter, "root")
    reply = await posted(greeter, "reply", thread_ts=root["ts"])
    link = await greeter.client.chat_getPermalink(channel=root["channel"], message_ts=reply["ts"])
    assert f"/archives/{root['channel']}/p{reply['ts'].replace('.', '')}" in link["permalink"]
    assert f"thread_ts={root['ts']}" in link["permalink"]


async def test_reactions(greeter: Bench) -> None:
    root = await posted(greeter, "root")
    target = {"channel": root["channel"], "timestamp": root["ts"], "name": "eyes"}
    await greeter.client.reactions_add(**target)
    with pytest.raises(SlackApiError, match="already_reacted"):
        await greeter.client.reactions_add(**target)
    got = await greeter.client.reactions_get(channel=root["channel"], timestamp=root["ts"])
    assert got["message"]["reactions"][0]["name"] == "eyes"
    await greeter.client.reactions_remove(**target)
    with pytest.raises(SlackApiError, match="no_reaction"):
        await greeter.client.reactions_remove(**target)


async def test_an_ephemeral_message_needs_a_member_and_a_thread_that_has_begun(
    greeter: Bench,
) -> None:
    channels, users = greeter.workspace.channels, greeter.workspace.users
    with pytest.raises(SlackApiError, match="user_not_in_channel"):
        await greeter.client.chat_postEphemeral(
            channel=channels["connectors"], user=users["ext"], text="psst"
        )
    root = await posted(greeter, "root")
    whisper = {
        "channel": channels["connectors"],
        "user": users["rita"],
        "text": "psst",
        "thread_ts": root["ts"],
    }
    rita = greeter.workspace.person("rita")
    assert (await greeter.client.chat_postEphemeral(**whisper))["message_ts"]
    assert [m["text"] for m in await rita.messages("#connectors")] == ["root"]
    await posted(greeter, "reply", thread_ts=root["ts"])
    await greeter.client.chat_postEphemeral(**whisper)
    assert [m["text"] for m in await rita.messages("#connectors")] == ["root", "reply", "psst"]


async def test_long_texts(greeter: Bench) -> None:
    first = await posted(greeter, "x" * 50_000)
    assert len(first["message"]["text"]) == 40_000
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await greeter.client.chat_update(channel=first["channel"], ts=first["ts"], text="x" * 4001)


async def test_a_private_channel_is_seen_by_its_members_alone() -> None:
    rooms = (
        Room("with-bot", "", ("rita",), private=True),
        Room("without-bot", "", ("rita",), private=True, with_bot=False),
    )
    async with bench(cast=Cast(rooms=rooms)) as made:
        channels = made.workspace.channels
        listed = await made.client.conversations_list(types="public_channel,private_channel")
        assert [channel["name"] for channel in listed["channels"]] == ["with-bot"]
        assert listed["channels"][0]["is_private"]
        await made.client.chat_postMessage(channel=channels["with-bot"], text="hello")
        for call in (made.client.conversations_info, made.client.conversations_history):
            with pytest.raises(SlackApiError, match="channel_not_found"):
                await call(channel=channels["without-bot"])
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await made.client.chat_postMessage(channel=channels["without-bot"], text="hello")
        with pytest.raises(SlackApiError, match="method_not_supported_for_channel_type"):
            await made.client.conversations_join(channel=channels["with-bot"])
        sam = await made.workspace.person("sam").state()
        assert [channel["kind"] for channel in sam["channels"]] == ["im"]


async def test_an_archived_channel_takes_no_messages() -> None:
    rooms = (Room("old", "", ("rita",), archived=True),)
    async with bench(cast=Cast(rooms=rooms)) as made:
        old = made.workspace.channels["old"]
        with pytest.raises(SlackApiError, match="is_archived"):
            await made.client.chat_postMessage(channel=old, text="hello")
        listed = await made.client.conversations_list(exclude_archived=True)
        assert listed["channels"] == []


async def test_a_bot_that_was_removed_can_post_no_more(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    await rita.remove("#connectors", greeter.workspace.users["greeter"])
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await posted(greeter, "hello")
