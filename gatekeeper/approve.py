"""The one act: approve a gate, after a last look, and find out what became of it by reading, never by guessing.

The last look reads gate and run anew and decides once more; anything that changed since the checks ran, holds. The
intent, with all its evidence, is written down before the request is sent. The request is sent once. Whatever comes
back, or does not, the gate itself is read again before anything is believed, unless the answer holds it, Completed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from gatekeeper.decide import Case, decide
from gatekeeper.decision import Approval, Decision, Hold, Reason, Verdict
from gatekeeper.doors import Answer, Fleet
from gatekeeper.errors import CouldNotLook, NotFound, ServerFault, StoreError, Throttled, TimedOut, Unreachable
from gatekeeper.model import COMPLETED, PENDING, Gate, Member
from gatekeeper.scope import needs_fleet_members, resolve
from gatekeeper.store import Store

_log = structlog.get_logger("gatekeeper.approve")
_CONFIRMATIONS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the looks at a gate whose approval was accepted (202) but not done yet."""
_LOST = (TimedOut, Unreachable, ServerFault)
"""After these nobody can say whether the approval was taken."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Approves gates whose decision says so."""

    store: Store
    clock: Callable[[], datetime]

    async def approve(self, fleet: Fleet, case: Case, decision: Decision) -> Approval:
        """Approve one gate.

        Args:
            fleet: the gate's fleet.
            case: what the decision was made on.
            decision: a decision to approve; its results are the evidence.

        Returns:
            What became of it. The approval's decision says hold, with the reason, if the gate is not Completed.

        Raises:
            Throttled: Azure asks for patience; the gate is still shut, and the fleet is to be left alone.
        """
        if decision.verdict is not Verdict.APPROVE or decision.dry_run:
            raise ValueError(f"gate {case.gate.name} is not to be approved: {decision.reason}")
        attempted_at = self.clock()
        fresh = await self._look_again(fleet, case, decision)
        if isinstance(fresh, Hold):
            return Approval(_held(decision, fresh), taken=False, attempted_at=attempted_at, answer="not sent")
        intent = await self.store.intend(decision)
        approval = await self._send(fleet, fresh, decision, attempted_at)
        try:
            await self.store.settle(intent, taken=approval.taken, answer=approval.answer, at=self.clock())
        except StoreError as error:
            # The evidence is safe with the intent; it stays open, and the next sweep settles it by reading the gate.
            _log.error("approval.unsettled", gate=fresh.name, answer=approval.answer, cause=str(error))
        return approval

    async def settle(self, fleets: Sequence[Fleet]) -> None:
        """Find out what became of approvals that were intended and never settled: Gatekeeper stopped meanwhile."""
        by_id = {fleet.ref.id: fleet for fleet in fleets}
        for intent in await self.store.open_intents():
            fleet = by_id.get(intent.fleet_id)
            if fleet is None:
                continue
            try:
                state = (await fleet.gate(intent.gate_name)).state
            except NotFound:
                state = "gone"
            except CouldNotLook as error:
                _log.warning("approval.unsettled", gate=intent.gate_name, cause=str(error))
                continue
            answer = f"unknown, Gatekeeper stopped meanwhile; found {state}"
            await self.store.settle(intent.id, taken=state == COMPLETED, answer=answer, at=self.clock())
            _log.info("approval.settled", gate=intent.gate_name, state=state)

    async def _look_again(self, fleet: Fleet, case: Case, decision: Decision) -> Gate | Hold:
        """Read gate and run anew; the gate to be sent, or why not."""
        try:
            gate = await fleet.gate(case.gate.name)
            run = await fleet.update_run(gate.update_run)
            members: Sequence[Member] = await fleet.members() if needs_fleet_members(case.policy) else ()
        except Throttled:
            raise
        except CouldNotLook as error:
            return Hold(Reason.FLEET_UNREADABLE, f"the last look before approving failed: {error}")
        if gate != case.gate:
            return Hold(
                Reason.CHANGED_MEANWHILE, f"the gate changed while its checks ran: {_difference(case.gate, gate)}"
            )
        scope = resolve(gate, run, case.policy.scope, members, case.first_seen)
        if isinstance(scope, Hold):
            return scope
        if _substance(scope.members) != _substance(case.scope.members) or _substance(scope.gated) != _substance(
            case.scope.gated
        ):
            return Hold(Reason.CHANGED_MEANWHILE, "members of the run changed while the checks ran")
        if scope.target != case.scope.target:
            return Hold(Reason.CHANGED_MEANWHILE, "the target of the run changed while the checks ran")
        again = decide(replace(case, gate=gate, run=run, scope=scope), decision.results, self.clock())
        return gate if again.verdict is Verdict.APPROVE else Hold(again.reason, again.message)

    async def _send(self, fleet: Fleet, gate: Gate, decision: Decision, attempted_at: datetime) -> Approval:
        try:
            answer: Answer | CouldNotLook = await fleet.complete_gate(gate)
        except CouldNotLook as error:
            answer = error
        if isinstance(answer, Answer):
            if answer.gate is not None and answer.gate.name == gate.name and answer.gate.state == COMPLETED:
                return Approval(decision, taken=True, attempted_at=attempted_at, answer=str(answer.status))
            said, lost = str(answer.status), True
            looks: tuple[float, ...] = _CONFIRMATIONS
        else:
            said, lost = f"{type(answer).__name__}: {answer}", isinstance(answer, _LOST)
            looks = _CONFIRMATIONS[:2] if lost else ()
        found = await self._found(fleet, gate, looks)
        if found == COMPLETED:
            return Approval(decision, taken=True, attempted_at=attempted_at, answer=f"{said}; then found Completed")
        hold = _not_taken(said, found, lost=lost)
        return Approval(
            _held(decision, hold),
            taken=False,
            attempted_at=attempted_at,
            answer=f"{said}; found {found}",
            throttled=answer if isinstance(answer, Throttled) else None,
        )

    async def _found(self, fleet: Fleet, gate: Gate, looks: Sequence[float]) -> str:
        """The gate's state as it is now or, in brackets, why it cannot be said. Pending is looked at again."""
        state = "(not read)"
        for pause in (0.0, *looks):
            await asyncio.sleep(pause)
            try:
                state = (await fleet.gate(gate.name)).state
            except NotFound:
                return "(gone)"
            except CouldNotLook as error:
                state = f"(unreadable: {error})"
                if isinstance(error, Throttled):
                    return state
            if state != PENDING and not state.startswith("("):
                return state
        return state


def _not_taken(said: str, found: str, *, lost: bool) -> Hold:
    if found == "(gone)":
        return Hold(Reason.NOT_PENDING, f"the gate is gone; Azure's answer to the approval was {said}")
    if found == PENDING and not lost:
        return Hold(Reason.APPROVAL_REFUSED, f"Azure did not take the approval ({said}); the gate is still Pending")
    return Hold(
        Reason.APPROVAL_UNCONFIRMED,
        f"the approval was sent, Azure's answer was {said}, and the gate is now {found}; the next sweep looks again",
    )


def _held(decision: Decision, hold: Hold) -> Decision:
    return replace(decision, verdict=Verdict.HOLD, reason=hold.reason, message=hold.message)


def _substance(members: Sequence[Member]) -> list[tuple[str, str, str, datetime | None]]:
    """What of the members must not change between the checks and the approval."""
    return [(member.key, member.name, member.state, member.completed_at) for member in members]


def _difference(old: Gate, new: Gate) -> str:
    changed = [
        f"{name} was {getattr(old, name)!r}, is {getattr(new, name)!r}"
        for name in Gate.__dataclass_fields__
        if getattr(old, name) != getattr(new, name)
    ]
    return "; ".join(changed)
