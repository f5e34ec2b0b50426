"""What Azure answers about the member ``c1``, as checks read it."""

from __future__ import annotations

from typing import Any

from gatekeeper.check import CouldNotLook, Tools
from gatekeeper.testing import FakeAzure, member

ID = member().cluster_resource_id
SUBSCRIPTION = "/subscriptions/s"
IMAGE = "AKSUbuntu-2204gen2containerd-202511.01.0"


def pool_body(name: str = "user", **properties: Any) -> dict[str, Any]:
    """A healthy node pool of three nodes; None takes a property away."""
    own = {
        "name": name,
        "count": 3,
        "type": "VirtualMachineScaleSets",
        "vmSize": "Standard_D4s_v5",
        "maxPods": 30,
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "currentOrchestratorVersion": "1.34.2",
        "nodeImageVersion": IMAGE,
        "upgradeSettings": {"maxSurge": "10%"},
    }
    return {key: value for key, value in (own | properties).items() if value is not None}


def cluster_body(*pools: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """A healthy managed cluster with these pools, or one; None takes a property away."""
    own = {
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "currentKubernetesVersion": "1.34.2",
        "nodeResourceGroup": "MC_rg_c1_westus",
        "networkProfile": {"networkPlugin": "azure", "networkPluginMode": "overlay"},
        "agentPoolProfiles": list(pools) or [pool_body()],
    }
    shown = {key: value for key, value in (own | properties).items() if value is not None}
    return {"id": ID.replace("resourceGroups", "resourcegroups"), "location": "westus", "properties": shown}


def azure(*pools: dict[str, Any], answers: dict[str, Any] | None = None, **properties: Any) -> FakeAzure:
    """An Azure that shows this cluster, and these answers by path below its id, or from ``/subscriptions`` on."""
    paths: dict[str, dict[str, Any] | CouldNotLook] = {ID: cluster_body(*pools, **properties)}
    for path, answer in (answers or {}).items():
        paths[path if path.startswith("/subscriptions") else f"{ID}{path}"] = answer
    return FakeAzure(paths)


def tools(*pools: dict[str, Any], answers: dict[str, Any] | None = None, **properties: Any) -> Tools:
    """The same as the tools of a check."""
    return Tools(azure=azure(*pools, answers=answers, **properties))
