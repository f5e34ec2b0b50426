"""Runs the checks of a policy on the members in scope: bounded, with deadlines, one failure never touching another.

A check that raises, or does not answer in time, has the outcome ``error``, with the cause in its message. This is one
of the two places where every exception is caught; nothing is retried, the next sweep asks again.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from gatekeeper.check import (
    Check,
    ClusterCheck,
    ClusterContext,
    GateCheck,
    GateContext,
    NoWorkbench,
    Tools,
    Workbench,
)
from gatekeeper.errors import CouldNotLook
from gatekeeper.findings import CheckResult, Evidence, Finding
from gatekeeper.model import Member, Scope
from gatekeeper.notebook import Notebooks
from gatekeeper.policy import CheckSpec
from gatekeeper.reads import SharedReads
from gatekeeper.values import format_duration


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is done at once, and for how long."""

    clusters: int = 20
    """So many clusters are asked at the same time."""
    deadline: timedelta = timedelta(minutes=2)
    """All checks on one cluster together may take so long."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What checks may use besides their cluster."""

    tools: Tools = field(default_factory=Tools)
    workbench: Callable[[Member], Workbench] = lambda _: NoWorkbench()


class Runner:
    """Runs checks. One runner serves all gates of a sweep, so its limits hold for them together."""

    def __init__(self, limits: Limits, clock: Callable[[], datetime], toolbox: Toolbox | None = None) -> None:
        self._limits = limits
        self._clock = clock
        self._toolbox = toolbox or Toolbox()
        self._notebooks = Notebooks(clock)
        self._places = asyncio.Semaphore(limits.clusters)

    async def run(self, specs: Sequence[CheckSpec], scope: Scope, reads: SharedReads) -> tuple[CheckResult, ...]:
        """Ask every check of every member in scope; gate checks are asked once, and last.

        A thousand members take their time, and a window may close meanwhile: what is said of the gate is said just
        before it is decided on.

        Returns:
            One result for each check and member, in the order of the policy.
        """
        on_gate = [spec for spec in specs if isinstance(spec.check, GateCheck)]
        on_members = [spec for spec in specs if isinstance(spec.check, ClusterCheck)]
        reads.expect(scope.members)
        of_members = await asyncio.gather(
            *(self._ask_member(on_members, member, scope, reads) for member in scope.members)
        )
        of_gate = await asyncio.gather(*(self._ask_gate(spec, scope) for spec in on_gate))
        results = [*of_gate, *(result for batch in of_members for result in batch)]
        order = {spec.name: place for place, spec in enumerate(specs)}
        return tuple(sorted(results, key=lambda result: order[result.check]))

    async def _ask_gate(self, spec: CheckSpec, scope: Scope) -> CheckResult:
        now = self._clock()
        check = spec.check
        notebook = self._notebooks.of(check, scope.gate.id)
        context = GateContext(scope, now, self._toolbox.tools, notebook)
        if not isinstance(check, GateCheck):
            raise TypeError(f"{spec.name} is no GateCheck")
        return await self._answer(spec, None, lambda: check.run(context), lambda: now)

    async def _ask_member(
        self, specs: Sequence[CheckSpec], member: Member, scope: Scope, reads: SharedReads
    ) -> tuple[CheckResult, ...]:
        try:
            async with self._places:
                end = asyncio.get_running_loop().time() + self._limits.deadline.total_seconds()
                return tuple(await asyncio.gather(*(self._ask(spec, member, scope, reads, end) for spec in specs)))
        finally:
            await reads.release(member)

    async def _ask(self, spec: CheckSpec, member: Member, scope: Scope, reads: SharedReads, end: float) -> CheckResult:
        view = reads.view(member)
        check = spec.check
        context = ClusterContext(
            cluster=view,
            member=member,
            scope=scope,
            tools=self._toolbox.tools,
            workbench=self._toolbox.workbench(member),
            notebook=self._notebooks.of(check, member.key),
        )
        began = self._clock()
        if not isinstance(check, ClusterCheck):
            raise TypeError(f"{spec.name} is no ClusterCheck")
        return await self._answer(spec, member, lambda: check.run(context), lambda: view.oldest or began, end)

    async def _answer(
        self,
        spec: CheckSpec,
        member: Member | None,
        ask: Callable[[], Coroutine[Any, Any, Finding]],
        observed_at: Callable[[], datetime],
        end: float | None = None,
    ) -> CheckResult:
        """Ask within the deadlines; whatever is raised becomes an error that says why."""
        began = monotonic()
        own = asyncio.get_running_loop().time() + spec.timeout.total_seconds()
        try:
            async with asyncio.timeout_at(own if end is None else min(own, end)):
                finding = await ask()
            if not isinstance(finding, Finding):
                finding = Finding.error(f"{spec.name} answered with {type(finding).__name__}, not with a Finding")
        except TimeoutError:
            whose = "the check's timeout" if end is None or own <= end else "the deadline of all checks on one cluster"
            limit = spec.timeout if end is None or own <= end else self._limits.deadline
            finding = Finding.error(f"no answer within {format_duration(limit)} ({whose})")
        except CouldNotLook as error:
            finding = Finding.error(str(error) or type(error).__name__)
        except Exception as error:  # noqa: BLE001 - any fault of a check is an answer: it could not look
            finding = _fault(spec.check, error)
        return CheckResult(
            check=spec.name,
            member=None if member is None else member.name,
            finding=finding,
            observed_at=observed_at(),
            took=monotonic() - began,
            required=spec.required,
        )


def _fault(check: Check, error: Exception) -> Finding:
    """A check that broke: name the line, so that its author can mend it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    cause = f"{type(error).__name__}: {error}"[:500]
    return Finding.error(
        f"the check itself broke at {place}: {cause}",
        [Evidence("CheckFault", f"check {check.name}", cause, hint="this is a fault of the check; report it")],
    )
