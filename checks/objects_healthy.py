"""Objects of any kind are healthy, by the rules of their kind, by their conditions, or by an expression."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import model_validator

from gatekeeper.check import (
    NODES,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Expression,
    Finding,
    Health,
    NamedReads,
    Namespaces,
    Outcome,
    Resource,
    ResourceName,
    Status,
    Tolerance,
    at,
    bounded,
    dns_name,
    has_nodes,
    judge_object,
    say,
    some,
)

NAMESPACES: Final = Resource("", "v1", "namespaces")
# Wider than a DNS name: some kinds allow system:node or v1. as names. All of it is safe in a shell.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}")


@dataclass(frozen=True, slots=True)
class _Found:
    place: str
    health: Health

    def evidence(self, resource: Resource) -> Evidence:
        status, message = self.health
        namespace, _, name = self.place.rpartition("/")
        where = f"-n {namespace} " if namespace else ""
        hint = f"kubectl {where}describe {resource} {name}"
        return Evidence(f"Object{status}", f"{resource} {self.place}", f"{status}: {message}", "Healthy", hint)


class ObjectsHealthy(ClusterCheck):
    """Every object of a kind is healthy; custom resources too.

    The order is that of kstatus. An object that is being deleted, whose status is about an older generation, or that
    has ``Reconciling`` is *Progressing*; ``Stalled`` is *Degraded*. Then the rule of its kind decides: Deployment,
    StatefulSet, DaemonSet, ReplicaSet, Pod, Job, CronJob, PersistentVolumeClaim, HorizontalPodAutoscaler,
    PodDisruptionBudget, Service, Ingress, Namespace, Node, APIService and CustomResourceDefinition have one, and so
    have widespread kinds of the Gateway API, Argo, ACME, Crossplane, Velero, CloudNativePG and others that say how they
    are in words of their own (docs/objects-healthy.md lists them). All other kinds are judged by their conditions
    ``Ready``, ``Available`` and ``Healthy``: one must be there, and all that are there must be True. An object without
    any is *Unknown* (kstatus calls it Current). Your expression ``healthy`` decides instead of all these rules.

    What an object tells beside its Ready takes that back: *Degraded* for trouble (``Degraded``, ``NotReady``,
    ``Synced`` False, a phase Failed), *Suspended* for a pause (``spec.suspend``, ``spec.paused``, ``Paused``, the
    annotations of Crossplane, Cluster API, CloudNativePG and Strimzi), *Progressing* for a change (``RollingOut``,
    ``Disrupting``, a phase Updating, fewer ready replicas than wanted). The words are Argo CD's.

    *Degraded* and *Suspended* objects (a paused Deployment, a suspended CronJob) fail the check, *Progressing* and
    *Unknown* ones make it inconclusive; so do a list without any object, unless ``expect`` says ``any``, and a cluster
    without nodes.

    Expressions are CEL, as in Kubernetes' ValidatingAdmissionPolicy, with the variables ``object`` and ``now``. A field
    that is missing is an error, and the object *Unknown*: guard it with ``has()``.

    Example:
        - check: objects-healthy
          resource: kafkas.kafka.strimzi.io/v1
          namespaces:
            include: [data-*]
        - check: objects-healthy
          resource: postgresqls.acid.zalan.do/v1
          healthy: has(object.status.PostgresClusterStatus) && object.status.PostgresClusterStatus == 'Running'
          progressing: has(object.status.PostgresClusterStatus) && object.status.PostgresClusterStatus == 'Updating'
    """

    name: ClassVar[str] = "objects-healthy"
    claim: ClassVar[str] = "all objects of a kind are healthy"
    area: ClassVar[str] = "Any object"
    reads: ClassVar[tuple[Resource, ...]] = NamedReads(NAMESPACES, NODES)  # type: ignore[assignment]  # a tuple to who asks

    resource: ResourceName
    """The kind, as its plural, group and version: ``kafkas.kafka.strimzi.io/v1``, ``deployments.apps/v1``."""
    namespaces: Namespaces = Namespaces()
    """Whose objects; those of all namespaces unless given. Not for kinds that have no namespace."""
    label_selector: str = ""
    """Only objects with these labels: ``app=web,tier in (gold,silver)``."""
    healthy: Expression | None = None
    """A CEL expression over ``object`` and ``now`` that decides instead of the kind's own rule."""
    progressing: Expression | None = None
    """Beside ``healthy``: an object that is not healthy is Progressing rather than Degraded where this is true."""
    allow_suspended: bool = False
    """Whether what is paused or suspended counts as healthy."""
    max_unhealthy: Tolerance = Tolerance(count=0)
    """So many of the objects may be not healthy: a count, or a percentage that is rounded down."""
    expect: Literal["some", "any"] = "some"
    """``some``: no object at all is inconclusive; ``any``: it is well."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if self.progressing is not None and self.healthy is None:
            raise ValueError("progressing stands beside healthy; give that too")
        return self

    async def run(self, ctx: ClusterContext) -> Finding:
        """List whole objects and judge each."""
        objects: list[Mapping[str, Any]] = []
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            objects += await ctx.cluster.objects(
                self.resource, namespace=namespace, label_selector=self.label_selector, field_selector=selector
            )
        now = await ctx.cluster.now()
        found = [_Found(_place(each), self._judge(each, now)) for each in objects]
        finding = self._answer(found, sum(map(_is_idle, objects)))
        if finding.outcome is Outcome.PASSED and not await has_nodes(ctx.cluster):
            return Finding.inconclusive(f"{finding.message}, but the cluster has no nodes", finding.evidence)
        return finding

    def _judge(self, item: Mapping[str, Any], now: datetime) -> Health:
        try:
            health = judge_object(item, self.resource, now, None if self.healthy is None else self._by_expression)
        except BadAnswer as error:
            return Health(Status.UNKNOWN, say(error))
        if health.status is Status.UNKNOWN and self.healthy is None:
            return Health(health.status, f"{health.message}; the parameter healthy can tell")
        good = self.allow_suspended and health.status is Status.SUSPENDED
        return Health(Status.HEALTHY, health.message) if good else health

    def _by_expression(self, item: Mapping[str, Any], now: datetime | None) -> Health:
        if self.healthy is None or self.healthy.true_of(object=item, now=now):
            return Health(Status.HEALTHY, f"{self.healthy} is true")
        if self.progressing is not None and self.progressing.true_of(object=item, now=now):
            return Health(Status.PROGRESSING, f"{self.progressing} is true")
        return Health(Status.DEGRADED, f"{self.healthy} is false")

    def _answer(self, found: Sequence[_Found], idle: int) -> Finding:
        if not found:
            judge = Finding.passed if self.expect == "any" else Finding.inconclusive
            return judge(f"there are no {self.resource} here")
        wrong = [each for each in found if each.health.status is not Status.HEALTHY]
        wrong.sort(key=lambda each: not _certain(each.health))
        bad, total, allowed = (
            sum(_certain(each.health) for each in wrong),
            len(found),
            self.max_unhealthy.of(len(found)),
        )
        if not wrong:
            at_zero = f" ({idle} of them want no replicas)" if idle else ""
            return Finding.passed(f"all {total} {self.resource} are healthy{at_zero}")
        evidence = bounded([each.evidence(self.resource) for each in wrong])
        unclear = f", {len(wrong) - bad} progressing or unknown" if len(wrong) > bad else ""
        words = (
            f"{bad} of {total} {self.resource} {'is' if bad == 1 else 'are'} not healthy{unclear}, {allowed} allowed"
        )
        few = some([f"{each.place} is {each.health.status} ({say(each.health.message, 80)})" for each in wrong])
        if len(wrong) <= allowed:
            return Finding.passed(words, evidence)
        judge = Finding.failed if bad > allowed else Finding.inconclusive
        return judge(f"{words}: {few}", evidence)


def _certain(health: Health) -> bool:
    return health.status not in (Status.PROGRESSING, Status.UNKNOWN)


def _is_idle(item: Mapping[str, Any]) -> bool:
    """Whether it wants no replicas, or fits no node: that is well, and worth a word."""
    return 0 in (at(item, "spec", "replicas"), at(item, "status", "desiredNumberScheduled"))


def _place(item: Mapping[str, Any]) -> str:
    name, namespace = at(item, "metadata", "name"), at(item, "metadata", "namespace")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadAnswer(f"an object of a list has the name {name!r:.100}")
    return name if namespace is None else f"{dns_name(namespace, 'an object')}/{name}"
