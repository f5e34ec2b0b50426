"""The row of a pod; its Status column is the most misread word of Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.manifests import Manifest, at, condition, number, parse_time
from gatekeeper.emulator.kube.printers.cells import NONE, Cell, Printer, age, columns, name_of

_FINISHED = {
    "Succeeded": ("Succeeded", "The pod has completed successfully."),
    "Failed": ("Failed", "The pod failed."),
}


@dataclass(slots=True)
class _Tally:
    """What the container statuses of one pod add up to."""

    reason: str
    ready: int = 0
    restarts: int = 0
    restarted_at: datetime | None = None
    initializing: bool = False

    def count_restarts(self, status: Manifest) -> None:
        """Add a container's restarts, and remember the latest."""
        self.restarts += number(status.get("restartCount"))
        ended = parse_time(at(status, "lastState", "terminated", "finishedAt"))
        if ended and (self.restarted_at is None or ended > self.restarted_at):
            self.restarted_at = ended


def cells(pod: Manifest) -> list[Cell]:
    """Return the cells of ``kubectl get pods -o wide``."""
    spec, status = pod.get("spec", {}), pod.get("status", {})
    sidecars = {c.get("name") for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    total = len(spec.get("containers") or ()) + len(sidecars)
    tally = _Tally(reason=_first_reason(pod))
    steady = _Tally(reason=tally.reason)
    _count_init(pod, sidecars, tally, steady)
    initialized = (condition(pod, "Initialized") or {}).get("status") == "True"
    if not tally.initializing or initialized:
        # Once initialized, only sidecars and main containers count as restarts.
        tally.restarts, tally.restarted_at = steady.restarts, steady.restarted_at
        _count_main(pod, tally)
    restarts = str(tally.restarts)
    ago = tally.restarts and tally.restarted_at
    return [
        name_of(pod),
        f"{tally.ready}/{total}",
        _last_word(pod, tally.reason),
        Since(tally.restarted_at, restarts + " ({} ago)") if ago else restarts,
        age(pod),
        _ip(status),
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _readiness_gates(pod),
    ]


def _first_reason(pod: Manifest) -> str:
    if (condition(pod, "PodScheduled") or {}).get("reason") == "SchedulingGated":
        return "SchedulingGated"
    return str(at(pod, "status", "reason") or at(pod, "status", "phase") or "")


def _count_init(pod: Manifest, sidecars: set[object], tally: _Tally, steady: _Tally) -> None:
    """Count init containers; the first one that is neither done nor a started sidecar names the state."""
    total = len(at(pod, "spec", "initContainers") or ())
    for index, status in enumerate(at(pod, "status", "initContainerStatuses") or ()):
        sidecar = status.get("name") in sidecars
        tally.count_restarts(status)
        if sidecar:
            steady.count_restarts(status)
        state = status.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None and number(ended.get("exitCode")) == 0:
            continue
        if sidecar and status.get("started"):
            tally.ready += bool(status.get("ready"))
            continue
        tally.initializing = True
        if ended is not None:
            tally.reason = "Init:" + _end(ended)
        elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
            tally.reason = f"Init:{waiting['reason']}"
        else:
            tally.reason = f"Init:{index}/{total}"
        return


def _count_main(pod: Manifest, tally: _Tally) -> None:
    """Count the main containers, the last first: the first container that is in trouble has the last word."""
    running = False
    for status in reversed(at(pod, "status", "containerStatuses") or ()):
        tally.count_restarts(status)
        state = status.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if waiting.get("reason"):
            tally.reason = waiting["reason"]
        elif ended is not None:
            tally.reason = _end(ended)
        elif status.get("ready") and state.get("running") is not None:
            running = True
            tally.ready += 1
    if tally.reason == "Completed" and running:
        ready = (condition(pod, "Ready") or {}).get("status") == "True"
        tally.reason = "Running" if ready else "NotReady"


def _end(terminated: Manifest) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    signal = number(terminated.get("signal"))
    return f"Signal:{signal}" if signal else f"ExitCode:{number(terminated.get('exitCode'))}"


def _last_word(pod: Manifest, reason: str) -> str:
    if at(pod, "metadata", "deletionTimestamp") is None:
        return reason
    if at(pod, "status", "reason") == "NodeLost":
        return "Unknown"
    return reason if at(pod, "status", "phase") in _FINISHED else "Terminating"


def _ip(status: Manifest) -> str:
    ips = status.get("podIPs") or ()
    return (ips[0].get("ip") if ips else None) or NONE


def _readiness_gates(pod: Manifest) -> str:
    gates = at(pod, "spec", "readinessGates") or ()
    if not gates:
        return NONE
    met = sum((condition(pod, str(gate.get("conditionType"))) or {}).get("status") == "True" for gate in gates)
    return f"{met}/{len(gates)}"


def row_conditions(pod: Manifest) -> list[Manifest]:
    """Return the row's own conditions: a finished pod says that it is finished."""
    reason, message = _FINISHED.get(str(at(pod, "status", "phase")), ("", ""))
    return [{"type": "Completed", "status": "True", "reason": reason, "message": message}] if reason else []


PRINTER = Printer(
    columns("Name", "Ready", "Status", "Restarts", "Age", "IP+", "Node+", "Nominated Node+", "Readiness Gates+"),
    cells,
    row_conditions,
)
