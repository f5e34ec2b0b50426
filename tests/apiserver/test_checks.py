"""Every check gives the expected answer on specimens of every state it knows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.registry import Registry
from tests.apiserver.asking import ask_check
from tests.apiserver.control_plane import ADMIN
from tests.apiserver.specimens import Case, cases, described
from tests.apiserver.surroundings import around
from tests.apiserver.worlds import World


@pytest.mark.parametrize("case", [case for check in described() for case in cases(check)], ids=str)
async def test_a_check_answers_as_the_specimen_says(world: World, case: Case, tmp_path: Path) -> None:
    await world.fill(*case.objects(world.version))
    if case.aged:  # an API server's times have whole seconds
        await asyncio.sleep(1.05 - datetime.now(UTC).microsecond / 1_000_000)

    async with around(world, case, tmp_path) as params:
        goal = case.goal(world.version)
        finding = await ask_check(world.kubeconfig(ADMIN), case.check, params, goal, case.member())

    said = f"{finding.message} {finding.evidence}"
    assert finding.outcome == case.outcome, said
    if case.codes is not None:
        assert sorted(each.code for each in finding.evidence) == list(case.codes), said


@pytest.mark.parametrize("check", described())
def test_a_described_check_exists_and_has_specimens_that_pass_and_that_do_not(check: str) -> None:
    assert check in Registry.discover().names()
    assert {case.outcome == "passed" for case in cases(check)} == {True, False}
