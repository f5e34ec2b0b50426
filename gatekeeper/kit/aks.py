"""A managed cluster of AKS as Azure Resource Manager shows it, in the words that checks ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import at, count, dicts, say
from gatekeeper.model import Member
from gatekeeper.tools import Azure

AKS_API: Final = "2025-05-01"
"""The api-version of Microsoft.ContainerService: stable, in all clouds, and the one of the recorded answers."""

AKS_READ: Final = "Microsoft.ContainerService/managedClusters/read"
"""The action of an Azure role that lets a managed cluster be read."""

_ID: Final = re.compile(
    r"/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.containerservice/managedclusters/([^/]+)",
    re.IGNORECASE,
)
_LOCATION: Final = re.compile(r"[a-z0-9]{1,50}")
_NAME: Final = re.compile(r"[\w.()-]{1,90}")


@dataclass(frozen=True, slots=True)
class AksId:
    """The parts of a managed cluster's ARM id; all are safe to stand in a command that people copy."""

    subscription: str
    resource_group: str
    name: str

    @classmethod
    def parse(cls, text: str) -> AksId:
        """Read an id.

        Raises:
            BadAnswer: it is none, e.g. that of an Arc-enabled cluster.
        """
        found = _ID.fullmatch(text)
        if found is None or not all(_NAME.fullmatch(part) for part in found.groups()):
            raise BadAnswer(f"{say(text)!r} is not the id of a managed cluster of AKS")
        return cls(*found.groups())

    @property
    def flags(self) -> str:
        """What names the cluster to ``az aks``."""
        return f"--subscription {self.subscription} -g {self.resource_group} -n {self.name}"


@dataclass(frozen=True, slots=True)
class AksPool:
    """A node pool; text that Azure does not say is empty."""

    name: str
    nodes: int | None
    """How many it has now, as Azure counts; of a pool of VirtualMachines those that run. None if it does not say."""
    kind: str
    """``VirtualMachineScaleSets``, ``AvailabilitySet`` or ``VirtualMachines``."""
    vm_size: str
    """Empty for a pool of VirtualMachines of several sizes."""
    max_pods: int | None
    version: str
    """The Kubernetes version that its nodes have, as Azure says."""
    node_image: str
    provisioning_state: str
    power_state: str
    max_surge: str
    """Nodes, or a percentage, that an upgrade adds for a while; empty means AKS's default."""
    spot: bool
    subnet: str
    """The ARM id of its nodes' subnet; empty in AKS's own virtual network."""
    pod_subnet: str


@dataclass(frozen=True, slots=True)
class AksCluster:
    """A managed cluster; text that Azure does not say is empty."""

    id: AksId
    location: str
    version: str
    """The Kubernetes version that its control plane has."""
    provisioning_state: str
    power_state: str
    node_resource_group: str
    network_plugin: str
    network_mode: str
    auto_provisioned: bool
    """Whether nodes come and go outside of pools (node auto-provisioning)."""
    pools: tuple[AksPool, ...]


async def aks_cluster(azure: Azure, member: Member) -> AksCluster:
    """Read the managed cluster behind a member.

    Raises:
        CouldNotLook: it could not be read, is no cluster of AKS, or has another shape.
    """
    wanted = AksId.parse(member.cluster_resource_id)
    body = await azure.get(member.cluster_resource_id, AKS_API)
    if str(body.get("id", "")).lower() != member.key:
        raise BadAnswer(f"{wanted.name} was asked for, but {say(body.get('id'))!r} was answered")
    properties = body.get("properties")
    location = _word(body, "location").lower().replace(" ", "")
    pools = tuple(_pool(each) for each in dicts(at(properties, "agentPoolProfiles"), "agentPoolProfiles"))
    if not _LOCATION.fullmatch(location) or not pools:
        raise BadAnswer(f"Azure shows {wanted.name} without its {'node pools' if location else 'location'}")
    return AksCluster(
        id=wanted,
        location=location,
        version=_word(properties, "currentKubernetesVersion"),
        provisioning_state=_word(properties, "provisioningState"),
        power_state=_word(properties, "powerState", "code"),
        node_resource_group=_word(properties, "nodeResourceGroup"),
        network_plugin=_word(properties, "networkProfile", "networkPlugin").lower(),
        network_mode=_word(properties, "networkProfile", "networkPluginMode").lower(),
        auto_provisioned=_word(properties, "nodeProvisioningProfile", "mode").lower() == "auto",
        pools=pools,
    )


def _pool(body: Mapping[str, Any]) -> AksPool:
    name = _word(body, "name")
    if not _NAME.fullmatch(name):
        raise BadAnswer(f"a node pool has the name {name!r:.50}")
    nodes, vm_size = _machines(body, name)
    return AksPool(
        name=name,
        nodes=nodes,
        kind=_word(body, "type"),
        vm_size=vm_size,
        max_pods=_count(body.get("maxPods"), f"maxPods of pool {name}"),
        version=_word(body, "currentOrchestratorVersion"),
        node_image=_word(body, "nodeImageVersion"),
        provisioning_state=_word(body, "provisioningState"),
        power_state=_word(body, "powerState", "code"),
        max_surge=_word(body, "upgradeSettings", "maxSurge"),
        spot=_word(body, "scaleSetPriority").lower() == "spot",
        subnet=_word(body, "vnetSubnetID"),
        pod_subnet=_word(body, "podSubnetID"),
    )


def _machines(body: Mapping[str, Any], name: str) -> tuple[int | None, str]:
    """The number of nodes and their size. A pool of VirtualMachines has neither, but a list of both."""
    nodes, vm_size = _count(body.get("count"), f"the count of pool {name}"), _word(body, "vmSize")
    groups = dicts(body.get("virtualMachineNodesStatus"), f"the machines of pool {name}")
    if nodes is not None or not groups:
        return nodes, vm_size
    counts = [_count(group.get("count"), f"the count of pool {name}") for group in groups]
    sizes = {_word(group, "size") for group in groups}
    known = [each for each in counts if each is not None]
    return sum(known) if len(known) == len(counts) else None, vm_size or (sizes.pop() if len(sizes) == 1 else "")


def _count(value: object, what: str) -> int | None:
    return None if value is None else count(value, 0, what)


def _word(body: object, *path: str) -> str:
    value = at(body, *path)
    if value is not None and not isinstance(value, str):
        raise BadAnswer(f"{'.'.join(path)} is {value!r:.50}, which is no text")
    return say(value, 300)
