"""Single kinds for which a line of a table is not enough.

Source: the API documentation of Argo CD, Argo Rollouts, ECK, Kiali, Flux, Cluster API, Crossplane, Tigera, and
Application Gateway for Containers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gatekeeper.kit.health.beside import unless_beside
from gatekeeper.kit.health.generic import ready
from gatekeeper.kit.health.verdict import (
    GOOD,
    Conditions,
    Health,
    Manifest,
    degraded,
    healthy,
    number,
    progressing,
    short,
)
from gatekeeper.kit.health.words import Known, needs, phase
from gatekeeper.kit.manifest import at, count, dicts, say

_APPLICATION: Final = Known({"health.status": ("Healthy",)})
_ROLLOUT: Final = phase("Healthy", conditions=("Available",))
_ELASTICSEARCH: Final = Known({"phase": ("Ready",), "health": ("green",)})
_PLAYBOOK: Final = needs("Successful")
_REVISION: Final = needs("RevisionHealthy", "RuntimeHealthy")
_REMEDIATION: Final = needs("RemediationAllowed")
_LOAD_BALANCER: Final = needs("Accepted", "Deployment")


def application(item: Manifest, now: datetime | None = None) -> Health:
    """What Argo CD runs is Healthy, and it has no error. Its conditions have no status: what is listed is so."""
    for each in dicts(at(item, "status", "conditions"), "status.conditions"):
        if (kind := say(each.get("type"), 60)).endswith("Error"):  # ComparisonError, SyncError; others are warnings
            return degraded(f"{kind}: {say(each.get('message'))}")
    return _APPLICATION(item, now)


def rollout(item: Manifest, now: datetime | None = None) -> Health:
    """A Rollout of a Deployment that it refers to has also seen that one's newest generation."""
    wanted = at(item, "metadata", "annotations", "rollout.argoproj.io/workload-generation")
    seen = at(item, "status", "workloadObservedGeneration")
    if wanted is not None and str(wanted) != str(seen):
        return progressing(f"has a stale status (generation {say(wanted, 20)} of its workload, seen {say(seen, 20)})")
    return _ROLLOUT(item, now)


def elasticsearch(item: Manifest, now: datetime | None = None) -> Health:
    """A cluster whose data is all there is green, while it lacks nodes that it should have."""
    sets = dicts(at(item, "spec", "nodeSets"), "spec.nodeSets")
    wanted = sum(count(each.get("count"), 0, "spec.nodeSets.count") for each in sets)
    if lack := short({"nodes": number(item, "status", "availableNodes")}, wanted):
        return unless_beside(item, progressing(f"has {lack}"))
    return _ELASTICSEARCH(item, now)


def playbook(item: Manifest, now: datetime | None = None) -> Health:
    """The last playbook of an Ansible operator succeeded; while the next one runs, that is False as well."""
    if (told := Conditions(item)).reason("Running") == "Running":
        return unless_beside(item, progressing(told.words("Running")))
    return _PLAYBOOK(item, now)


def helm_repository(item: Manifest, now: datetime | None = None) -> Health:
    """One of type ``oci`` only names a registry: since Flux 2.3 its controller has nothing to say of it."""
    silent = not any(kind in Conditions(item) for kind in GOOD)
    if silent and at(item, "spec", "type") == "oci":
        return unless_beside(item, healthy("it names an OCI registry, and has no state of its own"))
    return ready(item, now)


def machine_health_check(item: Manifest, now: datetime | None = None) -> Health:
    """It may replace a machine of Cluster API, and has none to replace."""
    healthy_machines, wanted = (number(item, "status", key) for key in ("currentHealthy", "expectedMachines"))
    if lack := short({"machines healthy": healthy_machines}, wanted):
        return unless_beside(item, degraded(f"has {lack}"))
    return _REMEDIATION(item, now)


def revision(item: Manifest, now: datetime | None = None) -> Health:
    """A revision of a Provider or Function of Crossplane: since 2.0 its contents and what runs are told apart."""
    return (ready if "Healthy" in Conditions(item) else _REVISION)(item, now)


def tigera_status(item: Manifest, now: datetime | None = None) -> Health:
    """Its conditions tell the generation of the Installation that they are about; its own stays as it is."""
    return ready({key: value for key, value in item.items() if key != "metadata"}, now)


def load_balancer(item: Manifest, now: datetime | None = None) -> Health:
    """An Application Gateway for Containers: its Deployment is True, with another reason, while Azure still works."""
    verdict, told = _LOAD_BALANCER(item, now), Conditions(item)
    if told.status("Deployment") == "True" and told.reason("Deployment") != "Ready":
        return progressing(told.words("Deployment"))
    return verdict
