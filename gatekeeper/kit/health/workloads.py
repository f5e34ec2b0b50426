"""Deployments, StatefulSets, DaemonSets and ReplicaSets run what they were told to, in full.

The rules are those of kstatus and of ``kubectl rollout status``, with their gaps closed: a paused rollout and one that
waits for a person (``OnDelete``) are Suspended, not Healthy.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gatekeeper.kit.health.verdict import (
    Conditions,
    Health,
    Manifest,
    Status,
    degraded,
    healthy,
    number,
    progressing,
    short,
    suspended,
)
from gatekeeper.kit.manifest import at


def deployment(item: Manifest, _now: datetime | None = None) -> Health:
    """A rollout beyond its deadline is Degraded, one on its way Progressing, and one that lost replicas Degraded."""
    wanted = number(item, "spec", "replicas", default=1)
    verdict = next(_of_deployment(item, Conditions(item), wanted), _full(wanted))
    if at(item, "spec", "paused") is not True:
        return verdict
    if verdict.status is Status.HEALTHY:
        return suspended("is paused: kubectl rollout resume")
    # Whoever allows what is suspended allows what is well and paused, not what a pause has caught half-way.
    return Health(verdict.status, f"{verdict.message}, and it is paused: kubectl rollout resume")


def _of_deployment(item: Manifest, conditions: Conditions, wanted: int) -> Iterator[Health]:
    replicas, updated = number(item, "status", "replicas"), number(item, "status", "updatedReplicas")
    able = {"ready": number(item, "status", "readyReplicas"), "available": number(item, "status", "availableReplicas")}
    if conditions.reason("Progressing") == "ProgressDeadlineExceeded":
        yield degraded(f"did not roll out in time: {updated} of {wanted} updated")
    if conditions.status("ReplicaFailure") not in (None, "False"):
        yield degraded(conditions.words("ReplicaFailure"))
    if updated < wanted or replicas != wanted:
        yield progressing(f"rolls out: {updated} of {wanted} updated, {replicas} replicas")
    if lack := short(able, wanted):
        # The condition keeps NewReplicaSetAvailable once a rollout is complete, whatever befalls its pods later.
        done = conditions.reason("Progressing") == "NewReplicaSetAvailable"
        yield degraded(f"has {lack}") if done else progressing(f"has {lack}")
    paused = at(item, "spec", "paused") is True and conditions.reason("Progressing") == "DeploymentPaused"
    if "Progressing" in conditions and conditions.status("Progressing") != "True" and not paused:
        yield progressing(conditions.words("Progressing"))
    if conditions.status("Available") != "True":
        below = conditions.status("Available") == "False"
        yield (degraded if below else progressing)(conditions.words("Available"))


def stateful_set(item: Manifest, _now: datetime | None = None) -> Health:
    """Replicas, readiness and revisions; with a partition only the replicas from it on must be new."""
    wanted = number(item, "spec", "replicas", default=1)
    return next(_of_stateful_set(item, wanted), _full(wanted))


def _of_stateful_set(item: Manifest, wanted: int) -> Iterator[Health]:
    counts = ("replicas", "readyReplicas", "updatedReplicas", "currentReplicas")
    replicas, ready, updated, current = (number(item, "status", key) for key in counts)
    partition = number(item, "spec", "updateStrategy", "rollingUpdate", "partition")
    differ = at(item, "status", "currentRevision") != at(item, "status", "updateRevision")
    if replicas != wanted:
        yield progressing(f"has {replicas} of {wanted} replicas")
    if ready < wanted:
        yield progressing(f"has {ready} of {wanted} ready")
    # Servers before 1.22 do not count those that have been ready for minReadySeconds; others write a zero too.
    if (able := number(item, "status", "availableReplicas", default=ready)) < wanted:
        yield progressing(f"has {able} of {wanted} available")
    if at(item, "spec", "updateStrategy", "type") == "OnDelete":
        # The controller never moves currentRevision on here, so the replicas are counted. After a rollback half-way the
        # two revisions are the same again, and some pods run the one between.
        if updated < wanted:
            yield suspended(f"runs {wanted - updated} of {wanted} replicas at an old revision until they are deleted")
    elif partition:
        if updated < (goal := max(wanted - partition, 0)):
            yield progressing(f"rolls out: {updated} of {goal} updated")
    elif differ and wanted:
        yield progressing(f"rolls out: {updated} of {wanted} updated")
    elif current < wanted:
        yield progressing(f"has {current} of {wanted} at its current revision")


def daemon_set(item: Manifest, _now: datetime | None = None) -> Health:
    """On every node that it wants, new and ready. With ``OnDelete`` there is no update to wait for."""
    if at(item, "status", "desiredNumberScheduled") is None:
        return progressing("does not say yet on how many nodes it is wanted")
    wanted = number(item, "status", "desiredNumberScheduled")
    counts = {
        "scheduled": number(item, "status", "currentNumberScheduled"),
        "updated": number(item, "status", "updatedNumberScheduled"),
        "available": number(item, "status", "numberAvailable"),
        "ready": number(item, "status", "numberReady"),
    }
    if at(item, "spec", "updateStrategy", "type") == "OnDelete":
        del counts["updated"]
    if lack := short(counts, wanted):
        return progressing(f"has {lack} pods")
    return _full(wanted)


def replica_set(item: Manifest, _now: datetime | None = None) -> Health:
    """As many replicas as wanted, labelled, available and ready."""
    conditions, wanted = Conditions(item), number(item, "spec", "replicas", default=1)
    if conditions.status("ReplicaFailure") not in (None, "False"):
        return degraded(conditions.words("ReplicaFailure"))
    words = {"labelled": "fullyLabeledReplicas", "available": "availableReplicas", "ready": "readyReplicas"}
    if lack := short({word: number(item, "status", key) for word, key in words.items()}, wanted):
        return progressing(f"has {lack}")
    if (replicas := number(item, "status", "replicas")) != wanted:
        return progressing(f"has {replicas} of {wanted} replicas")
    return _full(wanted)


def _full(wanted: int) -> Health:
    return healthy(f"all {wanted} replicas are there and ready" if wanted else "it wants no replicas")
