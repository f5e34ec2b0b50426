from __future__ import annotations

import gc
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web

from gatekeeper.adapters.kube_auth import StaticHeader
from gatekeeper.adapters.kube_session import Limits
from gatekeeper.cluster import Resource
from gatekeeper.emulator.kube import KubeCluster as Emulated
from gatekeeper.emulator.kube import KubeServer
from gatekeeper.errors import BadAnswer, Conflict, NotFound
from tests.adapters.kube_scripts import DEPLOYMENTS, NODES, PODS, cluster_at, listed, refusal, served, table


async def test_a_table_is_read_page_by_page_to_its_end() -> None:
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append({**request.query, "accept": request.headers["Accept"], "path": request.path})
        page = {"": table([["a"], ["b"]], "t/1 +="), "t/1 +=": table([["c"]])}[request.query.get("continue", "")]
        return web.json_response(page)

    async with served(answer) as url, cluster_at(url) as cluster:
        found = await cluster.table(PODS, namespace="shop", label_selector="app in (a,b)", field_selector="x!=y")

    common = {
        "includeObject": "None",
        "limit": "500",
        "labelSelector": "app in (a,b)",
        "fieldSelector": "x!=y",
        "accept": "application/json;as=Table;v=v1;g=meta.k8s.io",
        "path": "/api/v1/namespaces/shop/pods",
    }
    assert found.rows == (("a",), ("b",), ("c",))
    assert asked == [common, common | {"continue": "t/1 +="}]


async def test_rows_carry_their_metadata_when_asked_and_never_managed_fields() -> None:
    async def answer(request: web.Request) -> web.Response:
        page = table([["a"]])
        page["rows"][0]["object"] = {"metadata": {"name": "a", "namespace": "shop", "managedFields": [1]}}
        return web.json_response(page if request.query["includeObject"] == "Metadata" else table([["a"]]))

    async with served(answer) as url, cluster_at(url) as cluster:
        found = await cluster.table(PODS, metadata=True)
        plain = await cluster.table(PODS)

    assert found.metadata == ({"name": "a", "namespace": "shop"},)
    assert plain.metadata == ()


async def test_objects_come_without_managed_fields_and_nodes_without_images() -> None:
    def node(name: str) -> dict[str, Any]:
        return {
            "metadata": {"name": name, "managedFields": [{}]},
            "status": {"images": [{}], "conditions": []},
        }

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/api/v1/nodes"
        assert request.query["limit"] == "200"
        more = "continue" not in request.query
        return web.json_response(listed([node("a" if more else "b")], "more" if more else ""))

    async with served(answer) as url, cluster_at(url) as cluster:
        found = await cluster.objects(NODES)

    assert found == [{"metadata": {"name": name}, "status": {"conditions": []}} for name in ("a", "b")]


@pytest.mark.parametrize(
    ("resource", "limit"),
    [(PODS, "200"), (Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions"), "20")],
)
async def test_a_page_of_definitions_is_small_as_each_may_have_a_megabyte(resource: Resource, limit: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(listed([{"metadata": {"name": request.query["limit"]}}]))

    async with served(answer) as url, cluster_at(url) as cluster:
        (found,) = await cluster.objects(resource)

    assert found["metadata"]["name"] == limit


async def test_one_object_is_found_by_its_quoted_name() -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.raw_path)
        return web.json_response({"kind": "Deployment", "metadata": {"name": "a/b", "managedFields": []}})

    async with served(answer) as url, cluster_at(url) as cluster:
        found = await cluster.object(DEPLOYMENTS, "a/b", namespace="shop")

    assert found == {"kind": "Deployment", "metadata": {"name": "a/b"}}
    assert paths == ["/apis/apps/v1/namespaces/shop/deployments/a%2Fb"]


async def test_another_object_than_was_asked_for_is_refused() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"kind": "Deployment", "metadata": {"name": "other"}})

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match="another object"):
            await cluster.object(DEPLOYMENTS, "mine", namespace="shop")


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_would_lead_elsewhere_is_not_asked_for(name: str) -> None:
    async with cluster_at("http://127.0.0.1:1") as cluster:
        with pytest.raises(NotFound):
            await cluster.object(PODS, name, namespace="shop")


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_list_that_expires_is_started_over(lost: int) -> None:
    left = lost

    async def answer(request: web.Request) -> web.Response:
        nonlocal left
        if "continue" not in request.query:
            return web.json_response(table([["a"]], "more"))
        if left:
            left -= 1
            return refusal(410, "The provided continue parameter is too old")
        return web.json_response(table([["b"]]))

    errors: list[tuple[str, str]] = []
    async with served(answer) as url, cluster_at(url, errors=errors) as cluster:
        found = await cluster.table(PODS)

    assert found.rows == (("a",), ("b",))
    assert errors == []


async def test_a_list_that_expires_three_times_is_a_conflict() -> None:
    async def answer(request: web.Request) -> web.Response:
        if "continue" in request.query:
            return refusal(410, "too old")
        return web.json_response(listed([{}], "more"))

    errors: list[tuple[str, str]] = []
    async with served(answer) as url, cluster_at(url, errors=errors) as cluster:
        with pytest.raises(Conflict, match="m1: GET /api/v1/pods: the list expired 3 times"):
            await cluster.objects(PODS)

    assert errors == [("m1", "conflict")]


async def test_a_list_that_never_ends_is_refused() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(listed([], "again"))

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match="does not end"):
            await cluster.objects(PODS)


async def test_a_whole_list_is_bounded_as_each_page_is() -> None:
    count = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal count
        count += 1
        return web.json_response(listed([{"x": "y" * 60_000}], str(count)))

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match="larger than"):
            await cluster.objects(PODS)

    assert count == 3


async def test_an_empty_go_list_is_empty() -> None:
    async def answer(request: web.Request) -> web.Response:
        rows = "Table" in request.headers["Accept"]
        return web.json_response(table([]) | {"rows": None} if rows else listed([]) | {"items": None})

    async with served(answer) as url, cluster_at(url) as cluster:
        assert (await cluster.table(PODS)).rows == ()
        assert await cluster.objects(PODS) == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (listed([{}]), "asked for a Table, the server sent a PodList"),
        ([], "not a JSON object"),
        ("Table", "not a JSON object"),
        ({}, "without a kind"),
        ({"kind": "Table"}, "without columnDefinitions"),
        (table([]) | {"columnDefinitions": []}, "does not name its columns"),
        (table([]) | {"columnDefinitions": [{"title": "x"}]}, "does not name its columns"),
        (table([]) | {"rows": {"cells": []}}, "rows is not a list of objects"),
        (table([]) | {"rows": [["a"]]}, "rows is not a list of objects"),
        (table([["a", "b"]]), "not as many cells"),
        ({key: value for key, value in table([]).items() if key != "rows"}, "without rows"),
        (table([["a"]]) | {"metadata": {"continue": 7}}, "continue token"),
    ],
)
async def test_a_table_of_another_shape_is_refused(page: Any, words: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(page)

    errors: list[tuple[str, str]] = []
    async with served(answer) as url, cluster_at(url, errors=errors) as cluster:
        with pytest.raises(BadAnswer, match=words):
            await cluster.table(PODS)

    assert errors == [("m1", "badAnswer")]


async def test_rows_without_the_metadata_asked_for_are_refused() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(table([["a"]]))

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match="without the metadata"):
            await cluster.table(PODS, metadata=True)


async def test_columns_that_change_between_pages_are_refused() -> None:
    async def answer(request: web.Request) -> web.Response:
        if "continue" in request.query:
            return web.json_response(table([["a", "b"]], columns=("Name", "Ready")))
        return web.json_response(table([["a"]], "more"))

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match="columns changed"):
            await cluster.table(PODS)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (table([]), "asked for a list, the server sent a Table"),
        ({"kind": "PodList"}, "a PodList came without items"),
        (listed([]) | {"items": [1]}, "items is not a list of objects"),
        (listed([]) | {"items": {}}, "items is not a list of objects"),
    ],
)
async def test_a_list_of_another_shape_is_refused(page: Any, words: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(page)

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match=words):
            await cluster.objects(PODS)


async def test_more_pods_than_a_page_come_whole_from_the_emulator() -> None:
    emulated = Emulated("m1")
    for number in range(620):
        pod = {"metadata": {"name": f"p{number}", "namespace": "shop"}, "spec": {"containers": [{"name": "c"}]}}
        emulated.apply({"apiVersion": "v1", "kind": "Pod", **pod})
    emulated.faults.add("expiredPage", times=1)

    async with (
        KubeServer([emulated], tls=False) as server,
        cluster_at(server.url_of("m1"), auth=StaticHeader("Bearer emulator"), limits=Limits()) as cluster,
    ):
        found = await cluster.table(PODS)
        objects = await cluster.objects(PODS)

    name = found.column("Name")
    assert {row[name] for row in found.rows} == {f"p{number}" for number in range(620)}
    assert len(found.rows) == len(objects) == 620


async def test_of_a_list_that_is_kept_in_part_pages_are_put_together_and_what_is_alike_is_kept_once() -> None:
    def pod(name: str) -> dict[str, Any]:
        spec = {"containers": [{"name": "c", "image": "x"}], "nodeName": "n1"}
        return {"metadata": {"name": name, "managedFields": [{}]}, "spec": spec}

    async def answer(request: web.Request) -> web.Response:
        more = "continue" not in request.query
        return web.json_response(listed([pod("a" if more else "b")], "more" if more else ""))

    async with served(answer) as url, cluster_at(url) as cluster:
        first, second = await cluster.objects(PODS, keep=("spec.containers[].name",))

    assert first == {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c"}]}}
    assert second["metadata"] == {"name": "b"}
    assert first["spec"]["containers"] is second["spec"]["containers"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[]", "the answer is not a JSON object"),
        ("1", "the answer is not a JSON object"),
        ('{"kind": "PodList", "items": [', "the answer is not JSON: EOF while parsing"),
        ('{"kind": "PodList"} x', "the answer is not JSON: trailing characters"),
        ('{"kind": "PodList", "items": ' + "[" * 300, "the answer is not JSON: recursion limit exceeded"),
        ('{"kind": "Status", "items": []}', "asked for a list, the server sent a Status"),
        ('{"kind": "PodList"}', "a PodList came without items"),
        ('{"kind": "PodList", "items": [1]}', "items is not a list of objects"),
        ('{"kind": "PodList", "items": {}}', "items is not a list of objects"),
        ('{"kind": "PodList", "items": [], "metadata": {"continue": 1}}', "the continue token is not text"),
    ],
)
async def test_a_list_of_another_shape_is_refused_though_it_is_kept_in_part(body: str, words: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    async with served(answer) as url, cluster_at(url) as cluster:
        with pytest.raises(BadAnswer, match=words):
            await cluster.objects(PODS, keep=("spec.nodeName",))


@pytest.mark.parametrize("items", [[{"metadata": {"name": "a"}}], [1]])
async def test_the_garbage_collector_works_again_after_a_page(items: list[Any]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"kind": "PodList", "items": items})

    async with served(answer) as url, cluster_at(url) as cluster:
        with suppress(BadAnswer):
            await cluster.objects(PODS)

    assert gc.isenabled()
