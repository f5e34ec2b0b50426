"""http-probe through the API server's proxy to Services."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.emulator.kube import load_manifests
from gatekeeper.permissions import roles
from gatekeeper.registry import Registry
from tests.apiserver.asking import ask_check
from tests.apiserver.control_plane import ADMIN, READER
from tests.apiserver.worlds import World

PLACE, PROBE = "shop/backend", ["service=shop/backend:80", "path=/healthz", "expression=object.status == 'UP'"]
UP = {"/healthz": '{"status": "UP"}'}
POLICY = """
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: probe}
match: {displayName: probe}
checks: [{check: http-probe, service: "shop/backend:80"}]
"""


async def test_what_a_service_answers_is_judged(world: World) -> None:
    await world.fill([])

    async with world.publishing(PLACE, UP):
        well = await ask_check(world.kubeconfig(ADMIN), "http-probe", PROBE)
        other = await ask_check(world.kubeconfig(ADMIN), "http-probe", [*PROBE[:2], "bodyContains=DOWN"])

    assert (well.outcome, other.outcome) == ("passed", "failed"), (well, other)


async def test_a_service_without_endpoints_is_down(world: World) -> None:
    await world.fill([])

    async with world.publishing(PLACE, {}):
        finding = await ask_check(world.kubeconfig(ADMIN), "http-probe", PROBE)

    assert finding.outcome == "failed", finding
    assert "answered 503" in finding.message
    assert "no endpoints available for service" in finding.message


async def test_a_service_that_is_not_there_is_down(world: World) -> None:
    await world.fill([])

    finding = await ask_check(world.kubeconfig(ADMIN), "http-probe", ["service=default/nosuch:80"])

    assert finding.outcome == "failed", finding
    assert "answered 404" in finding.message


async def test_the_generated_role_is_enough_and_without_it_the_answer_names_it(world: World, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY, "utf-8")
    reader, prober = load_manifests(roles(Registry.discover(), [file]))
    await world.fill([])

    async with world.publishing(PLACE, UP):
        await world.bind(reader)
        without = await ask_check(world.kubeconfig(READER), "http-probe", PROBE)
        await world.bind(prober)
        within = await ask_check(world.kubeconfig(READER), "http-probe", PROBE)

    assert (prober["kind"], prober["metadata"]["namespace"]) == ("Role", "shop")
    assert (without.outcome, within.outcome) == ("error", "passed"), (without, within)
    assert 'cannot get resource "services/proxy"' in without.message
    assert "gatekeeper checks --rbac --policy" in without.message
