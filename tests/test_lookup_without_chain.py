"""The report on a server that shows no certificate: what speaks there, and what to do."""

from __future__ import annotations

import asyncio

import pytest

from bot.lookup import Lookup, Question
from bot.probe.egress import parse_networks
from bot.probe.presented import ConnectTo
from bot.probe.target import parse_target
from bot.report import Report
from bot.settings import Settings
from tests.support.servers import Script, Server, answering, closing, raw_server, saying


async def _report(server: Server, text: str) -> Report:
    settings = Settings(egress_allow=parse_networks("127.0.0.0/8"))
    question = Question(parse_target(text), ConnectTo(server.host, server.port))
    return await asyncio.wait_for(Lookup(settings).answer(question), 60)


@pytest.mark.parametrize(
    ("text", "script", "speaks"),
    [
        ("erp.corp.example", answering(b"HTTP/1.1 400 Bad\r\n\r\n", then=closing), "but HTTP"),
        ("ldap://dc01.corp.example", saying(b"SSH-2.0-x\r\n"), "but SSH"),
        ("smtp://mail.corp.example", saying(b"554 no\r\n"), "554 no"),
    ],
)
async def test_a_server_that_answers_in_plain_words_is_not_sent_elsewhere(
    text: str, script: Script, speaks: str
) -> None:
    async with raw_server(script) as server:
        report = await _report(server, text)
    assert speaks in report.summary
    assert report.command is None
    assert [finding.severity for finding in report.findings] == ["error"]


async def test_a_server_that_closes_comes_with_the_command_to_run_elsewhere() -> None:
    async with raw_server(closing) as server:
        report = await _report(server, "erp.corp.example")
    assert report.verdict == "unreachable"
    assert "openssl s_client" in (report.command or "")
