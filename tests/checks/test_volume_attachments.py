"""volume-attachments: VolumeAttachments and nodes -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.volume_attachments import VolumeAttachments
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = VolumeAttachments()


def ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def node(name: str = "n1", ready: str = "True") -> Any:
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


def attachment(name: str = "csi-1", on: str = "n1", age: float = 60, *, attached: object = True, **more: Any) -> Any:
    status = {"attached": attached, **more.pop("status", {})}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": name, "creationTimestamp": ago(age), **more},
        "spec": {"attacher": "disk.csi.azure.com", "nodeName": on, "source": {"persistentVolumeName": "pvc-1"}},
        "status": status,
    }


FULL = {"attachError": {"message": "the node has no room for another disk", "time": ago(1)}}
BUSY = {"detachError": {"message": "the disk is busy", "time": ago(1)}}


@pytest.mark.parametrize(
    ("manifest", "outcome", "code", "words"),
    [
        (attachment(attached=False), "failed", "AttachFailed", "pvc-1 on n1 is not attached after 1h"),
        (attachment(attached=False, status=FULL), "failed", "AttachFailed", "no room for another disk"),
        (attachment(attached=False, age=2, status=FULL), "inconclusive", "AttachFailed", "less than 7m"),
        (attachment(attached="True"), "failed", "AttachFailed", "not attached"),
        (attachment(attached=False, creationTimestamp=None), "failed", "AttachFailed", "not attached"),
        (attachment(deletionTimestamp=ago(30), status=BUSY), "failed", "DetachStuck", "the disk is busy"),
        (attachment(deletionTimestamp=ago(2)), "inconclusive", "DetachStuck", "is being detached since"),
        (
            attachment(deletionTimestamp=ago(2), on="gone"),
            "inconclusive",
            "DetachStuck",
            "on gone (a node that does not exist) is being detached",
        ),
        (attachment(on="gone"), "failed", "AttachedToGoneNode", "on gone (a node that does not exist)"),
        (attachment(on=""), "failed", "AttachedToGoneNode", "on no node"),
        (attachment(status=BUSY), "inconclusive", "DetachFailed", "the disk is busy"),
        (attachment(on="n2", attached=False), "failed", "AttachFailed", "on n2 (NotReady) is not attached"),
    ],
)
async def test_an_attachment_that_is_stuck_is_named(manifest: Any, outcome: str, code: str, words: str) -> None:
    cluster = FakeCluster([node(), node("n2", "False"), manifest, attachment("csi-2")])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, outcome, words, codes=[code], subjects=["VolumeAttachment csi-1"])
    assert "1 of 2 VolumeAttachments" in finding.message


async def test_attached_volumes_pass_even_on_a_node_that_is_not_ready() -> None:
    cluster = FakeCluster([node(), node("n2", "False"), attachment(), attachment("csi-2", on="n2")])

    assert_finding(await ask(CHECK, cluster), "passed", "2 VolumeAttachments, none stuck", codes=[])


async def test_no_attachments_pass_only_where_there_are_nodes() -> None:
    assert_finding(await ask(CHECK, FakeCluster([node()])), "passed", "0 VolumeAttachments")
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "there is no node")
    assert_finding(await ask(CHECK, FakeCluster([attachment()])), "inconclusive", "there is no node")


async def test_what_is_stuck_outweighs_what_is_not_settled() -> None:
    young = attachment("csi-3", age=1, attached=False)

    finding = await ask(CHECK, FakeCluster([node(), young, attachment(on="gone")]))

    assert_finding(finding, "failed", "1 of 2 VolumeAttachments is stuck, 1 not settled: pvc-1 on gone")
