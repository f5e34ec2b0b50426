"""The workbench: the only code that writes in a member. It runs a Job and cleans it up, or tries an eviction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson

from gatekeeper.adapters.kube import KubeCluster
from gatekeeper.adapters.kube_pages import parse
from gatekeeper.adapters.workbench_evictions import eviction_of
from gatekeeper.adapters.workbench_jobs import (
    MANAGED,
    Ended,
    container_of,
    end_of,
    is_left_over,
    last_of,
    prepared,
    printable,
    state_of,
)
from gatekeeper.errors import BadAnswer, CouldNotLook, NotFound, TimedOut
from gatekeeper.kit.manifest import dicts, dns_name, name_of, say
from gatekeeper.model import Member
from gatekeeper.tools import Eviction, JobRun
from gatekeeper.values import format_duration

_PAUSE, _LONGEST_PAUSE = 0.1, 2.0  # seconds between two looks at a Job; each is half as often as the one before
_CLEANUP = 10.0  # seconds for deleting a Job when nobody has time any more; its time to live does it otherwise
# The limit cuts off the end, so it is far above what so many lines hold.
_LOG_QUERY = "tailLines=60&limitBytes=262144"
_NO_POD = "it has no pod: does a quota, a webhook or a Pod Security Standard refuse it?"
_LISTED = 20  # Jobs that were left behind, pods of one Job; the next run sees more
_PROBER = "install the Role fleet-gatekeeper-prober: deploy/kustomize/member-probes"
_EVICTOR = "install the ClusterRole fleet-gatekeeper-prober: gatekeeper checks --rbac --policy"
_EVICTION_ANSWERS = frozenset({200, 201, 202, 429, 500})

Connect = Callable[[Member], Awaitable[KubeCluster]]


class Workbenches:
    """Gives each check its workbench in a member, connected when it is first used."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._cleaning: set[asyncio.Task[None]] = set()

    def __call__(self, member: Member) -> KubeWorkbench:
        """The workbench in a member."""
        return KubeWorkbench(lambda: self._connect(member), self._finish)

    async def close(self) -> None:
        """Await what is still being cleaned up; call this before the connections are closed."""
        if self._cleaning:
            await asyncio.wait(self._cleaning, timeout=_CLEANUP)

    async def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this to its end, also when whoever awaits it is cancelled."""
        task = asyncio.ensure_future(work)
        self._cleaning.add(task)
        task.add_done_callback(self._done)
        await asyncio.shield(task)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._cleaning.discard(task)
        if not task.cancelled():
            task.exception()  # it was raised where it was awaited; if nobody did, the Job's time to live deletes it


class KubeWorkbench:
    """Implements :class:`gatekeeper.tools.Workbench` over the connection that the member is read by."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[KubeCluster]],
        finish: Callable[[Coroutine[Any, Any, None]], Awaitable[None]],
    ) -> None:
        self._connect = connect
        self._finish = finish

    async def run_job(self, namespace: str, job: Mapping[str, Any], deadline: timedelta) -> JobRun:
        """Create a Job, await its end, take its logs, and delete it (see the protocol).

        A Job that cannot be deleted after it ended well is an error, too: nothing may be left behind unseen.
        """
        cluster = await self._connect()
        name, manifest = prepared(job, namespace, deadline)
        await _delete_leftovers(cluster, namespace)
        whole = False
        try:
            run = await _run(cluster, namespace, name, manifest, deadline)
            whole = True
        finally:
            # Also when the answer to the creation was lost, or we are cancelled: the name is known in any case.
            try:
                await self._finish(_delete(cluster, namespace, name))
            except CouldNotLook:
                if whole:
                    raise
        return run

    async def would_evict(self, namespace: str, pod: str) -> Eviction:
        """Ask whether a pod could be evicted now; ``dryRun=All`` stands in the query and in the body.

        Only a Status of success is a yes. A 429 or 500 that no budget caused is no answer about the pod.
        """
        cluster = await self._connect()
        path = f"{_namespaced('v1', namespace)}/pods/{dns_name(pod, 'a pod')}/eviction?dryRun=All"
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
            "deleteOptions": {"dryRun": ["All"]},
        }
        answer = await cluster.demand(
            "POST", path, body=orjson.dumps(eviction), wanted=_EVICTOR, answers=_EVICTION_ANSWERS
        )
        ask = f"{cluster.name}: the eviction of {namespace}/{pod}"
        return eviction_of(parse(answer.body, ask), answer.status, ask)


async def _run(
    cluster: KubeCluster, namespace: str, name: str, manifest: Mapping[str, Any], deadline: timedelta
) -> JobRun:
    ended: Ended | None = None
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            await _create(cluster, namespace, manifest)
            ended = await _end(cluster, namespace, name)
    except TimeoutError:
        ended = None
    state = logs = ""
    try:
        pods = f"{_namespaced('v1', namespace)}/pods"
        pod = last_of(await _listed(cluster, pods, f"batch.kubernetes.io/job-name={name}"))
        state = state_of(pod) if pod is not None else _NO_POD if ended is None else ""
        logs = await _logs(cluster, namespace, pod)
    except CouldNotLook as error:
        logs = f"(the logs could not be read: {say(error)})"
    if ended is not None and ended.well:
        return JobRun(succeeded=True, reason="", logs=logs)
    why = ended.reason if ended is not None else f"it did not end within {format_duration(deadline)}"
    return JobRun(succeeded=False, reason="; ".join(part for part in (why, state) if part), logs=logs)


async def _create(cluster: KubeCluster, namespace: str, manifest: Mapping[str, Any]) -> None:
    path = f"{_namespaced('batch/v1', namespace)}/jobs"
    try:
        await cluster.demand("POST", path, body=orjson.dumps(manifest), wanted=_PROBER)
    except NotFound as error:
        raise NotFound(f"{error} ({_PROBER})") from error
    except TypeError as error:  # orjson: the manifest holds what JSON cannot say
        raise BadAnswer(f"{cluster.name}: the Job is no JSON: {say(error)}") from error


async def _end(cluster: KubeCluster, namespace: str, name: str) -> Ended:
    pause = _PAUSE
    while True:
        path = f"{_namespaced('batch/v1', namespace)}/jobs/{name}"
        answer = await cluster.demand("GET", path, wanted=_PROBER)
        ended = end_of(parse(answer.body, f"{cluster.name}: the Job {namespace}/{name}"))
        if ended is not None:
            return ended
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _logs(cluster: KubeCluster, namespace: str, pod: Mapping[str, Any] | None) -> str:
    if pod is None:
        return ""
    container = quote(container_of(pod), safe="")
    path = f"{_namespaced('v1', namespace)}/pods/{name_of(pod)}/log?container={container}&{_LOG_QUERY}"
    # 400: the container has not started, so it has written nothing; 204: its pod is on no node
    answer = await cluster.demand("GET", path, wanted=_PROBER, answers=frozenset({200, 204, 400}))
    return printable(answer.body) if answer.status == 200 else ""


async def _delete(cluster: KubeCluster, namespace: str, name: str) -> None:
    """Delete a Job and its pods; by default the pods of a batch/v1 Job would stay."""
    path = f"{_namespaced('batch/v1', namespace)}/jobs/{dns_name(name, 'a Job')}?propagationPolicy=Background"
    try:
        async with asyncio.timeout(_CLEANUP):
            await cluster.demand("DELETE", path, wanted=_PROBER, answers=frozenset({200, 202, 404}))
    except TimeoutError as error:
        raise TimedOut(f"{cluster.name}: the Job {namespace}/{name} was not deleted in time") from error


async def _delete_leftovers(cluster: KubeCluster, namespace: str) -> None:
    """Delete the Jobs that an earlier Gatekeeper left behind when it died."""
    jobs = await _listed(cluster, f"{_namespaced('batch/v1', namespace)}/jobs", MANAGED)
    if jobs:
        now = await cluster.now()
        for job in jobs:
            if is_left_over(job, now):
                await _delete(cluster, namespace, name_of(job))


async def _listed(cluster: KubeCluster, path: str, selector: str) -> Sequence[Mapping[str, Any]]:
    """The first objects of a list: enough of what is Gatekeeper's own."""
    answer = await cluster.demand("GET", f"{path}?limit={_LISTED}&labelSelector={quote(selector)}", wanted=_PROBER)
    return dicts(parse(answer.body, f"{cluster.name}: GET {path}").get("items"), "the items of a list")


def _namespaced(version: str, namespace: str) -> str:
    root = "/apis" if "/" in version else "/api"
    return f"{root}/{version}/namespaces/{dns_name(namespace, 'a namespace')}"
