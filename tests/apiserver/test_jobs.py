"""The checks that run a Job: nothing is left of it, and what may not be done or read is said."""

from __future__ import annotations

import pytest

from gatekeeper.emulator.kube import load_manifests
from tests.apiserver.asking import ask_check
from tests.apiserver.control_plane import ADMIN, READER
from tests.apiserver.specimens import Case, cases
from tests.apiserver.surroundings import course
from tests.apiserver.test_access import PROBES
from tests.apiserver.worlds import World

CHECKS = ("job-succeeds", "dns-resolves")
NOBODY_LISTENS = "the logs could not be read"


def passing(check: str) -> Case:
    return next(case for case in cases(check) if case.outcome == "passed")


@pytest.mark.parametrize(
    ("outcome", "expected"), [("complete", "passed"), ("fail", "failed"), ("hang", "failed"), ("stuck", "failed")]
)
async def test_missing_logs_are_said_and_do_not_change_what_a_job_proves(
    world: World, outcome: str, expected: str
) -> None:
    case = next(each for each in cases("job-succeeds") if each.jobs.get("outcome") == outcome)
    await world.fill(*case.objects(world.version))

    async with world.running(course(case), has_kubelet=False):
        finding = await ask_check(world.kubeconfig(ADMIN), case.check, case.params)

    assert finding.outcome == expected, finding
    assert NOBODY_LISTENS in finding.evidence[-1].observed
    assert await world.left_over() == []


async def test_without_logs_it_is_not_known_whether_a_name_resolves(world: World) -> None:
    case = passing("dns-resolves")
    await world.fill(*case.objects(world.version))

    async with world.running(course(case), has_kubelet=False):
        finding = await ask_check(world.kubeconfig(ADMIN), case.check, case.params)

    assert finding.outcome == "inconclusive", finding
    assert NOBODY_LISTENS in finding.evidence[0].observed
    assert await world.left_over() == []


async def test_a_pod_that_no_node_takes_is_the_reason(world: World) -> None:
    case = next(each for each in cases("job-succeeds") if each.jobs.get("outcome") == "unscheduled")
    await world.fill(*case.objects(world.version))

    async with world.running(course(case)):
        finding = await ask_check(world.kubeconfig(ADMIN), case.check, case.params)

    assert "its pod is not scheduled: 0/3 nodes are available" in finding.message
    assert await world.left_over() == []


@pytest.mark.parametrize("check", CHECKS)
async def test_the_role_for_probes_holds_in_its_own_namespace_only(world: World, check: str) -> None:
    case = passing(check)
    await world.fill(*case.objects(world.version))
    for role in load_manifests(PROBES.read_text("utf-8")):
        await world.bind(role)

    async with world.running(course(case)):
        there = await ask_check(world.kubeconfig(READER), check, case.params)
        elsewhere = await ask_check(world.kubeconfig(READER), check, [*case.params, "namespace=default"])

    assert (there.outcome, elsewhere.outcome) == ("passed", "error"), (there, elsewhere)
    assert 'in the namespace "default"' in elsewhere.message
    assert "install the Role fleet-gatekeeper-prober" in elsewhere.message
    assert await world.left_over() == []
