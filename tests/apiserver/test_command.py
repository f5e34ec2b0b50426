"""``gatekeeper check`` as a process, in front of a cluster."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.control_plane import ADMIN, NOBODY
from tests.apiserver.specimens import cases
from tests.apiserver.worlds import CONTEXT, World

pytestmark = pytest.mark.process


async def gatekeeper(kubeconfig: Path, *arguments: str) -> tuple[int | None, Any, str]:
    command = ["-m", "gatekeeper", "check", *arguments, "--kubeconfig", str(kubeconfig), "--context", CONTEXT]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *command, "-o", "json", stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode, json.loads(out or b"null"), err.decode()


@pytest.mark.parametrize(("name", "code"), [("every pod runs and is ready", 0), ("CrashLoopBackOff", 1)])
async def test_the_exit_code_says_whether_the_check_passed(world: World, name: str, code: int) -> None:
    case = next(case for case in cases("pods-healthy") if case.name == name)
    await world.fill(*case.objects(world.version))

    returned, document, said = await gatekeeper(world.kubeconfig(ADMIN), "pods-healthy")

    assert (returned, said) == (code, "")
    assert case.outcome in json.dumps(document)


async def test_the_exit_code_says_that_one_may_not_look(world: World) -> None:
    returned, document, _ = await gatekeeper(world.kubeconfig(NOBODY), "pods-healthy")

    assert returned == 3
    assert "is forbidden" in json.dumps(document)


async def test_the_target_version_is_given_by_hand(world: World) -> None:
    case = next(case for case in cases("nodes-at-target-version") if case.outcome == "passed")
    await world.fill(*case.objects(world.version))
    path = world.kubeconfig(ADMIN)

    good, _, _ = await gatekeeper(
        path, "nodes-at-target-version", "--target-version", case.goal(world.version).kubernetes_version or ""
    )
    bad, _, _ = await gatekeeper(path, "nodes-at-target-version", "--target-version", "1.99")

    assert (good, bad) == (0, 1)
