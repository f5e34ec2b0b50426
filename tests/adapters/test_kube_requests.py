from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from gatekeeper.adapters.kube import KubeCluster
from gatekeeper.adapters.kube_auth import Identity, StaticHeader
from gatekeeper.adapters.kube_config import Endpoint
from gatekeeper.cluster import Cluster, Text
from gatekeeper.errors import BadAnswer, Forbidden, NotFound, ServerFault, TimedOut, Unauthorized
from tests.adapters.kube_scripts import PODS, QUICK, cluster_at, listed, refusal, served, table


async def test_every_request_carries_the_token_and_our_name() -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append({name: request.headers[name] for name in ("Authorization", "User-Agent")})
        return web.json_response(table([]))

    async with served(answer) as url, cluster_at(url, auth=StaticHeader("Bearer sesame")) as cluster:
        await cluster.table(PODS)

    assert seen == [{"Authorization": "Bearer sesame", "User-Agent": "fleet-gatekeeper/0.1.0"}]


async def test_a_path_is_asked_with_its_query_and_its_status_is_part_of_the_answer() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.raw_path == "/readyz?verbose"
        return web.Response(status=500, text="[-]etcd failed")

    async with served(answer) as url, cluster_at(url) as cluster:
        assert await cluster.text("/readyz?verbose") == Text(500, "[-]etcd failed")


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Forbidden)])
async def test_a_path_that_we_may_not_read_is_no_answer(status: int, error: type[Exception]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return refusal(status, "no")

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(error):
            await cluster.text("/readyz")


async def test_half_a_text_is_no_answer() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="x" * 70_000)

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match="larger than"):
            await cluster.text("/metrics")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("end", ["", "\n"])
async def test_of_a_long_text_only_the_wanted_lines_are_kept_however_it_arrives(size: int, end: str) -> None:
    whole = f"# HELP up\nup 1\n\nupper 2\nother up 3\n{'x' * 90}\nübel 4\nlast 5{end}".encode()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for begin in range(0, len(whole), size):
            await response.write(whole[begin : begin + size])
            await asyncio.sleep(0)
        return response

    async with served(answer) as url, cluster_at(url) as cluster:
        kept = await cluster.text("/metrics", lines=("up ", "übel", "last"))
        with pytest.raises(BadAnswer, match="larger than"):
            await cluster.text("/metrics", limit=100, lines=("up ",))

    assert kept == Text(200, f"up 1\nübel 4\nlast 5{end}")


async def test_a_text_that_is_no_good_answer_is_kept_as_it_is() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=500, text="not today\nup 1")

    async with served(answer) as url, cluster_at(url) as cluster:
        assert await cluster.text("/metrics", lines=("up",)) == Text(500, "not today\nup 1")


@pytest.mark.parametrize("path", ["", "@example.com/readyz", "/readyz HTTP/1.0\r\nX: y", "/é"])
async def test_what_is_not_a_path_is_not_asked_for(path: str) -> None:
    async with cluster_at("http://127.0.0.1:1") as cluster:
        with pytest.raises(NotFound, match="is not a path"):
            await cluster.text(path)


async def test_the_servers_clock_is_read_from_any_answer() -> None:
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.json_response(listed([]), headers={"Date": format_datetime(moment, usegmt=True)})

    async with served(answer) as url, cluster_at(url) as cluster:
        await cluster.objects(PODS)
        first, second = await cluster.now(), await cluster.now()

    assert moment <= first <= second < moment + timedelta(seconds=5)
    assert paths == ["/api/v1/pods"]


async def test_the_clock_is_asked_for_when_nothing_was_read_yet() -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=503)

    async with served(answer) as url, cluster_at(url) as cluster:
        moment = await cluster.now()

    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=5)
    assert paths == ["/version"]


@pytest.mark.parametrize("date", ["", "yesterday"])
async def test_a_server_without_a_clock_is_a_bad_answer(date: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"Date": date})

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match="does not tell its time"):
            await cluster.now()


async def test_a_connection_that_went_stale_is_opened_again_once() -> None:
    requests = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.readuntil(b"\r\n\r\n")  # the next request on this connection gets no answer
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with cluster_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as cluster:
        first = await cluster.text("/version")
        second = await cluster.text("/version")
    server.close()

    assert first == second == Text(200, "ok")
    assert requests == 2


async def test_no_more_requests_run_at_once_than_allowed() -> None:
    running = most = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return web.Response(text="ok")

    async with served(answer) as url, cluster_at(url) as cluster:
        await asyncio.gather(*(cluster.text("/readyz") for _ in range(20)))

    assert most == QUICK.concurrency


@pytest.mark.parametrize("begun", [False, True])
async def test_a_cancelled_read_leaves_no_connection_open(begun: bool) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        try:
            if begun:
                await response.prepare(request)
                await response.write(b"{")
            asked.set()
            await asyncio.sleep(60)
        finally:
            gone.set()
        return response

    async with served(answer) as url, cluster_at(url, limits=type(QUICK)()) as cluster:
        read = asyncio.create_task(cluster.table(PODS))
        await asked.wait()
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read
        async with asyncio.timeout(5):
            await gone.wait()


async def test_an_outer_deadline_is_not_mistaken_for_our_own() -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with served(answer) as url, cluster_at(url, limits=type(QUICK)()) as cluster:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await cluster.table(PODS)

    assert not isinstance(caught.value, TimedOut)


async def test_each_request_and_each_error_is_told() -> None:
    told: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(table([["a"]], "more")) if "continue" not in request.query else refusal(500, "no")

    async with served(answer) as url:
        cluster = KubeCluster(
            "m1",
            Endpoint(url),
            Identity(),
            on_error=lambda name, reason: told.append((name, reason)),
            on_request=told.append,
        )
        with pytest.raises(ServerFault):
            await cluster.table(PODS)
        await cluster.close()

    assert told == ["m1", "m1", ("m1", "serverError")]


async def test_the_client_is_a_cluster() -> None:
    async with cluster_at("http://127.0.0.1:1") as client:
        cluster: Cluster = client

    assert cluster.name == "m1"
