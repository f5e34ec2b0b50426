"""The daemon on bad days: killed in the middle, answers lost, throttled, Azure down."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.emulator.fleet import Fault
from tests.process.world import ONE_GATE, World, eventually, world

pytestmark = pytest.mark.process


def approvals(this: World) -> list[tuple[Any, ...]]:
    """The record: gate, whether the approval was taken, and whether anybody knows."""
    connection = sqlite3.connect(f"file:{this.folder / 'gatekeeper.db'}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT gate_id, taken, settled_at IS NOT NULL FROM approvals ORDER BY id").fetchall()
    finally:
        connection.close()


def answer_no_look_after_a_patch(this: World) -> None:
    """Lose the answer to the first PATCH, after it was carried out or before, and let every later look hang."""
    faults, strike = this.emulator.arm.faults, this.emulator.arm.faults.strike

    def and_then_hang(method: str, path: str) -> Fault | None:
        fault = strike(method, path)
        if method == "PATCH":
            faults.rules.insert(0, Fault("GET", path, times=None, delay=60))
        return fault

    faults.strike = and_then_hang  # type: ignore[method-assign]


async def test_a_daemon_killed_after_its_approval_was_taken_does_not_approve_twice(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        this.emulator.arm.faults.add(Fault("PATCH", drop=True, when="after"))
        answer_no_look_after_a_patch(this)
        async with this.daemon() as daemon:
            await eventually(lambda: this.patches(gate), "an approval")
            daemon.signal(signal.SIGKILL)
            await daemon.ended()
        record = approvals(this)
        this.emulator.arm.faults.clear()
        async with this.daemon() as daemon:
            settled = await daemon.said("approval.settled")
            await this.more_sweeps(2)

        assert [row[1:] for row in record] == [(None, 0)]
        assert (settled["gate"], settled["state"]) == (gate, "Completed")
        assert [(row[0].rpartition("/")[2], *row[1:]) for row in approvals(this)] == [(gate, 1, 1)]
        assert this.patches() == 1


async def test_a_daemon_killed_before_its_approval_arrived_checks_and_approves_anew(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        this.emulator.arm.faults.add(Fault("PATCH", drop=True, when="before"))
        answer_no_look_after_a_patch(this)
        async with this.daemon() as daemon:
            await eventually(lambda: this.patches(gate), "an approval")
            daemon.signal(signal.SIGKILL)
            await daemon.ended()
        this.emulator.arm.faults.clear()
        checks_before = len(this.emulator.kube.journal)
        async with this.daemon() as daemon:
            await daemon.said("gate.approved", gate=gate)
            await this.more_sweeps(2)

        assert [row[1:] for row in approvals(this)] == [(0, 1), (1, 1)]
        assert len(this.emulator.kube.journal) > checks_before
        assert (this.patches(), this.state(gate)) == (1 + 1, "Completed")


async def test_an_approval_whose_answer_is_lost_is_found_and_not_repeated(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        this.emulator.arm.faults.add(Fault("PATCH", drop=True, when="after"))
        async with this.daemon() as daemon:
            approved = await daemon.said("gate.approved", gate=gate)
            await this.more_sweeps(2)

        assert approved["answer"].endswith("then found Completed")
        assert [row[1:] for row in approvals(this)] == [(1, 1)]
        assert this.patches() == 1


async def test_an_approval_answered_202_is_confirmed_by_reading(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        this.emulator.arm.behaviour.approve_status = 202
        this.emulator.arm.behaviour.operation_seconds = 0.2
        gate = await this.gate()
        async with this.daemon() as daemon:
            await daemon.said("gate.approved", gate=gate)
            await this.more_sweeps(2)

        assert (this.patches(), this.state(gate)) == (1, "Completed")


async def test_a_throttled_daemon_waits_as_long_as_it_is_told_and_goes_on(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        this.emulator.arm.faults.add(Fault("GET", "/gates$", status=429, headers={"Retry-After": "2"}))
        async with this.daemon() as daemon:
            unreadable = await daemon.said("fleet.unreadable")
            await daemon.said("gate.approved", gate=gate)
        first, second = [entry.at for entry in this.emulator.arm.journal.of("GET", "/gates$")][:2]

        assert "2" in unreadable["message"]
        assert (second - first).total_seconds() >= 2
        assert this.patches() == 1


async def test_a_throttled_approval_is_made_later(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        this.emulator.arm.faults.add(Fault("PATCH", status=429, headers={"Retry-After": "1"}))
        async with this.daemon() as daemon:
            await daemon.said("gate.approved", gate=gate)

        assert [row[1:] for row in approvals(this)] == [(0, 1), (1, 1)]
        assert (this.patches(), this.state(gate)) == (2, "Completed")


async def test_azure_may_be_down_and_the_daemon_lives_and_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        this.emulator.arm.faults.add(Fault(times=None, drop=True))
        async with this.daemon() as daemon:
            await daemon.said("fleet.unreadable")
            await daemon.shows(
                lambda it: any(
                    value > 0 for name, value in it.items() if name.startswith("gatekeeper_arm_errors_total")
                ),
                "errors of Azure",
            )
            this.emulator.arm.faults.clear()
            await daemon.said("gate.approved", gate=gate)
            code = await daemon.process.stop()

        assert code == 0
        assert this.patches() == 1


@pytest.mark.parametrize("kind", ["unreachable", "malformed", "truncated"])
async def test_a_member_that_cannot_be_read_holds_its_gate_until_it_can(tmp_path: Path, kind: str) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        this.emulator.cluster("one").faults.add(kind)
        async with this.daemon() as daemon:
            held = await daemon.said("gate.held", gate=gate)
            patches_then = this.patches()
            this.emulator.cluster("one").faults.clear()
            await daemon.said("gate.approved", gate=gate)

        assert held["reason"] == "CheckError"
        assert "one" in held["message"]
        assert (patches_then, this.patches()) == (0, 1)
