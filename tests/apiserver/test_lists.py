"""Tables have the columns that checks rely on, and lists are whole however they are cut into pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gatekeeper.adapters import kube
from gatekeeper.adapters.members import KubeconfigMembers
from gatekeeper.adapters.members_doors import Listeners
from gatekeeper.cluster import Cluster, Resource
from gatekeeper.emulator.kube import Manifest
from gatekeeper.errors import NotFound
from gatekeeper.model import Member
from tests.apiserver.control_plane import ADMIN
from tests.apiserver.specimens import cases
from tests.apiserver.worlds import CONTEXT, World

PODS, NODES = Resource("", "v1", "pods"), Resource("", "v1", "nodes")
COLUMNS = [
    (PODS, {"Name", "Ready", "Status", "Readiness Gates", "Node"}),
    (NODES, {"Name", "Status", "Version"}),
    (Resource("", "v1", "namespaces"), {"Name"}),
]


class Requests:
    """Counts requests, and does something before the second."""

    def __init__(self, world: World | None = None) -> None:
        self.count = 0
        self._world = world

    def __call__(self, _member: str) -> None:
        self.count += 1
        if self.count == 2 and self._world is not None:
            self._world.expire_lists()


@asynccontextmanager
async def connected(world: World, requests: Requests) -> AsyncIterator[Cluster]:
    members = KubeconfigMembers(world.kubeconfig(ADMIN), listeners=Listeners(on_request=requests))
    try:
        yield await members.connect(Member(CONTEXT, CONTEXT))
    finally:
        await members.close()


def many(version: str) -> list[Manifest]:
    """Two dozen pods and a node."""
    case = next(case for case in cases("pods-healthy") if case.outcome == "passed")
    objects, _ = case.objects(version)
    pod = next(each for each in objects if each["kind"] == "Pod")
    names = [f"web-{number}" for number in range(24)]
    pods = [{**pod, "metadata": {**pod["metadata"], "name": name}} for name in names]
    return [*(each for each in objects if each["kind"] != "Pod"), *pods]


@pytest.mark.parametrize(("resource", "columns"), COLUMNS, ids=str)
async def test_the_columns_that_checks_rely_on_are_there(world: World, resource: Resource, columns: set[str]) -> None:
    await world.fill(many(world.version))

    async with connected(world, Requests()) as cluster:
        table = await cluster.table(resource)

    assert columns <= set(table.columns)
    assert table.rows


async def test_a_list_of_many_pages_is_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "_TABLE_PAGE", 5)
    monkeypatch.setattr(kube, "_OBJECT_PAGE", 5)
    await world.fill(many(world.version))
    requests = Requests()

    async with connected(world, requests) as cluster:
        rows = [row[0] for row in (await cluster.table(PODS)).rows]
        named = [each["name"] for each in (await cluster.table(PODS, metadata=True)).metadata]
        items = [each["metadata"]["name"] for each in await cluster.objects(PODS)]

    assert requests.count == 15
    assert sorted(rows) == sorted(named) == sorted(items) == sorted(f"web-{number}" for number in range(24))


async def test_a_list_that_expires_while_it_is_paged_is_whole_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube, "_TABLE_PAGE", 5)
    await world.fill(many(world.version))
    requests = Requests(world)

    async with connected(world, requests) as cluster:
        rows = [row[0] for row in (await cluster.table(PODS)).rows]

    assert sorted(rows) == sorted(f"web-{number}" for number in range(24))
    assert requests.count >= 5


async def test_selectors_are_applied_by_the_server(world: World) -> None:
    await world.fill(many(world.version))

    async with connected(world, Requests()) as cluster:
        one = await cluster.objects(PODS, field_selector="metadata.name=web-7")
        elsewhere = await cluster.table(PODS, field_selector="metadata.namespace!=shop")
        unfinished = await cluster.table(PODS, field_selector="status.phase!=Succeeded,status.phase!=Failed")
        labelled = await cluster.table(PODS, namespace="shop", label_selector="app in (web,api),!legacy")

    assert [each["metadata"]["name"] for each in one] == ["web-7"]
    assert elsewhere.rows == ()
    assert len(unfinished.rows) == len(labelled.rows) == 24


async def test_what_does_not_exist_is_not_found_rather_than_empty(world: World) -> None:
    async with connected(world, Requests()) as cluster:
        with pytest.raises(NotFound):
            await cluster.objects(Resource("nosuch.contoso.com", "v1", "things"))
        with pytest.raises(NotFound, match="nosuch"):
            await cluster.object(NODES, "nosuch")


async def test_the_server_tells_its_time_and_its_version(world: World) -> None:
    async with connected(world, Requests()) as cluster:
        version, now = await cluster.text("/version"), await cluster.now()

    assert world.version in version.body
    assert now.tzinfo is not None
