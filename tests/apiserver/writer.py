"""Writes manifests to an API server as plain HTTP, statuses included, and takes them away again."""

from __future__ import annotations

from typing import Any

import aiohttp

from gatekeeper.emulator.kube import Manifest
from gatekeeper.emulator.kube.kinds import Catalogue

_MERGE = {"Content-Type": "application/merge-patch+json"}
_NOW = {"gracePeriodSeconds": "0", "propagationPolicy": "Background"}


class Writer:
    """Applies manifests; remembers what it wrote, for ``wipe``."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """The session carries TLS and the token."""
        self._session = session
        self._url = url
        self._kinds = Catalogue()
        self._written: dict[str, bool] = {}
        """Path, and whether finalizers hold the object."""

    async def apply(self, manifest: Manifest) -> None:
        """Create an object, or replace its spec; then set its status. The server keeps generations itself."""
        folder = self._folder(manifest)
        path = f"{folder}/{manifest['metadata']['name']}"
        body = {key: value for key, value in manifest.items() if key != "status"}
        status, answer = await self._send("POST", folder, body)
        if manifest["kind"] == "Namespace":
            _expect(status, answer, 201, 409)
            return
        if status == 409:
            status, answer = await self._send("GET", path)
            if manifest["kind"] != "Pod":  # almost nothing of a pod's spec may change
                body["metadata"] = {**body["metadata"], "resourceVersion": answer["metadata"]["resourceVersion"]}
                status, answer = await self._send("PUT", path, body)
        _expect(status, answer, 200, 201)
        self._written[path] = bool(manifest["metadata"].get("finalizers"))
        if manifest.get("status"):
            status, answer = await self._send("PUT", f"{path}/status", {**answer, "status": manifest["status"]})
            _expect(status, answer, 200)

    async def delete(self, manifest: Manifest) -> None:
        """Ask for the deletion of an object, with the grace that is its own."""
        status, answer = await self._send("DELETE", f"{self._folder(manifest)}/{manifest['metadata']['name']}")
        _expect(status, answer, 200, 202)

    async def wipe(self) -> None:
        """Take away all that was written, except namespaces: nobody is there to finish their deletion."""
        for path, held in reversed(self._written.items()):
            if held:
                await self._send("PATCH", path, {"metadata": {"finalizers": None}}, _MERGE)
            status, answer = await self._send("DELETE", path, query=_NOW)
            _expect(status, answer, 200, 202, 404)
        self._written.clear()

    def _folder(self, manifest: Manifest) -> str:
        resource = self._kinds.of(str(manifest["kind"]), manifest["apiVersion"])
        root = f"/apis/{resource.group}" if resource.group else "/api"
        place = f"/namespaces/{manifest['metadata']['namespace']}" if resource.namespaced else ""
        return f"{root}/{resource.version}{place}/{resource.plural}"

    async def _send(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        url = f"{self._url}{path}"
        async with self._session.request(method, url, json=body, headers=headers, params=query) as answer:
            return answer.status, await answer.json(content_type=None)


def _expect(status: int, answer: Any, *wanted: int) -> None:
    assert status in wanted, f"{status}: {answer}"
