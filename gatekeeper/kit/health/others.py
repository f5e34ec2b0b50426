"""Claims, autoscalers, budgets, Services, Ingresses, nodes, and what extends the API itself."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gatekeeper.kit.health.generic import all_true
from gatekeeper.kit.health.verdict import (
    Conditions,
    Health,
    Manifest,
    degraded,
    healthy,
    number,
    progressing,
    unknown,
)
from gatekeeper.kit.manifest import at, dicts, say

_PRESSURES: Final = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def claim(item: Manifest, _now: datetime | None = None) -> Health:
    """A PersistentVolumeClaim is Bound; a Lost one has lost its volume."""
    match at(item, "status", "phase"):
        case "Bound":
            return healthy("it is bound")
        case "Lost":
            return degraded("its volume is lost")
        case "Pending" | None:
            # Whether its class waits for a first pod stands elsewhere; a claim alone cannot tell that from a fault.
            return progressing("it is not bound (volumes-bound knows claims that wait for their first pod)")
        case other:
            return unknown(f"its phase is {say(other)}")


def autoscaler(item: Manifest, _now: datetime | None = None) -> Health:
    """It can scale. At its limit it works as told, so that does not count (kstatus calls it Failed)."""
    conditions = Conditions(item)
    if not ("AbleToScale" in conditions or "ScalingActive" in conditions):
        return unknown("it has no conditions (ask for it as autoscaling/v2)")
    # A target of zero replicas is how people switch autoscaling off.
    off = conditions.status("ScalingActive") == "False" and conditions.reason("ScalingActive") == "ScalingDisabled"
    return all_true(item, ("AbleToScale",) if off else ("AbleToScale", "ScalingActive"))


def budget(item: Manifest, _now: datetime | None = None) -> Health:
    """Its controller could count the pods, and enough of them are healthy."""
    if Conditions(item).reason("DisruptionAllowed") == "SyncFailed":
        return degraded(Conditions(item).words("DisruptionAllowed"))
    have, wanted = number(item, "status", "currentHealthy"), number(item, "status", "desiredHealthy")
    words = f"{have} pods are healthy, {wanted} are wanted"
    return healthy(words) if have >= wanted else degraded(words)


def service(item: Manifest, _now: datetime | None = None) -> Health:
    """One of type LoadBalancer has an address; the others have nothing to wait for."""
    kind = at(item, "spec", "type")
    if kind == "LoadBalancer":
        return _addressed(item)
    if kind in ("ClusterIP", "NodePort", "ExternalName", None):
        return healthy("it waits for nothing")
    return unknown(f"its type is {say(kind)}")


def ingress(item: Manifest, _now: datetime | None = None) -> Health:
    """A controller gave it an address."""
    return _addressed(item)


def _addressed(item: Manifest) -> Health:
    found = dicts(at(item, "status", "loadBalancer", "ingress"), "status.loadBalancer.ingress")
    if any(each.get("ip") or each.get("hostname") for each in found):
        return healthy("it has an address")
    return progressing("no load balancer gave it an address")


def namespace(item: Manifest, _now: datetime | None = None) -> Health:
    """It is Active; one that is Terminating has a deletionTimestamp too, and is seen by that."""
    phase = at(item, "status", "phase")
    return healthy("it is active") if phase == "Active" else unknown(f"its phase is {say(phase) or 'missing'}")


def api_service(item: Manifest, _now: datetime | None = None) -> Health:
    """Its condition Available is True."""
    return all_true(item, ("Available",))


def definition(item: Manifest, _now: datetime | None = None) -> Health:
    """A CustomResourceDefinition is served under the names that it wants, and its schema is a structural one."""
    conditions = Conditions(item)
    if conditions.status("NonStructuralSchema") == "True":
        return degraded(conditions.words("NonStructuralSchema"))
    if conditions.reason("Established") == "Installing" and conditions.status("NamesAccepted") == "True":
        return progressing(conditions.words("Established"))
    return all_true(item, ("Established", "NamesAccepted"))


def node(item: Manifest, _now: datetime | None = None) -> Health:
    """Ready and under no pressure. Its heartbeat is in a Lease: ask nodes-ready for that."""
    conditions = Conditions(item)
    for kind in _PRESSURES:
        if conditions.status(kind) not in (None, "False"):
            return degraded(conditions.words(kind))
    return all_true(item, ("Ready",))
