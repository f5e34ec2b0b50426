"""Pods, Jobs and CronJobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from gatekeeper.kit.health.verdict import (
    Conditions,
    Health,
    Manifest,
    Status,
    degraded,
    healthy,
    progressing,
    suspended,
    unknown,
)
from gatekeeper.kit.manifest import at, dicts, say, time_of

# As kstatus has it: what the kubelet says of a container that will not start by itself.
_BAD_WAIT: Final = re.compile(r"Err.*|.*(?:Error|BackOff)|InvalidImageName")
_GAPS: Final = {
    "@hourly": timedelta(hours=2),
    "@daily": timedelta(days=2),
    "@midnight": timedelta(days=2),
    "@weekly": timedelta(days=8),
    "@monthly": timedelta(days=63),  # there is no 31st in every other month
    "@yearly": timedelta(days=367),
    "@annually": timedelta(days=367),
}
_UNSCHEDULABLE_FOR: Final = timedelta(seconds=15)  # kstatus gives the scheduler this long


def pod(item: Manifest, now: datetime | None = None) -> Health:
    """Running and Ready, or Succeeded. A Failed one is Degraded (kstatus calls it Current), whoever owns it."""
    match at(item, "status", "phase"):
        case "Succeeded":
            return healthy("it succeeded")
        case "Failed":
            why = say(f"{say(at(item, 'status', 'reason'))} {say(at(item, 'status', 'message'))}")
            return degraded(f"it failed: {why or 'no reason is given'}")
        case "Running" | "Pending" | None:
            return next(_unfinished(item, now), healthy("it runs and is ready"))
        case other:
            return unknown(f"its phase is {say(other)}")


def _unfinished(item: Manifest, now: datetime | None) -> Iterator[Health]:
    phase, conditions = at(item, "status", "phase"), Conditions(item)
    yield from map(degraded, _bad_containers(item))
    if conditions.status("PodScheduled") == "False" and conditions.reason("PodScheduled") != "SchedulingGated":
        waits = conditions.words("PodScheduled")
        yield (progressing if _is_young(item, now) else degraded)(f"finds no node: {waits}")
    if phase != "Running" or conditions.status("Ready") != "True":
        yield progressing(f"{say(phase) or 'no kubelet has seen it'}; {conditions.words('Ready')}")


def _bad_containers(item: Manifest) -> Iterator[str]:
    for key in ("initContainerStatuses", "containerStatuses"):
        for each in dicts(at(item, "status", key), f"status.{key}"):
            waiting = at(each, "state", "waiting")
            if _BAD_WAIT.fullmatch(reason := say(at(waiting, "reason"))):
                yield f"container {say(each.get('name'))} waits: {reason} {say(at(waiting, 'message'))}".strip()
            elif (code := at(each, "state", "terminated", "exitCode")) not in (None, 0):
                yield f"container {say(each.get('name'))} exited with {say(code, 20)}"


def _is_young(item: Manifest, now: datetime | None) -> bool:
    scheduled = next(
        (each for each in dicts(at(item, "status", "conditions")) if each.get("type") == "PodScheduled"), None
    )
    since = time_of(at(scheduled, "lastTransitionTime")) or time_of(at(item, "metadata", "creationTimestamp"))
    return now is not None and since is not None and now - since <= _UNSCHEDULABLE_FOR


def job(item: Manifest, _now: datetime | None = None) -> Health:
    """Complete or Failed; one that runs is Progressing (kstatus calls it Current)."""
    conditions = Conditions(item)
    if conditions.status("Failed") == "True":
        return degraded(conditions.words("Failed"))
    if conditions.status("Complete") == "True":
        return healthy("it is complete")
    if conditions.status("Suspended") == "True" or at(item, "spec", "suspend") is True:
        return suspended("is suspended")
    return progressing("it has not ended")


def cron_job(item: Manifest, now: datetime | None = None) -> Health:
    """By its last run, as far as a CronJob knows it: it notes when it started one, and when one succeeded."""
    verdict = _last_run(item, now)
    if at(item, "spec", "suspend") is True and verdict.status in (Status.HEALTHY, Status.UNKNOWN):
        return suspended("is suspended")  # which hides neither that its last run failed nor that one still runs
    return verdict


def _last_run(item: Manifest, now: datetime | None) -> Health:
    if dicts(at(item, "status", "active"), "status.active"):
        return progressing("a run has not ended")
    started, succeeded = (time_of(at(item, "status", key)) for key in ("lastScheduleTime", "lastSuccessfulTime"))
    if started is None:
        return _never_ran(item, now)
    if succeeded is None or succeeded < started:
        return degraded(f"its run of {started:%Y-%m-%dT%H:%M:%SZ} did not succeed")
    schedule = say(at(item, "spec", "schedule"))
    if now is not None and (gap := _longest_gap(schedule)) is not None and now - started > gap:
        # Its controller is gone, or has given it up, as it does after a hundred runs that were missed.
        return unknown(f"it has not run since {started:%Y-%m-%dT%H:%M:%SZ}, and its schedule is {schedule}")
    return healthy("its last run succeeded")


def _never_ran(item: Manifest, now: datetime | None) -> Health:
    """A young one need not have been due yet (kstatus and Argo CD call each Healthy, however old)."""
    created, schedule = time_of(at(item, "metadata", "creationTimestamp")), say(at(item, "spec", "schedule"))
    gap = _longest_gap(schedule)
    if now is None or created is None or gap is None or now - created > gap:
        return unknown(f"it has never run, and its schedule is {schedule or 'missing'}")
    return healthy(f"it is too young to have run by its schedule {schedule}")


def _longest_gap(schedule: str) -> timedelta | None:
    """No two runs of a schedule are further apart, with room for time zones; None where it is not understood."""
    if schedule in _GAPS:
        return _GAPS[schedule]
    fields = schedule.replace("?", "*").split()
    if len(fields) != 5:
        return None
    _minute, hour, day, month, weekday = fields
    if month != "*":
        return _GAPS["@yearly"]
    if day != "*":
        return _GAPS["@monthly"]
    if weekday != "*":
        return _GAPS["@weekly"]
    return _GAPS["@daily"] if hour != "*" else _GAPS["@hourly"]
