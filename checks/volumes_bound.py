"""Every PersistentVolumeClaim has its volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from gatekeeper.check import (
    NODES,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Namespaces,
    Resource,
    at,
    bounded,
    cells,
    dicts,
    dns_name,
    format_duration,
    name_of,
    numbered,
    place_of,
    say,
    some,
    time_of,
)

CLAIMS: Final = Resource("", "v1", "persistentvolumeclaims")
CLASSES: Final = Resource("storage.k8s.io", "v1", "storageclasses")
PODS: Final = Resource("", "v1", "pods")
NAMESPACES: Final = Resource("", "v1", "namespaces")
_KEPT: Final = (
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "spec.storageClassName",
    "spec.volumeName",
    "status.phase",
)


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    place: str
    words: str
    judged: bool | None = True
    """True: it is wrong; False: it is not settled; None: it is reported, and no fault."""

    def evidence(self) -> Evidence:
        namespace, _, name = self.place.rpartition("/")
        hint = f"kubectl -n {namespace} describe persistentvolumeclaim {name}"
        return Evidence(self.code, f"PersistentVolumeClaim {self.place}", self.words, "Bound", hint)


@dataclass(frozen=True, slots=True)
class _World:
    """What the judgement of a claim needs besides the claim."""

    now: datetime
    grace: timedelta
    waiting_classes: frozenset[str]
    """StorageClasses with ``WaitForFirstConsumer``."""
    users: Mapping[str, datetime | None]
    """Claims that a pending pod wants, by place, with the creation of the oldest such pod."""

    def is_old(self, since: datetime | None) -> bool:
        return since is None or self.now - since > self.grace


class VolumesBound(ClusterCheck):
    """Every PersistentVolumeClaim is Bound.

    Failed are a claim that is ``Lost`` (its volume is gone), one that is ``Pending`` for longer than ``gracePeriod``,
    and one whose deletion hangs for as long: a pod still uses it, and finds it gone when it is moved to another node.
    Younger ones, and phases that are not known, are inconclusive. A claim of a StorageClass that binds with
    ``WaitForFirstConsumer`` and that no pod wants is Pending for good; it is reported, and no fault. When a pod wants
    it, its time counts from the pod's creation. Source of the phases: Kubernetes API, PersistentVolumeClaimStatus.

    All claims are screened as rows; claims, StorageClasses and pending pods are read whole only where one is not Bound.
    A cluster that has nodes and no claims is well; one without nodes is inconclusive.

    Example:
        - check: volumes-bound
          gracePeriod: 15m
          namespaces:
            exclude: [dev-*]
    """

    name: ClassVar[str] = "volumes-bound"
    claim: ClassVar[str] = "all PersistentVolumeClaims are bound"
    area: ClassVar[str] = "Storage"
    reads: ClassVar[tuple[Resource, ...]] = (CLAIMS, CLASSES, PODS, NODES, NAMESPACES)

    namespaces: Namespaces = Namespaces()
    """Whose claims; those of all namespaces unless given."""
    grace_period: Duration = timedelta(minutes=10)
    """Binding or deleting may take so long."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Screen the rows; read whole only where a claim is not Bound."""
        total, odd = 0, list[Mapping[str, Any]]()
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            table = await ctx.cluster.table(CLAIMS, namespace=namespace, field_selector=selector)
            total += len(table.rows)
            if any(status != "Bound" for _, status in cells(table, "Name", "Status")):
                found = await ctx.cluster.objects(CLAIMS, namespace=namespace, field_selector=selector, keep=_KEPT)
                odd += [each for each in found if _is_odd(each)]
        if not total:
            nodes = sum(1 for _ in cells(await ctx.cluster.table(NODES), "Name", "Status"))
            if not nodes:
                return Finding.inconclusive("there is no claim and no node, so nothing can be said")
            return Finding.passed(f"there are no PersistentVolumeClaims (on {numbered(nodes, 'node')})")
        if not odd:
            return Finding.passed(f"{numbered(total, 'PersistentVolumeClaim')}, all bound")
        world = await self._world(ctx.cluster, odd)
        return self._answer(total, [fault for each in odd if (fault := _judge(each, world)) is not None])

    async def _world(self, cluster: Cluster, odd: Sequence[Mapping[str, Any]]) -> _World:
        classes = await cluster.objects(CLASSES)
        waiting = [name_of(each) for each in classes if each.get("volumeBindingMode") == "WaitForFirstConsumer"]
        users: dict[str, datetime | None] = {}
        wanted = {dns_name(at(each, "metadata", "namespace"), "a claim") for each in odd if _class_of(each) in waiting}
        for namespace in sorted(wanted):
            # A pod whose volume is not bound cannot have left Pending.
            pods = await cluster.objects(PODS, namespace=namespace, field_selector="status.phase=Pending")
            for pod in pods:
                created = time_of(at(pod, "metadata", "creationTimestamp"))
                for place in _claims_of(pod):
                    known = users.get(place, created)
                    users[place] = min(known, created) if known and created else None
        return _World(await cluster.now(), self.grace_period, frozenset(waiting), users)

    def _answer(self, total: int, faults: list[_Fault]) -> Finding:
        faults.sort(key=lambda fault: (fault.judged is None, not fault.judged))
        bad, unclear = (sum(fault.judged is word for fault in faults) for word in (True, False))
        unused = len(faults) - bad - unclear
        evidence = bounded([fault.evidence() for fault in faults])
        few = some([f"{fault.place} {fault.words}" for fault in faults if fault.judged is not None])
        claims = numbered(total, "PersistentVolumeClaim")
        notes = f"; {unused} wait for a first pod" if unused else ""
        if bad:
            also = f", {unclear} not settled" if unclear else ""
            return Finding.failed(f"{bad} of {claims} {_are(bad)} not well{also}: {few}{notes}", evidence)
        if unclear:
            grace = format_duration(self.grace_period)
            words = f"{unclear} of {claims} {_are(unclear)} not settled (less than {grace}, or unclear): {few}{notes}"
            return Finding.inconclusive(words, evidence)
        return Finding.passed(f"{claims}, all in use are bound{notes}", evidence)


def _is_odd(claim: Mapping[str, Any]) -> bool:
    return at(claim, "status", "phase") != "Bound" or at(claim, "metadata", "deletionTimestamp") is not None


def _judge(claim: Mapping[str, Any], world: _World) -> _Fault | None:
    place, phase = place_of(claim, "a claim"), at(claim, "status", "phase")
    deletion = at(claim, "metadata", "deletionTimestamp")
    if phase == "Lost":
        return _Fault("ClaimLost", place, f"lost its volume {say(at(claim, 'spec', 'volumeName'), 80)}".strip())
    if deletion is not None:
        words = f"is being deleted since {say(deletion, 40)}"
        return _Fault("ClaimTerminating", place, words, judged=world.is_old(time_of(deletion)))
    if phase != "Pending":
        return _Fault("ClaimUnclear", place, f"has the phase {say(phase, 40) or 'nothing'}", judged=False)
    since, which = time_of(at(claim, "metadata", "creationTimestamp")), _class_of(claim)
    about = f"StorageClass {say(which, 80)}" if which else "no StorageClass"
    if which in world.waiting_classes:
        if place not in world.users:
            words = f"waits for a first pod that uses it ({about})"
            return _Fault("ClaimUnused", place, words, judged=None)
        since = world.users[place]
    age = f" for {format_duration(world.now - since)}" if since else ""
    return _Fault("ClaimPending", place, f"is Pending{age} ({about})", judged=world.is_old(since))


def _class_of(claim: Mapping[str, Any]) -> str:
    which = at(claim, "spec", "storageClassName")
    return which if isinstance(which, str) else ""


def _claims_of(pod: Mapping[str, Any]) -> list[str]:
    """The claims of a pod; an ephemeral volume's is named after the pod and the volume (Kubernetes documentation)."""
    namespace, _, name = place_of(pod, "a pod").rpartition("/")
    found = []
    for volume in dicts(at(pod, "spec", "volumes"), "spec.volumes"):
        if claim := at(volume, "persistentVolumeClaim", "claimName"):
            found.append(f"{namespace}/{claim}")
        elif "ephemeral" in volume:
            found.append(f"{namespace}/{name}-{volume.get('name')}")
    return found


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
