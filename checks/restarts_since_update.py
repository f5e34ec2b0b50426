"""Containers keep running since the update: no restarts that the update could have caused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Namespaces,
    Resource,
    at,
    bounded,
    cells,
    controller_of,
    count,
    dicts,
    dns_name,
    format_duration,
    numbered,
    place_of,
    pods_named,
    say,
    some,
    time_of,
)

PODS: Final = Resource("", "v1", "pods")
_UNFINISHED: Final = "status.phase!=Succeeded,status.phase!=Failed"
_READ_WHOLE: Final = 50  # names of suspects; what comes after them is not proven
_ROW: Final = re.compile(r"(\d{1,9})(?: \(((?:\d{1,6}[ydhms]){1,2}) ago\))?")
_SECONDS: Final = {"y": 365 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class _Restarts:
    """How often a container restarted since the update: at least, and at most."""

    controller: str
    pod: str
    container: str
    least: int
    most: int
    why: str

    def evidence(self, since: datetime) -> Evidence:
        times = f"{self.least} to " if self.least < self.most else ""
        namespace, _, name = self.pod.rpartition("/")
        return Evidence(
            "ContainerRestarted" if self.least else "RestartsNotProven",
            self.controller,
            f"pod {name}, container {self.container}: {times}{numbered(self.most, 'restart')} "
            f"since {since:%Y-%m-%d %H:%M:%SZ}{self.why}",
            "no restart since the update",
            f"kubectl -n {namespace} logs {name} -c {self.container} --previous",
        )


class RestartsSinceUpdate(ClusterCheck):
    """No container restarted since the member's update, but for so many as are tolerated.

    Only restarts after the update count: ``since`` is the moment at which the run says that the member's update was
    completed (or started). A restart is dated by the end of the run before it
    (``lastState.terminated.finishedAt``), or where that is unknown by the start of the present one
    (``state.running.startedAt``); if both are unknown it may have been since, which is inconclusive. Kubernetes counts
    all restarts of a container, and dates the last one only: in a pod older than the update, a container that
    restarted before and since has a number of restarts *since* that lies between two bounds. More than is tolerated
    for certain fails; perhaps more is inconclusive. The same holds for a static pod whose copy, which its Node owns, is
    younger than the update. Pods of Jobs are left out, since a Job restarts what fails: that is the Job's matter. A
    member whose update has no time, and a cluster without pods, are inconclusive.

    All pods are screened as rows: ``4 (9h ago)`` is no suspect if even the youngest reading of that age lies before the
    update; restarts without an age are. Only suspects are read whole, 50 at most; any beyond are not proven. The row of
    a pod that has started no longer tells of its init containers (sidecars apart): what they did to start is over, and
    counts only where the pod is read whole for another reason.

    Example:
        - check: restarts-since-update
          since: completed
          maxRestarts: 1
          maxTotal: 5
          namespaces:
            exclude: [dev-*]
    """

    name: ClassVar[str] = "restarts-since-update"
    claim: ClassVar[str] = "no container restarted since the update"
    area: ClassVar[str] = "Workloads"
    reads: ClassVar[tuple[Resource, ...]] = (PODS, Resource("", "v1", "namespaces"))

    since: Literal["completed", "started"] = "completed"
    """From when restarts count: from the completion or from the start of the member's update."""
    max_restarts: int = Field(default=0, ge=0)
    """So often each container may have restarted."""
    max_total: int | None = Field(default=None, ge=0)
    """So often all containers together may have restarted; without it only each container is bounded."""
    namespaces: Namespaces = Namespaces()
    """Whose pods; those of all namespaces unless given."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Screen the rows, then read the suspects whole and count."""
        since = ctx.member.completed_at if self.since == "completed" else ctx.member.started_at
        if since is None:
            words = f"the run does not say when the update of {ctx.member.name} was {self.since}"
            other = "; with since: started it could" if ctx.member.started_at is not None else ""
            return Finding.inconclusive(f"{words}, so no restart can be counted against it{other}")
        seen, names, unread, found = 0, 0, 0, list[_Restarts]()
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            fields = ",".join(filter(None, (selector, _UNFINISHED)))
            table = await ctx.cluster.table(PODS, namespace=namespace, field_selector=fields)
            # The server made the rows before it tells the time, so that no age is taken for older than it is.
            ago = await ctx.cluster.now() - since
            rows = [(dns_name(name, "a pod"), text) for name, text in cells(table, "Name", "Restarts")]
            seen += len(rows)
            suspects = list(dict.fromkeys(name for name, text in rows if _is_suspect(text, ago)))
            room = max(_READ_WHOLE - names, 0)
            names, unread = names + len(suspects), unread + len(suspects[room:])
            async for pod in pods_named(ctx.cluster, suspects[:room], namespace, fields):
                found += [] if _is_owned_by(pod, "Job") else _containers(pod, since)
        ago = await ctx.cluster.now() - since
        if not seen or ago < timedelta(0):
            why = f"the update was {self.since} in the future" if seen else "there is no pod to look at"
            return Finding.inconclusive(f"{why}, so nothing can be said of restarts")
        return self._answer(found, unread, seen, since, f"since the update was {self.since} {format_duration(ago)} ago")

    def _answer(self, found: list[_Restarts], unread: int, seen: int, since: datetime, when: str) -> Finding:
        found.sort(key=lambda each: (-each.least, -each.most))
        least, most = sum(each.least for each in found), sum(each.most for each in found)
        total = f", {self.max_total} in all" if self.max_total is not None else ""
        allowed = f"({self.max_restarts} allowed in each{total})"
        who = some(list(dict.fromkeys(each.controller for each in found)))
        evidence = bounded(each.evidence(since) for each in found)
        if self._exceeds([each.least for each in found], least):
            containers = numbered(sum(each.least > 0 for each in found), "container")
            times = f"{numbered(least, 'time')}{' or more' if most > least else ''}"
            return Finding.failed(f"{containers} restarted {times} {when} {allowed}: {who}", evidence)
        if unread:
            more = f"{unread} more may have, and are too many to be looked at"
            return Finding.inconclusive(f"{numbered(least, 'restart')} {when}; {more} {allowed}", evidence)
        if self._exceeds([each.most for each in found], most):
            return Finding.inconclusive(
                f"{least} to {most} restarts {when}, which cannot be told {allowed}: {who}", evidence
            )
        if found:
            return Finding.passed(f"{numbered(most, 'restart')} at most in {seen} pods {when} {allowed}", evidence)
        return Finding.passed(f"no container of {numbered(seen, 'pod')} restarted {when}")

    def _exceeds(self, each: list[int], total: int) -> bool:
        return any(one > self.max_restarts for one in each) or (self.max_total is not None and total > self.max_total)


def _is_suspect(restarts: object, ago: timedelta) -> bool:
    """Whether a row such as ``4 (9h ago)`` leaves it open that a container restarted within this span."""
    if restarts == 0 and restarts is not False:
        return False  # servers before 1.22 write a number
    found = _ROW.fullmatch(restarts) if isinstance(restarts, str) else None
    if found is None or found[2] is None:
        return found is None or int(found[1]) > 0
    # An age is cut off, never rounded up (k8s.io/apimachinery, pkg/util/duration): it happened at least so long ago.
    parts = re.findall(r"(\d+)([ydhms])", found[2])
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in parts)) <= ago


def _is_owned_by(pod: Mapping[str, Any], kind: str) -> bool:
    return any(owner.get("kind") == kind for owner in dicts(at(pod, "metadata", "ownerReferences")))


def _containers(pod: Mapping[str, Any], since: datetime) -> Iterator[_Restarts]:
    place, created = place_of(pod, "a pod"), time_of(at(pod, "metadata", "creationTimestamp"))
    # The copy of a static pod may be made anew at any time, while its containers and their restarts are older.
    young = created is not None and created >= since and not _is_owned_by(pod, "Node")
    keys = ("initContainerStatuses", "containerStatuses")
    statuses = [status for key in keys for status in dicts(at(pod, "status", key), f"status.{key}")]
    if not statuses and at(pod, "status", "phase") == "Pending":
        return  # a namesake of the suspect, or what came in its place: it has not begun, so nothing restarted
    if not statuses:
        raise BadAnswer(f"the row of pod {place} left restarts open, and the pod shows no container")
    for status in statuses:
        container = dns_name(status.get("name"), "a container")
        number = count(status.get("restartCount", "missing"), 0, f"restartCount of {container}")
        least, most = (number, number) if young else _bounds(status, number, since)
        if most:
            yield _Restarts(controller_of(pod), place, container, least, most, _why(status))


def _bounds(status: Mapping[str, Any], number: int, since: datetime) -> tuple[int, int]:
    """How many of the restarts of a container were since a moment, at least and at most."""
    last = at(status, "lastState", "terminated")
    ended, began = time_of(at(last, "finishedAt")), time_of(at(last, "startedAt"))
    present = time_of(at(status, "state", "running", "startedAt"))
    if ended is None:
        if present is None:
            return 0, number
        # The end of the run before is unknown, but it was no later than the start of this one.
        return (0, 0) if present < since else (min(number, 1), number)
    if number == 0 or ended < since:
        return 0, 0
    if began is not None and began < since:
        return 1, 1  # that run began before the update and ended since: all restarts but this one were before
    # The run before began and ended since, so both its own start and the present one are restarts since.
    return min(number, 1 if at(status, "state", "waiting") is not None else 2), number


def _why(status: Mapping[str, Any]) -> str:
    last = at(status, "lastState", "terminated")
    if not isinstance(last, Mapping):
        return ""
    code, reason, when = (say(last.get(key), 60) for key in ("exitCode", "reason", "finishedAt"))
    return f"; the run before ended with {code} ({reason}) at {when}"
