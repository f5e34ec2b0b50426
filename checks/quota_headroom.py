"""There is room for the nodes that an upgrade adds for a while: vCPU quota, and addresses in the subnet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    AKS_READ,
    AksCluster,
    AksId,
    AksPool,
    Azure,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    aks_cluster,
    at,
    bounded,
    dicts,
    numbered,
    say,
    some,
)

_COMPUTE: Final = "2024-07-01"
_SIZES: Final = "2021-07-01"
_NETWORK: Final = "2024-05-01"
_DEFAULT_SURGE: Final = "10%"  # AKS's own, when a pool has no maxSurge
_SURGE: Final = re.compile(r"(\d{1,4})(%?)")
_ENDED: Final = ("Completed", "Failed", "Skipped")
_SPOT: Final = "lowPriorityCores"
_REGIONAL: Final = "cores"
# AKS's own virtual network has one subnet 10.224.0.0/16, of which Azure keeps 5 addresses.
_OWN_SUBNET: Final = 2**16 - 5
_SUBNET: Final = re.compile(r"(/subscriptions/[^/]+/resourcegroups/[^/]+/.+/virtualnetworks/[^/]+)/subnets/[^/]+")
"""In lower case."""
_BY_HAND: Final = "look at the free addresses by hand, and set addresses: false"


@dataclass(slots=True)
class _Room:
    """What is needed, by name of a quota and by subnet, and what could not be found out."""

    cores: Counter[str] = field(default_factory=Counter)
    addresses: Counter[str] = field(default_factory=Counter)
    unclear: list[Evidence] = field(default_factory=list)
    short: list[Evidence] = field(default_factory=list)
    clusters: int = 1
    """So many at once share the quota of vCPUs."""

    def doubt(self, subject: str, observed: str, hint: str) -> None:
        """Something cannot be known, so there may be no room."""
        self.unclear.append(Evidence("RoomNotKnown", subject, observed, hint=hint))


class QuotaHeadroom(ClusterCheck):
    """The surge of an upgrade fits: vCPUs of the size's family and of the region, and addresses of the nodes' subnet.

    Each pool grows by its ``maxSurge`` (nodes, or a percentage of its nodes rounded up; AKS's default is 10%), and all
    pools are taken to surge at once. A surge node needs the vCPUs of its size (``Microsoft.Compute/skus``) within the
    quota of the size's family and of the region (``locations/.../usages``; spot nodes have one of their own), and one
    address, or with the flat Azure CNI one and another for each of its ``maxPods``, within what the virtual network's
    ``usages`` show as free. In AKS's own virtual network the /16 is compared with all nodes instead. What cannot be
    known is inconclusive: the free addresses of a separate pod subnet, pools of mixed sizes, nodes that node
    auto-provisioning replaces. Quota is no promise of capacity: a region may be out of a size all the same.

    Groups of a stage are updated in parallel, and this is asked of each cluster alone. So the vCPUs of a cluster are
    counted once for each group of its stage that has clusters to update in the same subscription; where these are in
    other regions, or a group updates several clusters at once, say so with ``clustersAtOnce``.

    A ControlPlaneOnly run adds no node, and passes; so does a cluster whose pools do not surge.

    Example:
        - check: quota-headroom
          clustersAtOnce: 3

        - check: quota-headroom
          addresses: false
    """

    name: ClassVar[str] = "quota-headroom"
    claim: ClassVar[str] = "the nodes that an upgrade adds for a while have room"
    area: ClassVar[str] = "The run and Azure"
    azure_actions: ClassVar[tuple[str, ...]] = (
        AKS_READ,
        "Microsoft.Compute/locations/usages/read",
        "Microsoft.Compute/skus/read",
        "Microsoft.Network/virtualNetworks/usages/read",
    )

    clusters_at_once: int | None = Field(default=None, ge=1, le=1000)
    """So many clusters like this are updated at the same time within one subscription and region; they share the
    quota of vCPUs. Unless given, one of each group of the stage that has clusters to update in the subscription.
    """
    addresses: bool = True
    """Whether the subnets' free addresses are judged too."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Add up what is needed, and compare it with what is free."""
        kind = ctx.scope.target.upgrade_type
        if kind == "ControlPlaneOnly":
            return Finding.passed("the run is ControlPlaneOnly: it adds no node")
        azure, cluster = ctx.tools.azure, await aks_cluster(ctx.tools.azure, ctx.member)
        room = _Room(clusters=self.clusters_at_once or _at_once(ctx))
        if cluster.auto_provisioned:
            hint = "compare the NodePools' limits with the quota by hand, or leave this check out"
            room.doubt(f"cluster {cluster.id.name}", "node auto-provisioning replaces nodes outside of its pools", hint)
        surging = list(_surging(cluster, room))
        if surging:
            await self._count_cores(azure, cluster, surging, room)
            if self.addresses:
                await _count_addresses(azure, cluster, surging, room)
        return _answer(cluster, sum(nodes for _, nodes in surging), room)

    async def _count_cores(
        self, azure: Azure, cluster: AksCluster, surging: Sequence[tuple[AksPool, int]], room: _Room
    ) -> None:
        provider = f"/subscriptions/{cluster.id.subscription}/providers/Microsoft.Compute"
        at_location = {"$filter": f"location eq '{cluster.location}'"}
        listed = await azure.list(f"{provider}/skus", _SIZES, **at_location)
        sizes = {str(each.get("name", "")).lower(): each for each in listed}
        for pool, nodes in surging:
            family, cores = _size(sizes.get(pool.vm_size.lower()), pool, cluster, room)
            if cores:
                needed = nodes * cores * room.clusters
                for quota in (_SPOT,) if pool.spot else (family, _REGIONAL):
                    room.cores[quota] += needed
        usages = await azure.list(f"{provider}/locations/{cluster.location}/usages", _COMPUTE)
        free = {str(at(each, "name", "value")).lower(): each for each in usages}
        for quota, needed in room.cores.items():
            _compare(f"quota {quota} in {cluster.location}", free.get(quota.lower()), needed, "vCPUs", room)


def _at_once(ctx: ClusterContext) -> int:
    """How many groups of the member's stage have a cluster to update in its subscription; its own is one."""
    subscription = AksId.parse(ctx.member.cluster_resource_id).subscription.lower()
    stages = ctx.scope.run.stages if ctx.scope.run else ()
    groups = [group for stage in stages if stage.name == ctx.member.stage for group in stage.groups]
    waiting = [[each for each in group.members if each.state not in _ENDED] for group in groups]
    busy = sum(any(each.key.startswith(f"/subscriptions/{subscription}/") for each in group) for group in waiting)
    return max(busy, 1)


def _surging(cluster: AksCluster, room: _Room) -> Iterator[tuple[AksPool, int]]:
    """The pools that grow, and by how many nodes."""
    for pool in cluster.pools:
        surge = _SURGE.fullmatch(pool.max_surge or _DEFAULT_SURGE)
        if pool.power_state == "Stopped":
            continue
        if pool.nodes is None or not pool.vm_size or surge is None:
            seen = f"type {pool.kind or 'not given'}, maxSurge {pool.max_surge or 'not given'}: its growth is not known"
            hint = "compare its sizes and its maxSurge with the quota by hand, or leave this check out"
            room.doubt(f"node pool {pool.name}", seen, hint)
            continue
        nodes = ceil(pool.nodes * int(surge[1]) / 100) if surge[2] else int(surge[1])
        if nodes and pool.nodes:
            yield pool, nodes


def _size(size: Mapping[str, Any] | None, pool: AksPool, cluster: AksCluster, room: _Room) -> tuple[str, int]:
    """The family and the vCPUs of a pool's size; no vCPUs if they are not known, or it cannot be had at all."""
    subject = f"node pool {pool.name} ({pool.vm_size})"
    if size is None:
        hint = f"az vm list-skus -l {cluster.location} --size {pool.vm_size} --all -o table"
        room.doubt(subject, f"the size is not among those of {cluster.location}", hint)
        return "", 0
    banned = [each for each in dicts(size.get("restrictions"), "restrictions") if each.get("type") == "Location"]
    if banned:
        seen = f"not to be had in {cluster.location}: {say(banned[0].get('reasonCode'), 60)}"
        hint = f"az vm list-skus -l {cluster.location} --size {pool.vm_size} -o table; ask Azure for access"
        room.short.append(Evidence("SizeRestricted", subject, seen, "offered to the subscription", hint))
        return "", 0
    named = [
        each.get("value") for each in dicts(size.get("capabilities"), "capabilities") if each.get("name") == "vCPUs"
    ]
    family = say(size.get("family"), 80)
    if not family or len(named) != 1 or not str(named[0]).isdecimal() or int(str(named[0])) == 0:
        hint = f"az vm list-skus -l {cluster.location} --size {pool.vm_size} --all"
        room.doubt(subject, "Azure does not say the family and the vCPUs of this size", hint)
        return "", 0
    return family, int(str(named[0]))


async def _count_addresses(
    azure: Azure, cluster: AksCluster, surging: Sequence[tuple[AksPool, int]], room: _Room
) -> None:
    grown = {pool.name: nodes for pool, nodes in surging}
    own = 0
    for pool in cluster.pools:
        nodes = grown.get(pool.name, 0)
        if pool.subnet and not nodes:
            continue
        subject = f"node pool {pool.name}"
        each = _addresses_of_a_node(cluster, pool)
        if each is None:
            seen = f"network plugin {cluster.network_plugin or 'not given'}: the addresses of a node are not known"
            room.doubt(subject, seen, _BY_HAND)
        elif pool.pod_subnet:
            seen = f"its pods live in the subnet {say(pool.pod_subnet)}, whose use Azure does not show"
            room.doubt(subject, seen, _BY_HAND)
        elif pool.subnet:
            room.addresses[pool.subnet.lower()] += nodes * each
        else:
            own += ((pool.nodes or 0) + nodes) * each
    if own > _OWN_SUBNET:
        seen = f"its own subnet may be full: {own:,} of {_OWN_SUBNET:,} addresses"
        room.doubt(f"cluster {cluster.id.name}", seen, _BY_HAND)
    for subnet, needed in room.addresses.items():
        network = _SUBNET.fullmatch(subnet)
        if network is None:
            raise BadAnswer(f"{say(subnet)!r} is no subnet")
        usages = await azure.list(f"{network[1]}/usages", _NETWORK)
        found = [usage for usage in usages if str(usage.get("id", "")).lower() == subnet]
        _compare(f"subnet {subnet.rpartition('/')[2]}", found[0] if found else None, needed, "addresses", room)


def _addresses_of_a_node(cluster: AksCluster, pool: AksPool) -> int | None:
    """Addresses that a new node takes from its subnet: with the flat Azure CNI those of all its pods at once."""
    if cluster.network_plugin == "azure" and cluster.network_mode != "overlay" and not pool.pod_subnet:
        return None if pool.max_pods is None else 1 + pool.max_pods
    return 1 if cluster.network_plugin in ("azure", "kubenet", "none") else None


def _compare(subject: str, usage: Mapping[str, Any] | None, needed: int, what: str, room: _Room) -> None:
    used, limit = (_counted(usage, key) for key in ("currentValue", "limit"))
    if used is None or limit is None:
        hint = _BY_HAND if what == "addresses" else "look at the subscription's quotas in Azure"
        room.doubt(subject, f"{needed} {what} are needed, and Azure does not say how many are free", hint)
        return
    free = max(limit - used, 0)
    if needed > free:
        hint = "ask for more quota, lower maxSurge, or update fewer clusters at once (clustersAtOnce)"
        hint = "enlarge the subnet, lower maxSurge, or free addresses" if what == "addresses" else hint
        many = f" by {room.clusters} clusters at once" if room.clusters > 1 and what != "addresses" else ""
        seen = f"{free} of {limit} {what} are free, {needed} are needed{many}"
        room.short.append(Evidence("NoRoom", subject, seen, f"{needed} {what} free", hint))


def _counted(usage: Mapping[str, Any] | None, key: str) -> int | None:
    """A count of a usage, which the network's API may write as 251.0; None if Azure gives none, or -1 as for a subnet
    that it does not count.
    """
    value = None if usage is None else usage.get(key)
    is_count = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value % 1 == 0
    return int(value) if is_count and value is not None else None


def _answer(cluster: AksCluster, nodes: int, room: _Room) -> Finding:
    facts = [*room.short, *room.unclear]
    words = some([f"{fact.subject}: {fact.observed}" for fact in facts])
    if room.short:
        return Finding.failed(f"no room for the surge of {cluster.id.name}: {words}", bounded(facts))
    if room.unclear:
        return Finding.inconclusive(
            f"the room for the surge of {cluster.id.name} is not known: {words}", bounded(facts)
        )
    if not nodes:
        return Finding.passed(f"an upgrade of {cluster.id.name} adds no node: no pool surges")
    needs = [f"{needed} vCPUs of {quota}" for quota, needed in sorted(room.cores.items())]
    needs += [
        f"{numbered(needed, 'address', 'addresses')} in {subnet.rpartition('/')[2]}"
        for subnet, needed in sorted(room.addresses.items())
    ]
    surge = numbered(nodes, "surge node")
    many = f", with {room.clusters} clusters at once" if room.clusters > 1 else ""
    return Finding.passed(f"there is room for the {surge} of {cluster.id.name}{many}: {some(needs, 6)}")
