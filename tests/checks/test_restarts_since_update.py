"""restarts-since-update: rows and containers with their restarts -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.restarts_since_update import PODS, RestartsSinceUpdate, _is_suspect
from gatekeeper.check import BadAnswer, Finding, Forbidden
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding, member

CHECK = RestartsSinceUpdate()
UPDATED = 3600  # seconds ago
MEMBER = member(started_at=NOW - timedelta(hours=2), completed_at=NOW - timedelta(seconds=UPDATED))


def ago(seconds: float | None) -> str | None:
    return None if seconds is None else (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def container(
    restarts: int = 0,
    ended: float | None = None,
    began: float | None = None,
    *,
    running: float | None = 10,
    name: str = "web",
) -> Any:
    """Times are in seconds ago: of the end and the begin of the run before, and of the begin of this one."""
    last = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(ended), "startedAt": ago(began)}
    return {
        "name": name,
        "restartCount": restarts,
        "ready": running is not None,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}
        if running is None
        else {"running": {"startedAt": ago(running)}},
        "lastState": {"terminated": {key: value for key, value in last.items() if value}} if ended or began else {},
    }


def pod(
    *containers: Any,
    name: str = "web-7c9d-x",
    age: float = 9 * 86400,
    owner: str = "ReplicaSet web-7c9d",
    **status: Any,
) -> Any:
    kind, owner_name = owner.split()
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"pod-template-hash": "7c9d"},
            "creationTimestamp": ago(age),
            "ownerReferences": [{"kind": kind, "name": owner_name, "controller": True}],
        },
        "spec": {"nodeName": "n1", "containers": [{"name": each["name"]} for each in containers or (container(),)]},
        "status": {"phase": "Running", "containerStatuses": list(containers or (container(),)), **status},
    }


async def seen(*pods: Any, check: RestartsSinceUpdate = CHECK, about: Any = MEMBER) -> Finding:
    return await ask(check, FakeCluster(pods), member=about)


async def test_pods_without_restarts_pass_on_their_rows_alone() -> None:
    cluster = FakeCluster([pod(), pod(name="web-2")])

    finding = await ask(CHECK, cluster, member=MEMBER)

    assert_finding(
        finding, "passed", "no container of 2 pods restarted since the update was completed 1h ago", codes=[]
    )
    assert cluster.asked == [PODS]


@pytest.mark.parametrize("ended", [3 * 3600, 3600 * 9, 86400 * 30, 86400 * 800])
async def test_a_restart_before_the_update_does_not_count_and_is_not_even_read(ended: float) -> None:
    cluster = FakeCluster([pod(container(41, ended, ended + 60, running=ended - 1))])

    assert_finding(await ask(CHECK, cluster, member=MEMBER), "passed", codes=[])
    assert cluster.asked == [PODS]


@pytest.mark.parametrize("ended", [3601, 3659])
async def test_a_restart_whose_age_in_the_row_is_too_coarse_is_read_and_does_not_count(ended: float) -> None:
    cluster = FakeCluster([pod(container(4, ended, 9999, running=3590))])

    assert_finding(await ask(CHECK, cluster, member=MEMBER), "passed", codes=[])
    assert cluster.asked == [PODS, PODS]


@pytest.mark.parametrize(
    ("restarted", "times"),
    [
        (container(1, 60, 9 * 86400), "1 restart"),
        (container(41, 60, 7200), "1 restart"),
        (container(41, 60, 7200, running=None), "1 restart"),
        (container(1, 60, 120), "1 restart"),
        (container(5, 60, 120), "2 to 5 restarts"),
        (container(5, 60, 120, running=None), "1 to 5 restarts"),
        (container(3, running=60), "1 to 3 restarts"),
        (container(3, None, 60, running=60), "1 to 3 restarts"),
        (container(2, 3600, 7200), "1 restart"),
    ],
)
async def test_a_restart_since_the_update_fails(restarted: Any, times: str) -> None:
    finding = await seen(pod(), pod(restarted, name="web-7c9d-y"))

    assert_finding(
        finding, "failed", "1 container restarted", codes=["ContainerRestarted"], subjects=["Deployment shop/web"]
    )
    assert f"pod web-7c9d-y, container web: {times} since 2026-11-23 09:00:00Z" in finding.evidence[0].observed
    assert finding.evidence[0].hint == "kubectl -n shop logs web-7c9d-y -c web --previous"


async def test_all_restarts_of_a_pod_younger_than_the_update_count() -> None:
    finding = await seen(pod(container(5, 60, 120), age=1800))

    assert_finding(finding, "failed", "1 container restarted 5 times since")


@pytest.mark.parametrize(
    ("restarted", "outcome"),
    [
        (container(7, running=4000), "passed"),
        (container(7, 3601, 9999, running=3590), "passed"),
        (container(7, 60, 7200), "failed"),
        (container(7, running=None), "inconclusive"),
    ],
)
async def test_a_static_pod_is_older_than_its_copy_says(restarted: Any, outcome: str) -> None:
    """Its copy, which a Node owns, is made anew when somebody deletes it, and goes on to count."""
    assert_finding(await seen(pod(restarted, age=60, owner="Node n1")), outcome)


async def test_restarts_that_nobody_dated_are_inconclusive() -> None:
    finding = await seen(pod(container(3, running=None)))

    assert_finding(finding, "inconclusive", "0 to 3 restarts", codes=["RestartsNotProven"])


async def test_restarts_without_an_age_of_a_container_that_runs_since_before_the_update_do_not_count() -> None:
    assert_finding(await seen(pod(container(3, running=4000))), "passed")


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        ({"maxRestarts": 1}, "failed"),
        ({"maxRestarts": 2}, "inconclusive"),
        ({"maxRestarts": 5}, "passed"),
        ({"maxRestarts": 5, "maxTotal": 2}, "failed"),
        ({"maxRestarts": 5, "maxTotal": 3}, "inconclusive"),
        ({"maxRestarts": 5, "maxTotal": 6}, "passed"),
    ],
)
async def test_so_many_restarts_are_tolerated_in_each_and_in_all(check: dict[str, Any], outcome: str) -> None:
    pods = [pod(container(5, 60, 120), container(1, 60, 7200, name="proxy"))]

    finding = await seen(*pods, check=RestartsSinceUpdate.model_validate(check))

    assert_finding(finding, outcome, codes=["ContainerRestarted", "ContainerRestarted"])


async def test_it_counts_from_the_start_of_the_update_if_told_so() -> None:
    restarted = pod(container(1, 5400, 9999, running=5400))

    assert_finding(await seen(restarted), "passed")
    assert_finding(await seen(restarted, check=RestartsSinceUpdate(since="started")), "failed", "started 2h ago")


@pytest.mark.parametrize("since", ["started", "completed"])
async def test_a_member_whose_update_has_no_time_is_inconclusive(since: Any) -> None:
    finding = await seen(pod(container(9, 60)), check=RestartsSinceUpdate(since=since), about=member())

    assert_finding(finding, "inconclusive", f"does not say when the update of c1 was {since}")


async def test_an_update_in_the_future_is_inconclusive() -> None:
    assert_finding(
        await seen(pod(), about=member(completed_at=NOW + timedelta(minutes=1))), "inconclusive", "in the future"
    )


async def test_a_cluster_without_pods_is_inconclusive() -> None:
    assert_finding(await seen(), "inconclusive", "there is no pod to look at")


async def test_restarts_of_init_containers_count() -> None:
    finding = await seen(pod(container(1, 60, 7200), initContainerStatuses=[container(2, 60, 7200, name="migrate")]))

    assert_finding(finding, "failed", "2 containers restarted 2 times")


async def test_pods_of_jobs_are_left_to_their_job() -> None:
    assert_finding(await seen(pod(container(3, 60, 120), owner="Job nightly-1")), "passed")


async def test_a_pod_without_a_controller_is_its_own_subject() -> None:
    alone = pod(container(1, 60, 7200))
    del alone["metadata"]["ownerReferences"]

    assert_finding(await seen(alone), "failed", subjects=["Pod shop/web-7c9d-x"])


async def test_too_many_suspects_are_inconclusive_or_failed_by_those_that_were_read() -> None:
    old = [pod(container(1, running=4000), name=f"web-{i:02}") for i in range(51)]
    new = [pod(container(1, 60, 7200), name=f"web-{i:02}") for i in range(51)]

    assert_finding(await seen(*old), "inconclusive", "1 more may have")
    assert_finding(await seen(*new), "failed", "50 containers restarted 50 times")


async def test_only_the_chosen_namespaces_are_looked_at() -> None:
    check = RestartsSinceUpdate.model_validate({"namespaces": {"exclude": ["shop"]}})
    elsewhere = pod(name="api")
    elsewhere["metadata"]["namespace"] = "pay"

    assert_finding(await seen(pod(container(9, 60, 120)), elsewhere, check=check), "passed", "1 pod")


@pytest.mark.parametrize(
    "cell", ["4 (<invalid> ago)", "4 (<unknown> ago)", "", None, 4, "many", "4 (9h)", "4 (9x ago)", "-1", "4 (9h ago) "]
)
async def test_a_row_that_cannot_be_read_is_a_suspect(cell: object) -> None:
    class Odd(FakeCluster):
        async def table(self, *args: Any, **kwargs: Any) -> Any:
            table = await super().table(*args, **kwargs)
            place = table.column("Restarts")
            rows = tuple((*row[:place], cell, *row[place + 1 :]) for row in table.rows)
            return type(table)(table.columns, rows)

    assert_finding(await ask(CHECK, Odd([pod(container(1, 60, 7200))]), member=MEMBER), "failed")


@pytest.mark.parametrize(
    "statuses", ["none", [], None, [1], [{"name": "web"}], [{"name": "$(x)"}], [{"name": "web", "restartCount": "3"}]]
)
async def test_a_pod_of_another_shape_is_no_answer(statuses: Any) -> None:
    class Odd(FakeCluster):
        async def objects(self, *args: Any, **kwargs: Any) -> Any:
            return [
                {**each, "status": {"containerStatuses": statuses}} for each in await super().objects(*args, **kwargs)
            ]

    with pytest.raises(BadAnswer):
        await ask(CHECK, Odd([pod(container(1, 60, 7200))]), member=MEMBER)


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([pod()])
    cluster.fail(PODS, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster, member=MEMBER)


moments = st.integers(1, 3 * UPDATED)


@given(st.lists(moments, max_size=5, unique=True), moments)
async def test_the_true_number_of_restarts_lies_within_the_bounds(ends: list[int], age: int) -> None:
    """A container that ran from its pod's creation on, and was restarted at once whenever it ended."""
    ends = sorted((end for end in ends if end < age), reverse=True)
    begins = [age, *ends]
    last = (ends[-1], begins[-2]) if ends else (None, None)
    truth = sum(end <= UPDATED for end in ends)

    finding = await seen(pod(container(len(ends), *last, running=begins[-1]), age=age))
    tolerant = await seen(
        pod(container(len(ends), *last, running=begins[-1]), age=age),
        check=RestartsSinceUpdate(max_restarts=truth),
    )
    strict = RestartsSinceUpdate(max_restarts=max(truth - 1, 0))

    assert (finding.outcome == "passed") == (truth == 0)
    assert tolerant.outcome != "failed"
    if truth:
        again = await seen(pod(container(len(ends), *last, running=begins[-1]), age=age), check=strict)
        assert again.outcome != "passed"


@given(st.integers(0, 400 * 86400))
async def test_a_row_never_hides_a_restart_since_the_update(ended: int) -> None:
    finding = await seen(pod(container(1, ended, ended + 5, running=0)))

    assert (finding.outcome == "passed") == (NOW - timedelta(seconds=ended) < NOW - timedelta(seconds=UPDATED))


async def test_a_namesake_that_has_not_started_does_not_disturb() -> None:
    waiting = pod(name="redis-0", phase="Pending", containerStatuses=None)
    waiting["metadata"]["namespace"] = "pay"
    finding = await seen(pod(container(1, 60, 120), name="redis-0"), waiting)

    assert_finding(finding, "failed", "1 container restarted", codes=["ContainerRestarted"])


async def test_evidence_says_the_day_and_counts_in_the_singular() -> None:
    one = await seen(pod(container(1, 60, 90_000)))
    many = await seen(pod(container(4, 60, 120)))

    assert "container web: 1 restart since 2026-11-23 09:00:00Z;" in one.evidence[0].observed
    assert "container web: 2 to 4 restarts since 2026-11-23 09:00:00Z;" in many.evidence[0].observed


async def test_a_member_that_was_not_completed_is_told_of_the_other_time() -> None:
    begun = member(started_at=NOW - timedelta(hours=2))

    finding = await seen(pod(), about=begun)

    assert_finding(finding, "inconclusive", "the run does not say when the update of c1 was completed")
    assert finding.message.endswith("; with since: started it could")


@pytest.mark.parametrize(("cell", "suspect"), [(0, False), ("0", False), (2, True), (None, True), (False, True)])
def test_old_servers_write_restarts_as_a_number(cell: object, suspect: bool) -> None:
    assert _is_suspect(cell, timedelta(hours=1)) is suspect
