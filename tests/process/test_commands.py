"""The commands that end by themselves: what they print for programs, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.emulator.demo_files import POLICIES, SCENARIO
from gatekeeper.emulator.scenario import load_scenario
from tests.process.world import CRASHING, ONE_GATE, World, gatekeeper, world

pytestmark = pytest.mark.process

ONE_SICK = f"""{ONE_GATE}
sick:
  - member: one
    what: payments is broken
    after: start
    apply:{CRASHING}
"""


def use_kubeconfig(this: World) -> Path:
    """Let the settings reach members through a mounted kubeconfig instead of AKS; return the file."""
    file = this.folder / "kubeconfig"
    file.write_text(this.emulator.kubeconfig_text())
    text = this.settings.read_text()
    this.settings.write_text(text.replace("access: aks", "access: kubeconfig\n  kubeconfig: kubeconfig"))
    return file


async def test_a_sweep_that_opens_every_gate_exits_0(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        use_kubeconfig(this)
        gate = await this.gate()
        ended = await gatekeeper("sweep", "-c", this.settings, "-o", "json")

        assert (ended.code, ended.err) == (0, "")
        assert [(it["gate"]["name"], it["verdict"], it["reason"]) for it in ended.document["gates"]] == [
            (gate, "approve", "Healthy")
        ]
        assert (this.patches(gate), this.patches(), this.state(gate)) == (1, 1, "Completed")


async def test_a_dry_sweep_says_the_same_and_approves_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        ended = await gatekeeper("sweep", "-c", this.settings, "--dry-run", "-o", "json")

        assert ended.code == 0
        assert [(it["verdict"], it["dryRun"]) for it in ended.document["gates"]] == [("approve", True)]
        assert (this.patches(), this.state(gate)) == (0, "Pending")


async def test_a_sweep_that_holds_a_gate_exits_1_and_names_the_workload(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_SICK) as this:
        use_kubeconfig(this)
        await this.gate()
        ended = await gatekeeper("sweep", "-c", this.settings, "-o", "json")

        assert ended.code == 1
        assert [(it["verdict"], it["reason"]) for it in ended.document["gates"]] == [("hold", "CheckFailed")]
        assert "payments/api" in ended.document["gates"][0]["message"]
        assert this.patches() == 0


async def test_a_sweep_that_cannot_look_exits_3(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        await this.gate()
        this.settings.write_text(this.settings.read_text().replace(this.emulator.arm_url, "http://127.0.0.1:1"))
        ended = await gatekeeper("sweep", "-c", this.settings, "-o", "json")

        assert ended.code == 3
        assert (ended.document["gates"], len(ended.document["unreadable"])) == ([], 1)


async def test_gates_lists_them_with_their_policies_and_touches_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_GATE) as this:
        gate = await this.gate()
        ended = await gatekeeper("gates", "-c", this.settings, "-o", "json")

        assert ended.code == 0
        assert [(it["name"], it["policy"]) for it in ended.document["gates"]] == [(gate, "healthy-after-update")]
        assert (this.patches(), len(this.emulator.kube.journal)) == (0, 0)


async def test_a_check_by_hand_exits_0_1_and_3(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_SICK) as this:
        config = use_kubeconfig(this)
        where = ("--kubeconfig", config, "--context", "one", "-o", "json")
        well = await gatekeeper("check", "nodes-ready", *where)
        ill = await gatekeeper("check", "workloads-rolled-out", *where)
        this.emulator.cluster("one").access.tokens = {"another"}
        unseen = await gatekeeper("check", "nodes-ready", *where)
        unknown = await gatekeeper("check", "nodes-reddy", *where)

        assert [each.code for each in (well, ill, unseen, unknown)] == [0, 1, 3, 2]
        assert [each.document["results"][0]["outcome"] for each in (well, ill, unseen)] == ["passed", "failed", "error"]
        assert "nodes-ready" in unknown.err
        assert "Traceback" not in unknown.err


async def test_a_policy_by_hand_asks_all_its_checks(tmp_path: Path) -> None:
    async with world(tmp_path, ONE_SICK) as this:
        await this.gate()  # the update has ended
        where = ("--kubeconfig", use_kubeconfig(this), "--context", "one", "-o", "json")
        ended = await gatekeeper("check", "--policy", POLICIES / "health.yaml", *where, "--target-version", "1.34")

        assert ended.code == 1
        assert {it["check"]: it["outcome"] for it in ended.document["results"]} == {
            "api-server-ready": "passed",
            "nodes-ready": "passed",
            "nodes-at-target-version": "passed",
            "workloads-rolled-out": "failed",
            "pods-healthy": "passed",
        }


async def test_validate_names_the_gates_of_a_strategy_that_would_stay_shut(tmp_path: Path) -> None:
    stages = [dict(stage) for stage in load_scenario(SCENARIO).fleets[0].stages]
    strategy, shut = tmp_path / "strategy.json", tmp_path / "shut.json"
    strategy.write_text(json.dumps({"properties": {"strategy": {"stages": stages}}}))
    stages[0]["beforeGates"] = [{"displayName": "Ask Alice", "type": "Approval"}]
    shut.write_text(json.dumps({"stages": stages}))
    covered = await gatekeeper("validate", POLICIES, "--strategy", strategy, "-o", "json")
    uncovered = await gatekeeper("validate", POLICIES, "--strategy", shut)
    broken = tmp_path / "broken.yaml"
    broken.write_text((POLICIES / "health.yaml").read_text().replace("nodes-ready", "nodes-reddy"))
    refused = await gatekeeper("validate", broken)

    assert [each.code for each in (covered, uncovered, refused)] == [0, 1, 2]
    assert "Ask Alice" in uncovered.out
    assert "broken.yaml:" in refused.out + refused.err
    assert "did you mean nodes-ready?" in refused.out + refused.err
