"""job-succeeds: how the Job of the policy ends -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.job_succeeds import JobSucceeds
from gatekeeper.check import CouldNotLook, Forbidden, JobRun, NoWorkbench
from gatekeeper.testing import FakeCluster, FakeWorkbench, ask, assert_finding

POD = {"spec": {"containers": [{"name": "smoke", "image": "smoke:1"}]}}
JOB: dict[str, Any] = {"metadata": {"name": "shop-smoke"}, "spec": {"backoffLimit": 1, "template": POD}}


async def test_a_job_that_succeeds_passes_and_its_log_is_kept() -> None:
    workbench = FakeWorkbench(JobRun(succeeded=True, reason="", logs="12 requests\n\n12 answers"))
    check = JobSucceeds(job=JOB, namespace="shop", deadline=timedelta(minutes=5))

    finding = await ask(check, FakeCluster(), workbench=workbench)

    assert_finding(finding, "passed", "the Job shop/shop-smoke succeeded", codes=["JobLog"])
    assert finding.evidence[0].observed == "12 requests | 12 answers"
    assert workbench.jobs == [("shop", JOB, timedelta(minutes=5))]


async def test_a_job_that_does_not_succeed_fails_with_reason_and_log() -> None:
    ended = JobRun(succeeded=False, reason="BackoffLimitExceeded", logs="no route to the database")

    finding = await ask(JobSucceeds(job=JOB), FakeCluster(), workbench=FakeWorkbench(ended))

    assert_finding(finding, "failed", "did not succeed: BackoffLimitExceeded", codes=["JobFailed", "JobLog"])
    assert finding.evidence[1].observed == "no route to the database"


async def test_a_template_becomes_a_job() -> None:
    workbench = FakeWorkbench()

    finding = await ask(JobSucceeds(template=POD), FakeCluster(), workbench=workbench)

    assert_finding(finding, "passed", "fleet-gatekeeper-probes/job-succeeds")
    assert workbench.jobs[0][1] == {"metadata": {"name": "job-succeeds"}, "spec": {"template": POD}}


async def test_a_generated_name_is_a_prefix_too() -> None:
    job = {**JOB, "metadata": {"generateName": "shop-smoke-"}}

    finding = await ask(JobSucceeds(job=job, namespace="shop"), FakeCluster(), workbench=FakeWorkbench())

    assert_finding(finding, "passed", "the Job shop/shop-smoke succeeded")


async def test_of_a_long_log_the_end_is_kept() -> None:
    logs = "\n".join(f"line {number} {'x' * 60}" for number in range(100))

    finding = await ask(
        JobSucceeds(job=JOB), FakeCluster(), workbench=FakeWorkbench(JobRun(succeeded=True, reason="", logs=logs))
    )

    assert len(finding.evidence[0].observed) == 450
    assert "line 99" in finding.evidence[0].observed


async def test_a_silent_job_is_said_to_be_so() -> None:
    finding = await ask(JobSucceeds(job=JOB), FakeCluster(), workbench=FakeWorkbench())

    assert finding.evidence[0].observed == "it wrote nothing"


async def test_without_the_role_nothing_is_said() -> None:
    with pytest.raises(Forbidden):
        await ask(JobSucceeds(job=JOB), FakeCluster(), workbench=FakeWorkbench(Forbidden("install the role")))
    with pytest.raises(CouldNotLook):
        await ask(JobSucceeds(job=JOB), FakeCluster(), workbench=NoWorkbench())


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "either job"),
        ({"job": JOB, "template": POD}, "either job"),
        ({"job": {**JOB, "kind": "CronJob"}}, "give a Job of batch/v1"),
        ({"job": {**JOB, "apiVersion": "batch/v1beta1"}}, "give a Job of batch/v1"),
        ({"job": {**JOB, "metadata": {"name": "a", "namespace": "b"}}}, "another namespace"),
        ({"job": {**JOB, "metadata": {"name": "Ünfit"}}}, "no name"),
        ({"job": {**JOB, "metadata": {"name": "a" * 51}}}, "no name"),
        ({"job": {"spec": {}}}, "spec.containers"),
        ({"job": {**JOB, "metadata": {"generateName": "a" * 51 + "-"}}}, "no name"),
        ({"job": {"spec": {**JOB["spec"], "completions": 0}}}, "would run no pod"),
        ({"job": {"spec": {**JOB["spec"], "parallelism": 0}}}, "would run no pod"),
        ({"job": {"spec": {**JOB["spec"], "suspend": True}}}, "would run no pod"),
        ({"template": {"spec": {"containers": []}}}, "spec.containers"),
        ({"template": {"spec": {"containers": [{"name": "a"}]}}}, "spec.containers"),
        ({"template": {"spec": {"containers": "a"}}}, "spec.containers"),
    ],
)
def test_what_is_no_job_is_refused_when_the_policy_is_read(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        JobSucceeds.model_validate(parameters)
