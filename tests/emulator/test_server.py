"""Azure and the members' clusters as one world: what a run does to a member is seen in its Kubernetes API."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession
from ruamel.yaml import YAML

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.fleet import Fleet, Target
from gatekeeper.emulator.kube import aks_cluster
from gatekeeper.emulator.server import Emulator

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
START = datetime(2026, 7, 1, 12, tzinfo=UTC)


class World:
    def __init__(self, emulator: Emulator, clock: DrivenClock, http: ClientSession) -> None:
        self.emulator, self.clock, self.http = emulator, clock, http
        self.fleet: Fleet = emulator.arm.put_fleet(SUBSCRIPTION, "rg", "prod")
        cluster = aks_cluster("north", "1.33.5", pools={"pool1": (1, "system")}, node_image="old", clock=clock.now)
        emulator.add_member(self.fleet, cluster, group="all", labels={"tier": "gold"}, seconds=60)

    async def kube(self, path: str, token: str = "right") -> tuple[int, Any]:
        trust = ssl.create_default_context(cadata=self.emulator.ca_pem.decode())
        url = self.emulator.kube.url_of("north") + path
        async with self.http.get(url, ssl=trust, headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.json()

    async def arm(self, method: str, path: str, token: str = "right") -> tuple[int, Any]:
        url = f"{self.emulator.arm_url}{path}?api-version=2026-06-01"
        async with self.http.request(method, url, headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.json()

    def run(self, **upgrade: str) -> None:
        self.fleet.create_run("run-1", {"managedClusterUpdate": {"upgrade": upgrade}})
        self.fleet.runs.start("run-1")
        self.clock.advance(61)
        self.emulator.tick()

    async def versions(self) -> tuple[str, str, str]:
        """Of the API server, the node's kubelet, and the node's image."""
        node = (await self.kube("/api/v1/nodes"))[1]["items"][0]
        server = (await self.kube("/version"))[1]["gitVersion"]
        image = node["metadata"]["labels"]["kubernetes.azure.com/node-image-version"]
        return server, node["status"]["nodeInfo"]["kubeletVersion"], image


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = DrivenClock(START)
    async with Emulator(clock, token="right") as emulator, ClientSession() as http:
        yield World(emulator, clock, http)


async def test_the_kubeconfig_that_azure_hands_out_leads_to_the_member(world: World) -> None:
    path = f"{world.fleet.member('north').ref.cluster_resource_id}/listClusterUserCredential"
    status, found = await world.arm("POST", path)
    config = YAML(typ="safe").load(base64.b64decode(found["kubeconfigs"][0]["value"]))
    cluster = config["clusters"][0]["cluster"]

    assert status == 200
    assert cluster["server"] == world.emulator.kube.url_of("north")
    assert base64.b64decode(cluster["certificate-authority-data"]) == world.emulator.ca_pem
    assert "exec" in config["users"][0]["user"]


async def test_both_apis_let_in_the_one_token_only(world: World) -> None:
    assert (await world.arm("GET", f"{world.fleet.id}/gates"))[0] == 200
    assert (await world.arm("GET", f"{world.fleet.id}/gates", token="wrong"))[0] == 401
    assert (await world.kube("/api/v1/nodes"))[0] == 200
    assert (await world.kube("/api/v1/nodes", token="wrong"))[0] == 401


async def test_azure_shows_the_cluster_as_its_own_api_does(world: World) -> None:
    _, shown = await world.arm("GET", world.fleet.member("north").ref.cluster_resource_id)
    pool = shown["properties"]["agentPoolProfiles"][0]

    assert shown["properties"]["currentKubernetesVersion"] == "1.33.5"
    assert (pool["name"], pool["nodeImageVersion"]) == ("pool1", "old")


async def test_a_full_update_reaches_server_and_nodes_once_the_member_is_completed(world: World) -> None:
    world.fleet.create_run(
        "run-1", {"managedClusterUpdate": {"upgrade": {"type": "Full", "kubernetesVersion": "1.34.2"}}}
    )
    world.fleet.runs.start("run-1")
    world.clock.advance(59)
    world.emulator.tick()
    before = await world.versions()
    world.clock.advance(2)
    world.emulator.tick()

    assert before == ("v1.33.5", "v1.33.5", "old")
    assert await world.versions() == ("v1.34.2", "v1.34.2", world.emulator.arm.behaviour.node_image)


async def test_an_update_to_a_minor_version_gets_the_patch_that_azure_names(world: World) -> None:
    world.run(type="Full", kubernetesVersion="1.34")
    _, shown = await world.arm("GET", world.fleet.member("north").ref.cluster_resource_id)

    assert (await world.versions())[0] == f"v{shown['properties']['currentKubernetesVersion']}"


async def test_an_update_of_the_control_plane_leaves_the_nodes(world: World) -> None:
    world.run(type="ControlPlaneOnly", kubernetesVersion="1.34.2")

    assert await world.versions() == ("v1.34.2", "v1.33.5", "old")


async def test_an_update_of_the_node_image_leaves_all_versions(world: World) -> None:
    world.run(type="NodeImageOnly")

    assert await world.versions() == ("v1.33.5", "v1.33.5", world.emulator.arm.behaviour.node_image)


async def test_hooks_are_called_after_the_cluster_was_updated(world: World) -> None:
    seen: list[tuple[str, str]] = []

    def note(_member: object, target: Target) -> None:
        seen.append((target.run, world.emulator.cluster("north").version))

    world.emulator.hooks.on_member_started = note
    world.emulator.hooks.on_member_completed = note
    world.run(type="Full", kubernetesVersion="1.34.2")

    assert seen == [("run-1", "v1.33.5"), ("run-1", "v1.34.2")]


async def test_one_kubeconfig_has_a_context_for_every_member(world: World) -> None:
    world.emulator.add_member(world.fleet, aks_cluster("south", pools={"pool1": (1, "system")}))
    config = YAML(typ="safe").load(world.emulator.kubeconfig_text())

    assert [context["name"] for context in config["contexts"]] == ["north", "south"]
    assert {user["user"]["token"] for user in config["users"]} == {"right"}


async def test_a_member_name_is_taken_once(world: World) -> None:
    with pytest.raises(ValueError, match="north"):
        world.emulator.add_member(world.fleet, aks_cluster("north", pools={"pool1": (1, "system")}))
