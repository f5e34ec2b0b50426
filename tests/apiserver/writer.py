"""Writes manifests to an API server as plain HTTP, statuses included, and takes them away again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from gatekeeper.emulator.kube import Manifest
from gatekeeper.emulator.kube.kinds import Catalogue, Resource, from_definition
from gatekeeper.emulator.kube.manifests import condition

_MERGE = {"Content-Type": "application/merge-patch+json"}
_UNMADE = 600  # tries; a definition goes when all that it defined has gone
_TRIES, _MOMENT = 100, 0.05  # seconds; an API server makes and unmakes definitions in the background
_NOW = {"gracePeriodSeconds": "0", "propagationPolicy": "Background"}
_UNREAD = [Resource("", "v1", "podtemplates", "PodTemplate", namespaced=True)]
"""What is written here, and read by no check: the emulator does without."""


class Writer:
    """Applies manifests; remembers what it wrote, for ``wipe``."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """The session carries TLS and the token."""
        self._session = session
        self._url = url
        self._kinds = Catalogue()
        self._kinds.add(_UNREAD)
        self._whole: set[str] = set()
        """The kinds whose status is a part of the object like any other: it has no path of its own."""
        self._written: list[str] = []
        """Paths, in their order."""

    async def apply(self, manifest: Manifest) -> None:
        """Create an object, or replace its spec; then set its status. The server keeps generations itself."""
        folder = self._folder(manifest)
        path = f"{folder}/{manifest['metadata']['name']}"
        whole = manifest["kind"] in self._whole
        body = {key: value for key, value in manifest.items() if key != "status" or whole}
        status, answer = await self._create(folder, body)
        if manifest["kind"] == "Namespace":
            _expect(status, answer, 201, 409)
            return
        if status == 409:
            status, answer = await self._send("GET", path)
            if manifest["kind"] != "Pod":  # almost nothing of a pod's spec may change
                body["metadata"] = {**body["metadata"], "resourceVersion": answer["metadata"]["resourceVersion"]}
                status, answer = await self._send("PUT", path, body)
        _expect(status, answer, 200, 201)
        self._written.append(path)
        if manifest.get("status") and not whole:
            await self._set_status(path, answer, manifest["status"])
        if manifest["kind"] == "CustomResourceDefinition":
            await self._serve(manifest, path)

    async def _serve(self, definition: Manifest, path: str) -> None:
        """Wait until what a definition defines is served, or cannot be: an API server does this in the background."""
        resources = from_definition(definition)
        self._kinds.add(resources)
        if not all("status" in each.get("subresources", {}) for each in definition["spec"]["versions"]):
            self._whole.add(definition["spec"]["names"]["kind"])
        for _ in range(_TRIES):
            _, answer = await self._send("GET", path)
            if (condition(answer, "NamesAccepted") or {}).get("status") == "False":
                return
            folders = [f"/apis/{each.group}/{each.version}/{each.plural}" for each in resources]
            established = (condition(answer, "Established") or {}).get("status") == "True"
            if established and all([(await self._send("GET", folder))[0] == 200 for folder in folders]):
                return
            await asyncio.sleep(_MOMENT)
        raise AssertionError(f"{path} is not served: {answer}")

    async def _create(self, folder: str, body: Manifest) -> tuple[int, Any]:
        """Create an object; 404 and 405 are of a definition that is just being made, or that was unmade before."""
        for _ in range(_TRIES):
            status, answer = await self._send("POST", folder, body)
            if status not in (404, 405):
                break
            await asyncio.sleep(_MOMENT)
        return status, answer

    async def _set_status(self, path: str, there: Manifest, wanted: Any) -> None:
        """Set the status, also where the API server itself writes one meanwhile (of definitions, APIServices)."""
        for _ in range(_TRIES):
            status, answer = await self._send("PUT", f"{path}/status", {**there, "status": wanted})
            if status != 409:
                break
            _, there = await self._send("GET", path)
        _expect(status, answer, 200)

    async def delete(self, manifest: Manifest) -> None:
        """Ask for the deletion of an object, with the grace that is its own."""
        path = f"{self._folder(manifest)}/{manifest['metadata']['name']}"
        status, answer = await self._send("DELETE", path)
        _expect(status, answer, 200, 202)
        if manifest["kind"] == "Namespace":
            self._written.append(path)

    async def wipe(self) -> None:
        """Take away all that was written, except namespaces whose deletion no test asked for."""
        for path in reversed(dict.fromkeys(self._written)):
            status, answer = await self._send("DELETE", path, query=_NOW)
            _expect(status, answer, 200, 202, 404, 409)
            if status != 404:
                await self._finish(path)
        self._written.clear()

    async def _finish(self, path: str) -> None:
        """Do what controllers would: let finalizers go, and wait until the object is gone."""
        for _ in range(_UNMADE):
            status, answer = await self._send("GET", path)
            if status == 404:
                return
            if answer["kind"] == "Namespace":
                await self._send("PUT", f"{path}/finalize", {**answer, "spec": {}})
            elif answer["metadata"].get("finalizers") and answer["kind"] != "CustomResourceDefinition":
                await self._send("PATCH", path, {"metadata": {"finalizers": None}}, _MERGE)
            await asyncio.sleep(_MOMENT)
        raise AssertionError(f"{path} does not go away: {answer}")

    def _folder(self, manifest: Manifest) -> str:
        resource = self._kinds.of(str(manifest["kind"]), manifest["apiVersion"])
        root = f"/apis/{resource.group}" if resource.group else "/api"
        place = f"/namespaces/{manifest['metadata']['namespace']}" if resource.namespaced else ""
        return f"{root}/{resource.version}{place}/{resource.plural}"

    async def all_of(self, kind: str, api_version: str) -> list[Manifest]:
        """All objects of a kind, in all namespaces."""
        resource = self._kinds.of(kind, api_version)
        root = f"/apis/{resource.group}" if resource.group else "/api"
        status, answer = await self._send("GET", f"{root}/{resource.version}/{resource.plural}")
        _expect(status, answer, 200)
        return [{"apiVersion": api_version, "kind": kind, **each} for each in answer["items"]]

    async def create(self, manifest: Manifest) -> None:
        """Create an object that somebody else takes away again; it may be there already."""
        status, answer = await self._send("POST", self._folder(manifest), manifest)
        _expect(status, answer, 201, 409)

    async def refused(self, manifest: Manifest, webhook: str) -> None:
        """Try to create an object that a webhook keeps out; the API server learns of new webhooks in the background."""
        for _ in range(_TRIES):
            status, answer = await self._send("POST", self._folder(manifest), manifest)
            if status == 500:
                break
            await self.remove(manifest)
            await asyncio.sleep(_MOMENT)
        _expect(status, answer, 500)
        assert f'failed calling webhook "{webhook}"' in answer["message"], answer

    async def remove(self, manifest: Manifest) -> None:
        """Take an object away at once, if it is there."""
        path = f"{self._folder(manifest)}/{manifest['metadata']['name']}"
        status, answer = await self._send("DELETE", path, query=_NOW)
        _expect(status, answer, 200, 202, 404)

    async def set_status(self, manifest: Manifest, wanted: Manifest) -> None:
        """Set the status of an object that may be gone meanwhile."""
        path = f"{self._folder(manifest)}/{manifest['metadata']['name']}"
        status, there = await self._send("GET", path)
        if status != 404:
            status, answer = await self._send("PUT", f"{path}/status", {**there, "status": wanted})
            _expect(status, answer, 200, 404, 409)

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
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text


def _expect(status: int, answer: Any, *wanted: int) -> None:
    assert status in wanted, f"{status}: {answer}"
