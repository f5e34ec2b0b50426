"""Read-only answers of Azure Resource Manager for checks: any GET, each answer shared for as long as it keeps.

A thousand members of one region need its quota once. An answer counts from the moment its request began, and keeps for
5 seconds if it is about one cluster, so that the checks of one sweep share it and nothing decides on what was true
before an update; for a minute if it is about a region, a network or a subscription's quota; and for six hours if it is
the list of virtual machine sizes, which is large: of it only what checks use is kept. Failures are never kept.

Azure fills a bucket of reads for each subscription; nobody here asks faster than that, or a fleet of a thousand
clusters would be refused for most of them in every sweep.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import monotonic
from typing import Any, TypeVar, cast

from azure.core.rest import HttpRequest
from azure.mgmt.core import AsyncARMPipelineClient

from gatekeeper.adapters import fleet_wire
from gatekeeper.adapters.arm import Arm
from gatekeeper.adapters.arm_errors import retry_after
from gatekeeper.adapters.turnstile import Turnstile
from gatekeeper.answers import json_of
from gatekeeper.errors import BadAnswer

T = TypeVar("T")
Entry = Mapping[str, Any]

_PATH = re.compile(r"(?:/[\w.()~ -]+)+")
_PAGES = 200  # 50,000 alerts in pages of 250; a list that does not end sooner never ends
_KEPT = 512  # answers
_CLUSTER, _REGION, _SIZES = 5.0, 60.0, 6 * 3600.0  # seconds
_SIZES_LIST = "/providers/microsoft.compute/skus"
_OF_A_REGION = ("/kubernetesversions", "/usages")


class AzureReader:
    """Implements :class:`gatekeeper.tools.Azure` behind the door of an Arm. Close it before the Arm."""

    def __init__(self, arm: Arm, clock: Callable[[], float] = monotonic) -> None:
        """Nothing is opened or asked yet.

        Args:
            arm: endpoint, credential and pipeline.
            clock: seconds, for how long answers keep.
        """
        self._arm = arm
        self._clock = clock
        self._client: AsyncARMPipelineClient[Any, Any] | None = None
        self._kept: OrderedDict[tuple[str, ...], tuple[float, float, asyncio.Task[Any]]] = OrderedDict()
        """When each was asked for, for how many seconds it keeps, and the asking; what was used last comes last."""
        self._running: set[asyncio.Task[Any]] = set()
        self._turnstiles: defaultdict[str, Turnstile] = defaultdict(Turnstile)

    async def get(self, path: str, api_version: str, **query: str) -> Entry:
        """One resource, or one answer.

        Raises:
            CouldNotLook: it could not be read, or is no JSON object.
        """
        url = self._url(path)

        turnstile = self._turnstiles[_subscription(path)]

        async def read() -> Entry:
            await turnstile.turn()
            async with self._arm.translate("azure.get"):
                return _object(await self._json(url, {**query, "api-version": api_version}, turnstile))

        return await self._once(("get", path.lower(), api_version, *_flat(query)), path, read)

    async def list(self, path: str, api_version: str, **query: str) -> Sequence[Entry]:
        """All entries of ``value``, over all pages.

        Raises:
            CouldNotLook: a page could not be read, or the list does not come to its end.
        """
        url = self._url(path)
        turnstile = self._turnstiles[_subscription(path)]
        slim = _size if path.lower().endswith(_SIZES_LIST) else _whole

        async def read() -> Sequence[Entry]:
            return await self._pages(url, {**query, "api-version": api_version}, slim, turnstile)

        return await self._once(("list", path.lower(), api_version, *_flat(query)), path, read)

    async def close(self) -> None:
        """Give up what is being read, and close all connections."""
        tasks = list(self._running)
        self._kept.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _pages(
        self, url: str, query: Mapping[str, str], slim: Callable[[Entry], Entry | None], turnstile: Turnstile
    ) -> Sequence[Entry]:
        found: list[Entry] = []
        followed: set[str] = set()
        for _ in range(_PAGES):
            await turnstile.turn()
            async with self._arm.translate("azure.list"):
                page = await self._json(url, query, turnstile)
                entries = map(_object, fleet_wire.entries(page))
                found += [kept for entry in entries if (kept := slim(entry)) is not None]
                link = fleet_wire.next_link(page)
                if link is None:
                    return tuple(found)
                if link in followed:
                    raise BadAnswer("the list goes round in circles")
                followed.add(link)
                url, query = link, {}
        raise BadAnswer(f"azure.list: the list has more than {_PAGES} pages")

    async def _json(self, url: str, query: Mapping[str, str], turnstile: Turnstile) -> object:
        if self._client is None:
            options = self._arm.options()
            self._client = AsyncARMPipelineClient(
                base_url=options["base_url"], policies=options["policies"], transport=options["transport"]
            )
        response = await self._client.send_request(HttpRequest("GET", url, params=dict(query)))
        if response.status_code == 429:
            turnstile.shut(retry_after(response.headers))
        response.raise_for_status()
        if response.status_code != 200:
            raise BadAnswer(f"HTTP {response.status_code} is no answer to a GET")
        return json_of(response.content, "Resource Manager")

    def _url(self, path: str) -> str:
        inside = not any(part in (".", "..") for part in path.split("/"))
        if not (path.lower().startswith("/subscriptions/") and _PATH.fullmatch(path) and inside):
            raise BadAnswer(f"{path!r:.200} is no path of Resource Manager")
        return f"{self._arm.endpoint}{path}"

    async def _once(self, key: tuple[str, ...], path: str, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        self._forget_old()
        if key not in self._kept:
            task = asyncio.ensure_future(read())
            self._running.add(task)
            task.add_done_callback(lambda done: self._ended(key, done))
            self._kept[key] = self._clock(), _lifetime(path), task
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return cast("T", await asyncio.shield(self._kept[key][2]))

    def _forget_old(self) -> None:
        """What nobody may use again takes no memory: a list of alerts may be large."""
        now = self._clock()
        for key in [key for key, (began, keeps, _) in self._kept.items() if now - began > keeps]:
            del self._kept[key]

    def _ended(self, key: tuple[str, ...], task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        failed = task.cancelled() or task.exception() is not None
        if failed and key in self._kept and self._kept[key][2] is task:
            del self._kept[key]


def _subscription(path: str) -> str:
    return path.lower().split("/")[2]


def _lifetime(path: str) -> float:
    lower = path.lower()
    if lower.endswith(_SIZES_LIST):
        return _SIZES
    return _REGION if lower.endswith(_OF_A_REGION) else _CLUSTER


def _object(answer: object) -> Entry:
    if not isinstance(answer, dict):
        raise BadAnswer(f"the answer is no JSON object but {type(answer).__name__}")
    return answer


def _flat(query: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in sorted(query.items()))


def _whole(entry: Entry) -> Entry | None:
    return entry


def _size(entry: Entry) -> Entry | None:
    """A virtual machine size with what tells its quota; the list has megabytes of disks, zones and prices."""
    if entry.get("resourceType") != "virtualMachines":
        return None
    capabilities = entry.get("capabilities")
    cores = [
        each
        for each in (capabilities if isinstance(capabilities, list) else [])
        if isinstance(each, dict) and each.get("name") == "vCPUs"
    ]
    kept = {key: entry[key] for key in ("resourceType", "name", "family", "restrictions") if key in entry}
    return {**kept, "capabilities": cores}
