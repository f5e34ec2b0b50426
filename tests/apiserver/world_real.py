"""A real kube-apiserver as the cluster of a test."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gatekeeper.emulator.kube import Course, Manifest
from tests.apiserver.control_plane import OUTDATED, READER, ControlPlane
from tests.apiserver.controllers import playing
from tests.apiserver.listening import listening
from tests.apiserver.worlds import names_of, service, write_kubeconfig
from tests.apiserver.writer import Writer

_MOMENT = 0.05  # seconds
_ROLE_REACHES = 10.0  # seconds; the RBAC authorizer learns of a binding from its watch


class RealWorld:
    """A real kube-apiserver, wiped after each test."""

    def __init__(self, plane: ControlPlane, writer: Writer, folder: Path) -> None:
        self._plane = plane
        self._writer = writer
        self._folder = folder
        self.version: str = plane.get("/version")["gitVersion"]

    async def fill(self, objects: Sequence[Manifest], gone: Sequence[Manifest] = ()) -> None:
        """See World."""
        await self._writer.wipe()
        for manifest in objects:
            await self._writer.apply(manifest)
        for manifest in gone:
            await self._writer.delete(manifest)

    async def bind(self, role: Manifest) -> None:
        """See World."""
        name = role["metadata"]["name"]
        await self._writer.apply(role)
        group = "rbac.authorization.k8s.io"
        place = {key: value for key, value in role["metadata"].items() if key in ("name", "namespace")}
        binding = {
            "apiVersion": f"{group}/v1",
            "kind": f"{role['kind']}Binding",
            "metadata": place,
            "roleRef": {"apiGroup": group, "kind": role["kind"], "name": name},
            "subjects": [{"apiGroup": group, "kind": "User", "name": READER}],
        }
        await self._writer.apply(binding)
        end = time.monotonic() + _ROLE_REACHES
        rule = next((each for each in role["rules"] if "resources" in each), None)
        while rule is not None and not self._may(rule, place.get("namespace", "")):
            assert time.monotonic() < end, "the binding does not take effect"
            await asyncio.sleep(_MOMENT)

    def kubeconfig(self, user: str) -> Path:
        """See World."""
        token = self._plane.tokens.get(user, "wrong")
        return write_kubeconfig(self._folder, user, self._plane.url, self._plane.ca_pem, token)

    def expire_lists(self) -> None:
        """See World."""
        self._plane.expire_lists()

    def unready(self) -> AbstractContextManager[None]:
        """See World."""
        return self._plane.without_etcd()

    def running(self, course: Course, *, has_kubelet: bool = True) -> AbstractAsyncContextManager[None]:
        """See World."""
        return playing(self._writer, course, has_kubelet=has_kubelet)

    async def left_over(self) -> list[str]:
        """See World."""
        return names_of([*await self._writer.all_of("Job", "batch/v1"), *await self._writer.all_of("Pod", "v1")])

    @asynccontextmanager
    async def publishing(self, place: str, bodies: Mapping[str, str]) -> AsyncIterator[None]:
        """See World. The API server proxies to no loopback address, so this listens where others can reach it."""

        async def answer(request: web.Request) -> web.StreamResponse:
            found = bodies.get(request.path)
            return web.Response(status=404) if found is None else web.Response(text=found)

        async with AsyncExitStack() as stack:
            endpoints = []
            if bodies:
                url = await stack.enter_async_context(listening(answer, address := _own_address()))
                endpoints.append((address, int(url.rpartition(":")[2])))
            for manifest in service(place, *endpoints):
                await self._writer.apply(manifest)
            yield

    async def refuse_write(self, webhook: str) -> None:
        """See World."""
        about = {"name": "refused", "namespace": "default"}
        spec = {"containers": [{"name": "web", "image": "web"}]}
        template = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": about, "template": {"spec": spec}}
        await self._writer.refused(template, webhook)

    async def serve_outdated(self) -> None:
        """See World."""
        if not self._plane.serves_outdated:
            pytest.skip(f"kube-apiserver {self.version} does not serve {OUTDATED} as deprecated")

    def _may(self, rule: Mapping[str, Any], namespace: str) -> bool:
        asked: dict[str, Any] = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        resource, _, part = rule["resources"][0].partition("/")
        about = {"verb": rule["verbs"][0], "group": rule["apiGroups"][0], "resource": resource, "subresource": part}
        asked["spec"] = {"resourceAttributes": {**about, "namespace": namespace}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(self._plane.get(path, READER, asked)["status"]["allowed"])


def _own_address() -> str:
    """An address of this machine that is not loopback, or skip the test."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # of documentation; a datagram socket that is connected sends nothing
            address = str(probe.getsockname()[0])
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        pytest.skip("an API server proxies to no loopback address, and this machine has no other")
    return address
