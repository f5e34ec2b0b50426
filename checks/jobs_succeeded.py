"""Jobs ended well: none failed lately, and those that are asked for succeeded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import field_validator, model_validator

from gatekeeper.check import (
    NODES,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Namespaces,
    Resource,
    Tolerance,
    at,
    bounded,
    conditions,
    count,
    dicts,
    dns_name,
    format_duration,
    has_nodes,
    numbered,
    place_of,
    say,
    some,
    time_of,
)

JOBS: Final = Resource("batch", "v1", "jobs")
_KEPT: Final = ("metadata.ownerReferences", "metadata.deletionTimestamp", "spec.suspend", "status")
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Job:
    place: str
    state: Literal["Complete", "Failed", "Suspended", "Running"]
    ended: datetime | None
    """When it ended, if it did and says so."""
    words: str

    @property
    def is_over(self) -> bool:
        return self.state in ("Complete", "Failed")

    def is_recent(self, now: datetime, since: timedelta) -> bool:
        """Whether it ended within a span; a failure of unknown time always did, a success never."""
        return self.is_over and (self.state == "Failed" if self.ended is None else now - self.ended <= since)


@dataclass(frozen=True, slots=True)
class _Task:
    """A Job of its own, or a CronJob with the Jobs that it made."""

    subject: str
    jobs: Sequence[_Job]

    @property
    def last(self) -> _Job:
        """Its last finished Job, or else one that has not finished."""
        over = [job for job in self.jobs if job.is_over]
        # Of unknown time, a failure is taken for the last and a success for the first: the careful side.
        unknown = {"Failed": _LAST}
        return max(over, key=lambda job: job.ended or unknown.get(job.state, _FIRST)) if over else self.jobs[-1]

    def is_called(self, pattern: str) -> bool:
        names = (self.subject.partition(" ")[2], *(job.place for job in self.jobs))
        return any(fnmatchcase(name, pattern) for name in names)

    def evidence(self, code: str) -> Evidence:
        namespace, _, name = self.last.place.partition("/")
        hint = f"kubectl -n {namespace} describe job {name}; kubectl -n {namespace} logs job/{name} --tail=50"
        hint += "; if it is to run on, set running: ignored" if code == "JobRunning" else ""
        about = f"Job {name} " if self.subject.startswith("CronJob") else ""
        return Evidence(code, self.subject, f"{about}{self.last.words}", "Complete", hint)


class JobsSucceeded(ClusterCheck):
    """No Job failed lately, and every Job that is required succeeded.

    A Job is over when its condition ``Complete``, ``Failed`` or ``FailureTarget`` is True (batch/v1; kstatus calls a
    running Job well, which proves nothing). A CronJob counts by its last finished Job, so an earlier failure that a
    success followed is forgiven. Only what ended within ``since`` counts. A Job of its own that still runs is
    inconclusive unless ``running: ignored``; one of a CronJob that runs while the last one is over does not count.
    Suspended Jobs do not count, and are named in the message. What is required (by the name of a Job or of a CronJob)
    must have succeeded within ``since``: if it is missing, runs or is suspended, that is inconclusive; if it failed,
    nothing tolerates it. Without any Job the check passes, unless the cluster has no nodes either, or a label was asked
    for, which may be misspelt.

    Example:
        - check: jobs-succeeded
          since: 12h
          require: [shop/smoke-test, batch/nightly-*]
          running: ignored
    """

    name: ClassVar[str] = "jobs-succeeded"
    claim: ClassVar[str] = "no Job failed, and the required ones succeeded"
    area: ClassVar[str] = "Workloads"
    reads: ClassVar[tuple[Resource, ...]] = (JOBS, NODES, Resource("", "v1", "namespaces"))

    since: Duration = timedelta(days=1)
    """Only Jobs that ended within this time count."""
    require: tuple[str, ...] = ()
    """Jobs or CronJobs that must have succeeded, as ``namespace/name``; may hold ``*`` and ``?``."""
    running: Literal["inconclusive", "ignored"] = "inconclusive"
    """What a Job that still runs comes to; a required one is always inconclusive."""
    max_failed: Tolerance = Tolerance(count=0)
    """So many Jobs and CronJobs may have failed: a count, or a percentage that is rounded down."""
    labels: str = ""
    """Only Jobs with these labels, such as ``tier=gold,team in (shop, pay)``; the required ones too."""
    namespaces: Namespaces = Namespaces()
    """Whose Jobs; those of all namespaces unless given."""

    @field_validator("require")
    @classmethod
    def _are_places(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not all(name.partition("/")):
                raise ValueError(f"{name!r} is no namespace/name")
        return names

    @model_validator(mode="after")
    def _are_looked_at(self) -> Self:
        for name in self.require:
            namespace = name.partition("/")[0]
            if not set(namespace) & set("*?[") and not self.namespaces.wants(namespace):
                raise ValueError(
                    f"{name} is required, and namespaces leaves {namespace} out, so nobody would look there"
                )
        return self

    async def run(self, ctx: ClusterContext) -> Finding:
        """List objects: rows tell neither owners nor times."""
        found: list[Mapping[str, Any]] = []
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            found += await ctx.cluster.objects(
                JOBS, namespace=namespace, label_selector=self.labels, field_selector=selector, keep=_KEPT
            )
        now = await ctx.cluster.now()
        if not found and (self.labels or not await has_nodes(ctx.cluster)):
            nobody = f"no Job has the labels {self.labels}" if self.labels else "there is no Job, and no node either"
            return Finding.inconclusive(nobody)
        return self._answer(list(_tasks(found, now)), now)

    def _answer(self, tasks: list[_Task], now: datetime) -> Finding:
        recent = [task for task in tasks if task.last.is_recent(now, self.since)]
        failed = [task for task in recent if task.last.state == "Failed"]
        moving = [task for task in tasks if task.last.state == "Running"] if self.running == "inconclusive" else []
        strict = [task for task in failed if any(map(task.is_called, self.require))]
        unproven = list(self._unproven(tasks, recent))
        evidence = [task.evidence("JobFailed") for task in failed]
        evidence += [*unproven, *(task.evidence("JobRunning") for task in moving)]
        suspended = sum(task.last.state == "Suspended" for task in tasks)
        span = f"in the last {format_duration(self.since)}" + (f"; {suspended} suspended" if suspended else "")
        allowed = self.max_failed.of(len(recent))
        said = f"{len(failed)} of {numbered(len(recent), 'Job or CronJob', 'Jobs and CronJobs')} failed {span}"
        who = some([f"{each.subject} {each.observed}" for each in evidence])
        if strict or len(failed) > allowed:
            return Finding.failed(f"{said}, {allowed} allowed: {who}", bounded(evidence))
        if unproven or moving:
            open_ones = f"{len(unproven)} required not proven, {len(moving)} running"
            return Finding.inconclusive(f"{said}, {open_ones}: {who}", bounded(evidence))
        if failed:
            return Finding.passed(f"{said}, {allowed} allowed", bounded(evidence))
        return Finding.passed(f"no Job or CronJob failed, {len(recent)} succeeded {span}")

    def _unproven(self, tasks: Sequence[_Task], recent: Sequence[_Task]) -> Iterator[Evidence]:
        """What is required and neither succeeded nor failed lately."""
        proven = {task.subject for task in recent}
        for pattern in dict.fromkeys(self.require):
            mine = [task for task in tasks if task.is_called(pattern)]
            if not mine:
                hint = "was it deleted by its ttlSecondsAfterFinished, or is its name misspelt?"
                yield Evidence("RequiredJobMissing", f"Job {pattern}", "is required and not there", "Complete", hint)
            yield from (task.evidence("RequiredJobNotProven") for task in mine if task.subject not in proven)


def _tasks(found: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[_Task]:
    mine: dict[str, list[_Job]] = defaultdict(list)
    for body in found:
        job = _job(body, now)
        owners = dicts(at(body, "metadata", "ownerReferences"), "metadata.ownerReferences")
        cron = next((each.get("name") for each in owners if each.get("kind") == "CronJob"), None)
        namespace = job.place.partition("/")[0]
        mine[f"CronJob {namespace}/{dns_name(cron, 'a CronJob')}" if cron else f"Job {job.place}"].append(job)
    yield from (_Task(subject, jobs) for subject, jobs in mine.items())


def _job(body: Mapping[str, Any], now: datetime) -> _Job:
    place, said = place_of(body, "a Job"), conditions(body)
    for kind in ("Failed", "FailureTarget", "Complete"):
        each = said.get(kind, {})
        if each.get("status") == "True":
            ended = time_of(at(body, "status", "completionTime")) or time_of(each.get("lastTransitionTime"))
            when = f" {format_duration(max(now - ended, timedelta(0)))} ago" if ended else ""
            if kind == "Complete":
                return _Job(place, "Complete", ended, f"succeeded{when}")
            words = f"failed{when}: {say(each.get('reason') or 'no reason', 60)} {say(each.get('message'))}".rstrip()
            return _Job(place, "Failed", ended, words)
    if at(body, "spec", "suspend") is True:
        return _Job(place, "Suspended", None, "is suspended")
    began = time_of(at(body, "status", "startTime"))
    tries = count(at(body, "status", "failed"), 0, f"status.failed of Job {place}")
    words = "is being deleted" if at(body, "metadata", "deletionTimestamp") else "is running"
    words += f" since {began:%Y-%m-%d %H:%MZ}" if began else ""
    return _Job(place, "Running", None, f"{words}, {numbered(tries, 'pod')} failed" if tries else words)
