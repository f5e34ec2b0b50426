"""jobs-succeeded: Jobs in every state -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.jobs_succeeded import JOBS, JobsSucceeded
from gatekeeper.check import NODES, BadAnswer, Forbidden, NotFound
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = JobsSucceeded()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def job(
    state: str = "Complete",
    name: str = "nightly-1",
    *,
    ended: float | None = 3600,
    cron: str = "",
    spec: Any = None,
    status: Any = None,
    **metadata: Any,
) -> Any:
    when = {} if ended is None else {"lastTransitionTime": ago(ended)}
    conditions = [{"type": state, "status": "True", "reason": "BackoffLimitExceeded", **when}] if state else []
    owners = [{"apiVersion": "batch/v1", "kind": "CronJob", "name": cron, "controller": True}] if cron else []
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "batch", "ownerReferences": owners, **metadata},
        "spec": {"completions": 1, **(spec or {})},
        "status": {"startTime": ago(7200), "conditions": conditions, **(status or {})},
    }


async def test_jobs_that_completed_pass() -> None:
    finding = await ask(CHECK, FakeCluster([job(), job(name="nightly-2")]))

    assert_finding(finding, "passed", "no Job or CronJob failed, 2 succeeded in the last 1d", codes=[])


@pytest.mark.parametrize("state", ["Failed", "FailureTarget"])
@pytest.mark.parametrize("ended", [3600, None])
async def test_a_job_that_failed_fails(state: str, ended: float | None) -> None:
    finding = await ask(CHECK, FakeCluster([job(), job(state, "nightly-2", ended=ended)]))

    assert_finding(
        finding, "failed", "1 of 2 Jobs and CronJobs failed", codes=["JobFailed"], subjects=["Job batch/nightly-2"]
    )
    assert "BackoffLimitExceeded" in finding.evidence[0].observed
    assert finding.evidence[0].hint.startswith("kubectl -n batch describe job nightly-2")


async def test_what_failed_long_ago_does_not_count() -> None:
    cluster = FakeCluster([job("Failed", ended=90_000)])

    assert_finding(await ask(CHECK, cluster), "passed", "0 succeeded")
    assert_finding(await ask(JobsSucceeded.model_validate({"since": "2d"}), cluster), "failed")


@pytest.mark.parametrize(
    ("running", "words"),
    [
        (job(""), "is running since 2026-11-23 08:00Z"),
        (job("SuccessCriteriaMet"), "is running"),
        (job("", status={"failed": 2}), "2 pods failed"),
        (job("", deletionTimestamp=ago(5)), "is being deleted"),
        (job("", status={"conditions": [{"type": "Complete", "status": "False"}]}), "is running"),
        (job("", status={"conditions": [{"type": "Failed", "status": "Unknown"}]}), "is running"),
    ],
)
async def test_a_job_that_runs_is_inconclusive_unless_that_is_ignored(running: Any, words: str) -> None:
    cluster = FakeCluster([job(name="nightly-2"), running])

    assert_finding(await ask(CHECK, cluster), "inconclusive", words, codes=["JobRunning"])
    assert_finding(await ask(JobsSucceeded(running="ignored"), cluster), "passed", codes=[])


async def test_suspended_jobs_are_named_and_do_not_count() -> None:
    assert_finding(await ask(CHECK, FakeCluster([job("Suspended", spec={"suspend": True})])), "passed", "1 suspended")


async def test_a_cron_job_counts_by_its_last_finished_job() -> None:
    older, newer = job("Failed", "n-1", ended=7200, cron="n"), job("Complete", "n-2", ended=60, cron="n")
    running = job("", "n-3", cron="n")
    worse = job("Failed", "n-4", ended=30, cron="n")

    assert_finding(await ask(CHECK, FakeCluster([older, newer, running])), "passed", "1 succeeded")
    failing = await ask(CHECK, FakeCluster([older, newer, worse, running]))
    assert_finding(failing, "failed", "Job n-4 failed 30s ago", subjects=["CronJob batch/n"])


async def test_a_failure_of_unknown_time_is_taken_for_the_last_one() -> None:
    cluster = FakeCluster([job("Failed", "n-1", ended=None, cron="n"), job("Complete", "n-2", ended=1, cron="n")])

    assert_finding(await ask(CHECK, cluster), "failed", "CronJob batch/n")


async def test_a_cron_job_of_which_nothing_has_finished_is_still_running() -> None:
    assert_finding(
        await ask(CHECK, FakeCluster([job("", "n-3", cron="n")])), "inconclusive", "0 required not proven, 1 running"
    )


@pytest.mark.parametrize(
    ("manifests", "outcome", "codes"),
    [
        ([job()], "passed", []),
        ([job("Complete", "n-1", cron="nightly-1")], "passed", []),
        ([job("Failed")], "failed", ["JobFailed"]),
        ([job("")], "inconclusive", ["RequiredJobNotProven"]),
        ([job("Suspended", spec={"suspend": True})], "inconclusive", ["RequiredJobNotProven"]),
        ([job(ended=90_000)], "inconclusive", ["RequiredJobNotProven"]),
        ([job(ended=None)], "inconclusive", ["RequiredJobNotProven"]),
        ([job("Failed", ended=90_000)], "inconclusive", ["RequiredJobNotProven"]),
        ([job(name="other")], "inconclusive", ["RequiredJobMissing"]),
        ([NODE], "inconclusive", ["RequiredJobMissing"]),
    ],
)
@pytest.mark.parametrize("pattern", ["batch/nightly-1", "batch/night*", "*/nightly-?"])
async def test_a_required_job_must_have_succeeded_lately(
    manifests: list[Any], outcome: str, codes: list[str], pattern: str
) -> None:
    check = JobsSucceeded(
        require=(pattern,), running="ignored", max_failed=JobsSucceeded.model_validate({"maxFailed": 9}).max_failed
    )

    assert_finding(await ask(check, FakeCluster(manifests)), outcome, codes=codes)


async def test_so_many_may_have_failed() -> None:
    cluster = FakeCluster([job(), job("Failed", "b"), job("", "c")])

    tolerant = JobsSucceeded.model_validate({"maxFailed": "50%", "running": "ignored"})
    assert_finding(await ask(tolerant, cluster), "passed", "1 of 2 Jobs and CronJobs failed", codes=["JobFailed"])
    assert_finding(await ask(JobsSucceeded.model_validate({"maxFailed": 1}), cluster), "inconclusive")


async def test_without_jobs_it_passes_only_on_a_cluster_that_is_there() -> None:
    assert_finding(await ask(CHECK, FakeCluster([NODE])), "passed", "0 succeeded")
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "no node either")


async def test_a_label_that_no_job_has_is_inconclusive() -> None:
    cluster = FakeCluster([NODE, job("Failed"), job(name="b", labels={"tier": "gold"})])

    assert_finding(await ask(JobsSucceeded(labels="tier=gold"), cluster), "passed", "1 succeeded")
    assert_finding(await ask(JobsSucceeded(labels="tier=glod"), cluster), "inconclusive", "tier=glod")


async def test_only_the_chosen_namespaces_are_judged() -> None:
    cluster = FakeCluster([job("Failed"), job(namespace="shop")])

    assert_finding(await ask(JobsSucceeded.model_validate({"namespaces": {"include": ["shop"]}}), cluster), "passed")
    with pytest.raises(NotFound):
        await ask(JobsSucceeded.model_validate({"namespaces": {"include": ["shpo"]}}), cluster)


@pytest.mark.parametrize("name", ["nightly", "/nightly", "batch/"])
def test_a_required_job_without_a_namespace_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        JobsSucceeded(require=(name,))


@pytest.mark.parametrize(
    "odd",
    [job(status={"conditions": "no"}), job("", status={"failed": -1}), job(cron="$(x)"), job(ownerReferences=[1])],
)
async def test_a_job_of_another_shape_is_no_answer(odd: Any) -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([odd]))


@pytest.mark.parametrize("resource", [JOBS, NODES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster()
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


states = st.sampled_from(["Complete", "Failed", "FailureTarget", "", "Odd"])


@given(st.lists(st.tuples(states, st.integers(0, 200_000)), max_size=6))
async def test_it_passes_only_if_every_recent_job_is_complete(jobs: list[tuple[str, int]]) -> None:
    manifests = [job(state, f"j-{i}", ended=ended) for i, (state, ended) in enumerate(jobs)]

    finding = await ask(CHECK, FakeCluster([NODE, *manifests]))

    well = all(state == "Complete" or (state.startswith("Fail") and ended > 86400) for state, ended in jobs)
    assert (finding.outcome == "passed") == well


def test_what_is_required_where_nobody_looks_is_refused() -> None:
    with pytest.raises(ValidationError, match="shop/smoke is required, and namespaces leaves shop out"):
        JobsSucceeded.model_validate({"require": ["shop/smoke"], "namespaces": {"exclude": ["sh*"]}})

    assert JobsSucceeded.model_validate({"require": ["shop/smoke", "*/x"], "namespaces": {"include": ["shop"]}})


async def test_the_hint_for_a_job_that_runs_says_how_to_let_it_run() -> None:
    finding = await ask(CHECK, FakeCluster([job(""), NODE]))

    assert_finding(finding, "inconclusive", codes=["JobRunning"])
    assert finding.evidence[0].hint.endswith("; if it is to run on, set running: ignored")


async def test_a_suspended_job_that_is_required_is_named_with_its_way_out() -> None:
    finding = await ask(JobsSucceeded(require=("batch/nightly-1",)), FakeCluster([job("", spec={"suspend": True})]))

    assert_finding(finding, "inconclusive", "is suspended", codes=["RequiredJobNotProven"])
