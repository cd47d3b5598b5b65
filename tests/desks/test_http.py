"""The wire between a client and its desk: whom it trusts, which way it goes, and what it bears."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.desks.base import DeskError, DeskUnreachable, NotAllowed, OddAnswer
from bot.desks.choosing import open_desk
from bot.desks.configuration import read_desks
from bot.desks.http import MAX_ANSWER, Answer, DeskHttp
from bot.errors import SettingsError
from tests.desks.support import AnyServer, Place, draft
from tests.desks.wire import Proxy
from tests.support.aia import encoded, endless, page, redirect
from tests.support.authority import make_root
from tests.support.servers import Script, raw_server, relaying, tls_server
from workspace.desks import EnterpriseServer

ROOT = make_root("Example Corp Root")
LEAF = ROOT.leaf("localhost")
_LOGIN = "proxy-user:s3cret-of-the-proxy"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("roots") / "roots.pem"
    path.write_bytes(ROOT.pem)
    return path


@pytest.fixture
async def secure(place: Place) -> AsyncIterator[str]:
    """The address of the same API behind TLS, with a certificate of a private CA."""
    port = int(place.server.root.rsplit(":", 1)[1].strip("/"))
    async with tls_server([LEAF], relaying(port)) as front:
        yield place.server.url.replace(
            f"http://127.0.0.1:{port}", f"https://localhost:{front.port}"
        )


async def test_the_roots_of_the_bundle_are_trusted_and_others_are_not(
    place: Place, secure: str, bundle: Path
) -> None:
    assert (await place.client(url=secure, ca_bundle=str(bundle)).create(draft())).id
    for other in ({"url": secure}, {"url": secure.replace("localhost", "127.0.0.1")}):
        with pytest.raises(
            DeskUnreachable, match=r"certificate is not trusted.*ca_bundle"
        ) as error:
            await place.client(**other).create(draft())
        assert not error.value.maybe_done
    wrong_name = secure.replace("localhost", "127.0.0.1")
    with pytest.raises(DeskUnreachable, match="a name of the certificate"):
        await place.client(url=wrong_name, ca_bundle=str(bundle)).create(draft())
    assert len(place.server.tickets) == 1


async def test_https_to_what_speaks_no_tls_is_told(place: Place) -> None:
    plain = place.server.url.replace("http:", "https:")
    with pytest.raises(DeskUnreachable, match="does not speak TLS there"):
        await place.client(url=plain).create(draft())


def _opened(server: AnyServer, secret: str, environment: dict[str, str], **other: Any) -> Any:
    name = "api_token" if isinstance(server, EnterpriseServer) else "password"
    table = server.table(**{name: "env:SECRET"}, **other)
    return open_desk(
        read_desks({"production": table}).production, {"SECRET": secret, **environment}
    )


async def test_a_proxy_with_a_login_is_used_and_the_login_is_nowhere_to_be_read(
    place: Place, secure: str, bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {"url": secure, "ca_bundle": str(bundle), "proxy": "env:PROXY"}
    async with Proxy(_LOGIN).running() as proxy:
        right = {"PROXY": f"http://{_LOGIN}@{proxy.address}"}
        desk = _opened(place.server, place.secret, right, **settings)
        assert (await desk.create(draft())).id
        await desk.aclose()
        assert proxy.asked[0].startswith("CONNECT localhost:")
        wrong = {"PROXY": f"http://{_LOGIN}x@{proxy.address}"}
        desk = _opened(place.server, place.secret, wrong, **settings)
        with pytest.raises(NotAllowed, match=r"wants a login, or another one \(407\)") as refused:
            await desk.create(draft())
        await desk.aclose()
        proxy.refuses = 403
        desk = _opened(place.server, place.secret, right, **settings)
        with pytest.raises(NotAllowed, match="does not let the bot through"):
            await desk.create(draft())
        proxy.refuses = 502
        with pytest.raises(DeskUnreachable, match=r"through the proxy \(502\)") as down:
            await desk.create(draft())
        await desk.aclose()
    for said in (str(refused.value), str(down.value), caplog.text):
        assert "s3cret" not in said
        assert place.secret not in said


async def test_a_proxy_that_is_not_there_is_told(place: Place, secure: str, bundle: Path) -> None:
    settings = {"url": secure, "ca_bundle": str(bundle), "proxy": "http://127.0.0.1:9"}
    desk = _opened(place.server, place.secret, {}, **settings)
    with pytest.raises(DeskUnreachable) as error:
        await desk.create(draft())
    assert not error.value.maybe_done
    await desk.aclose()


async def test_the_proxy_of_the_environment_is_used_unless_a_setting_says_otherwise(
    place: Place, secure: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with Proxy().running() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.address}")
        settings = {"url": secure, "ca_bundle": str(bundle)}
        for other, tunnels in (
            ({**settings}, 1),
            ({**settings, "proxy": "none"}, 1),
            # Plain HTTP is for this machine alone.
            ({}, 1),
        ):
            desk = _opened(place.server, place.secret, {}, **other)
            assert await desk.find("[cert-req R-0000]") is None
            await desk.aclose()
            assert len(proxy.asked) == tunnels


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("http://me:s3cret@proxy:1", "is a secret: write env:NAME"),
        ("ftp://proxy:1", "write http://host:port"),
        ("proxy:3128", "write http://host:port"),
    ],
)
def test_a_proxy_that_cannot_be_is_told(proxy: str, said: str) -> None:
    table = EnterpriseServer().table(api_token="env:T", proxy=proxy)
    with pytest.raises(SettingsError) as error:
        read_desks({"production": table})
    assert said in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_proxy_of_a_secret_that_cannot_be_is_told_without_it() -> None:
    with pytest.raises(SettingsError, match="proxy cannot be used") as error:
        DeskHttp("https://desk.example/", seconds=1, proxy="socks9://me:s3cret@proxy:1")
    assert "s3cret" not in str(error.value)


@contextlib.asynccontextmanager
async def _client(script: Script, seconds: float = 5) -> AsyncIterator[DeskHttp]:
    async with raw_server(script) as server:
        http = DeskHttp(f"http://{server.address}/", seconds=seconds)
        yield http
        await http.aclose()


async def _error(script: Script, seconds: float = 5) -> DeskError:
    """What a call ends with that is answered so."""
    async with _client(script, seconds) as http:
        with pytest.raises(DeskError) as error:
            (await http.call("GET", "x")).json()
    return error.value


_JSON = b'{"name": "value"}'


@pytest.mark.parametrize(
    "script",
    [
        page(_JSON, "application/json"),
        page(_JSON, "text/html"),
        encoded(gzip.compress(_JSON), "gzip"),
        encoded(zlib.compress(_JSON), "deflate"),
        encoded(_JSON, "identity"),
    ],
)
async def test_json_is_read_however_it_is_called_or_packed(script: Script) -> None:
    async with _client(script) as http:
        assert (await http.call("GET", "x")).json() == {"name": "value"}


async def test_a_call_ends_in_time_however_slowly_an_answer_drips() -> None:
    async def dripping(reader: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n[")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    begun = time.monotonic()
    error = await _error(dripping, seconds=0.3)
    assert isinstance(error, DeskUnreachable)
    assert "within 0.3 seconds" in error.message
    assert time.monotonic() - begun < 30


async def test_an_answer_without_end_is_not_kept() -> None:
    error = await _error(endless(b"x" * 65536))
    assert "larger than 4096 KiB" in error.message


@pytest.mark.parametrize("how", ["gzip", "deflate"])
async def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused_and_costs_nothing(
    how: str,
) -> None:
    packer = zlib.compressobj(wbits=31 if how == "gzip" else 15)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(64)) + packer.flush()
    assert len(bomb) < MAX_ANSWER
    tracemalloc.start()
    try:
        error = await _error(encoded(bomb, how))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "larger than 4096 KiB" in error.message
    assert peak < 5 * MAX_ANSWER


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        (page(b'{"name": "val'), OddAnswer, "no JSON"),
        (page(b"<html>Sign in</html>", "text/html"), OddAnswer, "a sign-in page"),
        (page(b""), OddAnswer, "no JSON"),
        (page(b"\xff\xfe{"), OddAnswer, "no JSON"),
        (page(b"[" * 100_000), OddAnswer, "no JSON"),
        (page(b"9" * 5000), OddAnswer, "no JSON"),
        (encoded(gzip.compress(_JSON)[:-9], "gzip"), OddAnswer, "not whole"),
        (encoded(b"nonsense", "gzip"), OddAnswer, "damaged"),
        (encoded(b"nonsense", "br\r\nX: y"), OddAnswer, "was not asked"),
        (redirect("http://elsewhere.example/"), OddAnswer, "sends elsewhere"),
        (endless(b"[1" * 4096, b"Content-Length: 2\r\n"), OddAnswer, "no JSON"),
        (page(b"", status=503), DeskUnreachable, "asks to wait"),
    ],
)
async def test_an_answer_that_is_none_is_told(
    script: Script, kind: type[DeskError], said: str
) -> None:
    error = await _error(script)
    assert isinstance(error, kind)
    assert said in str(error)


async def test_an_answer_that_breaks_off_may_have_been_given() -> None:
    async def broken(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    error = await _error(broken)
    assert isinstance(error, DeskUnreachable)
    assert error.maybe_done


def test_no_text_of_an_answer_holds_what_cannot_be_kept() -> None:
    body = rb'{"a\u0000": ["x\ud800y", "\ud83d\ude00", "\u0000"], "b": "\udfff"}'
    given = Answer(200, {}, body).json()  # type: ignore[arg-type]  # no header is looked at
    assert given == {"a\ufffd": ["x\ufffdy", "\U0001f600", "\ufffd"], "b": "\ufffd"}


async def test_a_token_that_would_break_a_header_is_refused(place: Place) -> None:
    body = (
        b'{"RawToken": "a\\r\\nX: y"}'
        if isinstance(place.server, EnterpriseServer)
        else b'{"token": "Bearer a\\r\\nX: y"}'
    )
    async with raw_server(page(body, "application/json")) as server:
        desk = place.client(url=f"http://{server.address}/")
        with pytest.raises(OddAnswer, match="that can be used"):
            await desk.create(draft())
