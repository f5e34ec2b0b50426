"""Deployments, StatefulSets and DaemonSets run what they were told to run, in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Namespaces,
    Resource,
    at,
    bounded,
    conditions,
    count,
    place_of,
    say,
    some,
)

Kind = Literal["Deployment", "StatefulSet", "DaemonSet"]
_RESOURCES: Final[Mapping[Kind, Resource]] = {
    "Deployment": Resource("apps", "v1", "deployments"),
    "StatefulSet": Resource("apps", "v1", "statefulsets"),
    "DaemonSet": Resource("apps", "v1", "daemonsets"),
}
_KEPT: Final = (
    "metadata.generation",
    "metadata.deletionTimestamp",
    "spec.replicas",
    "spec.paused",
    "spec.updateStrategy",
    "status",
)
"""The pod templates, of which there may be thousands, are most of what the API server sends."""


@dataclass(frozen=True, slots=True)
class _Lack:
    """What a workload lacks: ``certain`` if it is wrong, else it is still moving or unclear."""

    code: str
    words: str
    certain: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Workload:
    kind: Kind
    body: Mapping[str, Any]

    @property
    def place(self) -> str:
        return place_of(self.body)

    def spec(self, *path: str) -> Any:  # noqa: ANN401 - what a cluster says has any type
        return at(self.body, "spec", *path)

    def status(self, key: str) -> int:
        """A number of the status; zero is left out by the API server."""
        return count(at(self.body, "status", key), 0, f"status.{key} of {self.kind} {self.place}")

    @property
    def wanted(self) -> int:
        return count(self.spec("replicas"), 1, f"spec.replicas of {self.kind} {self.place}")

    @property
    def idle(self) -> bool:
        """Whether it wants no pods at all."""
        return (self.status("desiredNumberScheduled") if self.kind == "DaemonSet" else self.wanted) == 0


class WorkloadsRolledOut(ClusterCheck):
    """Every Deployment, StatefulSet and DaemonSet has rolled out its newest revision, and all its replicas are ready.

    The rules are those of kstatus and of ``kubectl rollout status``, with their gaps closed: a status older than the
    spec (``observedGeneration``) says nothing; a paused Deployment is not well by default; a StatefulSet with
    ``OnDelete`` is judged by its revisions. *Failed* are a rollout beyond its progress deadline, a paused one, replicas
    that are not ready although nothing is rolling out, and a Deployment that is below its minimum availability or whose
    pods are refused (``ReplicaFailure``). *Inconclusive* is what still moves, is being deleted, has a stale status, or
    waits for ``minReadySeconds``. Workloads scaled to zero are well, and are counted in the message. A cluster without
    any workload is inconclusive. Reads objects: rows hide a stale status.

    Example:
        - check: workloads-rolled-out
          kinds: [Deployment, StatefulSet]
          namespaces:
            include: [shop, pay-*]
            exclude: [pay-dev]
    """

    name: ClassVar[str] = "workloads-rolled-out"
    claim: ClassVar[str] = "all workloads are rolled out"
    area: ClassVar[str] = "Workloads"
    reads: ClassVar[tuple[Resource, ...]] = (Resource("", "v1", "namespaces"), *_RESOURCES.values())

    namespaces: Namespaces = Namespaces()
    """Whose workloads; those of all namespaces unless given."""
    kinds: tuple[Kind, ...] = Field(default=("Deployment", "StatefulSet", "DaemonSet"), min_length=1)
    """Which kinds."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """List whole objects and judge each."""
        workloads: list[_Workload] = []
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            for kind in dict.fromkeys(self.kinds):
                found = await ctx.cluster.objects(
                    _RESOURCES[kind], namespace=namespace, field_selector=selector, keep=_KEPT
                )
                workloads += [_Workload(kind, each) for each in found]
        if not workloads:
            return Finding.inconclusive(f"there is no {' or '.join(self.kinds)} to look at")
        return _answer([(each, lack) for each in workloads if (lack := _judge(each)) is not None], workloads)


def _answer(lacks: list[tuple[_Workload, _Lack]], workloads: Sequence[_Workload]) -> Finding:
    total, idle = len(workloads), sum(each.idle for each in workloads)
    at_zero = f" ({idle} of them want no pods)" if idle else ""
    if not lacks:
        return Finding.passed(f"all {total} workloads are rolled out{at_zero}")
    lacks.sort(key=lambda lack: not lack[1].certain)
    bad = sum(lack.certain for _, lack in lacks)
    moving = len(lacks) - bad
    few = some([f"{each.kind} {each.place} {lack.words}" for each, lack in lacks])
    evidence = bounded(_evidence(each, lack) for each, lack in lacks)
    if bad:
        also = f", {moving} not settled" if moving else ""
        return Finding.failed(f"{bad} of {total} workloads {_are(bad)} not well{also}: {few}", evidence)
    return Finding.inconclusive(f"{moving} of {total} workloads {_are(moving)} not settled: {few}", evidence)


def _evidence(workload: _Workload, lack: _Lack) -> Evidence:
    namespace, _, name = workload.place.partition("/")
    hint = lack.hint or f"kubectl -n {namespace} describe {workload.kind.lower()} {name}"
    return Evidence(lack.code, f"{workload.kind} {workload.place}", lack.words, hint=hint)


def _judge(workload: _Workload) -> _Lack | None:
    """The rules for any object come first, then the kind's own."""
    if at(workload.body, "metadata", "deletionTimestamp") is not None:
        return _Lack("Terminating", "is being deleted", certain=False)
    generation, observed = (
        at(workload.body, "metadata", "generation"),
        at(workload.body, "status", "observedGeneration"),
    )
    if type(generation) is not int or type(observed) is not int or observed != generation:
        words = f"has a stale status (generation {generation!r:.20}, observed {observed!r:.20})"
        return _Lack("StaleStatus", words, certain=False, hint="is kube-controller-manager running?")
    return next(_KINDS[workload.kind](workload), None)


def _deployment(it: _Workload) -> Iterator[_Lack]:
    said = conditions(it.body)
    progressing, available = said.get("Progressing", {}), said.get("Available", {})
    wanted, replicas, updated = it.wanted, it.status("replicas"), it.status("updatedReplicas")
    ready, able = it.status("readyReplicas"), it.status("availableReplicas")
    if it.spec("paused") is True:
        namespace, _, name = it.place.partition("/")
        yield _Lack("Paused", "is paused", hint=f"kubectl -n {namespace} rollout resume deployment {name}")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        yield _Lack("ProgressDeadlineExceeded", f"did not roll out in time, {updated} of {wanted} updated")
    if available.get("status") != "True" and wanted > 0:
        below = available.get("status") == "False"
        words = "is below its minimum availability" if below else "does not say that it is available"
        yield _Lack("NotAvailable", f"{words}, {ready} of {wanted} ready", certain=below)
    failure = said.get("ReplicaFailure", {})
    if failure.get("status") == "True" and not wanted == replicas == updated:
        why = say(failure.get("message") or failure.get("reason") or "no reason")
        yield _Lack("ReplicaFailure", f"cannot make its pods, {updated} of {wanted} updated: {why}")
    if not wanted == replicas == updated:
        yield _Lack("RollingOut", f"is still rolling out, {updated} of {wanted} updated", certain=False)
    if ready < wanted or able < updated:
        # The condition Progressing keeps NewReplicaSetAvailable once a rollout is complete, whatever befalls its pods.
        moving = progressing.get("status") == "True" and progressing.get("reason") != "NewReplicaSetAvailable"
        yield _Lack("NotReady", f"has {min(ready, able)} of {wanted} replicas ready", certain=not moving)
    if progressing and progressing.get("status") != "True":
        why = say(f"{progressing.get('reason') or 'no reason'} {progressing.get('message') or ''}")
        yield _Lack("NotProgressing", f"does not say that it progresses: {why}", certain=False)


def _stateful_set(it: _Workload) -> Iterator[_Lack]:
    wanted, replicas = it.wanted, it.status("replicas")
    ready, updated = it.status("readyReplicas"), it.status("updatedReplicas")
    # Servers before 1.22 do not count those that have been ready for minReadySeconds; others write a zero too.
    able = ready if at(it.body, "status", "availableReplicas") is None else it.status("availableReplicas")
    partition = count(it.spec("updateStrategy", "rollingUpdate", "partition"), 0, f"partition of {it.place}")
    goal = max(wanted - partition, 0)
    differ = at(it.body, "status", "currentRevision") != at(it.body, "status", "updateRevision")
    if it.spec("updateStrategy", "type") == "OnDelete":
        # With OnDelete the controller never moves currentRevision on, so the replicas are counted.
        if differ and updated < wanted:
            hint = "OnDelete waits for a person: delete its pods one by one"
            yield _Lack(
                "OnDeletePending", f"runs {wanted - updated} of {wanted} replicas at an old revision", hint=hint
            )
    elif differ and (updated < goal if partition else wanted > 0):
        yield _Lack("RollingOut", f"is still rolling out, {min(updated, goal)} of {goal} updated", certain=False)
    if replicas != wanted:
        yield _Lack("Scaling", f"has {replicas} of {wanted} replicas", certain=False)
    if ready < wanted:
        yield _Lack("NotReady", f"has {ready} of {wanted} replicas ready")
    if able < wanted:
        words = f"has {able} of {wanted} replicas ready for its minReadySeconds"
        yield _Lack("NotAvailable", words, certain=False)
    if updated < goal:
        # Rolled back half-way: the two revisions are the same again, and some pods run the one between.
        yield _Lack("RollingOut", f"runs only {updated} of {goal} replicas at its revision", certain=False)


def _daemon_set(it: _Workload) -> Iterator[_Lack]:
    if at(it.body, "status", "desiredNumberScheduled") is None:
        yield _Lack("StaleStatus", "does not say how many pods it wants", certain=False)
    wanted, current = it.status("desiredNumberScheduled"), it.status("currentNumberScheduled")
    updated, ready = it.status("updatedNumberScheduled"), it.status("numberReady")
    able = min(ready, it.status("numberAvailable"))
    if updated < wanted and it.spec("updateStrategy", "type") != "OnDelete":
        words = f"is still rolling out, {updated} of {wanted} updated, {able} ready"
        yield _Lack("RollingOut", words, certain=False)
    if current < wanted:
        yield _Lack("Scaling", f"runs on {current} of {wanted} nodes", certain=False)
    if able < wanted:
        yield _Lack("NotReady", f"is ready on {able} of {wanted} nodes")


_KINDS: Final[Mapping[Kind, Callable[[_Workload], Iterator[_Lack]]]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
}


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
