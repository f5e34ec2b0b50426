"""What Azure Resource Manager says around the clusters: offered versions, quota, networks, health and alerts.

Shapes are those of the published examples of the REST specifications: Microsoft.ContainerService 2025-05-01,
Microsoft.Compute usages 2024-07-01 and skus 2021-07-01, Microsoft.Network virtualNetworks/usages 2024-05-01,
Microsoft.ResourceHealth 2024-02-01, Microsoft.AlertsManagement 2019-03-01. All is well until somebody lays another
document over the path.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from gatekeeper.emulator.fleet.resources import Cluster

Body = dict[str, Any]

_MINORS = range(28, 37)
_PATCHES = range(10)
_SIZES = {
    # size: its family, as the usages call it, and its vCPUs
    "Standard_B2s": ("standardBSFamily", 2),
    "Standard_D2s_v5": ("standardDSv5Family", 2),
    "Standard_D4ds_v4": ("standardDDSv4Family", 4),
    "Standard_D4s_v5": ("standardDSv5Family", 4),
    "Standard_D8s_v5": ("standardDSv5Family", 8),
    "Standard_E4s_v5": ("standardESv5Family", 4),
}
_QUOTA = 350  # vCPUs, of a family and of a region


class AzureDocuments:
    """Documents that lie over, or stand instead of, what a path answers; paths are matched in any case."""

    def __init__(self) -> None:
        self._layers: dict[str, list[Body]] = {}
        self._alerts: list[Body] = []

    def put(self, path: str, document: Mapping[str, Any]) -> None:
        """Lay a part of a document over the answer of a path, or make it the answer where there is none.

        Parts merge as JSON merge patches (RFC 7386: null removes), and lists of named objects by their ``name``.
        """
        self._layers.setdefault(path.lower(), []).append(deepcopy(dict(document)))

    def clear(self, path: str | None = None) -> None:
        """Take all documents off a path, or off all paths."""
        if path is None:
            self._layers.clear()
            self._alerts.clear()
        else:
            self._layers.pop(path.lower(), None)

    def has(self, path: str) -> bool:
        """Tell whether something was put at a path."""
        return path.lower() in self._layers

    def over(self, path: str, answer: Mapping[str, Any]) -> Body:
        """Return an answer with all that was put over it."""
        shown = dict(answer)
        for layer in self._layers.get(path.lower(), ()):
            shown = _merged(shown, layer)
        return deepcopy(shown)

    def all(self) -> dict[str, list[Body]]:
        """Return what was put where."""
        return deepcopy(self._layers)

    def fire(self, target: str, name: str, **essentials: object) -> Body:
        """Let an alert fire on a resource, in the subscription of that; `essentials` replace the usual ones."""
        subscription = "/".join(target.split("/")[:3])
        alert = {
            "id": f"{subscription}/providers/Microsoft.AlertsManagement/alerts/{len(self._alerts):08}",
            "type": "Microsoft.AlertsManagement/alerts",
            "name": name,
            "properties": {
                "essentials": {
                    "severity": "Sev2",
                    "signalType": "Metric",
                    "alertState": "New",
                    "monitorCondition": "Fired",
                    "monitorService": "Platform",
                    "targetResource": target,
                    "targetResourceName": target.rpartition("/")[2],
                    "alertRule": f"{subscription}/providers/Microsoft.Insights/metricAlerts/{name}",
                    "startDateTime": "2026-07-01T12:00:00Z",
                    "actionStatus": {"isSuppressed": False},
                    **essentials,
                },
            },
        }
        self._alerts.append(alert)
        return alert

    def alerts(self, subscription: str) -> list[Body]:
        """Return the alerts of a subscription."""
        begin = f"/subscriptions/{subscription}/".lower()
        return [alert for alert in self._alerts if alert["id"].lower().startswith(begin)]


def upgrade_profile(cluster: Cluster) -> Body:
    """Show what AKS offers to a cluster: later patches of its minor version, and all of the next."""
    offered = [{"kubernetesVersion": version} for version in _upgrades(cluster.kubernetes_version)]
    profile = {"kubernetesVersion": cluster.kubernetes_version, "osType": "Linux", "upgrades": offered}
    pools = [{**profile, "name": pool} for pool in cluster.pools]
    return {
        "id": f"{cluster.resource_id}/upgradeprofiles/default",
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/upgradeprofiles",
        "properties": {"controlPlaneProfile": {**profile, "name": "master"}, "agentPoolProfiles": pools},
    }


def kubernetes_versions() -> Body:
    """Show the versions of a region; this list has ``values``, not ``value``."""
    values = []
    for minor in _MINORS:
        patches = {f"1.{minor}.{patch}": {"upgrades": _upgrades(f"1.{minor}.{patch}")} for patch in _PATCHES}
        capabilities = {"supportPlan": ["KubernetesOfficial", "AKSLongTermSupport"]}
        values.append({"version": f"1.{minor}", "capabilities": capabilities, "patchVersions": patches})
    return {"values": values}


def usages() -> Body:
    """Show the quota of vCPUs of a region."""
    families = sorted({family for family, _ in _SIZES.values()})
    return {"value": [_usage(name, 20, _QUOTA) for name in ("cores", "lowPriorityCores", *families)]}


def skus(location: str) -> Body:
    """Show the sizes of virtual machines in a region, and a disk as one of the many other things in that list."""
    sizes = [
        {
            "resourceType": "virtualMachines",
            "name": name,
            "tier": "Standard",
            "size": name.removeprefix("Standard_"),
            "family": family,
            "locations": [location],
            "restrictions": [],
            "capabilities": [{"name": "vCPUs", "value": str(cores)}, {"name": "PremiumIO", "value": "True"}],
        }
        for name, (family, cores) in _SIZES.items()
    ]
    disk = {"resourceType": "disks", "name": "Premium_LRS", "tier": "Premium", "locations": [location]}
    return {"value": [disk, *sizes]}


def availability(resource_id: str, location: str) -> Body:
    """Show the current health of a resource."""
    return {
        "id": f"{resource_id}/providers/Microsoft.ResourceHealth/availabilityStatuses/current",
        "name": "current",
        "type": "Microsoft.ResourceHealth/AvailabilityStatuses",
        "location": location,
        "properties": {
            "availabilityState": "Available",
            "title": "Available",
            "summary": "There aren't any known Azure platform problems affecting this AKS cluster.",
            "reasonType": "",
            "reasonChronicity": "Persistent",
        },
    }


def _upgrades(version: str) -> list[str]:
    _, minor, patch = (int(part) for part in f"{version}.0".split(".")[:3])
    later = [f"1.{minor}.{number}" for number in _PATCHES if number > patch]
    return later + [f"1.{minor + 1}.{number}" for number in _PATCHES if minor + 1 in _MINORS]


def _usage(name: str, used: int, limit: int) -> Body:
    return {"name": {"value": name, "localizedValue": name}, "currentValue": used, "limit": limit, "unit": "Count"}


def _merged(base: Mapping[str, Any], layer: Mapping[str, Any]) -> Body:
    merged = dict(base)
    for key, value in layer.items():
        known = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merged(known if isinstance(known, dict) else {}, value)
        elif isinstance(value, list) and isinstance(known, list) and all(_named(each) for each in [*known, *value]):
            by_name = {str(each["name"]): each for each in known}
            for each in value:
                by_name[str(each["name"])] = _merged(by_name.get(str(each["name"]), {}), each)
            merged[key] = list(by_name.values())
        else:
            merged[key] = value
    return merged


def _named(entry: object) -> bool:
    return isinstance(entry, dict) and "name" in entry
