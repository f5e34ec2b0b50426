"""One read of a resource for all the checks of a sweep, with the time at which each was made.

The first check that asks starts the request; the others wait for the same answer, also when the first one ran into its
own deadline meanwhile. Nothing is kept after the sweep.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from gatekeeper.cluster import Cluster, Resource, Table, Text
from gatekeeper.model import Member

T = TypeVar("T")


class SharedReads:
    """The reads that one sweep has made, of all its clusters. Close it when the sweep ends."""

    def __init__(self, connect: Callable[[Member], Awaitable[Cluster]], clock: Callable[[], datetime]) -> None:
        self._connect = connect
        self.clock = clock
        self._begun: defaultdict[str, dict[Hashable, tuple[datetime, asyncio.Task[Any]]]] = defaultdict(dict)
        self._users: Counter[str] = Counter()

    def expect(self, members: Sequence[Member]) -> None:
        """Somebody is going to read these members and will ``release`` each; until then its answers are kept."""
        self._users.update(member.key for member in members)

    async def release(self, member: Member) -> None:
        """One reader is done with a member; with the last one its answers go: memory must not grow with the fleet."""
        self._users[member.key] -= 1
        if self._users[member.key] <= 0:
            del self._users[member.key]
            await _abandon(self._begun.pop(member.key, {}))

    def view(self, member: Member) -> ClusterView:
        """A view of one cluster for one check; it remembers how old its oldest answer is."""
        return ClusterView(self, member)

    async def once(
        self, member: Member, key: Hashable, read: Callable[[], Coroutine[Any, Any, T]]
    ) -> tuple[datetime, T]:
        """The answer to ``read``, made once per member and ``key``, and the time at which the reading began."""
        begun = self._begun[member.key]
        if key not in begun:
            task = asyncio.ensure_future(read())
            task.add_done_callback(_seen)
            begun[key] = self.clock(), task
        began, task = begun[key]
        return began, cast("T", await asyncio.shield(task))

    async def cluster(self, member: Member) -> Cluster:
        """The connection to a member, made once."""

        async def connect() -> Cluster:
            return await self._connect(member)

        _, cluster = await self.once(member, "connect", connect)
        return cluster

    async def close(self) -> None:
        """Give up whatever is still being read."""
        for begun in self._begun.values():
            await _abandon(begun)
        self._begun.clear()


async def _abandon(begun: Mapping[Hashable, tuple[datetime, asyncio.Task[Any]]]) -> None:
    tasks = [task for _, task in begun.values()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _seen(task: asyncio.Task[Any]) -> None:
    """Look at a failed read even if every check that waited for it has given up, or asyncio would complain."""
    if not task.cancelled():
        task.exception()


class ClusterView:
    """A member cluster as one check sees it (see :class:`gatekeeper.cluster.Cluster`), through the shared reads."""

    def __init__(self, reads: SharedReads, member: Member) -> None:
        self._reads = reads
        self._member = member
        self.oldest: datetime | None = None
        """When the oldest answer that was used began to be read."""
        self._newest: datetime | None = None

    @property
    def name(self) -> str:
        """The member's name."""
        return self._member.name

    async def table(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata: bool = False,
    ) -> Table:
        """List as rows."""

        async def read() -> Table:
            cluster = await self._reads.cluster(self._member)
            return await cluster.table(
                resource,
                namespace=namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                metadata=metadata,
            )

        return await self._once(("table", resource, namespace, label_selector, field_selector, metadata), read)

    async def objects(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        keep: tuple[str, ...] = (),
    ) -> Sequence[Mapping[str, Any]]:
        """List whole objects."""

        async def read() -> Sequence[Mapping[str, Any]]:
            cluster = await self._reads.cluster(self._member)
            return await cluster.objects(
                resource, namespace=namespace, label_selector=label_selector, field_selector=field_selector, keep=keep
            )

        return await self._once(("objects", resource, namespace, label_selector, field_selector, keep), read)

    async def object(self, resource: Resource, name: str, *, namespace: str | None = None) -> Mapping[str, Any]:
        """One object."""

        async def read() -> Mapping[str, Any]:
            return await (await self._reads.cluster(self._member)).object(resource, name, namespace=namespace)

        return await self._once(("object", resource, namespace, name), read)

    async def text(self, path: str, *, limit: int = 64 * 1024, lines: tuple[str, ...] = ()) -> Text:
        """GET a nonResourceURL."""

        async def read() -> Text:
            return await (await self._reads.cluster(self._member)).text(path, limit=limit, lines=lines)

        return await self._once(("text", path, limit, lines), read)

    async def now(self) -> datetime:
        """The API server's clock at the moment when the newest answer that was used began to be read.

        An answer may have been waiting here for a while, read for another gate; it is judged by the clock of its time.
        """
        live = await (await self._reads.cluster(self._member)).now()
        return live if self._newest is None else live - (self._reads.clock() - self._newest)

    async def _once(self, key: tuple[Hashable, ...], read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        began, answer = await self._reads.once(self._member, key, read)
        self.oldest = began if self.oldest is None else min(began, self.oldest)
        self._newest = began if self._newest is None else max(began, self._newest)
        return answer
