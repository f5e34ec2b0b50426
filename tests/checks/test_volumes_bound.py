"""volumes-bound: PersistentVolumeClaims, StorageClasses and pending pods -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.volumes_bound import CLAIMS, VolumesBound
from gatekeeper.check import NODES, Forbidden, Namespaces, Resource
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = VolumesBound()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}


def ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def claim(
    phase: str | None = "Bound", name: str = "data", age: float = 60, which: str = "disk", **metadata: Any
) -> Any:
    about = {"name": name, "namespace": "shop", "creationTimestamp": ago(age), **metadata}
    spec = {"storageClassName": which} if which else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": about,
        "spec": spec,
        "status": {"phase": phase},
    }


def storage_class(name: str = "disk", mode: str = "WaitForFirstConsumer") -> Any:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "disk.csi.azure.com",
        "volumeBindingMode": mode,
    }


def pod(volume: dict[str, Any], age: float = 60, phase: str = "Pending", name: str = "web") -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": ago(age)},
        "spec": {"containers": [], "volumes": [volume]},
        "status": {"phase": phase},
    }


DATA = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
WAITS, AT_ONCE = storage_class(), storage_class(mode="Immediate")


async def test_bound_claims_pass_and_only_rows_are_read() -> None:
    cluster = FakeCluster([claim(), claim(name="logs")])

    assert_finding(await ask(CHECK, cluster), "passed", "2 PersistentVolumeClaims, all bound", codes=[])
    assert cluster.asked == [CLAIMS]


@pytest.mark.parametrize(
    ("manifests", "outcome", "code", "words"),
    [
        ([claim("Lost")], "failed", "ClaimLost", "lost its volume"),
        ([claim("Pending"), AT_ONCE], "failed", "ClaimPending", "is Pending for 1h (StorageClass disk)"),
        ([claim("Pending", age=3), AT_ONCE], "inconclusive", "ClaimPending", "less than 10m"),
        ([claim("Pending")], "failed", "ClaimPending", "Pending"),
        ([claim("Pending", which="")], "failed", "ClaimPending", "no StorageClass"),
        ([claim("Pending", creationTimestamp="odd"), AT_ONCE], "failed", "ClaimPending", "Pending"),
        ([claim("Pending"), WAITS], "passed", "ClaimUnused", "1 wait for a first pod"),
        ([claim("Pending"), WAITS, pod(DATA)], "failed", "ClaimPending", "for 1h"),
        ([claim("Pending"), WAITS, pod(DATA, age=3)], "inconclusive", "ClaimPending", "for 3m"),
        ([claim("Pending"), WAITS, pod(DATA, phase="Failed")], "passed", "ClaimUnused", ""),
        ([claim("Pending"), WAITS, pod({"name": "v", "emptyDir": {}})], "passed", "ClaimUnused", ""),
        ([claim("Pending", name="web-v"), WAITS, pod({"name": "v", "ephemeral": {}})], "failed", "ClaimPending", "1h"),
        ([claim("Odd"), AT_ONCE], "inconclusive", "ClaimUnclear", "has the phase Odd"),
        ([claim(None), AT_ONCE], "inconclusive", "ClaimUnclear", "has the phase nothing"),
        ([claim(deletionTimestamp=ago(30))], "failed", "ClaimTerminating", "is being deleted since"),
        ([claim(deletionTimestamp=ago(3))], "inconclusive", "ClaimTerminating", "is being deleted since"),
    ],
)
async def test_a_claim_that_is_not_bound_is_judged_by_what_it_waits_for(
    manifests: list[Any], outcome: str, code: str, words: str
) -> None:
    finding = await ask(CHECK, FakeCluster([*manifests, claim(name="logs")]))

    assert_finding(finding, outcome, words, codes=[code])
    assert finding.evidence[0].hint.startswith("kubectl -n shop describe persistentvolumeclaim ")


async def test_the_oldest_pod_that_wants_a_claim_counts() -> None:
    cluster = FakeCluster([claim("Pending"), WAITS, pod(DATA, age=1, name="a"), pod(DATA, age=30, name="b")])

    assert_finding(await ask(CHECK, cluster), "failed", "Pending for 30m")


async def test_what_is_wrong_outweighs_what_is_not_settled() -> None:
    cluster = FakeCluster([claim("Lost", "a"), claim("Pending", "b", age=1), claim("Pending", "c", which="w"), AT_ONCE])
    cluster.apply(storage_class("w"))

    assert_finding(
        await ask(CHECK, cluster),
        "failed",
        "1 of 3 PersistentVolumeClaims is not well, 1 not settled: shop/a lost its volume",
        codes=["ClaimLost", "ClaimPending", "ClaimUnused"],
    )


async def test_no_claims_pass_only_where_there_are_nodes() -> None:
    elsewhere = VolumesBound(namespaces=Namespaces(include=("pay",)))
    pay = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pay"}}

    assert_finding(await ask(CHECK, FakeCluster([NODE])), "passed", "no PersistentVolumeClaims (on 1 node)")
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "no claim and no node")
    assert_finding(await ask(elsewhere, FakeCluster([NODE, pay, claim("Lost")])), "passed", "there are no")


@pytest.mark.parametrize("resource", [NODES, CLAIMS])
async def test_a_refusal_is_no_answer(resource: Resource) -> None:
    cluster = FakeCluster([NODE])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)
