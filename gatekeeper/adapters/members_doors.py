"""Keeps one client per member between sweeps, and works the way to it out anew when it no longer leads there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gatekeeper.adapters.kube import KubeCluster, OnError, OnRequest
from gatekeeper.adapters.kube_auth import Identity
from gatekeeper.adapters.kube_config import Endpoint
from gatekeeper.adapters.kube_session import Limits
from gatekeeper.errors import CouldNotLook, ServerFault, Throttled, TimedOut, Unauthorized, Unreachable
from gatekeeper.model import Member

_TROUBLE = frozenset({Unreachable.reason, Unauthorized.reason})  # address, authority or credential may have changed
_AGAIN = 60.0  # seconds between two attempts to find a new way to one member
_RETIRED = 900.0  # seconds until a replaced client is closed: no check that still holds it runs so long


def nobody(*_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told about members, by the member's name: plain functions that must not fail."""

    on_error: OnError = nobody
    """With the ``reason`` of every error that a check sees."""
    on_request: OnRequest = nobody
    """Before every request."""
    on_warning: Callable[[str, str], None] = nobody
    """With a sentence that somebody should read; once, not every time."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to get to a member, and as whom."""

    endpoint: Endpoint
    identity: Identity


FindWay = Callable[[Member], Awaitable[Way]]


@dataclass(slots=True)
class _Door:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    way: Way | None = None
    cluster: KubeCluster | None = None
    found_at: float = 0.0
    troubled: bool = False


class Doors:
    """One client per member. A client that is replaced stays usable for those who hold it, and is closed later."""

    def __init__(self, find: FindWay, limits: Limits, listeners: Listeners) -> None:
        self._find = find
        self._limits = limits
        self._listeners = listeners
        self._doors: dict[tuple[str, str], _Door] = {}
        self._retired: list[tuple[float, KubeCluster]] = []
        self._warned: set[tuple[str, str]] = set()

    async def connect(self, member: Member) -> KubeCluster:
        """The member's client; its way is found anew, at most once a minute, after it was unreachable or refused us.

        Raises:
            CouldNotLook: no way was found, and none was known.
        """
        await self._close_retired(_RETIRED)
        key = (member.key, member.name)
        door = self._doors.setdefault(key, _Door())
        async with door.lock:
            cluster = await self._through(door, member)
            if self._doors.get(key) is not door:  # forgotten meanwhile: good for the one who asked, and no longer
                self._retire(door)
            return cluster

    def warn(self, member: str, sentence: str) -> None:
        """Tell the listener, once."""
        if (member, sentence) not in self._warned:
            self._warned.add((member, sentence))
            self._listeners.on_warning(member, sentence)

    def forget(self) -> None:
        """Find all ways anew from now on."""
        for door in self._doors.values():
            self._retire(door)
        self._doors = {}
        self._warned = set()

    async def close(self) -> None:
        """Close all connections."""
        self.forget()
        await self._close_retired(0.0)

    async def _through(self, door: _Door, member: Member) -> KubeCluster:
        if door.cluster is None:
            return await self._open(door, member)
        if door.troubled and time.monotonic() - door.found_at >= _AGAIN:
            return await self._reopen(door, member, door.cluster)
        return door.cluster

    async def _open(self, door: _Door, member: Member) -> KubeCluster:
        way = await self._find(member)
        door.found_at, door.troubled = time.monotonic(), False
        if door.cluster is None or way != door.way:

            def failed(name: str, reason: str) -> None:
                door.troubled = door.troubled or reason in _TROUBLE
                self._listeners.on_error(name, reason)

            cluster = KubeCluster(
                member.name,
                way.endpoint,
                way.identity,
                limits=self._limits,
                on_error=failed,
                on_request=self._listeners.on_request,
            )
            self._retire(door)
            door.way, door.cluster = way, cluster
            return cluster
        return door.cluster

    async def _reopen(self, door: _Door, member: Member, old: KubeCluster) -> KubeCluster:
        door.found_at = time.monotonic()
        try:
            return await self._open(door, member)
        except (Unreachable, TimedOut, Throttled, ServerFault):
            return old  # nobody could tell a new way; the old one may lead there again
        except CouldNotLook:
            self._retire(door)
            raise

    def _retire(self, door: _Door) -> None:
        if door.cluster is not None:
            self._retired.append((time.monotonic(), door.cluster))
            door.way = door.cluster = None

    async def _close_retired(self, older_than: float) -> None:
        limit = time.monotonic() - older_than
        due = [cluster for since, cluster in self._retired if since <= limit]
        if due:
            self._retired = [(since, cluster) for since, cluster in self._retired if since > limit]
            for cluster in due:
                await cluster.close()
