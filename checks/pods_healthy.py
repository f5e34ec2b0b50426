"""Pods run and are ready: no crash loops, no images that cannot be pulled, none that finds no node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
    Table,
    Tolerance,
    at,
    bounded,
    cells,
    conditions,
    controller_of,
    count,
    dicts,
    dns_name,
    format_duration,
    name_of,
    nodes_ready,
    numbered,
    place_of,
    pods_named,
    say,
    some,
    time_of,
)

PODS: Final = Resource("", "v1", "pods")
_UNFINISHED: Final = "status.phase!=Succeeded,status.phase!=Failed"
_ALL_READY: Final = frozenset(f"{n}/{n}" for n in range(1, 33))  # pods of more containers are read whole
_NO_GATE_UNMET: Final = _ALL_READY | {"<none>"}
_READ_WHOLE: Final = 50  # names of suspects; what comes after them is judged by its row
_NOT_PROVEN: Final = "PodNotProven"
_ASIDE: Final = "leaving, or a matter of Jobs"
_SHOWN: Final = 6  # names of suspects, where their rows say enough
_UNSCHEDULABLE_FOR: Final = timedelta(seconds=15)  # kstatus gives the scheduler this long
# The first two as kstatus has them; then what kubelet's pkg/kubelet/images/types.go and the CRI errors name otherwise.
_BAD_WAIT: Final = re.compile(
    r"Err.*|.*(?:Error|BackOff)|InvalidImageName|RegistryUnavailable|SignatureValidationFailed"
)
_BAD_ROW: Final = re.compile(rf"(?:Init:)?(?:{_BAD_WAIT.pattern}|OOMKilled|NodeLost|Unknown|ExitCode:.*|Signal:.*)")


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    words: str
    certain: bool = True
    """It is wrong; or else it is still starting, or not proven."""
    own: bool = False
    """The fault of the pod's own process, which is the Job's matter if a Job owns the pod."""
    container: str = ""
    """Whose last words explain it."""


@dataclass(frozen=True, slots=True)
class _Found:
    pod: str
    """``namespace/name``, or just the name if only the row is known."""
    fault: _Fault
    about: str = ""
    """Its owner and node."""

    @property
    def name(self) -> str:
        """Its name alone."""
        return self.pod.rpartition("/")[2]

    def evidence(self) -> Evidence:
        namespace, _, name = self.pod.rpartition("/")
        container = self.fault.container
        look = f"logs {name} -c {container} --previous" if container else f"describe pod {name}"
        hint = f"kubectl -n {namespace} {look}" if namespace else f"kubectl get pods -A | grep {name}"
        observed = "; ".join(filter(None, (self.fault.words, self.about)))
        return Evidence(self.fault.code, f"Pod {self.pod}", observed, "running and ready", hint)


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A name whose rows do not prove its pods to be sound."""

    query: tuple[str | None, str]
    """The namespace (None: any) and the field selector of its list."""
    name: str
    statuses: Sequence[str]
    """The Status of each pod of that name."""

    @property
    def sick(self) -> int:
        """How many of its rows alone say that their pod is sick."""
        return sum(map(_is_bad, self.statuses))

    def by_row(self) -> list[_Found]:
        """By its rows, where there are too many suspects."""
        namespace, _ = self.query
        place = f"{namespace}/{self.name}" if namespace else self.name
        return [_Found(place, _by_row(status)) for status in self.statuses]


class PodsHealthy(ClusterCheck):
    """Every pod that has not finished is running and ready.

    Failed are: waiting containers whose reason begins with ``Err`` or ends with ``Error`` or ``BackOff``, also init
    containers; containers that ended badly between two back-offs, ``OOMKilled`` among them; pods that no node takes for
    more than 15 seconds; pods of a lost node; pods that are not ready, miss a readiness gate, are still starting, or
    outlive their deletion, for longer than ``gracePeriod``. Within it they are *still starting*, which is inconclusive;
    pods being deleted in time do not count. Finished pods, evicted ones among them, do no harm and are left out. A pod
    of a Job may fail, back off or be unready on its own account: that is the Job's matter; that it cannot get its image
    or a node is judged here. Static pods are judged like others. Without any healthy pod it is inconclusive at best,
    whatever is allowed.

    All pods are screened as rows; only those that a row does not prove to be sound are read whole, 50 at most, and a
    pod beyond these counts as not healthy. The row of a pod on a node that is not Ready, or gone, proves nothing: the
    node controller makes the pod unready, and its row goes on to read ``1/1 Running``. A suspect that is gone when it
    is read, and was not leaving, is not settled: another may have come in its place.

    Example:
        - check: pods-healthy
          namespaces:
            exclude: [dev-*]
          gracePeriod: 10m
          maxUnhealthy: 1%
    """

    name: ClassVar[str] = "pods-healthy"
    claim: ClassVar[str] = "all pods are running and ready"
    area: ClassVar[str] = "Workloads"
    reads: ClassVar[tuple[Resource, ...]] = (PODS, NODES, Resource("", "v1", "namespaces"))

    namespaces: Namespaces = Namespaces()
    """Whose pods; those of all namespaces unless given."""
    grace_period: Duration = timedelta(minutes=5)
    """A pod may be starting, unready or terminating for so long, counted from its creation or from the moment at which
    it became unready or should have been gone."""
    max_unhealthy: Tolerance = Tolerance(count=0)
    """So many of the pods may be not healthy: a count, or a percentage that is rounded down."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Screen the rows, then read the suspects whole."""
        cluster = ctx.cluster
        alive = await nodes_ready(cluster)
        now = await cluster.now()
        seen, suspects = 0, list[_Suspect]()
        for namespace, selector in await self.namespaces.queries(cluster):
            fields = ",".join(filter(None, (selector, _UNFINISHED)))
            table = await cluster.table(PODS, namespace=namespace, field_selector=fields)
            seen += len(table.rows)
            suspects += _suspects(table, alive, (namespace, fields))
        suspects.sort(key=lambda each: not each.sick)
        sound = seen - sum(len(each.statuses) for each in suspects)
        # Where rows alone say that too many are sick, some of them are read for the evidence.
        allowed = self.max_unhealthy.of(seen)
        read = _SHOWN if sum(each.sick for each in suspects) > allowed else _READ_WHOLE
        found, well = await self._read(cluster, suspects[:read], now)
        certain = [each.name for each in found if each.fault.certain]
        if read == _SHOWN and (len(certain) <= allowed or {each.name for each in suspects[:read]} - set(certain)):
            # Not each is as sick as its row says: the crash of a Job's pod is the Job's matter.
            more, better = await self._read(cluster, suspects[_SHOWN:_READ_WHOLE], now)
            found, well, read = found + more, well + better, _READ_WHOLE
        found += [each for suspect in suspects[read:] for each in suspect.by_row()]
        if not sound + well and not found:
            others = f" but {seen} that {'is' if seen == 1 else 'are'} {_ASIDE}" if seen else ""
            return Finding.inconclusive(f"there is no pod to look at{others}")
        return self._answer(seen, sound + well, found)

    async def _read(self, cluster: Cluster, suspects: Sequence[_Suspect], now: datetime) -> tuple[list[_Found], int]:
        """What is wrong with suspects, and how many are sound: one that has become ready meanwhile is."""
        found, well = list[_Found](), 0
        for query in dict.fromkeys(each.query for each in suspects):
            gone = {each.name: each for each in suspects if each.query == query}
            async for pod in pods_named(cluster, list(gone), *query):  # a namesake is judged too
                gone.pop(name_of(pod, "a pod"), None)
                fault = _judge(pod, now, self.grace_period)
                if fault is not None:
                    found.append(_Found(place_of(pod), fault, _about(pod)))
                else:
                    well += _is_ready(pod)
            left = [each for each in gone.values() if set(each.statuses) != {"Terminating"}]
            found += [_Found(each.name, _gone(each.statuses)) for each in left]
        return found, well

    def _answer(self, seen: int, well: int, found: list[_Found]) -> Finding:
        found.sort(key=lambda each: (not each.fault.certain, each.fault.code == _NOT_PROVEN))
        bad, allowed = sum(each.fault.certain for each in found), self.max_unhealthy.of(seen)
        few = some([f"{each.pod} {each.fault.code}" for each in found])
        evidence = bounded(each.evidence() for each in found)
        grace = format_duration(self.grace_period)
        starting = f", {len(found) - bad} not settled (less than {grace}, or not proven)" if len(found) > bad else ""
        said = f"{bad} of {seen} pods {'is' if bad == 1 else 'are'} not healthy{starting}"
        if bad > allowed:
            return Finding.failed(f"{said}, {allowed} allowed: {few}", evidence)
        if len(found) > allowed or not well:
            return Finding.inconclusive(f"{said}, {allowed} allowed: {few}", evidence)
        if found:
            return Finding.passed(f"{said}, {allowed} allowed", evidence)
        if well < seen:
            others = f"{seen - well} {'is' if seen - well == 1 else 'are'} {_ASIDE}"
            return Finding.passed(f"{well} of {seen} unfinished pods are running and ready; {others}")
        return Finding.passed(f"all {seen} unfinished pods are running and ready")


def _suspects(table: Table, alive: frozenset[str], query: tuple[str | None, str]) -> list[_Suspect]:
    """The rows that do not prove their pod to be sound."""
    suspects: dict[str, list[str]] = {}
    for name, ready, status, gates, node in cells(table, "Name", "Ready", "Status", "Readiness Gates", "Node"):
        sound = status == "Running" and str(ready) in _ALL_READY and str(gates) in _NO_GATE_UNMET
        if not sound or str(node) not in alive:
            suspects.setdefault(dns_name(name, "a pod"), []).append(str(status))
    return [_Suspect(query, name, statuses) for name, statuses in suspects.items()]


def _by_row(status: str) -> _Fault:
    """A pod that nobody proved to be healthy is not."""
    return _Fault(
        _NOT_PROVEN, f"its row reads {say(status)}; there are too many suspects to read it whole", _is_bad(status)
    )


def _gone(statuses: Sequence[str]) -> _Fault:
    """A suspect that nobody deleted by the rows and that is not there any more: another may have come in its place."""
    words = f"its row read {say(statuses[0])}, and it has gone since; what came in its place was not seen"
    return _Fault("PodGone", words, certain=False)


def _is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether it runs and is ready, and stays; a pod without a fault need not."""
    stays = at(pod, "metadata", "deletionTimestamp") is None and at(pod, "status", "phase") == "Running"
    return stays and conditions(pod).get("Ready", {}).get("status") == "True"


def _is_bad(status: str) -> bool:
    """Whether a row alone says that its pod is sick."""
    return _BAD_ROW.fullmatch(status) is not None


def _judge(pod: Mapping[str, Any], now: datetime, grace: timedelta) -> _Fault | None:
    """What is wrong with a pod, the worst first; None if it is sound, finished, or on its way out in time."""
    phase, deletion = at(pod, "status", "phase"), at(pod, "metadata", "deletionTimestamp")
    if phase in ("Succeeded", "Failed"):
        return None
    if deletion is not None:
        # The API server sets it to the end of the pod's own terminationGracePeriodSeconds.
        due, finalizers = time_of(deletion), say(at(pod, "metadata", "finalizers") or "none")
        words = f"was to be gone at {say(deletion)}; finalizers: {finalizers}"
        return _Fault("PodStuckTerminating", words) if due is None or now - due > grace else None
    if phase == "Unknown" or at(pod, "status", "reason") == "NodeLost":
        return _Fault("PodNodeLost", "its node does not answer any more")
    said = conditions(pod)
    ready = said.get("Ready", {})
    times = (time_of(at(pod, "metadata", "creationTimestamp")), time_of(ready.get("lastTransitionTime")))
    young = any(moment is not None and now - moment <= grace for moment in times)
    faults = [*_containers(pod), *_scheduling(said.get("PodScheduled", {}), now, young)]
    running = phase == "Running"
    if any(owner.get("kind") == "Job" for owner in dicts(at(pod, "metadata", "ownerReferences"))):
        # Jobs start pods all day long; one that cannot start is seen when it is older.
        running = running or young or any(fault.own for fault in faults)
        faults = [fault for fault in faults if fault.certain and not fault.own]
        ready = {"status": "True"}
    if faults:
        return faults[0]
    return None if running and ready.get("status") == "True" else _not_ready(pod, said, young)


def _containers(pod: Mapping[str, Any]) -> Iterator[_Fault]:
    for key in ("initContainerStatuses", "containerStatuses"):
        for status in dicts(at(pod, "status", key)):
            waiting, ended = at(status, "state", "waiting"), at(status, "state", "terminated")
            container = dns_name(status.get("name"), "a container")
            who = f"container {container}"
            restarts = numbered(count(status.get("restartCount"), 0, f"restartCount of {who}"), "restart")
            if isinstance(waiting, Mapping) and _BAD_WAIT.fullmatch(reason := say(waiting.get("reason"))):
                words = f"{who}: {reason} {say(waiting.get('message', ''))}; {restarts}"
                crash = reason == "CrashLoopBackOff"
                yield _Fault(_code(reason), words, own=crash, container=container if crash else "")
            elif isinstance(ended, Mapping) and ended.get("exitCode") != 0:
                code = "OOMKilled" if ended.get("reason") == "OOMKilled" else "ContainerExited"
                words = f"{who} exited with {say(ended.get('exitCode'))} ({say(ended.get('reason'))}); {restarts}"
                yield _Fault(code, words, own=True, container=container)


def _code(reason: str) -> str:
    if reason == "CrashLoopBackOff":
        return reason
    image = "Image" in reason or reason in ("RegistryUnavailable", "SignatureValidationFailed")
    return "ImagePullFailed" if image else "ContainerNotStarted"


def _scheduling(scheduled: Mapping[str, Any], now: datetime, young: bool) -> Iterator[_Fault]:
    if scheduled.get("status") != "False":
        return
    words, since = say(scheduled.get("message", "")), time_of(scheduled.get("lastTransitionTime"))
    if scheduled.get("reason") == "SchedulingGated":
        yield _Fault("SchedulingGated", f"waits behind a scheduling gate: {words}", certain=not young, own=True)
    else:
        certain = since is None or now - since > _UNSCHEDULABLE_FOR
        yield _Fault("Unschedulable", f"finds no node: {words}", certain)


def _not_ready(pod: Mapping[str, Any], said: Mapping[str, Mapping[str, Any]], young: bool) -> _Fault:
    gates = [str(gate.get("conditionType")) for gate in dicts(at(pod, "spec", "readinessGates"))]
    unmet = [gate for gate in gates if said.get(gate, {}).get("status") != "True"]
    if unmet and said.get("ContainersReady", {}).get("status") == "True":
        return _Fault("ReadinessGateUnmet", f"waits for {say(', '.join(unmet))}", certain=not young)
    ready = said.get("Ready", {})
    words = f"{say(at(pod, 'status', 'phase'))}, {say(ready.get('reason'))} {say(ready.get('message', ''))}"
    code = "PodNotReady" if at(pod, "status", "phase") == "Running" else "PodNotStarted"
    return _Fault(code, words.strip(), certain=not young)


def _about(pod: Mapping[str, Any]) -> str:
    owner, node = controller_of(pod), at(pod, "spec", "nodeName")
    of = "no controller" if owner.startswith("Pod ") else owner
    return f"{of}, on {say(node)}" if node else of
