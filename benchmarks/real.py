"""The large cluster in a real kube-apiserver, where ``KUBEBUILDER_ASSETS`` names a folder with one."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.worlds import crashing, large_cluster
from gatekeeper.emulator.kube import Manifest
from gatekeeper.emulator.kube.kubeconfig import Entry, kubeconfig
from gatekeeper.emulator.kube.manifests import rfc3339
from tests.apiserver.control_plane import ADMIN, ASSETS, ControlPlane
from tests.apiserver.writer import Writer

_AT_ONCE = 16
_WRITTEN = (
    *("Namespace", "Node", "Lease", "Pod", "Deployment", "StatefulSet", "DaemonSet"),
    *("Service", "EndpointSlice", "PodDisruptionBudget"),
)


class RealCluster:
    """A control plane that holds the nodes and pods of a large cluster."""

    def __init__(self, plane: ControlPlane, nodes: int, pods: int) -> None:
        self._plane = plane
        cluster = large_cluster("c1", nodes, pods)
        made = {kind: [each for each in cluster.all_of(kind) if not _is_its_own(each)] for kind in _WRITTEN}
        objects = {kind: [_unmanaged(each) for each in found] for kind, found in made.items()}
        self.said: dict[str, Any] = {"version": plane.get("/version")["gitVersion"]}
        for each in objects["Node"]:
            each["status"]["nodeInfo"]["kubeletVersion"] = self.said["version"]
        # There are no kubelets to renew them: these last for as long as one measures.
        renewed = rfc3339(datetime.now(UTC) + timedelta(minutes=9)).replace("Z", ".000000Z")
        for each in objects["Lease"]:
            lasts = {"leaseDurationSeconds": 600, "renewTime": renewed}
            each["spec"] = {"holderIdentity": each["metadata"]["name"], **lasts}
        self._pods = objects["Pod"]
        for manifests in objects.values():  # namespaces before what is in them
            asyncio.run(self._write(manifests))
        text = kubeconfig([Entry("c1", plane.url, plane.ca_pem)], "token", plane.tokens[ADMIN])
        self.said |= {"kubeconfig": text, "pods": len(self._pods)}

    def tell(self, word: str) -> None:
        """``sick``: let one pod of a hundred crash."""
        if word == "sick":
            asyncio.run(self._write([crashing(pod) for pod in self._pods[::100]]))

    async def _write(self, manifests: Sequence[Manifest]) -> None:
        headers = {"Authorization": f"Bearer {self._plane.tokens[ADMIN]}"}
        connector = aiohttp.TCPConnector(ssl=self._plane.tls, limit=_AT_ONCE)
        async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
            writer = Writer(session, self._plane.url)
            for start in range(0, len(manifests), 10 * _AT_ONCE):
                await asyncio.gather(*map(writer.apply, manifests[start : start + 10 * _AT_ONCE]))


def _is_its_own(manifest: Manifest) -> bool:
    """Whether an API server makes it itself: its own Service and the endpoints of that."""
    metadata = manifest["metadata"]
    return (metadata.get("namespace"), metadata["name"]) == ("default", "kubernetes")


def _unmanaged(manifest: Manifest) -> Manifest:
    """The manifest without what the server sets itself."""
    own = ("managedFields", "uid", "resourceVersion", "creationTimestamp", "generation")
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in own}
    return {**manifest, "metadata": metadata}


@contextmanager
def real_cluster(nodes: int, pods: int) -> Iterator[RealCluster]:
    """Start a control plane, fill it, and stop it when the block ends."""
    with tempfile.TemporaryDirectory() as folder, ControlPlane(Path(os.environ[ASSETS]), Path(folder)) as plane:
        yield RealCluster(plane, nodes, pods)
