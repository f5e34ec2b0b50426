"""Jobs that run in an emulated cluster: created, ended by the clock, read, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from gatekeeper.emulator.kube import KubeCluster, aks_cluster
from gatekeeper.emulator.kube.api import Request, answer
from gatekeeper.emulator.kube.manifests import condition

JOBS = "/apis/batch/v1/namespaces/shop/jobs"
PODS = "/api/v1/namespaces/shop/pods"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cluster(clock: Clock) -> KubeCluster:
    return aks_cluster("north", pools={"system": (1, "system"), "user": (1, "user")}, clock=clock)


def job(name: str = "probe", annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "probe", "image": "probe:1"}]}
    return {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": pod}, **spec},
    }


def ask(cluster: KubeCluster, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
    sent = b"" if body is None else orjson.dumps(body)
    found = answer(cluster, Request(method, path, query, authorization="Bearer t", body=sent))
    return found.status, orjson.loads(found.body) if found.content_type == "application/json" else found.body.decode()


def state(cluster: KubeCluster, name: str = "probe") -> str:
    status, found = ask(cluster, "GET", f"{JOBS}/{name}")
    assert status == 200
    for kind in ("Complete", "Failed"):
        if ended := condition(found, kind):
            return f"{kind} {ended['reason']}"
    return "running"


def pods(cluster: KubeCluster) -> list[str]:
    _, found = ask(cluster, "GET", PODS, labelSelector="batch.kubernetes.io/job-name=probe")
    return [each["status"]["phase"] for each in found["items"]]


def test_without_a_rule_a_job_is_complete_at_once(cluster: KubeCluster) -> None:
    status, made = ask(cluster, "POST", JOBS, job())

    assert (status, made["metadata"]["namespace"], made["status"]["succeeded"]) == (201, "shop", 1)
    assert (state(cluster), pods(cluster)) == ("Complete CompletionsReached", ["Succeeded"])


@pytest.mark.parametrize(
    ("outcome", "ended", "pod"),
    [("complete", "Complete CompletionsReached", "Succeeded"), ("fail", "Failed BackoffLimitExceeded", "Failed")],
)
def test_a_job_ends_when_its_time_has_come(
    cluster: KubeCluster, clock: Clock, outcome: Any, ended: str, pod: str
) -> None:
    cluster.jobs.expect(outcome, "probe*", after=5)
    ask(cluster, "POST", JOBS, job())
    clock.passes(4)
    before = state(cluster), pods(cluster)
    clock.passes(1)

    assert before == ("running", ["Running"])
    assert (state(cluster), pods(cluster)) == (ended, [pod])


def test_annotations_outweigh_rules_and_later_rules_earlier_ones(cluster: KubeCluster) -> None:
    cluster.jobs.expect("hang")
    cluster.jobs.expect("fail", "pro*")
    ask(cluster, "POST", JOBS, job())
    ask(cluster, "POST", JOBS, job("other"))
    ask(cluster, "POST", JOBS, job("third", {"emulator/outcome": "complete", "emulator/after": "0"}))

    assert [state(cluster, name) for name in ("probe", "other", "third")] == [
        "Failed BackoffLimitExceeded",
        "running",
        "Complete CompletionsReached",
    ]


@pytest.mark.parametrize("outcome", ["hang", "stuck"])
def test_a_job_without_an_end_is_ended_by_its_deadline_and_loses_its_pod(
    cluster: KubeCluster, clock: Clock, outcome: Any
) -> None:
    cluster.jobs.expect(outcome)
    ask(cluster, "POST", JOBS, job(activeDeadlineSeconds=60))
    clock.passes(59)
    before = state(cluster), len(pods(cluster))
    clock.passes(1)

    assert before == ("running", 1)
    assert (state(cluster), pods(cluster)) == ("Failed DeadlineExceeded", [])


def test_a_finished_job_goes_with_its_pod_when_its_time_to_live_is_over(cluster: KubeCluster, clock: Clock) -> None:
    ask(cluster, "POST", JOBS, job(ttlSecondsAfterFinished=60))
    ask(cluster, "GET", JOBS)
    clock.passes(60)

    assert ask(cluster, "GET", f"{JOBS}/probe")[0] == 404
    assert pods(cluster) == []


@pytest.mark.parametrize(("policy", "left"), [({}, 1), ({"propagationPolicy": "Background"}, 0)])
@pytest.mark.parametrize("in_body", [False, True])
def test_a_job_is_deleted_and_its_pods_only_when_that_is_asked_for(
    cluster: KubeCluster, policy: dict[str, str], left: int, in_body: bool
) -> None:
    ask(cluster, "POST", JOBS, job())

    deleted, _ = ask(cluster, "DELETE", f"{JOBS}/probe", policy if in_body else None, **({} if in_body else policy))

    assert (deleted, len(pods(cluster))) == (200, left)
    assert ask(cluster, "DELETE", f"{JOBS}/probe")[0] == 404


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"kind": "Pod"}, 400, "no Job"),
        ({"metadata": {}}, 400, "no Job"),
        ({"metadata": {"name": "a" * 64}}, 400, "no Job"),
        ({"metadata": {"name": "a", "namespace": "b"}}, 400, "does not match"),
        ({"spec": {}}, 422, "containers: Required value"),
        ({"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}}, 422, "restartPolicy"),
        ({"metadata": {"name": "a", "annotations": {"emulator/outcome": "odd"}}}, 422, "odd is none of"),
    ],
)
def test_what_is_no_job_is_refused(cluster: KubeCluster, change: dict[str, Any], status: int, words: str) -> None:
    refused, body = ask(cluster, "POST", JOBS, job() | change)

    assert refused == status
    assert words in body["message"]


def test_a_job_is_created_once_and_in_a_namespace_that_is_there(cluster: KubeCluster) -> None:
    ask(cluster, "POST", JOBS, job())

    assert ask(cluster, "POST", JOBS, job())[1]["message"] == 'jobs.batch "probe" already exists'
    gone = ask(cluster, "POST", JOBS.replace("shop", "nowhere"), job())
    assert (gone[0], gone[1]["message"]) == (404, 'namespaces "nowhere" not found')


def test_a_dry_run_creates_nothing(cluster: KubeCluster) -> None:
    assert ask(cluster, "POST", JOBS, job(), dryRun="All")[0] == 201
    assert ask(cluster, "GET", f"{JOBS}/probe")[0] == 404


@pytest.mark.parametrize(
    ("rule", "method", "path", "message"),
    [
        (("create", "batch", "jobs"), "POST", JOBS, 'cannot create resource "jobs" in API group "batch"'),
        (("delete", "batch", "jobs"), "DELETE", f"{JOBS}/probe", 'cannot delete resource "jobs" in API group "batch"'),
        (("get", "", "pods/log"), "GET", f"{PODS}/db-0/log", 'cannot get resource "pods/log" in API group ""'),
        (("create", "", "pods/eviction"), "POST", f"{PODS}/db-0/eviction", 'create resource "pods/eviction"'),
        (("get", "", "services/proxy"), "GET", "/api/v1/namespaces/shop/services/web:80/proxy/", "services/proxy"),
    ],
)
def test_who_may_not_is_told_so(
    cluster: KubeCluster, rule: tuple[str, str, str], method: str, path: str, message: str
) -> None:
    cluster.access.denied.add(rule)

    status, body = ask(cluster, method, path, job())

    assert (status, message in body["message"]) == (403, True)


def log(cluster: KubeCluster, **query: str) -> tuple[int, Any]:
    _, found = ask(cluster, "GET", PODS, labelSelector="job-name=probe")
    return ask(cluster, "GET", f"{PODS}/{found['items'][0]['metadata']['name']}/log", **query)


def test_the_log_of_a_pod_is_cut_as_asked(cluster: KubeCluster) -> None:
    cluster.jobs.expect("complete", log="one\ntwo\nthree\n")
    ask(cluster, "POST", JOBS, job())

    assert log(cluster) == (200, "one\ntwo\nthree\n")
    assert log(cluster, tailLines="2", container="probe") == (200, "two\nthree\n")
    assert log(cluster, tailLines="2", limitBytes="5") == (200, "two\nt")
    assert log(cluster, container="odd")[0] == 400


def test_a_pod_that_waits_for_its_image_has_no_log(cluster: KubeCluster) -> None:
    cluster.jobs.expect("stuck")
    ask(cluster, "POST", JOBS, job())

    status, body = log(cluster)

    assert (status, "is waiting to start" in body["message"]) == (400, True)
    assert pods(cluster) == ["Pending"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_a_body_that_is_no_object_is_refused(cluster: KubeCluster, body: bytes) -> None:
    assert answer(cluster, Request("POST", JOBS, {}, authorization="Bearer t", body=body)).status == 400


def test_a_service_answers_through_the_proxy(cluster: KubeCluster) -> None:
    cluster.proxied = {"shop/web:80/healthz": (200, "ok"), "shop/https:web:443/": (500, "sick")}
    cluster.apply({"kind": "Service", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "shop"}})
    services = "/api/v1/namespaces/shop/services"

    assert ask(cluster, "GET", f"{services}/web:80/proxy/healthz") == (200, "ok")
    assert ask(cluster, "GET", f"{services}/http:web:80/proxy/healthz") == (200, "ok")
    assert ask(cluster, "GET", f"{services}/https:web:443/proxy/") == (500, "sick")
    nobody = ask(cluster, "GET", f"{services}/web:80/proxy/other")
    assert (nobody[0], nobody[1]["message"]) == (503, 'no endpoints available for service "web"')
    gone = ask(cluster, "GET", f"{services}/nothing:80/proxy/")
    assert (gone[0], gone[1]["message"]) == (404, 'services "nothing" not found')


def test_a_pod_that_no_node_takes_has_no_log(cluster: KubeCluster) -> None:
    cluster.jobs.expect("unscheduled")
    ask(cluster, "POST", JOBS, job())

    _, pods = ask(cluster, "GET", PODS, labelSelector="job-name=probe")
    status, log = ask(cluster, "GET", f"{PODS}/{pods['items'][0]['metadata']['name']}/log")

    assert (state(cluster), status, log) == ("running", 204, "")
    assert pods["items"][0]["status"]["conditions"][0]["reason"] == "Unschedulable"
