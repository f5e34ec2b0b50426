"""What is missing behind a bare API server when a Job is created there: its controller, a kubelet, the collector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from gatekeeper.emulator.kube import Course, Manifest
from gatekeeper.emulator.kube.manifests import at, rfc3339
from gatekeeper.emulator.kube.tls import make_authority
from tests.apiserver.listening import Handler, listening
from tests.apiserver.writer import Writer

_NODE = "job-node"
_ROUND = 0.05  # seconds
_JOBS, _PODS = ("Job", "batch/v1"), ("Pod", "v1")
_ENDS = {"complete": ("SuccessCriteriaMet", "Complete"), "fail": ("FailureTarget", "Failed")}


@asynccontextmanager
async def playing(writer: Writer, course: Course, *, has_kubelet: bool) -> AsyncIterator[None]:
    """Let all Jobs without a status go on like this until the end of the block; one that is gone takes its pods along.

    The kubelet is a server over HTTPS whose certificate the API server does not verify, as in a cluster without
    ``--kubelet-certificate-authority``. Without it, nobody listens where the node says that it does.
    """
    async with AsyncExitStack() as kubelet:
        tls = make_authority().server_context
        url = await kubelet.enter_async_context(listening(_kubelet(course), "127.0.0.1", tls))
        await writer.apply(_node(urlsplit(url).port or 0))
        if not has_kubelet:
            await kubelet.aclose()
        player = asyncio.create_task(_play(writer, course))
        try:
            yield
        finally:
            player.cancel()
            with suppress(asyncio.CancelledError):
                await player
            await _round(writer, course)


async def _play(writer: Writer, course: Course) -> None:
    while True:
        await _round(writer, course)
        await asyncio.sleep(_ROUND)


async def _round(writer: Writer, course: Course) -> None:
    """One look of all of them."""
    jobs = await writer.all_of(*_JOBS)
    for job in jobs:
        if not job.get("status") and "deletionTimestamp" not in job["metadata"]:
            pod = _pod(job, course)
            await writer.create(pod)
            await writer.set_status(pod, _pod_status(job, course))
            await writer.set_status(job, _job_status(course))
    there = {job["metadata"]["uid"] for job in jobs}
    for pod in await writer.all_of(*_PODS):
        owners = [each["uid"] for each in pod["metadata"].get("ownerReferences", ()) if each["kind"] == "Job"]
        if owners and not there & set(owners):
            await writer.remove(pod)


def _pod(job: Manifest, course: Course) -> Manifest:
    about, template = job["metadata"], job["spec"]["template"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": about["name"], "uid": about["uid"], "controller": True}
    labels = {**template["metadata"].get("labels", {}), "batch.kubernetes.io/job-name": about["name"]}
    where = {} if course.outcome == "unscheduled" else {"nodeName": _NODE}
    named = {"name": f"{about['name']}-x", "namespace": about["namespace"], "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**named, "ownerReferences": [owner]},
        "spec": {**template["spec"], **where},
    }


def _pod_status(job: Manifest, course: Course) -> Manifest:
    now = rfc3339(datetime.now(UTC))
    if course.outcome == "unscheduled":
        words = "0/3 nodes are available: 3 Insufficient cpu."
        waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
        return {"phase": "Pending", "conditions": [waits]}
    image = at(job, "spec", "template", "spec", "containers")[0]["image"]
    phase, state = {
        "complete": ("Succeeded", _terminated(0, "Completed", now)),
        "fail": ("Failed", _terminated(1, "Error", now)),
        "hang": ("Running", {"running": {"startedAt": now}}),
        "stuck": (
            "Pending",
            {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}},
        ),
    }[course.outcome]
    containers = [
        {
            "name": each["name"],
            "image": each["image"],
            "imageID": "",
            "ready": "running" in state,
            "restartCount": 0,
            "state": state,
        }
        for each in job["spec"]["template"]["spec"]["containers"]
    ]
    return {"phase": phase, "startTime": now, "containerStatuses": containers}


def _terminated(code: int, reason: str, now: str) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}}


def _job_status(course: Course) -> Manifest:
    """What the API server takes: an end has a beginning, and the condition that announces it."""
    now = rfc3339(datetime.now(UTC))
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": "CompletionsReached" if course.outcome == "complete" else "BackoffLimitExceeded",
            "message": "" if course.outcome == "complete" else "Job has reached the specified backoff limit",
            "lastProbeTime": now,
            "lastTransitionTime": now,
        }
        for kind in _ENDS.get(course.outcome, ())
    ]
    if course.outcome == "complete":
        return {"startTime": now, "completionTime": now, "succeeded": 1, "conditions": conditions}
    return {"startTime": now, **({"failed": 1, "conditions": conditions} if conditions else {"active": 1})}


def _node(port: int) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": _NODE},
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        },
    }


def _kubelet(course: Course) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        _, folder, _, pod, container = request.path.split("/")
        if folder != "containerLogs":
            return web.Response(status=404)
        if course.outcome == "stuck":
            words = f'container "{container}" in pod "{pod}" is waiting to start: trying and failing to pull image'
            return web.Response(status=400, text=words)
        return web.Response(text=course.log)

    return answer
