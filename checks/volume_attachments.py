"""Volumes are attached to the nodes that want them, and let go of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from gatekeeper.check import (
    NODES,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Resource,
    at,
    bounded,
    cells,
    format_duration,
    name_of,
    numbered,
    say,
    some,
    time_of,
)

ATTACHMENTS: Final = Resource("storage.k8s.io", "v1", "volumeattachments")


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    name: str
    words: str
    certain: bool = True
    hint: str = ""

    def evidence(self) -> Evidence:
        hint = self.hint or f"kubectl describe volumeattachment {self.name}"
        return Evidence(self.code, f"VolumeAttachment {self.name}", self.words, "attached", hint)


class VolumeAttachments(ClusterCheck):
    """Every VolumeAttachment is attached, and none hangs while it lets go.

    An update moves pods from node to node, and their disks after them. Failed are an attachment that is not attached
    after ``gracePeriod`` (with the driver's ``attachError``), one whose detaching takes longer than that
    (``detachError``), and one to a node that does not exist: its disk cannot follow its pod. Within that time they are
    inconclusive, and so is a ``detachError`` on what nobody detaches. Source: Kubernetes API, VolumeAttachmentStatus.

    A cluster that has nodes and no attachments is well; one without nodes is inconclusive.

    Example:
        - check: volume-attachments
          gracePeriod: 10m
    """

    name: ClassVar[str] = "volume-attachments"
    claim: ClassVar[str] = "all volumes are attached where they are wanted"
    area: ClassVar[str] = "Storage"
    reads: ClassVar[tuple[Resource, ...]] = (ATTACHMENTS, NODES)

    # The attach-detach controller gives up on an unreachable node after 6 minutes (maxWaitForUnmountDuration).
    grace_period: Duration = timedelta(minutes=7)
    """Attaching or detaching may take so long."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Read the attachments, and the names of the nodes."""
        attachments = await ctx.cluster.objects(ATTACHMENTS)
        # After the attachments: a node that has joined meanwhile is known, and one that has gone is gone.
        nodes = {name: str(status) for name, status in cells(await ctx.cluster.table(NODES), "Name", "Status")}
        if not nodes:
            return Finding.inconclusive("there is no node, so nothing can be attached")
        now = await ctx.cluster.now()
        faults = [fault for each in attachments for fault in self._judge(each, nodes, now)]
        return self._answer(len(attachments), len({fault.name for fault in faults}), faults)

    def _judge(self, item: Mapping[str, Any], nodes: Mapping[str, str], now: datetime) -> Iterator[_Fault]:
        """The first fault of an attachment."""
        name, node = name_of(item, "a VolumeAttachment"), say(at(item, "spec", "nodeName"), 253)
        volume = say(at(item, "spec", "source", "persistentVolumeName"), 120) or "an inline volume"
        where = f"{volume} on {node or 'no node'}"
        state = nodes.get(node, "a node that does not exist")
        where += f" ({say(state, 40)})" if state != "Ready" else ""
        deletion, attached = at(item, "metadata", "deletionTimestamp"), at(item, "status", "attached")
        created = time_of(at(item, "metadata", "creationTimestamp"))
        if deletion is not None:
            words = f"{where} is being detached since {say(deletion, 40)}{_error(item, 'detachError')}"
            yield _Fault("DetachStuck", name, words, certain=self._is_over(time_of(deletion), now))
        elif node not in nodes:
            hint = (
                f"it is let go after 6 minutes; if not, and detached in Azure: kubectl delete volumeattachment {name}"
            )
            yield _Fault("AttachedToGoneNode", name, where, hint=hint)
        elif attached is not True:
            age = f" after {format_duration(now - created)}" if created else ""
            words = f"{where} is not attached{age}{_error(item, 'attachError')}"
            yield _Fault("AttachFailed", name, words, certain=self._is_over(created, now))
        elif at(item, "status", "detachError") is not None:
            yield _Fault("DetachFailed", name, f"{where} is attached{_error(item, 'detachError')}", certain=False)

    def _is_over(self, since: datetime | None, now: datetime) -> bool:
        return since is None or now - since > self.grace_period

    def _answer(self, total: int, odd: int, faults: list[_Fault]) -> Finding:
        if not faults:
            return Finding.passed(f"{numbered(total, 'VolumeAttachment')}, none stuck")
        faults.sort(key=lambda fault: not fault.certain)
        bad = sum(fault.certain for fault in faults)
        evidence = bounded([fault.evidence() for fault in faults])
        few = some([fault.words for fault in faults])
        of = f"of {numbered(total, 'VolumeAttachment')}"
        if bad:
            also = f", {odd - bad} not settled" if odd > bad else ""
            return Finding.failed(f"{bad} {of} {'is' if bad == 1 else 'are'} stuck{also}: {few}", evidence)
        grace = format_duration(self.grace_period)
        return Finding.inconclusive(f"{odd} {of} not settled (less than {grace}, or unclear): {few}", evidence)


def _error(item: Mapping[str, Any], key: str) -> str:
    words = say(at(item, "status", key, "message"), 150)
    return f": {words}" if words else ""
