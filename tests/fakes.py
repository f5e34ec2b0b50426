"""A fleet and a store in memory, for the paths that a real service takes on its worst days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gatekeeper.decision import Approval, Decision, SweepReport
from gatekeeper.doors import Answer, PendingGates
from gatekeeper.errors import CouldNotLook, NotFound
from gatekeeper.model import FleetRef, Gate, Member, UpdateRun
from tests.builders import FLEET, gate, run


@dataclass
class FakeFleet:
    """A fleet with one run; every method may be told to fail."""

    gates: list[Gate] = field(default_factory=lambda: [gate()])
    runs: list[UpdateRun] = field(default_factory=lambda: [run()])
    ref: FleetRef = FLEET
    fleet_members: Sequence[Member] = ()
    unreadable: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)
    fail: dict[str, list[Exception | None]] = field(default_factory=dict)
    """By method: what is raised by the first call, the second, and so on; None lets a call through."""
    on_complete: Callable[[Gate], Answer] | None = None
    on_read: Callable[[], None] | None = None

    async def pending_gates(self) -> PendingGates:
        self._called("pending_gates")
        return PendingGates(tuple(g for g in self.gates if g.state == "Pending"), self.unreadable)

    async def gate(self, name: str) -> Gate:
        self._called("gate")
        if self.on_read:
            self.on_read()
        found = next((g for g in self.gates if g.name == name), None)
        if found is None:
            raise NotFound(f"gate {name} does not exist")
        return found

    async def update_run(self, name: str) -> UpdateRun:
        self._called("update_run")
        found = next((r for r in self.runs if r.name == name), None)
        if found is None:
            raise NotFound(f"update run {name} does not exist")
        return found

    async def members(self) -> Sequence[Member]:
        self._called("members")
        return self.fleet_members

    async def complete_gate(self, gate: Gate) -> Answer:
        self._called(f"complete {gate.name}")
        if self.on_complete:
            return self.on_complete(gate)
        return Answer(200, self.complete(gate))

    def complete(self, gate: Gate) -> Gate:
        done = replace(gate, state="Completed", etag='"2"')
        self.gates = [done if g.name == gate.name else g for g in self.gates]
        return done

    @property
    def patches(self) -> list[str]:
        return [call for call in self.calls if call.startswith("complete")]

    def _called(self, what: str) -> None:
        self.calls.append(what)
        due = self.fail.get(what.split(maxsplit=1)[0], [])
        if due and (error := due.pop(0)) is not None:
            raise error


@dataclass
class FakeIntent:
    id: int
    fleet_id: str
    gate_name: str
    decision: Decision
    settled: tuple[bool, str] | None = None


@dataclass
class FakeStore:
    """The store's protocol over a few lists."""

    seen: dict[str, datetime] = field(default_factory=dict)
    intents: list[FakeIntent] = field(default_factory=list)
    remembered: list[Decision] = field(default_factory=list)
    fail_intend: Exception | None = None
    fail_settle: Exception | None = None

    async def first_seen(self, gate_id: str, now: datetime) -> datetime:
        return self.seen.setdefault(gate_id, now)

    async def remember(self, decision: Decision) -> None:
        self.remembered.append(decision)

    async def intend(self, decision: Decision) -> int:
        if self.fail_intend:
            raise self.fail_intend
        self.intents.append(FakeIntent(len(self.intents), decision.gate.fleet.id, decision.gate.name, decision))
        return len(self.intents) - 1

    async def settle(self, intent_id: int, *, taken: bool, answer: str, at: datetime) -> None:  # noqa: ARG002
        if self.fail_settle:
            raise self.fail_settle
        self.intents[intent_id].settled = (taken, answer)

    async def open_intents(self) -> list[FakeIntent]:
        return [intent for intent in self.intents if intent.settled is None]

    async def forget(self, fleet_id: str, still_pending: set[str]) -> None:
        self.seen = {k: v for k, v in self.seen.items() if not k.startswith(fleet_id) or k in still_pending}

    async def approvals(self, limit: int = 100) -> list[object]:
        return list(self.intents[:limit])

    async def close(self) -> None:
        pass


@dataclass
class Recorder:
    """An observer that writes down what it is told."""

    decisions: list[Decision] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    reports: list[SweepReport] = field(default_factory=list)

    def sweep_started(self, sweep_id: str) -> None:
        pass

    def gate_decided(self, sweep_id: str, decision: Decision) -> None:  # noqa: ARG002
        self.decisions.append(decision)

    def gate_approved(self, sweep_id: str, approval: Approval) -> None:  # noqa: ARG002
        self.approvals.append(approval)

    def sweep_finished(self, report: SweepReport) -> None:
        self.reports.append(report)


class NoMembers:
    """There is no way to any member."""

    async def connect(self, member: Member) -> object:
        raise CouldNotLook(f"{member.name}: no way in")

    async def close(self) -> None:
        pass
