"""One pass over all Pending gates of all fleets: find, map, check, decide, approve, tell.

One fleet that cannot be read and one gate that breaks never disturb the others. This is one of the two places where
every exception is caught: a gate on which Gatekeeper itself broke is held, and that is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from uuid import uuid4

import structlog

from gatekeeper.approve import Approver
from gatekeeper.decide import Case, choose_policy, decide, objections, screen, screen_run
from gatekeeper.decision import Approval, Decision, Hold, Reason, SweepReport, Verdict
from gatekeeper.doors import Fleet, Members
from gatekeeper.errors import CouldNotLook, NotFound, StoreError
from gatekeeper.model import Gate, Member, UpdateRun
from gatekeeper.observer import Observer
from gatekeeper.patience import Patience
from gatekeeper.policy import Policy
from gatekeeper.reads import SharedReads
from gatekeeper.runner import Runner
from gatekeeper.scope import needs_fleet_members, resolve
from gatekeeper.store import Store

_log = structlog.get_logger("gatekeeper.sweep")


@dataclass(frozen=True, slots=True)
class Doors:
    """What a sweep reaches outside."""

    fleets: Sequence[Fleet]
    members: Members
    store: Store


@dataclass(slots=True)
class _Pass:
    """What belongs to one sweep alone."""

    sweep_id: str
    policies: Sequence[Policy]
    reads: SharedReads
    decisions: list[Decision] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


class Sweeper:
    """Sweeps. Call ``sweep`` as often as wished, but never twice at once."""

    def __init__(
        self,
        doors: Doors,
        runner: Runner,
        observers: Sequence[Observer],
        clock: Callable[[], datetime],
        *,
        dry_run: bool = False,
    ) -> None:
        self._doors = doors
        self._runner = runner
        self._observers = observers
        self._clock = clock
        self._dry_run = dry_run
        self._approver = Approver(doors.store, clock)
        self._patience = Patience(clock)

    async def sweep(self, policies: Sequence[Policy]) -> SweepReport:
        """Look at every Pending gate of every fleet once, with these policies, and approve what may be approved."""
        started_at, began = self._clock(), monotonic()
        reads = SharedReads(self._doors.members.connect, self._clock)
        this = _Pass(uuid4().hex[:12], policies, reads)
        self._tell(lambda observer: observer.sweep_started(this.sweep_id))
        with structlog.contextvars.bound_contextvars(sweep=this.sweep_id):
            try:
                await self._settle()
                await asyncio.gather(*(self._sweep_fleet(fleet, this) for fleet in self._doors.fleets))
            finally:
                await reads.close()
            report = SweepReport(
                sweep_id=this.sweep_id,
                started_at=started_at,
                took=monotonic() - began,
                decisions=tuple(this.decisions),
                approvals=tuple(this.approvals),
                unreadable=tuple(this.unreadable),
                fleets=len(self._doors.fleets),
            )
            self._tell(lambda observer: observer.sweep_finished(report))
        return report

    async def _settle(self) -> None:
        try:
            await self._approver.settle(self._doors.fleets)
        except StoreError as error:  # gates are still looked at; without the store, none is approved
            _log.error("store.broke", cause=str(error))

    async def _sweep_fleet(self, fleet: Fleet, this: _Pass) -> None:
        try:
            await self._visit_fleet(fleet, this)
        except CouldNotLook as error:
            self._patience.learn(fleet.ref, error)
            this.unreadable.append((str(fleet.ref), str(error)))
        except Exception as error:  # noqa: BLE001 - one bad fleet never disturbs another
            _log.exception("fleet.broke", fleet=str(fleet.ref))
            this.unreadable.append((str(fleet.ref), f"Gatekeeper itself broke: {type(error).__name__}: {error}"))

    async def _visit_fleet(self, fleet: Fleet, this: _Pass) -> None:
        self._patience.check(fleet.ref)
        pending = await fleet.pending_gates()
        this.unreadable += [(str(fleet.ref), problem) for problem in pending.unreadable]
        visit = _FleetVisit(fleet, this)
        await asyncio.gather(*(self._visit_gate(gate, visit) for gate in pending.gates))
        if not pending.unreadable:
            await self._doors.store.forget(fleet.ref.id, {gate.id for gate in pending.gates})

    async def _visit_gate(self, gate: Gate, visit: _FleetVisit) -> None:
        """Decide on one gate and act; whatever goes wrong holds this gate alone."""
        with structlog.contextvars.bound_contextvars(gate=gate.name):
            first_seen = self._clock()
            try:
                first_seen = await self._doors.store.first_seen(gate.id, first_seen)
                decision = await self._decide(gate, visit, first_seen)
            except CouldNotLook as error:
                self._patience.learn(visit.fleet.ref, error)
                decision = self._hold(gate, Hold(Reason.FLEET_UNREADABLE, str(error)), first_seen)
            except Exception as error:  # noqa: BLE001 - one bad gate never disturbs another
                _log.exception("gate.broke")
                message = f"Gatekeeper itself broke on this gate, and holds it: {type(error).__name__}: {error}"
                decision = self._hold(gate, Hold(Reason.INTERNAL_ERROR, message), first_seen)
            visit.this.decisions.append(decision)
            self._tell(lambda observer: observer.gate_decided(visit.this.sweep_id, decision))
            await self._remember(decision)

    async def _decide(self, gate: Gate, visit: _FleetVisit, first_seen: datetime) -> Decision:
        """The decision on a gate, after acting on it: an approval that was not taken is a hold."""
        case = await self._case(gate, visit, first_seen)
        if isinstance(case, Decision):
            return case
        with structlog.contextvars.bound_contextvars(policy=case.policy.name):
            results = await self._runner.run(case.policy.checks, case.scope, visit.this.reads)
            decision = decide(case, results, self._clock())
            if decision.verdict is Verdict.HOLD or decision.dry_run:
                return decision
            return await self._approve(visit, case, decision)

    async def _case(self, gate: Gate, visit: _FleetVisit, first_seen: datetime) -> Case | Decision:
        """All that is to be known before clusters are asked, or a decision to hold without asking them."""
        if hold := screen(gate):
            return self._hold(gate, hold, first_seen)
        try:
            run = await visit.run(gate.update_run)
        except NotFound:
            why = f"its run {gate.update_run} does not exist any more"
            return self._hold(gate, Hold(Reason.RUN_NOT_FOUND, why), first_seen)
        policy = choose_policy(gate, run.auto_upgrade_profile, visit.this.policies)
        if isinstance(policy, Hold):
            return self._hold(gate, policy, first_seen)
        if self._dry_run:
            policy = replace(policy, dry_run=True)
        if hold := screen_run(run):
            return self._hold(gate, hold, first_seen, policy)
        members = await visit.members() if needs_fleet_members(policy) else ()
        scope = resolve(gate, run, policy.scope, members, first_seen)
        if isinstance(scope, Hold):
            return self._hold(gate, scope, first_seen, policy)
        case = Case(gate, run, policy, scope, first_seen)
        hold = next(objections(case), None)
        return self._hold(gate, hold, first_seen, policy) if hold else case

    async def _approve(self, visit: _FleetVisit, case: Case, decision: Decision) -> Decision:
        approval = await self._approver.approve(visit.fleet, case, decision)
        if approval.throttled is not None:
            self._patience.learn(visit.fleet.ref, approval.throttled)
        visit.this.approvals.append(approval)
        self._tell(lambda observer: observer.gate_approved(visit.this.sweep_id, approval))
        return approval.decision

    def _hold(self, gate: Gate, hold: Hold, first_seen: datetime, policy: Policy | None = None) -> Decision:
        return Decision(
            gate=gate,
            verdict=Verdict.HOLD,
            reason=hold.reason,
            message=hold.message,
            decided_at=self._clock(),
            first_seen=first_seen,
            policy=policy.name if policy else None,
            policy_hash=policy.hash if policy else None,
            dry_run=policy.dry_run if policy else self._dry_run,
        )

    async def _remember(self, decision: Decision) -> None:
        try:
            await self._doors.store.remember(decision)
        except StoreError as error:  # this is for people to look back; an approval is written down before it is sent
            _log.error("store.broke", cause=str(error))

    def _tell(self, event: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                event(observer)
            except Exception:  # noqa: BLE001 - an observer's failure never disturbs a sweep
                _log.exception("observer.broke", observer=type(observer).__name__)


class _FleetVisit:
    """What one sweep reads of one fleet: every run once, and the members at most once, however many gates ask."""

    def __init__(self, fleet: Fleet, this: _Pass) -> None:
        self.fleet = fleet
        self.this = this
        self._runs: dict[str, asyncio.Future[UpdateRun]] = {}
        self._members: asyncio.Future[Sequence[Member]] | None = None

    async def run(self, name: str) -> UpdateRun:
        """A run, read once per sweep."""
        key = name.lower()
        if key not in self._runs:
            self._runs[key] = asyncio.ensure_future(self.fleet.update_run(name))
        return await asyncio.shield(self._runs[key])

    async def members(self) -> Sequence[Member]:
        """The members of the fleet, read once per sweep."""
        if self._members is None:
            self._members = asyncio.ensure_future(self.fleet.members())
        return await asyncio.shield(self._members)
