"""A scenario file becomes a world; what is wrong in it is said by file and line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.demo_files import SCENARIO
from gatekeeper.emulator.scenario import Scenario, load_scenario
from gatekeeper.emulator.scene import Scene
from gatekeeper.errors import ConfigError

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
SMALL = """\
apiVersion: gatekeeper/v1
kind: Scenario
updateTakes: 10s
fleets:
  - name: prod
    members:
      - {name: north, group: a, pools: {system: 1}}
      - {name: south, group: b, pools: {system: 1}, version: 1.32.9, updateTakes: 20s}
    stages:
      - {name: all, groups: [{name: a}, {name: b}]}
    runs: [{name: run-1, kubernetesVersion: 1.34.2}]
sick:
  - member: north
    what: web is gone
    apply:
      - {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, status: {readyReplicas: 0}}
"""

Load = Callable[[str], Scenario]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str) -> Scenario:
        file = tmp_path / "scenario.yaml"
        file.write_text(text)
        return load_scenario(file)

    return load


def ready_replicas(scene: Scene, member: str) -> int:
    return int(scene.emulator.cluster(member).get("Deployment", "web", "shop")["status"]["readyReplicas"])


def test_members_are_updated_in_their_time_and_fall_sick_after_it(load: Load) -> None:
    clock = DrivenClock(START)
    scene = Scene(load(SMALL), clock=clock)
    scene.start()
    versions = []
    for _ in range(3):
        scene.emulator.tick()
        versions.append([scene.emulator.cluster(name).version for name in ("north", "south")])
        clock.advance(10)

    assert versions == [["v1.33.5", "v1.32.9"], ["v1.34.2", "v1.32.9"], ["v1.34.2", "v1.34.2"]]
    assert list(scene.sick) == ["north"]
    assert (ready_replicas(scene, "north"), ready_replicas(scene, "south")) == (0, 3)


def test_a_healed_cluster_is_as_it_was_and_stays_updated(load: Load) -> None:
    clock = DrivenClock(START)
    scene = Scene(load(SMALL), clock=clock)
    scene.start()
    clock.advance(10)
    scene.emulator.tick()
    scene.heal("north")
    scene.heal("north")

    assert scene.sick == {}
    assert (ready_replicas(scene, "north"), scene.emulator.cluster("north").version) == (3, "v1.34.2")


def test_a_cluster_may_be_sick_from_the_start(load: Load) -> None:
    scene = Scene(load(SMALL.replace("what: web is gone", "what: web is gone\n    after: start")))
    scene.start()

    assert ready_replicas(scene, "north") == 0


def test_manifests_of_a_member_are_laid_over_its_cluster(load: Load) -> None:
    manifests = "manifests: [{apiVersion: v1, kind: Namespace, metadata: {name: extra}}]"
    scene = Scene(load(SMALL.replace("group: a,", f"group: a, {manifests},")))

    assert scene.emulator.cluster("north").get("Namespace", "extra")["metadata"]["name"] == "extra"


def test_an_update_may_fail(load: Load) -> None:
    clock = DrivenClock(START)
    scene = Scene(load(SMALL.replace("group: a,", "group: a, updateFails: no quota,")), clock=clock)
    scene.start()
    clock.advance(30)
    members = [
        group["members"][0]
        for group in scene.fleets["prod"].run("run-1")["properties"]["status"]["stages"][0]["groups"]
    ]

    assert [member["status"]["state"] for member in members] == ["Failed", "Completed"]
    assert scene.emulator.cluster("north").version == "v1.33.5"


def test_several_fleets_share_one_world(load: Load) -> None:
    second = """\
  - name: dev
    members: [{name: east, group: a, pools: {system: 1}}]
    stages: [{name: all, groups: [{name: a}]}]
"""
    scene = Scene(load(SMALL.replace("sick:\n", f"{second}sick:\n")))

    assert list(scene.fleets) == ["prod", "dev"]
    assert sorted(scene.emulator.kube.clusters) == ["east", "north", "south"]


@pytest.mark.parametrize(
    ("right", "wrong", "line", "message"),
    [
        ("updateTakes: 10s", "updateTakes: 10", 3, "not a duration"),
        ("updateTakes: 10s", "updatesTake: 10s", 3, "did you mean updateTakes?"),
        ("{name: south,", "{name: north,", 1, "north stands here twice"),
        ("member: north", "member: west", 1, "no fleet has the member west"),
        ("{name: a}, {name: b}", "{name: a}, {name: a}", 9, "group name 'a' occurs 2 times"),
        ("kind: Deployment", "kind: Deploiment", 15, "Deploiment"),
        ("metadata: {name: web, namespace: shop}", "metadata: {namespace: shop}", 15, "metadata.name"),
    ],
)
def test_what_is_wrong_is_said_by_line(load: Load, right: str, wrong: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(SMALL.replace(right, wrong, 1))

    assert f"scenario.yaml:{line}:" in str(error.value)
    assert message in str(error.value)


def test_the_demo_has_three_stages_nine_clusters_and_gates_in_all_four_positions() -> None:
    fleet = load_scenario(SCENARIO).fleets[0]
    positions = {
        (kind, key)
        for stage in fleet.stages
        for kind, part in [("stage", stage), *(("group", group) for group in stage["groups"])]
        for key in ("beforeGates", "afterGates")
        if part.get(key)
    }

    assert (len(fleet.stages), len(fleet.members)) == (3, 9)
    assert len(positions) == 4


def test_what_falls_sick_in_the_demo_is_there_when_all_is_well() -> None:
    scene = Scene(load_scenario(SCENARIO))
    for sickness in scene.scenario.sick:
        cluster = scene.emulator.cluster(sickness.member)
        for manifest in sickness.apply:
            name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]

            assert cluster.get(manifest["kind"], name, namespace)["metadata"]["name"] == name
