"""Reading Azure for checks: paths, pages, failures, and how long answers are shared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from gatekeeper.adapters import azure
from gatekeeper.adapters.azure import AzureReader
from gatekeeper.errors import BadAnswer, CouldNotLook, Forbidden, NotFound, ServerFault, Throttled
from tests.adapters.arm_scripts import TOKEN, Door, answering, door_to
from tests.adapters.kube_scripts import Handler

CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c1"
USAGES = "/subscriptions/s/providers/Microsoft.Compute/locations/westus/usages"
SKUS = "/subscriptions/s/providers/Microsoft.Compute/skus"


class Counted:
    """A server that counts, and answers what it is told."""

    def __init__(self, answer: Callable[[web.Request], Any]) -> None:
        self.seen: list[web.Request] = []
        self._answer = answer

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        return web.json_response(self._answer(request))


@asynccontextmanager
async def reader_of(
    server: Counted | Handler, clock: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[tuple[AzureReader, Door]]:
    async with door_to(server.handle if isinstance(server, Counted) else server) as door:
        reader = AzureReader(door.arm, clock)
        yield reader, door
        await reader.close()


async def test_a_get_carries_token_version_and_query() -> None:
    server = Counted(lambda _: {"name": "c1"})
    async with reader_of(server) as (reader, _):
        answer = await reader.get(CLUSTER, "2025-05-01", **{"$expand": "a b"})

    assert answer == {"name": "c1"}
    assert server.seen[0].path == CLUSTER
    assert dict(server.seen[0].query) == {"api-version": "2025-05-01", "$expand": "a b"}
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "subscriptions/s",
        "/subscriptions/",
        "//evil.example/subscriptions/s",
        "/tenants/x",
        "/subscriptions/s/../../tenants",
        "/subscriptions/s/./x",
        "/subscriptions/s?x=y",
        "/subscriptions/s#x",
        "/subscriptions/s/%2e%2e/x",
        "/subscriptions/s//x",
        "/subscriptions/s\n",
        "https://evil.example/subscriptions/s",
        "/subscriptions/s@evil.example",
    ],
)
async def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    server = Counted(lambda _: {})
    async with reader_of(server) as (reader, _):
        with pytest.raises(BadAnswer, match="no path of Resource Manager"):
            await reader.get(path, "1")

    assert server.seen == []


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (404, NotFound), (500, ServerFault), (204, BadAnswer)])
async def test_a_failure_has_its_meaning_is_reported_and_is_not_kept(status: int, error: type[CouldNotLook]) -> None:
    body = {"error": {"code": "Code", "message": "words"}}
    async with reader_of(answering(body, status)) as (reader, door):
        for _ in range(2):
            with pytest.raises(error, match=r"azure\.get"):
                await reader.get(CLUSTER, "1")

    assert [operation for operation, _ in door.errors] == ["azure.get", "azure.get"]


@pytest.mark.parametrize("body", ["[]", "<html>", "null", '"x"'])
async def test_an_answer_that_is_no_object_is_a_bad_answer(body: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    async with reader_of(answer) as (reader, _):
        with pytest.raises(BadAnswer):
            await reader.get(CLUSTER, "1")


def paged(request: web.Request) -> dict[str, Any]:
    page = int(request.query.get("page", "0"))
    link = f"{request.url.origin()}{request.path}?page={page + 1}&api-version=1"
    return {"value": [{"name": f"n{page}"}], "nextLink": link if page < 2 else None}


async def test_a_list_is_read_to_its_end() -> None:
    async with reader_of(Counted(paged)) as (reader, _):
        assert [each["name"] for each in await reader.list(USAGES, "1")] == ["n0", "n1", "n2"]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (lambda request: {"value": [], "nextLink": str(request.url)}, "round in circles"),
        (lambda _: {"value": [], "nextLink": "https://evil.example/x"}, "another server"),
        (lambda _: {"values": []}, "no list of entries"),
        (lambda _: {"value": None}, "no list of entries"),
        (lambda _: {"value": ["x"]}, "no JSON object"),
        (lambda _: {"value": [], "nextLink": 7}, "azure.list"),
    ],
)
async def test_a_list_that_is_none_is_a_bad_answer(page: Callable[[web.Request], Any], said: str) -> None:
    async with reader_of(Counted(page)) as (reader, _):
        with pytest.raises(BadAnswer, match=said):
            await reader.list(USAGES, "1")


async def test_a_list_without_an_end_is_given_up() -> None:
    server = Counted(lambda request: {**paged(request), "nextLink": f"{request.url.origin()}/x?n={len(server.seen)}"})
    async with reader_of(server) as (reader, _):
        with pytest.raises(BadAnswer, match="more than 200 pages"):
            await reader.list(USAGES, "1")


async def test_those_who_ask_at_once_share_one_request() -> None:
    server = Counted(paged)
    async with reader_of(server) as (reader, _):
        await asyncio.gather(*(reader.list(USAGES, "1") for _ in range(50)))

    assert len(server.seen) == 3


@pytest.mark.parametrize(("path", "keeps"), [(CLUSTER, 5), (USAGES, 60), (SKUS, 6 * 3600)])
async def test_an_answer_keeps_as_long_as_what_it_is_about(path: str, keeps: float) -> None:
    now = 0.0
    server = Counted(lambda _: {"value": []})
    async with reader_of(server, lambda: now) as (reader, _):
        await reader.list(path, "1")
        now = keeps
        await reader.list(path.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), "1")
        asked_within = len(server.seen)
        now = keeps + 0.1
        await reader.list(path, "1")

    assert (asked_within, len(server.seen)) == (1, 2)


async def test_other_versions_and_queries_are_other_answers() -> None:
    server = Counted(lambda _: {"value": []})
    async with reader_of(server) as (reader, _):
        await reader.list(USAGES, "1")
        await reader.list(USAGES, "2")
        await reader.list(USAGES, "1", severity="Sev1")
        await reader.get(USAGES, "1")

    assert len(server.seen) == 4


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    go = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        await go.wait()
        return web.json_response({"name": "c1"})

    async with reader_of(answer) as (reader, _):
        first = asyncio.ensure_future(reader.get(CLUSTER, "1"))
        second = asyncio.ensure_future(reader.get(CLUSTER, "1"))
        await asyncio.sleep(0.01)
        first.cancel()
        go.set()

        assert await second == {"name": "c1"}


async def test_only_what_tells_the_quota_is_kept_of_the_sizes() -> None:
    size = {
        "resourceType": "virtualMachines",
        "name": "Standard_D4s_v5",
        "family": "standardDSv5Family",
        "locationInfo": [{"zones": ["1"]}],
        "capabilities": [{"name": "vCPUs", "value": "4"}, {"name": "MaxDataDiskCount", "value": "8"}],
    }
    disk = {"resourceType": "disks", "name": "Premium_LRS"}
    async with reader_of(Counted(lambda _: {"value": [disk, size]})) as (reader, _):
        listed = await reader.list(SKUS, "1")

    assert list(listed) == [
        {
            "resourceType": "virtualMachines",
            "name": "Standard_D4s_v5",
            "family": "standardDSv5Family",
            "capabilities": [{"name": "vCPUs", "value": "4"}],
        }
    ]


async def test_no_more_answers_are_kept_than_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were used last: the sizes of a region's machines serve all its clusters, and are large."""
    monkeypatch.setattr(azure, "_KEPT", 5)
    server = Counted(lambda _: {"value": []})
    async with reader_of(server) as (reader, _):
        await reader.list(SKUS, "1")
        for number in range(9):
            await reader.get(f"{CLUSTER}/{number}", "1")
            await reader.list(SKUS, "1")

        assert len(reader._kept) == 5
        assert [request.path for request in server.seen].count(SKUS) == 1


async def test_what_is_too_old_to_be_used_takes_no_memory() -> None:
    now = 0.0
    async with reader_of(Counted(lambda _: {"value": []}), lambda: now) as (reader, _):
        await reader.get(CLUSTER, "1")
        await reader.list(SKUS, "1")
        now = 5.1
        await reader.get(f"{CLUSTER}/x", "1")

        assert [key[1] for key in reader._kept] == [SKUS.lower(), f"{CLUSTER}/x".lower()]


async def test_what_is_still_being_read_is_given_up_when_the_reader_closes() -> None:
    now, never = 0.0, asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        await never.wait()
        return web.json_response({})

    async with reader_of(answer, lambda: now) as (reader, _):
        first = asyncio.ensure_future(reader.get(CLUSTER, "1"))
        await asyncio.sleep(0.01)
        now = 5.1  # too old to be shared, and not yet ended
        second = asyncio.ensure_future(reader.get(CLUSTER, "1"))
        await asyncio.sleep(0.01)
        await reader.close()
        never.set()

        assert [type(each) for each in await asyncio.gather(first, second, return_exceptions=True)] == [
            asyncio.CancelledError,
            asyncio.CancelledError,
        ]


async def test_a_subscription_that_asked_for_patience_is_left_alone() -> None:
    server = answering({"error": {"code": "TooManyRequests", "message": "slow"}}, 429, Retry_After="300")
    async with reader_of(server) as (reader, door):
        with pytest.raises(Throttled, match=r"azure\.get: HTTP 429 TooManyRequests: slow"):
            await reader.get(CLUSTER, "1")
        with pytest.raises(Throttled, match=r"patience with this subscription: 300 s more"):
            await reader.list(USAGES, "1")
        with pytest.raises(Throttled, match=r"HTTP 429"):
            await reader.get(CLUSTER.replace("/s/", "/another/"), "1")

    assert [operation for operation, _ in door.errors] == ["azure.get", "azure.get"]
