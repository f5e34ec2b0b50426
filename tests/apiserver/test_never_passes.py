"""Where a check passes, it does not when any of what it read there cannot be read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gatekeeper.by_hand import policy_of_check
from gatekeeper.check import ClusterCheck
from gatekeeper.emulator.kube import KubeCluster, KubeServer, Manifest
from gatekeeper.emulator.kube.manifests import merge
from gatekeeper.registry import Registry
from gatekeeper.testing import assert_never_passes
from tests.apiserver.asking import ask_check
from tests.apiserver.control_plane import ADMIN
from tests.apiserver.site import beside
from tests.apiserver.specimens import Case, cases, described
from tests.apiserver.surroundings import course
from tests.apiserver.world_emulated import EmulatedWorld
from tests.apiserver.worlds import CONTEXT

VERSION = "v1.34.2"
COUNTED = "nobody uses what goes"
PASSED = [case for check in described() for case in cases(check) if case.outcome == "passed"]
BESIDE = [case for case in PASSED if case.is_beside]
OF_JOBS = [case for case in PASSED if case.jobs]
PASSING = [
    case
    for case in PASSED
    # What a server beside the cluster says, or a Job in it, is spoiled below; evictions are tried in test_evictions.py.
    if not (case.is_beside or case.jobs or case.check == "time-window" or "askServer=true" in case.params)
    # These need a server that ages, deletes or loses its etcd, or counts what it is asked.
    and not (case.aged or case.unready or any(each.get("deleted") for each in case.changes))
    and case.name != COUNTED
    # An empty list is what these are content with.
    and "expect=any" not in case.params
]


@pytest.mark.parametrize("case", PASSING, ids=str)
async def test_it_never_passes_on_less_than_it_needs(case: Case) -> None:
    (spec,) = policy_of_check(case.check, case.params, Registry.discover()).checks
    assert isinstance(spec.check, ClusterCheck)
    objects = [as_served(each) for each in case.objects(VERSION)[0]]

    await assert_never_passes(spec.check, objects, case.goal(VERSION), now=datetime.now(UTC), member=case.member())


def as_served(manifest: Manifest) -> Manifest:
    """With what an API server adds by itself."""
    added: Manifest = {"metadata": {"generation": 1}}
    if manifest["kind"] == "Namespace":
        added["status"] = {"phase": "Active"}
    return merge(added, manifest)


async def refuse(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"status": "success"')
    return await refuse(request)


def always(**answer: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(**answer)

    return handler


SPOILED = {
    "nobody answers": refuse,
    "an answer breaks off": break_off,
    "401": always(status=401),
    "404": always(status=404, text="404 page not found"),
    "a redirect": always(status=302, headers={"Location": "/"}),
    "500": always(status=500, text='{"outcome": "passed", "message": "no"}'),
    "nothing to say": always(status=204),
}
EMPTY = {"an empty body": "", "null": "null", "a list": "[]", "an object": "{}", "a page": "<html>"}


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("case", BESIDE, ids=str)
async def test_it_never_passes_where_the_server_beside_the_cluster_does_not_answer(
    case: Case, how: str, tmp_path: Path
) -> None:
    await assert_spoiled(case, SPOILED[how], tmp_path)


@pytest.mark.parametrize("how", EMPTY)
@pytest.mark.parametrize(
    "case",
    # A probe that wants no more than status 200 has it.
    [case for case in BESIDE if case.check != "http-probe" or any("expression" in each for each in case.params)],
    ids=str,
)
async def test_it_never_passes_on_an_answer_that_says_nothing(case: Case, how: str, tmp_path: Path) -> None:
    await assert_spoiled(case, always(text=EMPTY[how], content_type="application/json"), tmp_path)


async def assert_spoiled(
    case: Case, spoil: Callable[[web.Request], Awaitable[web.StreamResponse]], folder: Path
) -> None:
    async with KubeServer([KubeCluster(CONTEXT)]) as server, beside(case, folder, spoil) as params:
        world = EmulatedWorld(server, folder)
        finding = await ask_check(world.kubeconfig(ADMIN), case.check, params, case.goal(VERSION), case.member())

    assert finding.outcome != "passed", finding


@pytest.mark.parametrize("verb", ["create", "get", "list", "delete"])
@pytest.mark.parametrize("case", OF_JOBS, ids=str)
async def test_it_never_passes_where_a_job_cannot_be_run_watched_and_deleted(
    case: Case, verb: str, tmp_path: Path
) -> None:
    async with KubeServer([KubeCluster(CONTEXT)]) as server:
        world = EmulatedWorld(server, tmp_path)
        await world.fill(*case.objects(VERSION))
        kubeconfig = world.kubeconfig(ADMIN)
        server.clusters[CONTEXT].access.denied.add((verb, "batch", "jobs"))
        async with world.running(course(case)):
            finding = await ask_check(kubeconfig, case.check, case.params)

    assert finding.outcome == "error", finding
    assert "install the Role fleet-gatekeeper-prober" in finding.message


@pytest.mark.parametrize("kind", ["unreachable", "malformed", "status"])
@pytest.mark.parametrize("case", OF_JOBS, ids=str)
async def test_it_never_passes_where_the_answers_about_a_job_are_odd(case: Case, kind: str, tmp_path: Path) -> None:
    async with KubeServer([KubeCluster(CONTEXT)]) as server:
        world = EmulatedWorld(server, tmp_path)
        await world.fill(*case.objects(VERSION))
        server.clusters[CONTEXT].faults.add(kind, path=r"/jobs/[^?]*$")
        async with world.running(course(case)):
            finding = await ask_check(world.kubeconfig(ADMIN), case.check, case.params)

    assert finding.outcome == "error", finding


@pytest.mark.parametrize(
    "metrics", ["", "up 1\n", "<html>", '{"kind": "Status"}', "apiserver_requested_deprecated_apis 1"]
)
async def test_it_never_passes_on_metrics_that_are_not_those_of_an_api_server(metrics: str, tmp_path: Path) -> None:
    (case,) = (case for case in PASSED if case.name == COUNTED)
    async with KubeServer([KubeCluster(CONTEXT)]) as server:
        world = EmulatedWorld(server, tmp_path)
        await world.fill(*case.objects(VERSION))
        server.clusters[CONTEXT].metrics = metrics
        finding = await ask_check(world.kubeconfig(ADMIN), case.check, case.params, case.goal(VERSION))

    assert finding.outcome == "error", finding
