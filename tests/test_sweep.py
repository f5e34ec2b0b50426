"""A sweep over fleets in memory: the unhappy days, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from gatekeeper.decision import Decision, Reason, SweepReport, Verdict
from gatekeeper.doors import Answer
from gatekeeper.errors import (
    BadAnswer,
    Conflict,
    CouldNotLook,
    Forbidden,
    NotFound,
    ServerFault,
    StoreError,
    Throttled,
    TimedOut,
    Unreachable,
)
from gatekeeper.model import FleetRef, Gate, UpdateRun
from gatekeeper.policy import Policy, ScopeSpec
from gatekeeper.runner import Limits, Runner
from gatekeeper.sweep import Doors, Sweeper
from tests.builders import Clock, gate, member, policy, run, spec
from tests.fakes import FakeFleet, FakeStore, NoMembers, Recorder


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper.approve._CONFIRMATIONS", (0.0, 0.0, 0.0, 0.0))


@dataclass
class World:
    """Fleets, a store and a sweeper over them."""

    fleets: Sequence[FakeFleet] = field(default_factory=lambda: [FakeFleet()])
    policies: Sequence[Policy] = field(default_factory=lambda: [policy()])
    dry_run: bool = False
    store: FakeStore = field(default_factory=FakeStore)
    clock: Clock = field(default_factory=Clock)
    recorder: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        doors = Doors(self.fleets, NoMembers(), self.store)  # type: ignore[arg-type]
        runner = Runner(Limits(), self.clock)
        self.sweeper = Sweeper(doors, runner, [self.recorder], self.clock, dry_run=self.dry_run)

    async def sweep(self) -> SweepReport:
        return await self.sweeper.sweep(self.policies)

    async def decide(self) -> Decision:
        (decision,) = (await self.sweep()).decisions
        return decision

    @property
    def fleet(self) -> FakeFleet:
        return self.fleets[0]


async def test_a_healthy_gate_is_approved_with_one_patch_and_its_evidence_is_written_down_before() -> None:
    world = World()
    intents_at_patch: list[int] = []

    def complete(of: Gate) -> Answer:
        intents_at_patch.append(len(world.store.intents))
        return Answer(200, world.fleet.complete(of))

    world.fleet.on_complete = complete
    decision = await world.decide()

    assert (decision.verdict, decision.reason) == (Verdict.APPROVE, Reason.HEALTHY)
    assert world.fleet.patches == [f"complete {gate().name}"]
    assert intents_at_patch == [1]
    assert world.store.intents[0].decision.results == decision.results
    assert world.store.intents[0].settled == (True, "200")
    assert world.recorder.approvals[0].taken


async def test_an_idle_fleet_costs_one_call() -> None:
    world = World([FakeFleet(gates=[])])

    report = await world.sweep()

    assert report.ok
    assert world.fleet.calls == ["pending_gates"]


async def test_a_run_is_read_once_however_many_of_its_gates_are_pending() -> None:
    gates = [gate(name=f"{n:08d}-bb7b-40f3-a235-ed3e63212c3a", gate_type="Approval") for n in range(4)]
    world = World([FakeFleet(gates=gates)])

    report = await world.sweep()

    assert {d.reason for d in report.decisions} == {Reason.GATE_NOT_IN_RUN}
    assert world.fleet.calls.count("update_run") == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gate_type": "ScheduledStart"}, Reason.NOT_APPROVAL),
        ({"display_name": "Nobody knows me"}, Reason.NO_POLICY),
        ({"display_name": None}, Reason.NO_POLICY),
        ({"update_run": "deleted-run"}, Reason.RUN_NOT_FOUND),
        ({"stage": "no-such-stage"}, Reason.GATE_NOT_IN_RUN),
        ({"timing": "Before"}, Reason.GATE_NOT_IN_RUN),
    ],
)
async def test_a_gate_that_is_not_ours_to_open_is_held_and_never_touched(
    changes: dict[str, object], reason: Reason
) -> None:
    world = World([FakeFleet(gates=[gate(**changes)])])

    decision = await world.decide()

    assert (decision.verdict, decision.reason) == (Verdict.HOLD, reason)
    assert world.fleet.patches == []
    assert world.recorder.decisions == [decision]


async def test_a_gate_left_over_by_a_stopped_run_is_never_touched() -> None:
    world = World([FakeFleet(runs=[run(state="Stopped")])])

    assert (await world.decide()).reason is Reason.RUN_NOT_ACTIVE
    assert world.fleet.patches == []


async def test_a_dry_run_decides_and_does_nothing() -> None:
    for world in (World(dry_run=True), World(policies=[policy(dry_run=True)])):
        decision = await world.decide()

        assert (decision.verdict, decision.dry_run) == (Verdict.APPROVE, True)
        assert world.fleet.patches == []
        assert world.store.intents == []


async def test_one_bad_fleet_never_disturbs_another() -> None:
    bad = FakeFleet(ref=FleetRef("s", "rg", "bad"), fail={"pending_gates": [Unreachable("no route to Azure")]})
    broken = FakeFleet(ref=FleetRef("s", "rg", "broken"), fail={"pending_gates": [RuntimeError("oops")]})
    good = FakeFleet()

    report = await World([bad, broken, good]).sweep()

    assert [d.verdict for d in report.decisions] == [Verdict.APPROVE]
    assert ("rg/bad", "no route to Azure") in report.unreadable
    assert ("rg/broken", "Gatekeeper itself broke: RuntimeError: oops") in report.unreadable


async def test_one_bad_gate_never_disturbs_another() -> None:
    other = gate(name="11111111-bb7b-40f3-a235-ed3e63212c3a", update_run="run-2")
    fleet = FakeFleet(gates=[gate(), other], runs=[run(), run(other)], fail={"update_run": [ValueError("what?"), None]})

    report = await World([fleet]).sweep()

    assert {d.reason for d in report.decisions} == {Reason.INTERNAL_ERROR, Reason.HEALTHY}
    assert len(fleet.patches) == 1


async def test_an_unreadable_run_holds_its_gate_with_that_reason() -> None:
    world = World([FakeFleet(fail={"update_run": [Forbidden("403 AuthorizationFailed: updateRuns/read is missing")]})])

    decision = await world.decide()

    assert decision.reason is Reason.FLEET_UNREADABLE
    assert "updateRuns/read is missing" in decision.message


async def test_an_entry_of_the_list_that_cannot_be_understood_is_reported() -> None:
    world = World([FakeFleet(gates=[], unreadable=("gate 42: no target",))])

    report = await world.sweep()

    assert report.unreadable == (("rg-fleet/prod", "gate 42: no target"),)


# --- the last look


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "Completed"}, "state was 'Pending', is 'Completed'"),
        ({"etag": '"7"'}, "etag was"),
        ({"gate_type": "ScheduledStart"}, "gate_type was"),
    ],
)
async def test_a_gate_that_changed_while_its_checks_ran_is_held(changes: dict[str, object], words: str) -> None:
    world = World()

    def change() -> None:
        world.fleet.gates = [replace(world.fleet.gates[0], **changes)]  # type: ignore[arg-type]

    world.fleet.on_read = change
    decision = await world.decide()

    assert decision.reason is Reason.CHANGED_MEANWHILE
    assert words in decision.message
    assert world.fleet.patches == []


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (run(state="Stopped"), Reason.RUN_NOT_ACTIVE),
        (run(members=(member(state="Failed"),)), Reason.CHANGED_MEANWHILE),
        (run(members=(member(), member("aks-2"))), Reason.CHANGED_MEANWHILE),
        (run(stages=()), Reason.GATE_NOT_IN_RUN),
        (run(target=replace(run().target, kubernetes_version="1.34")), Reason.CHANGED_MEANWHILE),
    ],
)
async def test_a_run_that_changed_while_the_checks_ran_holds_its_gate(later: UpdateRun, reason: Reason) -> None:
    world = World()
    world.fleet.on_read = lambda: world.fleet.runs.__setitem__(0, later)

    assert (await world.decide()).reason is reason
    assert world.fleet.patches == []


async def test_a_last_look_that_fails_holds() -> None:
    world = World([FakeFleet(fail={"gate": [TimedOut("no answer within 30s")]})])

    decision = await world.decide()

    assert decision.reason is Reason.FLEET_UNREADABLE
    assert world.fleet.patches == []


async def test_no_approval_is_sent_whose_evidence_cannot_be_written_down() -> None:
    world = World(store=FakeStore(fail_intend=StoreError("disk full")))

    decision = await world.decide()

    assert decision.reason is Reason.INTERNAL_ERROR
    assert "disk full" in decision.message
    assert world.fleet.patches == []


# --- what Azure may answer


async def test_an_approval_accepted_with_202_is_confirmed_by_reading_the_gate() -> None:
    world = World()
    reads = 0

    def read() -> None:
        nonlocal reads
        reads += 1
        if reads == 4:  # the last look, then two looks that find it Pending
            world.fleet.complete(world.fleet.gates[0])

    world.fleet.on_complete = lambda _: Answer(202)
    world.fleet.on_read = read
    decision = await world.decide()

    assert decision.verdict is Verdict.APPROVE
    assert world.recorder.approvals[0].answer == "202; then found Completed"
    assert len(world.fleet.patches) == 1


async def test_an_approval_accepted_and_never_done_is_unconfirmed() -> None:
    world = World()
    world.fleet.on_complete = lambda _: Answer(202)

    decision = await world.decide()

    assert (decision.verdict, decision.reason) == (Verdict.HOLD, Reason.APPROVAL_UNCONFIRMED)
    assert len(world.fleet.patches) == 1


async def test_an_answer_of_200_without_the_completed_gate_is_not_believed() -> None:
    world = World()
    world.fleet.on_complete = lambda of: Answer(200, of)

    assert (await world.decide()).reason is Reason.APPROVAL_UNCONFIRMED


@pytest.mark.parametrize(
    "error", [TimedOut("no answer"), Unreachable("reset"), ServerFault("500"), BadAnswer("<html>")]
)
async def test_an_approval_whose_answer_was_lost_is_found_by_reading(error: CouldNotLook) -> None:
    world = World()

    def complete(of: Gate) -> Answer:
        world.fleet.complete(of)
        raise error

    world.fleet.on_complete = complete
    decision = await world.decide()

    assert decision.verdict is Verdict.APPROVE
    assert world.fleet.patches == [f"complete {gate().name}"]
    assert world.store.intents[0].settled is not None
    assert world.store.intents[0].settled[0]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Conflict("409"), Reason.APPROVAL_REFUSED),
        (Conflict("412"), Reason.APPROVAL_REFUSED),
        (Forbidden("403"), Reason.APPROVAL_REFUSED),
        (Throttled("429", 30), Reason.APPROVAL_REFUSED),
        (ServerFault("503"), Reason.APPROVAL_UNCONFIRMED),
        (TimedOut("lost"), Reason.APPROVAL_UNCONFIRMED),
    ],
)
async def test_an_approval_that_was_not_taken_holds_and_is_not_repeated(error: CouldNotLook, reason: Reason) -> None:
    world = World([FakeFleet(fail={"complete": [error]})])

    decision = await world.decide()

    assert (decision.verdict, decision.reason) == (Verdict.HOLD, reason)
    assert len(world.fleet.patches) == 1
    assert world.store.intents[0].settled is not None
    assert world.store.intents[0].settled[0] is False


async def test_the_next_sweep_checks_anew_and_tries_again() -> None:
    world = World([FakeFleet(fail={"complete": [ServerFault("503")]})])

    first, second = await world.decide(), await world.decide()

    assert (first.reason, second.reason) == (Reason.APPROVAL_UNCONFIRMED, Reason.HEALTHY)
    assert len(world.fleet.patches) == 2


async def test_a_gate_that_vanished_is_not_pending() -> None:
    world = World()

    def vanish(_: Gate) -> Answer:
        world.fleet.gates = []
        raise NotFound("404")

    world.fleet.on_complete = vanish

    assert (await world.decide()).reason is Reason.NOT_PENDING


async def test_a_throttled_fleet_is_left_alone_as_long_as_azure_asks() -> None:
    world = World([FakeFleet(fail={"pending_gates": [Throttled("429", 45)]})])

    await world.sweep()
    second = await world.sweep()
    world.clock.advance(45)
    third = await world.sweep()

    assert second.unreadable == (("rg-fleet/prod", "Azure asked to be left alone for 45s more"),)
    assert third.ok
    assert world.fleet.calls.count("pending_gates") == 2


async def test_a_throttled_approval_leaves_the_fleet_alone() -> None:
    world = World([FakeFleet(fail={"complete": [Throttled("429", 60)]})])

    await world.sweep()
    second = await world.sweep()

    assert not second.ok


async def test_an_approval_interrupted_by_a_crash_is_settled_by_reading_the_gate() -> None:
    world = World()
    decision = await World().decide()
    await world.store.intend(decision)
    world.fleet.complete(gate())

    await world.sweep()

    assert world.store.intents[0].settled == (True, "unknown, Gatekeeper stopped meanwhile; found Completed")
    assert world.fleet.patches == []


async def test_when_an_approval_cannot_be_settled_it_stays_open_and_the_gate_counts_as_approved() -> None:
    world = World(store=FakeStore(fail_settle=StoreError("disk full")))

    decision = await world.decide()

    assert decision.verdict is Verdict.APPROVE
    assert len(await world.store.open_intents()) == 1


async def test_an_observer_that_breaks_disturbs_nothing() -> None:
    world = World()
    world.recorder.gate_decided = None  # type: ignore[method-assign, assignment]

    assert (await world.sweep()).decisions[0].verdict is Verdict.APPROVE


async def test_group_gates_are_independent_of_one_another() -> None:
    """One group's gate is approved although another one's check fails, in the same run and sweep."""
    other = gate(name="22222222-bb7b-40f3-a235-ed3e63212c3a", group="prod-us", display_name="Other name")
    one = run()
    canary, prod, last = one.stages
    us = replace(
        prod.groups[1],
        members=(member("aks-9", "Failed"),),
        gates=(replace(prod.groups[0].gates[0], gate_id=other.id),),
    )
    both = replace(one, stages=(canary, replace(prod, groups=(prod.groups[0], us)), last))
    world = World(
        [FakeFleet(gates=[gate(), other], runs=[both])], [policy(), policy(name="other", display_name="Other name")]
    )

    report = await world.sweep()

    assert {d.gate.group: d.reason for d in report.decisions} == {
        "prod-eu": Reason.HEALTHY,
        "prod-us": Reason.MEMBER_FAILED,
    }


async def test_the_members_of_the_fleet_are_read_only_for_policies_that_need_them() -> None:
    plain = World()
    labelled = World(
        [FakeFleet(fleet_members=[member(labels={"tier": "gold"})])],
        [policy(scope=ScopeSpec("target", {"tier": "gold"}))],
    )

    assert (await plain.decide()).verdict is Verdict.APPROVE
    assert (await labelled.decide()).verdict is Verdict.APPROVE
    assert "members" not in plain.fleet.calls
    assert "members" in labelled.fleet.calls


async def test_a_gate_that_is_no_longer_pending_is_forgotten() -> None:
    world = World([FakeFleet(gates=[gate(display_name="Nobody")])])
    await world.sweep()
    world.clock.advance(60)
    again = await world.decide()
    world.fleet.gates = []
    await world.sweep()

    assert again.first_seen == world.clock.now - timedelta(seconds=60)
    assert world.store.seen == {}


async def test_an_advisory_check_that_breaks_does_not_hold_the_gate() -> None:
    by = policy(spec("fine"), spec("calm", required=False))

    assert (await World(policies=[by]).decide()).verdict is Verdict.APPROVE
