"""What the same tests are put in front of: one cluster, emulated or of a real kube-apiserver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Protocol

from gatekeeper.emulator.kube import Course, Manifest
from gatekeeper.emulator.kube.kubeconfig import Entry, kubeconfig
from tests.apiserver.control_plane import OUTDATED

CONTEXT = "c1"
STRANGER = "stranger"
OUTDATED_API = f"{OUTDATED} servicecidrs"
OUTDATED_PATH = f"/apis/{OUTDATED}/servicecidrs"
GONE_IN = "1.37"
"""The release without it."""


class World(Protocol):
    """One cluster that can be filled, read as several users, and hurt."""

    version: str
    """The API server's gitVersion."""

    async def fill(self, objects: Sequence[Manifest], gone: Sequence[Manifest] = ()) -> None:
        """Let the cluster hold these objects; ``gone`` are some of them, whose deletion was asked for."""

    async def bind(self, role: Manifest) -> None:
        """Give a ClusterRole, or a Role, to the user ``reader``."""

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig for ``admin``, ``reader``, ``nobody``, or a ``stranger`` whose token is wrong."""

    def expire_lists(self) -> None:
        """Let lists that are being paged expire."""

    def unready(self) -> AbstractContextManager[None]:
        """Let the API server lose its etcd for a while."""

    def running(self, course: Course, *, has_kubelet: bool = True) -> AbstractAsyncContextManager[None]:
        """Let Jobs that are created go on like this; without a kubelet, nobody can read what their pods write."""

    async def left_over(self) -> list[str]:
        """All Jobs and pods that are there."""

    def publishing(self, place: str, bodies: Mapping[str, str]) -> AbstractAsyncContextManager[None]:
        """Let port 80 of a new Service, ``namespace/name``, answer by path; without any, it has no endpoints."""

    async def refuse_write(self, webhook: str) -> None:
        """Write a PodTemplate, about which this validating webhook is asked in vain."""

    async def serve_outdated(self) -> None:
        """Serve ``OUTDATED_PATH``, or skip the test."""


def names_of(manifests: Sequence[Manifest]) -> list[str]:
    """What manifests are about: ``Job shop/smoke``."""
    return [f"{each['kind']} {each['metadata']['namespace']}/{each['metadata']['name']}" for each in manifests]


def service(place: str, *endpoints: tuple[str, int]) -> Iterator[Manifest]:
    """A Service without a selector, and its endpoints in both forms: the server knows which one the proxy reads. It
    proxies only to an address that a pod has.
    """
    namespace, _, name = place.partition("/")
    about = {"name": name, "namespace": namespace}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"ports": [{"port": 80}]}}
    for ip, _ in endpoints:
        spec = {"nodeName": "node-1", "containers": [{"name": "web", "image": "web"}]}
        status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec, "status": status}
    pod = {"kind": "Pod", **about}
    subsets = [{"addresses": [{"ip": ip, "targetRef": pod}], "ports": [{"port": port}]} for ip, port in endpoints]
    yield {"apiVersion": "v1", "kind": "Endpoints", "metadata": about, "subsets": subsets}
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**about, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": port, "protocol": "TCP"} for _, port in endpoints],
        "endpoints": [{"addresses": [ip], "conditions": {"ready": True}, "targetRef": pod} for ip, _ in endpoints],
    }


def write_kubeconfig(folder: Path, user: str, url: str, ca_pem: bytes, token: str) -> Path:
    """Write the kubeconfig of a user; gives its path."""
    path = folder / f"{user}.kubeconfig"
    path.write_text(kubeconfig([Entry(CONTEXT, url, ca_pem)], "token", token), "utf-8")
    return path
