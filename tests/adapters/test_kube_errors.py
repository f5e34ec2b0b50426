from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from gatekeeper.adapters.kube_auth import StaticHeader
from gatekeeper.adapters.kube_errors import clean, retry_after
from gatekeeper.errors import (
    BadAnswer,
    Conflict,
    CouldNotLook,
    Forbidden,
    NotFound,
    ServerFault,
    Throttled,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from tests.adapters.kube_scripts import PODS, QUICK, cluster_at, refusal, served


@asynccontextmanager
async def raw(answer: bytes) -> AsyncIterator[str]:
    """A server that sends these bytes to whatever it reads, and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (201, ServerFault),
        (204, ServerFault),
        (302, ServerFault),
        (400, ServerFault),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (406, ServerFault),
        (409, Conflict),
        (410, Conflict),
        (412, Conflict),
        (418, ServerFault),
        (429, Throttled),
        (500, ServerFault),
        (503, ServerFault),
        (504, ServerFault),
    ],
)
async def test_every_status_has_its_own_error(status: int, error: type[CouldNotLook]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return refusal(status, "the server's words", Location="/elsewhere")

    errors: list[tuple[str, str]] = []
    async with served(answer) as url, cluster_at(url, errors=errors) as cluster:
        with pytest.raises(CouldNotLook) as caught:
            await cluster.object(PODS, "p", namespace="shop")

    message = str(caught.value)
    assert isinstance(caught.value, error)
    assert message.startswith(f"m1: GET /api/v1/namespaces/shop/pods/p: {status}")
    assert status == 204 or "the server's words" in message
    assert errors == [("m1", error.reason)]


async def test_a_throttled_answer_says_how_long_to_wait() -> None:
    async def answer(_: web.Request) -> web.Response:
        return refusal(429, "too many requests", **{"Retry-After": "17"})

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(Throttled) as caught:
            await cluster.text("/readyz")

    assert caught.value.retry_after == 17.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("5", 5.0), ("-5", None), ("1e9", None), ("²", None), ("99999999999", 3600.0), ("soon", None)],
)
def test_retry_after_is_read_with_care(text: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": text}) == seconds


def test_retry_after_may_be_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=60)

    seconds = retry_after({"Retry-After": format_datetime(moment, usegmt=True)})

    assert seconds is not None
    assert 55 < seconds <= 60
    assert retry_after({"Retry-After": format_datetime(moment - timedelta(days=1), usegmt=True)}) == 0.0


async def test_no_redirect_is_followed() -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(ServerFault, match="redirects are not followed"):
            await cluster.table(PODS)
        assert (await cluster.text("/readyz")).status == 302

    assert paths == ["/api/v1/pods", "/readyz"]


def test_foreign_text_becomes_one_bounded_printable_line() -> None:
    assert clean("a\x1b[31m\n\tb\u202e c") == "a [31m b c"
    assert len(clean("x" * 10_000_000)) == 300


async def test_a_token_that_a_server_echoes_stays_out_of_messages() -> None:
    async def answer(request: web.Request) -> web.Response:
        return refusal(403, f"what is {request.headers['Authorization']}?")

    async with served(answer) as url, cluster_at(url, auth=StaticHeader("Bearer sesame")) as cluster:
        with pytest.raises(Forbidden, match=r"Bearer \[token\]\?"):
            await cluster.table(PODS)


async def test_a_long_refusal_is_cut() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=500, text="no " * 100_000)

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(ServerFault) as caught:
            await cluster.table(PODS)

    assert len(str(caught.value)) < 400


async def test_a_server_that_hangs_is_timed_out() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with served(answer) as url, cluster_at(url, limits=QUICK) as cluster:
        with pytest.raises(TimedOut, match="m1: GET /api/v1/pods: no whole answer in time"):
            await cluster.table(PODS)


async def test_a_body_that_trickles_is_timed_out() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    async with served(answer) as url, cluster_at(url, limits=QUICK) as cluster:
        with pytest.raises(TimedOut):
            await cluster.table(PODS)


async def test_a_body_that_is_too_large_is_refused_before_it_is_whole() -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b" " * 65_536)
            sent += 1
        return response

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match="larger than 100,000 bytes"):
            await cluster.table(PODS)

    assert sent < 1_000


async def test_a_small_answer_that_unpacks_to_a_large_one_is_refused() -> None:
    async def answer(_: web.Request) -> web.Response:
        response = web.Response(body=b" " * 50_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    patient = type(QUICK)(page_bytes=1_000_000)
    async with served(answer) as url, cluster_at(url, limits=patient) as cluster:
        with pytest.raises(BadAnswer, match="larger than"):
            await cluster.table(PODS)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", Unreachable),
        (b"SSH-2.0-OpenSSH_9.6\r\n", BadAnswer),
        (b"\x15\x03\x01\x00\x02\x02\x16", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n{}", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}", BadAnswer),
        (b"HTTP/1.1 999999 OK\r\n\r\n", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nDate: Never\r\nContent-Length: 1\r\n\r\n{", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n" + b"[" * 4000 + b"]" * 4000, BadAnswer),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"rows": NaN}', BadAnswer),
    ],
)
async def test_no_foreign_exception_leaks_through_the_door(answer: bytes, error: type[CouldNotLook]) -> None:
    async with raw(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(error, match="m1: GET /api/v1/pods: "):
            await cluster.table(PODS)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with cluster_at(url) as cluster:
            with pytest.raises(Unreachable, match="no connection"):
                await cluster.table(PODS)


async def test_a_header_that_cannot_be_sent_does_not_leak() -> None:
    async with cluster_at("http://127.0.0.1:1", auth=StaticHeader("Bearer a\r\nX: sesame")) as cluster:
        with pytest.raises(CouldNotLook) as caught:
            await cluster.table(PODS)

    assert "sesame" not in str(caught.value)


async def test_a_closed_client_says_so() -> None:
    async with cluster_at("http://127.0.0.1:1") as cluster:
        await cluster.close()
        with pytest.raises(Unreachable, match="closed"):
            await cluster.table(PODS)
