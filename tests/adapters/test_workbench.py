"""The workbench over real HTTP, in front of an emulated cluster that runs Jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web

from gatekeeper.adapters.kube import KubeCluster as Client
from gatekeeper.adapters.kube_auth import Identity, StaticHeader
from gatekeeper.adapters.kube_config import Endpoint
from gatekeeper.adapters.workbench import KubeWorkbench, Workbenches
from gatekeeper.emulator.kube import KubeCluster, KubeServer
from gatekeeper.errors import BadAnswer, CouldNotLook, Forbidden, NotFound, ServerFault, Throttled, Unreachable
from gatekeeper.model import Member
from gatekeeper.tools import Workbench
from tests.adapters.kube_scripts import Handler, served

MEMBER = Member("m1", "/clusters/m1")
SOON, LONG = timedelta(seconds=0.15), timedelta(seconds=60)
JOB: dict[str, Any] = {
    "metadata": {"name": "smoke", "labels": {"team": "shop"}},
    "spec": {"template": {"spec": {"containers": [{"name": "smoke", "image": "smoke:1"}]}}},
}


@pytest.fixture
def cluster() -> KubeCluster:
    return KubeCluster("m1")


@pytest.fixture
async def server(cluster: KubeCluster) -> AsyncIterator[KubeServer]:
    async with KubeServer([cluster], tls=False) as running:
        yield running


class Bench:
    """Workbenches whose only member is at a URL."""

    def __init__(self, url: str) -> None:
        self.client = Client("m1", Endpoint(url), Identity(StaticHeader("Bearer sesame")))
        self.benches = Workbenches(self._connect)

    async def _connect(self, member: Member) -> Client:
        assert member == MEMBER
        return self.client

    @property
    def bench(self) -> KubeWorkbench:
        return self.benches(MEMBER)

    async def close(self) -> None:
        await self.benches.close()
        await self.client.close()


@pytest.fixture
async def opened(server: KubeServer) -> AsyncIterator[Bench]:
    bench = Bench(server.url_of("m1"))
    yield bench
    await bench.close()


@pytest.fixture
def bench(opened: Bench) -> Workbench:
    return opened.bench


def left(cluster: KubeCluster) -> list[str]:
    return [each["metadata"]["name"] for kind in ("Job", "Pod") for each in cluster.all_of(kind)]


async def there(cluster: KubeCluster, kind: str) -> None:
    while not cluster.all_of(kind):  # noqa: ASYNC110 - a cluster tells nobody
        await asyncio.sleep(0.01)


def writes(server: KubeServer) -> list[str]:
    return [entry.method for entry in server.journal if entry.method != "GET"]


async def test_a_job_that_completes_leaves_its_log_and_nothing_else(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.jobs.expect("complete", "smoke-*", log="one\ntwo\x1b[31m\n")

    run = await bench.run_job("default", JOB, LONG)

    assert (run.succeeded, run.reason, run.logs) == (True, "", "one\ntwo [31m")
    assert left(cluster) == []


async def test_a_job_is_ours_and_ends_even_if_we_do_not(bench: Workbench, cluster: KubeCluster) -> None:
    await bench.run_job("default", JOB, timedelta(seconds=2.5))

    (created,) = cluster.jobs.created
    spec, labels = created["spec"], {"app.kubernetes.io/managed-by": "fleet-gatekeeper"}
    name = created["metadata"]["name"]
    assert name.startswith("smoke-")
    assert len(name) == len("smoke-") + 8
    assert created["metadata"] == {"name": name, "namespace": "default", "labels": {"team": "shop", **labels}}
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"], spec["backoffLimit"]) == (33, 600, 0)
    assert spec["template"]["metadata"]["labels"] == labels
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


async def test_what_the_job_says_itself_stands_within_our_limits(bench: Workbench, cluster: KubeCluster) -> None:
    template = {"metadata": {"annotations": {"a": "b"}}, "spec": {**JOB["spec"]["template"]["spec"]}}
    template["spec"]["restartPolicy"] = "OnFailure"
    spec = {"backoffLimit": 2, "activeDeadlineSeconds": 5, "ttlSecondsAfterFinished": 9**9, "template": template}

    await bench.run_job("default", {"kind": "Job", "apiVersion": "batch/v1", "spec": spec}, LONG)

    created = cluster.jobs.created[0]["spec"]
    assert (created["activeDeadlineSeconds"], created["backoffLimit"]) == (5, 2)
    assert created["ttlSecondsAfterFinished"] == 600
    assert created["template"]["spec"]["restartPolicy"] == "OnFailure"
    assert created["template"]["metadata"]["annotations"] == {"a": "b"}


async def test_the_given_job_is_not_changed(bench: Workbench) -> None:
    before = orjson.dumps(JOB)

    await bench.run_job("default", JOB, LONG)

    assert orjson.dumps(JOB) == before


async def test_a_job_that_fails_says_why(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.jobs.expect("fail", log="no route to the database")

    run = await bench.run_job("default", JOB, LONG)

    assert (run.succeeded, run.logs) == (False, "no route to the database")
    assert run.reason.startswith("BackoffLimitExceeded: Job has reached")
    assert run.reason.endswith("container smoke ended with exit code 1")
    assert left(cluster) == []


@pytest.mark.parametrize(
    ("outcome", "words", "logs"),
    [("hang", "it did not end within 150ms", "still at it"), ("stuck", "container smoke waits: ImagePullBackOff", "")],
)
async def test_a_job_that_does_not_end_is_given_up_and_deleted(
    bench: Workbench, cluster: KubeCluster, outcome: Any, words: str, logs: str
) -> None:
    cluster.jobs.expect(outcome, log="still at it")

    run = await bench.run_job("default", JOB, SOON)

    assert (run.succeeded, run.logs) == (False, logs)
    assert words in run.reason
    assert left(cluster) == []


async def test_a_job_is_awaited(bench: Workbench, cluster: KubeCluster, server: KubeServer) -> None:
    cluster.jobs.expect("complete", after=0.25)

    run = await bench.run_job("default", JOB, LONG)

    looks = [entry for entry in server.journal if entry.method == "GET" and "/jobs/smoke-" in entry.path]
    assert run.succeeded
    assert 2 <= len(looks) <= 4


async def test_a_pod_that_is_not_scheduled_is_named(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.jobs.expect("hang")

    async def unschedule() -> None:
        await there(cluster, "Pod")
        (pod,) = cluster.all_of("Pod")
        condition = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
        status = {"phase": "Pending", "conditions": [condition]}
        cluster.patch("Pod", pod["metadata"]["name"], {"status": status})

    run, _ = await asyncio.gather(bench.run_job("default", JOB, SOON), unschedule())

    assert run.reason == "it did not end within 150ms; its pod is not scheduled: 0/3 nodes are available"


async def test_a_job_to_which_no_pod_is_given_says_so(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.jobs.expect("hang")

    async def refuse() -> None:
        await there(cluster, "Pod")
        (pod,) = cluster.all_of("Pod")
        cluster.delete("Pod", pod["metadata"]["name"], "default")

    run, _ = await asyncio.gather(bench.run_job("default", JOB, SOON), refuse())

    assert run.reason.startswith("it did not end within 150ms; it has no pod: does a quota, a webhook or a Pod")


async def test_of_a_log_with_long_lines_the_end_is_kept(bench: Workbench, cluster: KubeCluster) -> None:
    lines = [f"line {number} {'x' * 2000}" for number in range(200)]
    cluster.jobs.expect("fail", log="\n".join([*lines, "no route to the database"]))

    run = await bench.run_job("default", JOB, LONG)

    kept = run.logs.splitlines()
    assert (len(kept), kept[-1]) == (60, "no route to the database")
    assert len(kept[0]) == 300


async def test_of_a_pod_with_a_sidecar_the_container_that_failed_is_shown(
    bench: Workbench, cluster: KubeCluster
) -> None:
    cluster.jobs.expect("hang", log="asked")

    async def end() -> None:
        await there(cluster, "Pod")
        (pod,) = cluster.all_of("Pod")
        states = {"main": 2, "proxy": 143}
        main, proxy = ({"name": name, "state": {"terminated": {"exitCode": code}}} for name, code in states.items())
        status = {"phase": "Failed", "containerStatuses": [main], "initContainerStatuses": [proxy]}
        cluster.patch("Pod", pod["metadata"]["name"], {"status": status})

    run, _ = await asyncio.gather(bench.run_job("default", JOB, SOON), end())

    assert run.reason.endswith("container main ended with exit code 2")


async def test_who_is_cancelled_cleans_up_first(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.jobs.expect("hang")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await bench.run_job("default", JOB, LONG)

    assert len(cluster.jobs.created) == 1
    assert left(cluster) == []


async def test_who_is_cancelled_twice_cleans_up_all_the_same(opened: Bench, cluster: KubeCluster) -> None:
    cluster.jobs.expect("hang")
    cluster.faults.add("delay", path=r"propagationPolicy", seconds=0.1)
    task = asyncio.ensure_future(opened.bench.run_job("default", JOB, LONG))
    await there(cluster, "Job")
    task.cancel()
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    before = left(cluster)
    await opened.benches.close()

    assert (len(before), left(cluster)) == (2, [])


async def test_a_job_whose_creation_was_not_confirmed_is_deleted(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.jobs.expect("hang")
    cluster.faults.add("malformed", path=r"/jobs$", times=1)  # created, and the look at it fails then
    cluster.faults.add("status", path=r"/jobs/smoke-[0-9a-f]+$", status=500, times=1)

    with pytest.raises(CouldNotLook):
        await bench.run_job("default", JOB, LONG)

    assert left(cluster) == []


async def test_a_lost_connection_is_an_error(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.jobs.expect("hang")
    cluster.faults.add("unreachable", path=r"/jobs/smoke-[0-9a-f]+$")

    with pytest.raises(Unreachable):
        await bench.run_job("default", JOB, LONG)

    assert left(cluster) == []


@pytest.mark.parametrize(
    ("verb", "resource"), [("create", "jobs"), ("get", "jobs"), ("list", "jobs"), ("delete", "jobs")]
)
async def test_without_the_role_one_is_told_what_to_install(
    bench: Workbench, cluster: KubeCluster, verb: str, resource: str
) -> None:
    cluster.access.denied.add((verb, "batch", resource))

    with pytest.raises(Forbidden, match="install the Role fleet-gatekeeper-prober: deploy/kustomize/member"):
        await bench.run_job("default", JOB, LONG)


async def test_logs_that_cannot_be_read_do_not_change_the_outcome(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.access.denied.add(("get", "", "pods/log"))

    run = await bench.run_job("default", JOB, LONG)

    assert run.succeeded
    assert run.logs.startswith("(the logs could not be read: m1: GET /api/v1/namespaces/default/pods/smoke-")


async def test_logs_that_cannot_be_read_do_not_hide_the_reason(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.access.denied.add(("get", "", "pods/log"))
    cluster.jobs.expect("fail")

    run = await bench.run_job("default", JOB, LONG)

    assert run.reason.endswith("container smoke ended with exit code 1")
    assert run.logs.startswith("(the logs could not be read: ")


async def test_a_namespace_that_is_not_there_is_named(bench: Workbench) -> None:
    with pytest.raises(NotFound, match=r'namespaces "nowhere" not found .*member-probes'):
        await bench.run_job("nowhere", JOB, LONG)


@pytest.mark.parametrize("namespace", ["", ".", "..", "a/b", "A"])
async def test_what_is_no_namespace_is_not_asked_for(namespace: str, bench: Workbench, server: KubeServer) -> None:
    with pytest.raises(CouldNotLook):
        await bench.run_job(namespace, JOB, LONG)

    assert writes(server) == []


@pytest.mark.parametrize(
    "job",
    [
        {"kind": "Pod"},
        {"apiVersion": "batch/v1beta1"},
        {"metadata": "odd"},
        {"metadata": {"labels": []}},
        {"metadata": {"name": "Ünfit"}},
        {"metadata": {"name": "a" * 51}},
        {"spec": []},
        {"spec": {"template": 1}},
    ],
)
async def test_what_is_no_job_is_not_created(job: dict[str, Any], bench: Workbench, server: KubeServer) -> None:
    with pytest.raises(BadAnswer):
        await bench.run_job("default", job, LONG)

    assert writes(server) == []


async def test_what_an_earlier_crash_left_behind_is_deleted_first(cluster: KubeCluster) -> None:
    moment = datetime.now(UTC)
    cluster.clock = lambda: moment

    def job(name: str, age: timedelta, labels: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
        created = (moment - age).strftime("%Y-%m-%dT%H:%M:%SZ")
        mine = {"app.kubernetes.io/managed-by": "fleet-gatekeeper"} if labels is None else labels
        metadata |= {"name": name, "creationTimestamp": created, "labels": mine}
        return {"kind": "Job", "metadata": metadata, "spec": {"activeDeadlineSeconds": 600}}

    cluster.apply_all(
        [
            job("old", timedelta(hours=2)),
            job("young", timedelta(minutes=69)),
            job("others", timedelta(days=9), labels={"app.kubernetes.io/managed-by": "Helm"}),
            job("going", timedelta(days=9), deletionTimestamp="2026-01-01T00:00:00Z"),
        ]
    )
    async with KubeServer([cluster], tls=False) as server:
        opened = Bench(server.url_of("m1"))
        await opened.bench.run_job("default", JOB, LONG)
        await opened.close()

    assert left(cluster) == ["going", "others", "young"]


def pod(name: str = "web-0") -> dict[str, Any]:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {"kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}}, "spec": {}, "status": status}


def budget(name: str, allowed: int) -> dict[str, Any]:
    status = {"observedGeneration": 1, "currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": allowed}
    spec = {"selector": {"matchLabels": {"app": "web"}}}
    return {"kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("budgets", "allowed", "status", "words"),
    [
        ([], True, 201, ""),
        ([budget("a", 1)], True, 201, ""),
        ([budget("a", 0)], False, 429, "disruption budget. The disruption budget a needs 1 healthy pods and has 1"),
        ([budget("a", 1), budget("b", 1)], False, 500, "more than one PodDisruptionBudget"),
    ],
)
async def test_an_eviction_is_tried_and_nobody_is_evicted(
    bench: Workbench, cluster: KubeCluster, budgets: list[Any], allowed: bool, status: int, words: str
) -> None:
    cluster.apply_all([pod(), *budgets])

    answer = await bench.would_evict("default", "web-0")

    assert (answer.allowed, answer.status, words in answer.message) == (allowed, status, True)
    assert (left(cluster), cluster.jobs.evicted) == (["web-0"], [])


async def test_the_eviction_of_a_pod_that_is_not_there_is_no_answer(bench: Workbench) -> None:
    with pytest.raises(NotFound):
        await bench.would_evict("default", "web-0")


async def test_who_may_not_evict_is_told_what_to_install(bench: Workbench, cluster: KubeCluster) -> None:
    cluster.apply(pod())
    cluster.access.denied.add(("create", "", "pods/eviction"))

    with pytest.raises(Forbidden, match="install the ClusterRole fleet-gatekeeper-prober"):
        await bench.would_evict("default", "web-0")


@pytest.mark.parametrize("name", ["", "..", "a/b", "A B"])
async def test_what_is_no_pods_name_is_not_asked_for(name: str, bench: Workbench, server: KubeServer) -> None:
    with pytest.raises(BadAnswer):
        await bench.would_evict("default", name)

    assert writes(server) == []


def status_of(code: int, **more: Any) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": code} | more


@pytest.mark.parametrize(
    ("http", "body", "error"),
    [
        (429, status_of(429), Throttled),  # of API priority and fairness, not of a budget
        (500, status_of(500), ServerFault),
        (201, status_of(409), ServerFault),
        (201, {"kind": "Eviction"}, BadAnswer),
        (201, status_of(201, status="Odd"), ServerFault),
        (500, status_of(500, status="Success"), ServerFault),
        (503, status_of(503), ServerFault),
        (409, status_of(409), CouldNotLook),
        (200, [], BadAnswer),
    ],
)
async def test_only_a_status_of_success_is_a_yes(http: int, body: Any, error: type[CouldNotLook]) -> None:
    async with answering(http, body) as opened:
        with pytest.raises(error):
            await opened.bench.would_evict("default", "web-0")


async def test_the_refusal_of_two_budgets_may_stand_in_the_body_alone() -> None:
    body = status_of(500, message="This pod has more than one PodDisruptionBudget, which ... does not support.")

    async with answering(201, body) as opened:
        answer = await opened.bench.would_evict("default", "web-0")

    assert (answer.allowed, answer.status) == (False, 500)


class answering:  # noqa: N801 - a context manager, used like a function
    """A server that answers everything with one thing."""

    def __init__(self, status: int, body: object) -> None:
        async def handle(_: web.Request) -> web.Response:
            return web.json_response(body, status=status)

        handler: Handler = handle
        self._served = served(handler)

    async def __aenter__(self) -> Bench:
        self._opened = Bench(await self._served.__aenter__())
        return self._opened

    async def __aexit__(self, *error: object) -> None:
        await self._opened.close()
        await self._served.__aexit__(None, None, None)
