"""The daemon's HTTP server, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from gatekeeper.errors import ConfigError
from gatekeeper.web.server import WebServer, parse_listen


@dataclass
class FakeHealth:
    not_alive: list[str] = field(default_factory=list)
    not_ready: list[str] = field(default_factory=list)

    def alive(self) -> list[str]:
        return self.not_alive

    def ready(self) -> list[str]:
        return self.not_ready


@pytest.fixture
def health() -> FakeHealth:
    return FakeHealth()


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("sheep", "Sheep that passed.", ["colour"], registry=made).labels("black").inc(2)
    return made


@pytest.fixture
async def client(registry: CollectorRegistry, health: FakeHealth) -> AsyncIterator[aiohttp.ClientSession]:
    server = WebServer("127.0.0.1:0", registry, health)
    port = await server.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await server.stop()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_healthy_daemon_says_ok(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 200
        assert await response.json() == {"status": "ok", "reasons": []}


async def test_a_daemon_that_is_not_ready_says_why_and_lives(client: aiohttp.ClientSession, health: FakeHealth) -> None:
    health.not_ready = ["no sweep has ended yet"]

    async with client.get("/readyz") as ready, client.get("/healthz") as alive:
        assert (ready.status, alive.status) == (503, 200)
        assert await ready.json() == {"status": "unavailable", "reasons": ["no sweep has ended yet"]}


async def test_a_daemon_that_is_stuck_says_so(client: aiohttp.ClientSession, health: FakeHealth) -> None:
    health.not_alive = ["stuck"]

    async with client.get("/healthz") as response:
        assert response.status == 503
        assert await response.json() == {"status": "unavailable", "reasons": ["stuck"]}


async def test_metrics_are_text_by_default(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics") as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        families = list(text_string_to_metric_families(await response.text()))

    assert [(sample.labels, sample.value) for sample in families[0].samples] == [({"colour": "black"}, 2)]


async def test_metrics_are_openmetrics_on_request(client: aiohttp.ClientSession) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"

    async with client.get("/metrics", headers={"Accept": accept}) as response:
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        text = await response.text()

    assert text.endswith("# EOF\n")
    families = parse_openmetrics(text)  # type: ignore[no-untyped-call] # this parser has no annotations
    assert [family.name for family in families] == ["sheep"]


@pytest.mark.parametrize(("accepts", "encoding"), [("gzip", "gzip"), ("identity", None)])
async def test_metrics_are_compressed_on_request(
    client: aiohttp.ClientSession, accepts: str, encoding: str | None
) -> None:
    async with client.get("/metrics", headers={"Accept-Encoding": accepts}) as response:
        assert response.headers.get("Content-Encoding") == encoding
        assert "sheep_total" in await response.text()


async def test_the_front_page_names_the_paths(client: aiohttp.ClientSession) -> None:
    async with client.get("/") as response:
        text = await response.text()

    assert [line.split()[0] for line in text.splitlines()] == ["Gatekeeper", "/metrics", "/healthz", "/readyz"]


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz"])
async def test_head_is_get_without_a_body(client: aiohttp.ClientSession, path: str) -> None:
    async with client.head(path) as response:
        assert response.status == 200
        assert await response.read() == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/metrics", "/readyz"])
async def test_nothing_can_be_changed(client: aiohttp.ClientSession, method: str, path: str) -> None:
    async with client.request(method, path) as response:
        assert response.status == 405


@pytest.mark.parametrize("path", ["/secret", "/metrics/", "/..%2f..%2fetc%2fpasswd", "/healthz/x"])
async def test_there_is_nothing_else(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 404


async def test_answers_say_nothing_of_versions_and_are_not_kept(client: aiohttp.ClientSession) -> None:
    for path in ("/metrics", "/nowhere"):
        async with client.get(path) as response:
            assert response.headers["Server"] == "gatekeeper"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_an_address_in_use_is_named_with_a_mend(registry: CollectorRegistry, health: FakeHealth) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = WebServer(f"127.0.0.1:{port}", registry, health)

        with pytest.raises(ConfigError, match=rf"web\.listen: cannot listen on 127\.0\.0\.1:{port}: .*another port"):
            await server.start()

    await server.stop()


async def test_an_address_of_another_machine_is_refused(registry: CollectorRegistry, health: FakeHealth) -> None:
    with pytest.raises(ConfigError, match="choose an address of this machine"):
        await WebServer("192.0.2.1:0", registry, health).start()


async def test_a_stopped_server_lets_go_of_its_port(registry: CollectorRegistry, health: FakeHealth) -> None:
    server = WebServer("127.0.0.1:0", registry, health)
    port = await server.start()
    await server.stop()
    await server.stop()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(
    ("listen", "parts"),
    [
        ("0.0.0.0:8080", ("0.0.0.0", 8080)),
        ("[::]:8080", ("::", 8080)),
        ("[fe80::1%eth0]:80", ("fe80::1%eth0", 80)),
        ("localhost:0", ("localhost", 0)),
        (":8080", (None, 8080)),
    ],
)
def test_addresses_are_read(listen: str, parts: tuple[str | None, int]) -> None:
    assert parse_listen(listen) == parts


@pytest.mark.parametrize(
    "listen", ["", "8080", "localhost", "localhost:", "::1:8080", "[::1]", "host:65536", "host:-1", "host:٣", "a b:1"]
)
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ConfigError, match="is no address"):
        parse_listen(listen)
