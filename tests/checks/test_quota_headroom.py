"""quota-headroom: the sum of what surges, against quota and addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.quota_headroom import QuotaHeadroom
from gatekeeper.check import BadAnswer, Finding, Member, Scope, Target
from gatekeeper.model import Group, Stage, UpdateRun
from gatekeeper.testing import FakeCluster, ask, assert_finding, member, scope
from tests.checks.azure_bodies import SUBSCRIPTION, pool_body, tools

COMPUTE = f"{SUBSCRIPTION}/providers/Microsoft.Compute"
NETWORK = f"{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub"
SUBNET = f"{NETWORK}/subnets/aks"
FLAT = {"networkPlugin": "azure"}


def usage(name: str, used: int, limit: int) -> dict[str, Any]:
    return {"name": {"value": name}, "currentValue": used, "limit": limit}


def size(name: str = "Standard_D4s_v5", cores: str = "4", **more: Any) -> dict[str, Any]:
    capabilities = [{"name": "vCPUs", "value": cores}]
    return {"resourceType": "virtualMachines", "name": name, "family": "standardDSv5Family", **more} | {
        "capabilities": capabilities
    }


def room(
    *pools: dict[str, Any], family: int = 100, region: int = 100, addresses: int | None = None, **properties: Any
) -> Any:
    """So many vCPUs and addresses are free."""
    usages = [
        usage("cores", 50, 50 + region),
        usage("standardDSv5Family", 10, 10 + family),
        usage("lowPriorityCores", 0, 8),
    ]
    subnet = {"id": SUBNET.upper(), **usage("SubnetSpace", 10, 10 + (addresses or 0))}
    answers = {
        f"{COMPUTE}/skus": {"value": [size()]},
        f"{COMPUTE}/locations/westus/usages": {"value": usages},
        f"{NETWORK}/usages": {"value": [] if addresses is None else [subnet]},
    }
    return tools(*pools, answers=answers, **properties)


async def judge(around: Any, kind: str = "Full", **parameters: Any) -> Finding:
    check = QuotaHeadroom.model_validate(parameters)
    return await ask(check, FakeCluster(), Target(kind, "1.34.2"), tools=around)


async def test_a_surge_that_fits_passes() -> None:
    finding = await judge(room())

    assert_finding(finding, "passed", "for the 1 surge node of c1: 4 vCPUs of cores, 4 vCPUs of standardDSv5Family")


@pytest.mark.parametrize(
    ("surge", "nodes", "needed"),
    [("10%", 3, 4), ("33%", 3, 4), ("34%", 3, 8), ("100%", 3, 12), ("2", 3, 8), (None, 11, 8), ("50%", 5, 12)],
)
async def test_percentages_round_up_and_the_default_is_ten(surge: str | None, nodes: int, needed: int) -> None:
    settings = {"maxSurge": surge} if surge else {}
    pool = pool_body(count=nodes, upgradeSettings=settings)

    assert_finding(await judge(room(pool, family=needed, region=needed)), "passed", f"{needed} vCPUs of cores")
    assert_finding(await judge(room(pool, family=needed - 1)), "failed", f"{needed} are needed", codes=["NoRoom"])
    assert_finding(await judge(room(pool, region=needed - 1)), "failed", "quota cores in westus")


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 100)), min_size=1, max_size=4), st.integers(0, 900))
async def test_pools_add_up(pools: list[tuple[int, int]], free: int) -> None:
    bodies = [
        pool_body(f"p{place}", count=nodes, upgradeSettings={"maxSurge": f"{percent}%"})
        for place, (nodes, percent) in enumerate(pools)
    ]
    needed = sum(4 * -(-nodes * percent // 100) for nodes, percent in pools)

    finding = await judge(room(*bodies, family=free, region=1000))

    assert (finding.outcome == "passed") == (needed <= free)


async def test_clusters_that_are_updated_at_once_share_the_quota() -> None:
    assert_finding(await judge(room(family=11), clustersAtOnce=3), "failed", "12 are needed by 3 clusters at once")


def stage_of(*groups: tuple[Member, ...]) -> Scope:
    """The members of ``c1``'s stage, by group."""
    made = tuple(Group(f"g{place + 1}", "NotStarted", members) for place, members in enumerate(groups))
    stages = (Stage("s0", "Completed", made), Stage("s1", "NotStarted", made))
    plain = scope(Target("Full", "1.34.2"))
    return replace(plain, run=UpdateRun(plain.gate.fleet, "r1", "Running", plain.target, stages))


@pytest.mark.parametrize(
    ("groups", "needed"),
    [
        ((("c1",), ("c2",), ("c3", "c4")), 12),
        ((("c1", "c2", "c3", "c4"),), 4),  # one after another
        ((("c1",), ("c2 Completed",), ("c3 Failed", "c4 Skipped")), 4),
        ((("c1",), ("c2 elsewhere",), ("C3 shouted",)), 8),
        ((("c1",), ()), 4),
    ],
)
async def test_groups_that_are_updated_in_parallel_share_the_quota(
    groups: tuple[tuple[str, ...], ...], needed: int
) -> None:
    def made(words: str) -> Member:
        name, _, how = words.partition(" ")
        one = member(name, how if how in ("Completed", "Failed", "Skipped") else "NotStarted")
        another = {"elsewhere": one.cluster_resource_id.replace("/s/", "/other/")}
        return replace(one, cluster_resource_id=another.get(how, one.cluster_resource_id.upper()))

    around = stage_of(*(tuple(map(made, group)) for group in groups))
    enough = await ask(QuotaHeadroom(), FakeCluster(), tools=room(family=needed, region=needed), scope=around)
    short = await ask(QuotaHeadroom(), FakeCluster(), tools=room(family=needed - 1), scope=around)

    assert_finding(enough, "passed", f"{needed} vCPUs of cores")
    assert_finding(short, "failed", f"{needed} are needed", codes=["NoRoom"])


async def test_spot_nodes_have_a_quota_of_their_own() -> None:
    spot = pool_body(scaleSetPriority="Spot", upgradeSettings={"maxSurge": "3"})

    assert_finding(await judge(room(spot, family=0, region=0)), "failed", "quota lowPriorityCores")
    spot = pool_body(scaleSetPriority="Spot", upgradeSettings={"maxSurge": "2"})
    assert_finding(await judge(room(spot, family=0, region=0)), "passed", "8 vCPUs of lowPriorityCores")


@pytest.mark.parametrize(
    "pool",
    [
        pool_body(upgradeSettings={"maxSurge": "0", "maxUnavailable": "1"}),
        pool_body(count=0),
        pool_body(powerState={"code": "Stopped"}),
    ],
)
async def test_pools_that_do_not_surge_need_nothing(pool: dict[str, Any]) -> None:
    assert_finding(await judge(tools(pool)), "passed", "adds no node")


async def test_a_control_plane_alone_needs_nothing() -> None:
    assert_finding(await judge(tools(), "ControlPlaneOnly"), "passed", "adds no node")


@pytest.mark.parametrize(
    ("around", "said"),
    [
        (room(pool_body(count=None)), "its growth is not known"),
        (room(pool_body(vmSize=None, type="VirtualMachines")), "type VirtualMachines"),
        (room(pool_body(upgradeSettings={"maxSurge": "many"})), "maxSurge many"),
        (room(pool_body(vmSize="Standard_Unheard")), "not among those of westus"),
        (room(nodeProvisioningProfile={"mode": "Auto"}), "node auto-provisioning"),
        (room(networkProfile=None), "network plugin not given"),
        (room(pool_body(maxPods=None), networkProfile=FLAT), "the addresses of a node are not known"),
        (room(pool_body(podSubnetID=SUBNET)), "whose use Azure does not show"),
        (room(pool_body(vnetSubnetID=SUBNET)), "Azure does not say how many are free"),
        (room(pool_body(count=2500), networkProfile=FLAT, family=9999, region=9999), "its own subnet may be full"),
    ],
)
async def test_what_cannot_be_known_is_inconclusive(around: Any, said: str) -> None:
    assert_finding(await judge(around), "inconclusive", said)


@pytest.mark.parametrize(
    "odd", [size(cores="many"), size(cores="0"), size(family=""), {**size(), "capabilities": None}]
)
async def test_a_size_that_does_not_say_its_vcpus_is_inconclusive(odd: dict[str, Any]) -> None:
    answers = {f"{COMPUTE}/skus": {"value": [odd]}, f"{COMPUTE}/locations/westus/usages": {"value": []}}

    assert_finding(await judge(tools(answers=answers)), "inconclusive", "does not say the family")


@pytest.mark.parametrize("odd", [[], [usage("cores", -1, 100)], [{"name": {"value": "cores"}, "limit": 100}]])
async def test_a_quota_that_is_not_shown_is_inconclusive(odd: list[dict[str, Any]]) -> None:
    usages = {"value": [*odd, usage("standardDSv5Family", 0, 100)]}
    answers = {f"{COMPUTE}/skus": {"value": [size()]}, f"{COMPUTE}/locations/westus/usages": usages}

    assert_finding(await judge(tools(answers=answers)), "inconclusive", "does not say how many are free")


async def test_a_size_that_the_subscription_may_not_have_fails() -> None:
    banned = size(restrictions=[{"type": "Location", "reasonCode": "NotAvailableForSubscription"}])
    answers = {f"{COMPUTE}/skus": {"value": [banned]}, f"{COMPUTE}/locations/westus/usages": {"value": []}}

    finding = await judge(tools(answers=answers))

    assert_finding(finding, "failed", "NotAvailableForSubscription", codes=["SizeRestricted"])


@pytest.mark.parametrize(("network", "needed"), [(FLAT, 31), ({**FLAT, "networkPluginMode": "overlay"}, 1)])
async def test_a_node_takes_the_addresses_of_its_pods_with_the_flat_cni(network: dict[str, str], needed: int) -> None:
    pool = pool_body(vnetSubnetID=SUBNET)

    enough = await judge(room(pool, networkProfile=network, addresses=needed))
    short = await judge(room(pool, networkProfile=network, addresses=needed - 1))

    assert_finding(enough, "passed", f"{needed} address")
    assert_finding(short, "failed", f"subnet aks: {needed - 1} of", codes=["NoRoom"])
    assert_finding(await judge(room(pool, networkProfile=network, addresses=0), addresses=False), "passed")


async def test_addresses_may_be_written_with_a_decimal_point() -> None:
    around = room(pool_body(vnetSubnetID=SUBNET))
    subnet = {"id": SUBNET, "currentValue": 10.0, "limit": 251.0}
    answers = {f"{NETWORK}/usages": {"value": [subnet]}, f"{COMPUTE}/skus": {"value": [size()]}}
    answers[f"{COMPUTE}/locations/westus/usages"] = await around.azure.get(f"{COMPUTE}/locations/westus/usages", "")

    assert_finding(await judge(tools(pool_body(vnetSubnetID=SUBNET), answers=answers)), "passed", "1 address in aks")


async def test_a_pool_of_virtual_machines_of_one_size_grows_by_that_size() -> None:
    one = pool_body(type="VirtualMachines", count=None, vmSize="", virtualMachineNodesStatus=[machines(11)])
    two = pool_body(
        type="VirtualMachines", count=None, vmSize="", virtualMachineNodesStatus=[machines(1), machines(2, "D8")]
    )

    assert_finding(await judge(room(one)), "passed", "8 vCPUs of cores")
    assert_finding(await judge(room(two)), "inconclusive", "type VirtualMachines", codes=["RoomNotKnown"])


def machines(count: int, size: str = "Standard_D4s_v5") -> dict[str, Any]:
    return {"count": count, "size": size}


async def test_a_subnet_id_of_another_shape_is_no_answer() -> None:
    with pytest.raises(BadAnswer):
        await judge(room(pool_body(vnetSubnetID="nowhere")))
