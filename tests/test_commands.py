"""One sweep, and the list of pending gates, against an emulated fleet over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.commands import results_exit_code, sweep_exit_code
from gatekeeper.decision import Decision, Reason, SweepReport, Verdict
from gatekeeper.emulator.fleet import Fault, Fleet
from gatekeeper.emulator.kube import aks_cluster
from gatekeeper.emulator.server import Emulator
from gatekeeper.findings import Outcome
from tests.builders import NOW, gate, result
from tests.commandline import Done, beside

TOKEN = "token-of-the-tests"
SETTINGS = """
apiVersion: gatekeeper/v1
kind: Settings
fleets: [{{subscriptionId: 00000000-0000-0000-0000-000000000001, resourceGroup: rg-fleet, name: prod}}]
azure: {{endpoint: "{arm}", credential: token-file, tokenFile: token}}
members: {{access: kubeconfig, kubeconfig: kubeconfig}}
policies: [policy.yaml]
store: {{kind: sqlite, path: gatekeeper.db}}
"""
POLICY = """
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: before-update}
match: {displayName: "Check *", timing: Before}
checks:
  - check: api-server-ready
  - check: nodes-ready
"""


@dataclass
class World:
    """A fleet with members eu-1 and us-1 in groups eu and us, and the settings of a Gatekeeper for it."""

    emulator: Emulator
    fleet: Fleet
    folder: Path

    async def run(self, command: str, *arguments: str) -> Done:
        return await beside(command, "-c", self.folder / "gatekeeper.yaml", *arguments)

    def start(self, name: str = "run-1", **gates: str) -> None:
        """Start a run whose groups have a gate before them: ``eu="Check eu"``."""
        groups = [
            {"name": group, "beforeGates": [{"type": "Approval", "displayName": display_name}]}
            for group, display_name in gates.items()
        ]
        upgrade = {"upgrade": {"type": "Full", "kubernetesVersion": "1.34.2"}, "nodeImageSelection": {"type": "Latest"}}
        stages = [{"name": "all", "groups": groups}]
        self.fleet.create_run(name, {"managedClusterUpdate": upgrade, "strategy": {"stages": stages}})
        self.fleet.runs.start(name)

    def fail(self, path: str, status: int = 500, method: str = "GET") -> None:
        self.emulator.arm.faults.add(Fault(method=method, path=path, status=status, times=None))

    def states(self) -> dict[str, str]:
        """The state of every gate by its displayName."""
        return {gate["properties"]["displayName"]: gate["properties"]["state"] for gate in self.fleet.gates()}

    @property
    def patches(self) -> int:
        return self.emulator.arm.journal.count("PATCH", "/gates/")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    emulator = Emulator(token=TOKEN)
    fleet = emulator.arm.put_fleet("00000000-0000-0000-0000-000000000001", "rg-fleet", "prod")
    for group in ("eu", "us"):
        emulator.add_member(fleet, aks_cluster(f"{group}-1", pools={"system": (1, "system")}), group=group)
    async with emulator:
        (tmp_path / "gatekeeper.yaml").write_text(SETTINGS.format(arm=emulator.arm_url))
        (tmp_path / "policy.yaml").write_text(POLICY)
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "kubeconfig").write_text(emulator.kubeconfig_text())
        yield World(emulator, fleet, tmp_path)


def by_name(gates: list[dict[str, Any]], *keys: str) -> dict[str, tuple[Any, ...]]:
    return {each["displayName"]: tuple(each[key] for key in keys) for each in gates}


async def test_without_pending_gates_a_sweep_is_0_and_says_so(world: World) -> None:
    text, document = await world.run("sweep"), await world.run("sweep", "-o", "json")

    assert text == Done(0, "no gate is pending\n", "")
    assert (document.code, document.json["gates"], document.json["unreadable"]) == (0, [], [])


async def test_a_sweep_approves_the_gates_of_healthy_clusters(world: World) -> None:
    world.start(eu="Check eu", us="Check us")

    done = await world.run("sweep")

    assert (done.code, done.err) == (0, "")
    assert done.out.count("approved") == 2
    assert world.states() == {"Check eu": "Completed", "Check us": "Completed"}
    assert world.patches == 2


async def test_a_sweep_is_1_when_one_gate_is_held_and_opens_the_other(world: World) -> None:
    world.start(eu="Check eu", us="Somebody look at us")

    done = await world.run("sweep")

    assert (done.code, done.err) == (1, "")
    assert "hold NoPolicy" in done.out
    assert world.states() == {"Check eu": "Completed", "Somebody look at us": "Pending"}


async def test_a_dry_sweep_approves_nothing(world: World) -> None:
    world.start(eu="Check eu")

    done = await world.run("sweep", "--dry-run")

    assert done.code == 0
    assert "would approve" in done.out
    assert (world.patches, world.states()) == (0, {"Check eu": "Pending"})


async def test_a_sweep_is_3_when_all_that_holds_is_a_cluster_that_could_not_be_seen(world: World) -> None:
    world.start(eu="Check eu", us="Check us")
    world.emulator.cluster("eu-1").faults.add("unreachable")

    done = await world.run("sweep", "-o", "json")

    assert (done.code, done.err) == (3, "")
    verdicts = {each["gate"]["displayName"]: (each["verdict"], each["reason"]) for each in done.json["gates"]}
    assert verdicts == {"Check eu": ("hold", "CheckError"), "Check us": ("approve", "Healthy")}


async def test_a_sweep_is_3_when_a_fleet_cannot_be_read(world: World) -> None:
    world.fail("/gates", 403)

    text, document = await world.run("sweep"), await world.run("sweep", "-o", "json")

    assert (text.code, document.code) == (3, 3)
    assert text.out.startswith("could not read ")
    assert [each["fleet"] for each in document.json["unreadable"]] != []


async def test_the_list_of_gates_names_the_policy_of_each_and_touches_nothing(world: World) -> None:
    world.start(eu="Check eu", us="Somebody look at us")

    text, document = await world.run("gates"), await world.run("gates", "-o", "json")

    assert (text.code, document.code, text.err, document.err) == (0, 0, "", "")
    assert by_name(document.json["gates"], "group", "policy") == {
        "Check eu": ("eu", "before-update"),
        "Somebody look at us": ("us", None),
    }
    assert "before-update" in text.out
    assert (world.patches, len(world.emulator.kube.journal)) == (0, 0)


async def test_without_pending_gates_the_list_says_so(world: World) -> None:
    assert await world.run("gates") == Done(0, "no gate is pending\n", "")
    assert (await world.run("gates", "-o", "json")).json == {"gates": [], "unreadable": []}


async def test_the_list_is_3_when_a_fleet_cannot_be_read(world: World) -> None:
    world.fail("/gates", 500)

    text, document = await world.run("gates"), await world.run("gates", "-o", "json")

    assert (text.code, document.code) == (3, 3)
    assert text.out.startswith("could not read ")
    assert len(document.json["unreadable"]) == 1


async def test_a_run_that_cannot_be_read_does_not_hide_the_gates_of_others(world: World) -> None:
    world.start("run-1", eu="Check eu")
    world.start("run-2", us="Check us")
    world.fail("/updateRuns/run-1", 404)

    done = await world.run("gates", "-o", "json")

    assert done.code == 0
    found = by_name(done.json["gates"], "policy", "message")
    assert found["Check us"][0] == "before-update"
    assert found["Check eu"][0] is None
    assert "updateRuns.get: HTTP 404" in found["Check eu"][1]


async def test_azure_that_cannot_be_reached_is_3(world: World) -> None:
    await world.emulator.__aexit__(None, None, None)

    assert [(await world.run(command)).code for command in ("sweep", "gates")] == [3, 3]


async def test_a_token_file_that_is_not_there_is_a_sentence(world: World) -> None:
    (world.folder / "token").unlink()

    done = await world.run("sweep")

    assert done.code in (2, 3)
    assert "token" in done.out + done.err
    assert "Traceback" not in done.out + done.err


def report(*reasons: Reason, unreadable: bool = False) -> SweepReport:
    fine = Decision(gate(), Verdict.APPROVE, Reason.HEALTHY, "all is well", NOW, NOW)
    held = [replace(fine, verdict=Verdict.HOLD, reason=reason) for reason in reasons if reason is not Reason.HEALTHY]
    fleets = (("prod", "no way in"),) if unreadable else ()
    return SweepReport("0123456789ab", NOW, 0.1, (fine, *held), (), fleets, 1)


def test_the_exit_code_of_a_sweep() -> None:
    assert sweep_exit_code(report()) == 0
    assert sweep_exit_code(report(Reason.CHECK_FAILED)) == 1
    assert sweep_exit_code(report(Reason.CHECK_ERROR)) == 3
    assert sweep_exit_code(report(Reason.CHECK_ERROR, Reason.NO_POLICY)) == 1
    assert sweep_exit_code(report(unreadable=True)) == 3


def test_the_exit_code_of_checks() -> None:
    passed, advice = result(), result(outcome=Outcome.FAILED, required=False)
    failed, unclear, error = (
        result(outcome=outcome) for outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ERROR)
    )

    assert results_exit_code([passed, advice]) == 0
    assert results_exit_code([passed, failed]) == 1
    assert results_exit_code([passed, unclear]) == 1
    assert results_exit_code([failed, error]) == 1
    assert results_exit_code([passed, error]) == 3
