"""The managed clusters behind the members: what Azure says of them, and the kubeconfigs that it hands out."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from gatekeeper.emulator.fleet.answers import Answer, ArmError
from gatekeeper.emulator.fleet.resources import Cluster, MemberRef, Target

_CALLS = 60  # listClusterUserCredential shares a bucket of this size per subscription,
_REFILL = 1.0  # refilled by this many calls per second


class Bucket:
    """Azure's throttle: so many calls at once, so many more per second."""

    def __init__(self, size: int, refill: float) -> None:
        self._size = size
        self._refill = refill
        self._left = float(size)
        self._at: datetime | None = None

    def take(self, now: datetime) -> int:
        """Take one call out; return 0, or the seconds to wait when the bucket is empty."""
        if self._at is not None:
            self._left = min(self._size, self._left + (now - self._at).total_seconds() * self._refill)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0
        return math.ceil((1 - self._left) / self._refill)


class Clusters:
    """All managed clusters, by their ARM id in any case."""

    def __init__(self, kubeconfig_of: Callable[[MemberRef], str]) -> None:
        self._kubeconfig_of = kubeconfig_of
        self._clusters: dict[str, Cluster] = {}
        self._refs: dict[str, MemberRef] = {}
        self._buckets: dict[str, Bucket] = {}

    def put(self, cluster: Cluster, ref: MemberRef) -> None:
        """Make a cluster known, under the member that stands for it; the first of each wins."""
        key = cluster.resource_id.lower()
        self._clusters.setdefault(key, cluster)
        self._refs.setdefault(key, ref)

    def find(self, resource_id: str) -> Cluster:
        """Return a cluster; raises ArmError 404."""
        found = self._clusters.get(resource_id.lower())
        if found is None:
            parts = resource_id.split("/")
            text = f"The Resource 'Microsoft.ContainerService/managedClusters/{parts[-1]}' under resource group"
            raise ArmError(404, "ResourceNotFound", f"{text} '{parts[4]}' was not found.")
        return found

    def begin_update(self, resource_id: str) -> None:
        """Show the cluster as Updating."""
        self.find(resource_id).provisioning_state = "Updating"

    def end_update(self, resource_id: str, target: Target | None) -> None:
        """Show the cluster as Succeeded at the target, or as Failed where it was when there is none."""
        cluster = self.find(resource_id)
        cluster.provisioning_state = "Succeeded" if target else "Failed"
        if target is None:
            return
        if target.kubernetes_version is not None:
            # A run may name a minor version only; the cluster then gets a patch of it.
            minor_only = target.kubernetes_version.count(".") == 1
            cluster.kubernetes_version = target.kubernetes_version + (".0" if minor_only else "")
        cluster.node_image = target.node_image or cluster.node_image

    def credentials(self, resource_id: str, now: datetime, *, throttled: bool) -> Answer:
        """Answer listClusterUserCredential; raises ArmError 404 and, with an empty bucket, 429."""
        cluster = self.find(resource_id)
        if throttled:
            bucket = self._buckets.setdefault(resource_id.split("/")[2].lower(), Bucket(_CALLS, _REFILL))
            if wait := bucket.take(now):
                text = f"The request is being throttled, retry after {wait} s."
                raise ArmError(429, "TooManyRequests", text, {"Retry-After": str(wait)})
        config = self._kubeconfig_of(self._refs[cluster.resource_id.lower()])
        value = base64.b64encode(config.encode()).decode()
        return Answer(200, {"kubeconfigs": [{"name": "clusterUser", "value": value}]})


def show(it: Cluster) -> dict[str, Any]:
    """Show a managed cluster; AKS has its own spelling of ids and types, and no ETag in quotes (recorded)."""
    name = it.resource_id.rsplit("/", 1)[-1]
    short = it.kubernetes_version.rsplit(".", 1)[0] if it.kubernetes_version.count(".") > 1 else it.kubernetes_version
    return {
        "id": it.resource_id,
        "location": it.location,
        "name": name,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "kind": "Base",
        "properties": {
            "provisioningState": it.provisioning_state,
            "powerState": {"code": it.power_state},
            "kubernetesVersion": short,
            "currentKubernetesVersion": it.kubernetes_version,
            "fqdn": f"{name}.hcp.{it.location}.azmk8s.io",
            "agentPoolProfiles": [_pool(it, pool, short) for pool in it.pools],
            "nodeResourceGroup": f"MC_{it.resource_id.split('/')[4]}_{name}_{it.location}",
            "networkProfile": {"networkPlugin": "azure", "networkPluginMode": "overlay", "podCidr": "10.244.0.0/16"},
            "supportPlan": "KubernetesOfficial",
            "enableRBAC": True,
            "disableLocalAccounts": False,
        },
        "sku": {"name": "Base", "tier": "Free"},
        "eTag": "00000000-0000-0000-0000-000000000000",
    }


def _pool(it: Cluster, name: str, short: str) -> dict[str, Any]:
    return {
        "name": name,
        "count": it.nodes.get(name, 3),
        "vmSize": "Standard_D4ds_v4",
        "maxPods": 250,
        "upgradeSettings": {"maxSurge": "10%", "maxUnavailable": "0"},
        "type": "VirtualMachineScaleSets",
        "mode": "System",
        "osType": "Linux",
        "osSKU": "Ubuntu",
        "provisioningState": it.provisioning_state,
        "powerState": {"code": it.power_state},
        "orchestratorVersion": short,
        "currentOrchestratorVersion": it.kubernetes_version,
        "nodeImageVersion": it.node_image,
    }
