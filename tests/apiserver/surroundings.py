"""All that stands around a cluster while a case is asked: a server beside it, its Jobs, and its API server's health."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from gatekeeper.emulator.kube import Course
from tests.apiserver.site import beside
from tests.apiserver.specimens import Case
from tests.apiserver.worlds import World


@asynccontextmanager
async def around(world: World, case: Case, folder: Path) -> AsyncIterator[Sequence[str]]:
    """Make it so; gives the parameters of the check. Afterwards no Job and no pod is left of what the check created."""
    before = await world.left_over()
    async with AsyncExitStack() as stack:
        params = await stack.enter_async_context(beside(case, folder))
        if case.jobs:
            await stack.enter_async_context(world.running(course(case)))
        if case.unready:
            stack.enter_context(world.unready())
        yield params
    assert await world.left_over() == before


def course(case: Case) -> Course:
    """How the Jobs of a case go on."""
    said: dict[str, Any] = {"outcome": "complete", "log": "", **case.jobs}
    return Course(said["outcome"], timedelta(), said["log"])
