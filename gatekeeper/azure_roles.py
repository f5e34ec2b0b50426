"""The custom Azure role for members, made from what the shipped checks read there and ask of Azure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gatekeeper.check import Resource
from gatekeeper.registry import Registry

_PROVIDER = "Microsoft.ContainerService/managedClusters"
_CONNECT = (f"{_PROVIDER}/read", f"{_PROVIDER}/listClusterUserCredential/action")
_BUILT_IN_GROUPS = frozenset({"", "apps", "autoscaling", "batch", "policy"})
"""With the groups under k8s.io, the ones of Kubernetes itself: only these have data actions in Azure RBAC."""


def member_role(registry: Registry) -> str:
    """The role definition as ``az role definition create`` takes it, as JSON text.

    Custom resources (Argo CD, Flux, cert-manager) have no data action of their own in Azure RBAC; bind the ClusterRole
    in the cluster for the checks that read them.
    """
    checks = [check for name in registry.names() if (check := registry.get(name)) is not None]
    actions = {action for check in checks for action in check.azure_actions} - set(_CONNECT)
    reads = {resource for check in checks for resource in check.reads}
    definition = {
        "Name": "Fleet Gatekeeper Member Reader",
        "IsCustom": True,
        "Description": "Connects to AKS clusters and reads there, and in Azure about them, what the checks of Fleet "
        "Gatekeeper look at. Assign it on each member cluster, or on a scope that holds them.",
        "Actions": [*_CONNECT, *sorted(actions)],
        "NotActions": [],
        "DataActions": sorted(_data_actions(reads)),
        "NotDataActions": [],
        "AssignableScopes": ["/subscriptions/00000000-0000-0000-0000-000000000000"],
    }
    return json.dumps(definition, indent=2) + "\n"


def _data_actions(reads: Iterable[Resource]) -> Iterable[str]:
    for resource in reads:
        if resource.is_path:
            yield f"{_PROVIDER}/{resource.plural.strip('/').partition('?')[0]}/read"
        elif resource.group in _BUILT_IN_GROUPS or resource.group.endswith(".k8s.io"):
            yield "/".join(part for part in (_PROVIDER, resource.group, resource.plural, "read") if part)
