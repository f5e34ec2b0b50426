"""What the daemon opens and what it leaves shut, over real HTTP."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.process.world import CRASHING, World, eventually, world

pytestmark = pytest.mark.process

ALL_KINDS = f"""
apiVersion: gatekeeper/v1
kind: Scenario
updateTakes: 10ms
fleets:
  - name: prod
    members:
      - {{name: well-1, group: well, pools: {{system: 1}}}}
      - {{name: ill-1, group: ill, pools: {{system: 1}}}}
      - {{name: odd-1, group: odd, pools: {{system: 1}}}}
      - {{name: planned-1, group: planned, pools: {{system: 1}}}}
    stages:
      - name: all
        groups:
          - {{name: well, afterGates: [{{displayName: Run health checks, type: Approval}}]}}
          - {{name: ill, afterGates: [{{displayName: Run health checks, type: Approval}}]}}
          - {{name: odd, afterGates: [{{displayName: Ask Alice, type: Approval}}]}}
          - {{name: planned, afterGates: [{{displayName: Run health checks, type: ScheduledStart}}]}}
    runs: [{{name: run-1, kubernetesVersion: 1.34.2}}]
  - name: stopped
    members: [{{name: left-1, group: left, pools: {{system: 1}}}}]
    stages:
      - {{name: all, groups: [{{name: left, afterGates: [{{displayName: Run health checks, type: Approval}}]}}]}}
    runs: [{{name: run-1, kubernetesVersion: 1.34.2}}]
sick:
  - member: ill-1
    what: the update broke payments
    apply:{CRASHING}
"""


async def test_healthy_gates_get_one_patch_and_no_other_gate_gets_any(tmp_path: Path) -> None:
    async with world(tmp_path, ALL_KINDS) as this:
        well, ill, odd, planned = [await this.gate(group) for group in ("well", "ill", "odd", "planned")]
        left = await this.gate("left", fleet="stopped")
        this.scene.fleets["stopped"].runs.stop("run-1")
        async with this.daemon() as daemon:
            approved = await daemon.said("gate.approved")
            held = {gate: await daemon.said("gate.held", gate=gate) for gate in (ill, odd, left)}
            await this.more_sweeps(6)  # three of each fleet

        assert (approved["gate"], approved["reason"]) == (well, "Healthy")
        assert [result["member"] for result in approved["evidence"]] == ["well-1"] * 5
        assert {held[ill]["reason"], held[odd]["reason"], held[left]["reason"]} == {
            "CheckFailed",
            "NoPolicy",
            "RunNotActive",
        }
        assert "payments/api" in held[ill]["message"]
        assert (this.patches(well), this.patches()) == (1, 1)
        assert [this.state(gate) for gate in (well, ill, odd, planned)] == [
            "Completed",
            "Pending",
            "Pending",
            "Pending",
        ]
        assert this.state(left, fleet="stopped") == "Pending"
        assert daemon.process.exit_code == 0
        assert this.errors == []


async def test_a_healed_cluster_opens_its_gate_and_the_record_says_why(tmp_path: Path) -> None:
    async with world(tmp_path, ALL_KINDS) as this:
        ill = await this.gate("ill")
        async with this.daemon() as daemon:
            await daemon.said("gate.held", gate=ill)
            this.scene.heal("ill-1")
            approved = await daemon.said("gate.approved", gate=ill)

        assert this.patches(ill) == 1
        assert {result["outcome"] for result in approved["evidence"]} == {"passed"}


async def test_a_new_policy_is_picked_up_and_a_broken_one_refused(tmp_path: Path) -> None:
    async with world(tmp_path, ALL_KINDS) as this:
        odd = await this.gate("odd")
        async with this.daemon() as daemon:
            await daemon.said("gate.held", gate=odd, reason="NoPolicy")
            _write_policy(this, "checks: [{check: nodes-reddy}]")
            refused = await daemon.said("policies.refused")
            await daemon.shows(lambda it: it["gatekeeper_policy_reload_successful"] == 0, "a refused policy")
            patched_before = this.patches(odd)
            _write_policy(this, "checks: [{check: nodes-ready}]")
            await daemon.said("gate.approved", gate=odd, policy="alice")
            await daemon.shows(lambda it: it["gatekeeper_policy_reload_successful"] == 1, "a loaded policy")

        assert "alice.yaml" in refused["cause"]
        assert "nodes-ready" in refused["cause"]
        assert (patched_before, this.patches(odd)) == (0, 1)


async def test_sigterm_ends_an_idle_daemon_with_exit_code_0(tmp_path: Path) -> None:
    async with world(tmp_path, ALL_KINDS) as this, this.daemon() as daemon:
        await daemon.said("sweep.finished")
        daemon.signal(signal.SIGTERM)

        assert await daemon.ended() == 0
        assert [event["event"] for event in daemon.events][-1] == "daemon.stopped"


async def test_sigterm_abandons_a_sweep_at_its_deadline(tmp_path: Path) -> None:
    async with world(tmp_path, ALL_KINDS) as this:
        this.add_settings("shutdown: {deadline: 500ms}\n")
        this.emulator.cluster("ill-1").faults.add("hang")
        await this.gate("ill")
        async with this.daemon() as daemon:
            await eventually(lambda: this.emulator.kube.journal.of("well-1"), "checks that are under way")
            daemon.signal(signal.SIGTERM)

            assert await daemon.ended() == 0
            assert daemon.of("sweep.abandoned")


async def test_a_second_sigterm_ends_the_daemon_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, ALL_KINDS) as this:
        this.add_settings("shutdown: {deadline: 1h}\n")
        this.emulator.cluster("ill-1").faults.add("hang")
        await this.gate("ill")
        async with this.daemon() as daemon:
            await eventually(lambda: this.emulator.kube.journal.of("well-1"), "checks that are under way")
            daemon.signal(signal.SIGTERM)
            await daemon.said("daemon.stopping")
            daemon.signal(signal.SIGTERM)

            assert await daemon.ended() == 128 + signal.SIGTERM


def _write_policy(this: World, checks: str) -> None:
    text = "apiVersion: gatekeeper/v1\nkind: GatePolicy\nmetadata: {name: alice}\nmatch: {displayName: Ask Alice}\n"
    (this.folder / "policies" / "alice.yaml").write_text(f"{text}{checks}\n")
