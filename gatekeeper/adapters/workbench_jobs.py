"""What a Job of Gatekeeper looks like, and what it and its pods say of themselves: pure, without any request."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import at, condition, dicts, say, time_of

MANAGED: Final = "app.kubernetes.io/managed-by=fleet-gatekeeper"
"""The label of all that is Gatekeeper's own, as a selector."""

_LABELS: Final = dict([MANAGED.split("=")])
_LATER: Final = 30  # seconds after our deadline the cluster's own: that one takes the pods away, logs and all
_KEPT: Final = 600  # seconds that a finished Job stays if nobody deletes it
_OLD: Final = timedelta(hours=1)
_PREFIX: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")  # with its suffix a name of at most 63 letters
_LINE: Final = 300  # characters of a line of a log
_WORDS: Final = 300


@dataclass(frozen=True, slots=True)
class Ended:
    """How a Job ended."""

    well: bool
    reason: str


def prepared(job: Mapping[str, Any], namespace: str, deadline: timedelta) -> tuple[str, dict[str, Any]]:
    """The Job as it is created, and its name: the given one with a random suffix.

    Raises:
        BadAnswer: it is no Job.
    """
    manifest = deepcopy(dict(job))
    metadata, spec, template = _part(manifest, "metadata"), _part(manifest, "spec"), _part(manifest, "spec", "template")
    pod = _part(manifest, "spec", "template", "spec")
    if manifest.get("kind", "Job") != "Job" or manifest.get("apiVersion", "batch/v1") != "batch/v1":
        raise BadAnswer("what is to be run is no Job of batch/v1")
    prefix = str(metadata.get("name") or metadata.get("generateName") or "probe").rstrip("-")
    if not _PREFIX.fullmatch(prefix):
        raise BadAnswer(f"{prefix!r:.80} is no name for a Job (at most 50 letters, digits and dashes)")
    limit = math.ceil(deadline.total_seconds()) + _LATER
    own = spec.get("activeDeadlineSeconds")
    name = f"{prefix}-{secrets.token_hex(4)}"
    named = {**metadata, "name": name, "namespace": namespace, "labels": {**_labels(metadata), **_LABELS}}
    named.pop("generateName", None)
    inner = _part(template, "metadata")
    spec |= {
        "activeDeadlineSeconds": min(own, limit) if isinstance(own, int) else limit,
        "ttlSecondsAfterFinished": _KEPT,
        "backoffLimit": spec.get("backoffLimit", 0),
        "template": {
            **template,
            "metadata": {**inner, "labels": {**_labels(inner), **_LABELS}},
            "spec": {"restartPolicy": "Never", **pod},
        },
    }
    return name, {**manifest, "apiVersion": "batch/v1", "kind": "Job", "metadata": named, "spec": spec}


def end_of(job: Mapping[str, Any]) -> Ended | None:
    """How a Job ended; None while it runs. Failed outweighs Complete."""
    for kind in ("Failed", "Complete"):
        ended = condition(job, kind)
        if ended is not None and ended.get("status") == "True":
            words = ": ".join(say(ended[key], _WORDS) for key in ("reason", "message") if ended.get(key))
            return Ended(kind == "Complete", words)
    return None


def is_left_over(job: Mapping[str, Any], now: datetime) -> bool:
    """Whether a Job should have been gone an hour ago. What is being deleted already is not."""
    created, limit = time_of(at(job, "metadata", "creationTimestamp")), at(job, "spec", "activeDeadlineSeconds")
    if created is None or at(job, "metadata", "deletionTimestamp") is not None:
        return False
    return now - created > _OLD + timedelta(seconds=min(limit, 10**6) if isinstance(limit, int) else 0)


def last_of(pods: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The youngest pod."""
    return max(pods, key=lambda pod: str(at(pod, "metadata", "creationTimestamp")), default=None)


def container_of(pod: Mapping[str, Any]) -> str:
    """The container whose log tells most: the first that failed, init containers last, else the first."""
    for status in _statuses(pod):
        if at(status, "state", "terminated", "exitCode") not in (None, 0):
            return str(status.get("name"))
    return next((str(each.get("name")) for each in dicts(at(pod, "spec", "containers"), "spec.containers")), "")


def state_of(pod: Mapping[str, Any]) -> str:
    """Why a pod has not done its work, if it says so: unschedulable, an image that cannot be pulled, an exit code."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        return f"its pod is not scheduled: {say(scheduled.get('message'), _WORDS)}"
    for status in _statuses(pod):
        name = say(status.get("name"), 63)
        waiting, terminated = at(status, "state", "waiting"), at(status, "state", "terminated")
        if waiting and at(waiting, "reason") not in (None, "ContainerCreating", "PodInitializing"):
            return f"container {name} waits: {say(waiting['reason'], 63)}: {say(waiting.get('message'), _WORDS)}"
        if terminated and at(terminated, "exitCode") != 0:
            return f"container {name} ended with exit code {say(at(terminated, 'exitCode'), 20)}"
    return ""


def printable(log: bytes) -> str:
    """The end of a log as lines of printable characters, none of them endless."""
    lines = log.decode("utf-8", "replace").splitlines()
    return "\n".join("".join(c if c.isprintable() else " " for c in line[:_LINE]).rstrip() for line in lines)


def _statuses(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    # Sidecars are init containers that are stopped when the others have ended: what these say comes first.
    keys = ("containerStatuses", "initContainerStatuses")
    return [each for key in keys for each in dicts(at(pod, "status", key), f"status.{key}")]


def _part(manifest: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """A part of a manifest; an empty one where there is none. Raises BadAnswer when it is no mapping."""
    found = at(manifest, *path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadAnswer(f"{'.'.join(path)} of the Job is no mapping")
    return found


def _labels(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return _part(metadata, "labels")
