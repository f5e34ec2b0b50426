"""The health of an object of any kind: a pure judgement over its manifest.

The order is that of kstatus, the words are those of Argo CD, and the gaps of both are closed: nothing is called Healthy
because nothing is known of it. Refuses to read anything but the manifest: no clock, no other objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from gatekeeper.cluster import Resource
from gatekeeper.kit.health import generic, others, running, workloads
from gatekeeper.kit.health.known import KNOWN
from gatekeeper.kit.health.verdict import Health, Rule, Status
from gatekeeper.kit.manifest import at

__all__ = ["Health", "Status", "judge_object"]

_RULES: Final[Mapping[str, Rule]] = {
    **KNOWN,
    "apiservices.apiregistration.k8s.io": others.api_service,
    "cronjobs.batch": running.cron_job,
    "customresourcedefinitions.apiextensions.k8s.io": others.definition,
    "daemonsets.apps": workloads.daemon_set,
    "deployments.apps": workloads.deployment,
    "horizontalpodautoscalers.autoscaling": others.autoscaler,
    "ingresses.networking.k8s.io": others.ingress,
    "jobs.batch": running.job,
    "namespaces": others.namespace,
    "nodes": others.node,
    "persistentvolumeclaims": others.claim,
    "poddisruptionbudgets.policy": others.budget,
    "pods": running.pod,
    "replicasets.apps": workloads.replica_set,
    "services": others.service,
    "statefulsets.apps": workloads.stateful_set,
}
_OBSERVING: Final = frozenset({
    "daemonsets.apps", "databases.postgresql.cnpg.io", "deployments.apps", "poddisruptionbudgets.policy",
    "publications.postgresql.cnpg.io", "replicasets.apps", "sealedsecrets.bitnami.com", "statefulsets.apps",
    "subscriptions.postgresql.cnpg.io",
})  # fmt: skip
"""Kinds whose controllers always say which generation they have seen."""
_NO_PLURAL: Final = frozenset({"eventbus", "mongodb", "mongodbcommunity"})
"""Kinds whose definitions have the singular for a plural."""


def judge_object(
    manifest: Mapping[str, Any],
    resource: Resource | None = None,
    now: datetime | None = None,
    rule: Rule | None = None,
) -> Health:
    """How an object is, and why.

    First what holds for every kind: being deleted, a stale status, ``Reconciling``, ``Stalled``. Then the rule of its
    kind where there is one; else its conditions ``Ready``, ``Available`` and ``Healthy``, of which it needs one and all
    that it has must be True, and nothing beside them may tell of trouble, a pause or a change. What has none of them is
    Unknown.

    Args:
        manifest: the object.
        resource: what it was listed as: the API server leaves ``kind`` out of the items of a list. By default the
            object's own ``apiVersion`` and ``kind`` are taken.
        now: the API server's clock; without it, what may be young is taken for old.
        rule: decides instead of the rule of the kind.

    Raises:
        BadAnswer: a part that decides has a wrong type.
    """
    kind = str(resource) if resource is not None else _resource_of(manifest)
    about = generic.leaving(manifest) or generic.stale(manifest, must_tell=kind in _OBSERVING)
    about = about or generic.reconciling(manifest)
    of_group = _RULES.get(f"*.{kind.partition('.')[2]}", generic.ready)
    return about or (rule or _RULES.get(kind, of_group))(manifest, now)


def _resource_of(manifest: Mapping[str, Any]) -> str:
    """``deployments.apps``: the plural of almost all kinds that have a rule is a regular one."""
    kind = str(at(manifest, "kind")).lower()
    group, _, _ = str(at(manifest, "apiVersion")).rpartition("/")
    if kind in _NO_PLURAL:
        plural = kind
    elif kind.endswith(("s", "x", "ch", "sh")):
        plural = f"{kind}es"
    elif kind.endswith("y") and not kind.endswith(("ay", "ey", "oy", "uy")):
        plural = f"{kind[:-1]}ies"
    else:
        plural = f"{kind}s"
    return f"{plural}.{group}" if group else plural
