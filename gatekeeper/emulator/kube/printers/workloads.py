"""The rows of what runs pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs, and their budgets."""

from __future__ import annotations

from gatekeeper.emulator.kube.ages import Since, human
from gatekeeper.emulator.kube.manifests import Manifest, at, condition, number, parse_time
from gatekeeper.emulator.kube.printers.cells import (
    NONE,
    UNSET,
    Cell,
    Printer,
    age,
    columns,
    containers,
    label_selector,
    name_of,
    pairs,
)

_JOB_STATES = (("Complete", "Complete"), ("Failed", "Failed"))
_JOB_LATER_STATES = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
_CRON_TEMPLATE = ("spec", "jobTemplate", "spec", "template", "spec", "containers")


def _count(manifest: Manifest, field: str) -> int:
    return number(at(manifest, "status", field))


def _wanted(manifest: Manifest) -> int:
    return number(at(manifest, "spec", "replicas"), 1)


def _selector(manifest: Manifest) -> str:
    return label_selector(at(manifest, "spec", "selector"))


def deployment(item: Manifest) -> list[Cell]:
    """Ready is of the wanted; generations are not shown, so a stale status looks like a good one."""
    ready = f"{_count(item, 'readyReplicas')}/{_wanted(item)}"
    updated, available = _count(item, "updatedReplicas"), _count(item, "availableReplicas")
    return [name_of(item), ready, updated, available, age(item), *containers(item), _selector(item)]


def replica_set(item: Manifest) -> list[Cell]:
    """Desired, Current and Ready."""
    counts = [_wanted(item), _count(item, "replicas"), _count(item, "readyReplicas")]
    return [name_of(item), *counts, age(item), *containers(item), _selector(item)]


def stateful_set(item: Manifest) -> list[Cell]:
    """Ready of the wanted."""
    return [name_of(item), f"{_count(item, 'readyReplicas')}/{_wanted(item)}", age(item), *containers(item)]


def daemon_set(item: Manifest) -> list[Cell]:
    """Five counters and the node selector."""
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    nodes = pairs(at(item, "spec", "template", "spec", "nodeSelector"))
    counts = [_count(item, field) for field in fields]
    return [name_of(item), *counts, nodes, age(item), *containers(item), _selector(item)]


def _is_true(item: Manifest, kind: str) -> bool:
    return (condition(item, kind) or {}).get("status") == "True"


def _job_status(item: Manifest) -> str:
    for kind, word in _JOB_STATES:
        if _is_true(item, kind):
            return word
    if at(item, "metadata", "deletionTimestamp"):
        return "Terminating"
    return next((kind for kind in _JOB_LATER_STATES if _is_true(item, kind)), "Running")


def _job_completions(item: Manifest) -> str:
    wanted, parallel = at(item, "spec", "completions"), number(at(item, "spec", "parallelism"))
    done = _count(item, "succeeded")
    if wanted is not None:
        return f"{done}/{wanted}"
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def job(item: Manifest) -> list[Cell]:
    """Status, completions and duration; a job that has not completed counts on, a failed one too."""
    begun = parse_time(at(item, "status", "startTime"))
    ended = parse_time(at(item, "status", "completionTime"))
    duration: Cell = "" if begun is None else Since(begun) if ended is None else human(ended - begun)
    done = _job_completions(item)
    return [name_of(item), _job_status(item), done, duration, age(item), *containers(item), _selector(item)]


def cron_job(item: Manifest) -> list[Cell]:
    """The schedule, and when it last led to a job."""
    spec, last = item.get("spec", {}), at(item, "status", "lastScheduleTime")
    suspended = "True" if spec.get("suspend") else "False"
    active = len(at(item, "status", "active") or ())
    plan = [spec.get("schedule", ""), spec.get("timeZone") or NONE, suspended, active]
    scheduled: Cell = Since(parse_time(last)) if last else NONE
    return [name_of(item), *plan, scheduled, age(item), *containers(item, *_CRON_TEMPLATE), NONE]


def disruption_budget(item: Manifest) -> list[Cell]:
    """The limit that is set, the other as N/A, and the disruptions allowed now."""
    limits = [at(item, "spec", field) for field in ("minAvailable", "maxUnavailable")]
    shown = ["N/A" if limit is None else str(limit) for limit in limits]
    return [name_of(item), *shown, _count(item, "disruptionsAllowed"), age(item)]


def autoscaler(item: Manifest) -> list[Cell]:
    """Targets as ``cpu: 12%/70%``; a metric without a value reads ``<unknown>``."""
    spec, target = item.get("spec", {}), at(item, "spec", "scaleTargetRef") or {}
    current = at(item, "status", "currentMetrics") or ()
    targets = [_metric(m, current[i] if i < len(current) else {}) for i, m in enumerate(spec.get("metrics") or ())]
    text = ", ".join(targets[:2]) + (f" + {len(targets) - 2} more..." if len(targets) > 2 else "")
    low = str(spec["minReplicas"]) if "minReplicas" in spec else UNSET
    reference = f"{target.get('kind')}/{target.get('name')}"
    pods: list[Cell] = [low, number(spec.get("maxReplicas")), _count(item, "currentReplicas")]
    return [name_of(item), reference, text or NONE, *pods, age(item)]


def _metric(metric: Manifest, current: Manifest) -> str:
    kind = str(metric.get("type", ""))
    field = kind[:1].lower() + kind[1:]
    body, now = metric.get(field) or {}, at(current, field, "current") or {}
    target = body.get("target") or {}
    prefix = f"{body['name']}: " if "name" in body else ""
    if "averageUtilization" in target:
        used = now.get("averageUtilization")
        return f"{prefix}{'<unknown>' if used is None else f'{used}%'}/{target['averageUtilization']}%"
    for unit in ("averageValue", "value"):
        if unit in target:
            average = " (avg)" if unit == "averageValue" and kind != "Resource" else ""
            return f"{prefix}{now.get(unit, '<unknown>')}/{target[unit]}{average}"
    return f"{prefix}<unknown>/<auto>"


PRINTERS = {
    "deployments.apps": Printer(
        columns("Name", "Ready", "Up-to-date", "Available", "Age", "Containers+", "Images+", "Selector+"), deployment
    ),
    "replicasets.apps": Printer(
        columns("Name", "Desired#", "Current#", "Ready#", "Age", "Containers+", "Images+", "Selector+"), replica_set
    ),
    "statefulsets.apps": Printer(columns("Name", "Ready", "Age", "Containers+", "Images+"), stateful_set),
    "daemonsets.apps": Printer(
        (
            *columns("Name", "Desired#", "Current#", "Ready#", "Up-to-date#", "Available#", "Node Selector"),
            *columns("Age", "Containers+", "Images+", "Selector+"),
        ),
        daemon_set,
    ),
    "jobs.batch": Printer(
        columns("Name", "Status", "Completions", "Duration", "Age", "Containers+", "Images+", "Selector+"), job
    ),
    "cronjobs.batch": Printer(
        (
            *columns("Name", "Schedule", "Timezone", "Suspend", "Active#", "Last Schedule", "Age"),
            *columns("Containers+", "Images+", "Selector+"),
        ),
        cron_job,
    ),
    "poddisruptionbudgets.policy": Printer(
        columns("Name", "Min Available", "Max Unavailable", "Allowed Disruptions#", "Age"), disruption_budget
    ),
    "horizontalpodautoscalers.autoscaling": Printer(
        columns("Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"), autoscaler
    ),
}
