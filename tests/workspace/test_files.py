"""Files: three steps up, a share that comes later, and who may read them."""

from __future__ import annotations

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackRequestError

from tests.workspace.bench import Bench

PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


async def get(url: str, token: str = "") -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.read()


async def upload(made: Bench, content: bytes, length: int | None = None) -> tuple[str, int]:
    """Steps 1 and 2; gives the file's id and the status of the upload."""
    ticket = await made.client.files_getUploadURLExternal(
        filename="root.pem", length=len(content) if length is None else length
    )
    async with (
        aiohttp.ClientSession() as session,
        session.post(ticket["upload_url"], data=content) as answer,
    ):
        return ticket["file_id"], answer.status


async def test_a_file_without_a_channel_stays_private_to_the_bot(greeter: Bench) -> None:
    file_id, status = await upload(greeter, PEM)
    assert status == 200
    answer = await greeter.client.files_completeUploadExternal(
        files=[{"id": file_id, "title": "Root"}]
    )
    assert answer["files"][0]["title"] == "Root"
    info = (await greeter.client.files_info(file=file_id))["file"]
    assert "shares" not in info
    assert info["mimetype"] == "text/plain"
    assert await get(info["url_private_download"], greeter.workspace.bot_token) == (
        200,
        "text/plain",
        PEM,
    )


async def test_the_wrong_length_and_an_empty_file_are_refused(greeter: Bench) -> None:
    _, status = await upload(greeter, PEM, length=3)
    assert status == 400
    with pytest.raises(SlackApiError, match="missing_argument"):
        await upload(greeter, b"")


async def test_completing_needs_bytes_and_happens_once(greeter: Bench) -> None:
    ticket = await greeter.client.files_getUploadURLExternal(filename="a.pem", length=3)
    with pytest.raises(SlackApiError, match="file_not_found"):
        await greeter.client.files_completeUploadExternal(files=[{"id": ticket["file_id"]}])
    with pytest.raises(SlackApiError, match="file_not_found"):
        await greeter.client.files_completeUploadExternal(files=[{"id": "F404"}])
    file_id, _ = await upload(greeter, PEM)
    await greeter.client.files_completeUploadExternal(files=[{"id": file_id}])
    with pytest.raises(SlackApiError, match="file_update_failed"):
        await greeter.client.files_completeUploadExternal(files=[{"id": file_id}])


async def test_the_bot_must_be_in_the_channel(greeter: Bench) -> None:
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await greeter.client.files_upload_v2(
            channel=greeter.workspace.channels["general"], filename="a.pem", content=PEM
        )


async def test_a_share_can_be_late_or_lost(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    channel = greeter.workspace.channels["connectors"]
    await rita.fault(kind="lose_share")
    lost = await greeter.client.files_upload_v2(
        channel=channel, filename="lost.pem", content=PEM, initial_comment="look"
    )
    await rita.fault(kind="delay_share", seconds=3)
    late = await greeter.client.files_upload_v2(
        channel=channel, filename="late.pem", content=PEM, initial_comment="look <!here>"
    )
    assert "shares" not in (await greeter.client.files_info(file=late["file"]["id"]))["file"]
    message = await rita.wait_for(lambda m: m.get("files"))
    assert message["text"] == "look <!here>"
    assert message["files"][0]["id"] == late["file"]["id"]
    assert "shares" not in (await greeter.client.files_info(file=lost["file"]["id"]))["file"]


async def test_only_a_token_that_may_see_the_file_reads_it(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    file_id = await rita.upload("secret.pem", PEM)
    said = await rita.say("#general", "", files=[file_id])
    with pytest.raises(SlackApiError, match="file_not_found"):
        await greeter.client.files_info(file=file_id)
    url = said["files"][0]["url_private"]
    for token in ("", "xoxb-wrong", greeter.workspace.bot_token):
        status, kind, content = await get(url, token)
        assert (status, kind) == (200, "text/html")
        assert PEM not in content
    await rita.say("#connectors", "", files=[file_id])
    assert (await get(url, greeter.workspace.bot_token))[2] == PEM
    other = list(greeter.workspace.bot_tokens.values())[1]
    assert (await get(url, other))[1] == "text/html"


async def test_a_deleted_file_is_gone_everywhere(greeter: Bench) -> None:
    rita = greeter.workspace.person("rita")
    channel = greeter.workspace.channels["connectors"]
    answer = await greeter.client.files_upload_v2(channel=channel, filename="a.pem", content=PEM)
    shared = await rita.wait_for(lambda m: m.get("files"))
    file_id = answer["file"]["id"]
    await greeter.client.files_delete(file=file_id)
    with pytest.raises(SlackApiError, match="file_deleted"):
        await greeter.client.files_info(file=file_id)
    assert (await get(shared["files"][0]["url_private"], greeter.workspace.bot_token))[0] == 404
    message = (await rita.messages("#connectors"))[0]
    assert message["files"][0]["mode"] == "tombstone"
    theirs = await rita.upload("b.pem", PEM)
    await rita.say("#connectors", "", files=[theirs])
    with pytest.raises(SlackApiError, match="cant_delete_file"):
        await greeter.client.files_delete(file=theirs)


async def test_an_upload_that_fails_is_an_error_of_the_client(greeter: Bench) -> None:
    await greeter.workspace.person("rita").fault(kind="server_error", method="upload")
    with pytest.raises(SlackRequestError, match="status: 500"):
        await greeter.client.files_upload_v2(
            channel=greeter.workspace.channels["connectors"], filename="a.pem", content=PEM
        )
