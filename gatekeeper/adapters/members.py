"""From a member of a fleet to its cluster, through the contexts of a mounted kubeconfig."""

from __future__ import annotations

import asyncio
import difflib
from pathlib import Path

from gatekeeper.adapters.kube import KubeCluster
from gatekeeper.adapters.kube_auth import identify
from gatekeeper.adapters.kube_config import Kubeconfig
from gatekeeper.adapters.kube_session import Limits
from gatekeeper.adapters.members_doors import Doors, Listeners, Way
from gatekeeper.errors import BadAnswer, NotFound
from gatekeeper.model import Member

_FILE_BYTES = 32 * 1024 * 1024  # a kubeconfig of a thousand members has some 6 MB
_Signature = tuple[int, int, int]


class KubeconfigMembers:
    """Members through the contexts of a kubeconfig, which is read again when the file changes.

    A context is found by the member's name, then by the name of its managed cluster; in exactly that case, else by the
    one context that differs in case only. One context never serves two clusters: looking at the wrong one could open a
    gate, so both are refused.
    """

    def __init__(self, path: Path, *, limits: Limits = Limits(), listeners: Listeners = Listeners()) -> None:  # noqa: B008 - frozen
        """Nothing is read yet."""
        self._path = path
        self._doors = Doors(self._find, limits, listeners)
        self._lock = asyncio.Lock()
        self._signature: _Signature | None = None
        self._config: Kubeconfig | None = None
        self._claims: dict[str, set[str]] = {}

    async def connect(self, member: Member) -> KubeCluster:
        """The member's cluster.

        Raises:
            NotFound: no context fits, or there is no file.
            BadAnswer: the file or its context cannot be used, or fits two clusters.
            Unauthorized: a credential plugin gave no credential.
        """
        await self._refresh()
        return await self._doors.connect(member)

    async def close(self) -> None:
        """Close all connections."""
        await self._doors.close()

    async def _refresh(self) -> None:
        async with self._lock:
            signature = self._stat()
            if signature != self._signature:
                self._doors.forget()
                self._config, self._claims = None, {}
                self._signature = signature
            if self._config is None:
                self._config = await asyncio.to_thread(self._load)

    def _stat(self) -> _Signature:
        try:
            stat = self._path.stat()  # of the file behind all links: a mounted Secret swaps a link
        except OSError as error:
            raise NotFound(f"the kubeconfig {self._path} cannot be found: {error.strerror}") from error
        return stat.st_mtime_ns, stat.st_ino, stat.st_size

    def _load(self) -> Kubeconfig:
        try:
            with self._path.open("rb") as file:
                content = file.read(_FILE_BYTES + 1)
        except OSError as error:
            raise BadAnswer(f"the kubeconfig {self._path} cannot be read: {error.strerror}") from error
        if len(content) > _FILE_BYTES:
            raise BadAnswer(f"the kubeconfig {self._path} is larger than {_FILE_BYTES:,} bytes")
        return Kubeconfig.parse(content, f"the kubeconfig {self._path}", self._path.parent)

    async def _find(self, member: Member) -> Way:
        config = self._config
        if config is None:
            raise BadAnswer(f"the kubeconfig {self._path} changed while it was read; it is read again")
        context = find_context(config, member)
        self._claim(context, member)
        endpoint = config.endpoint(context)
        if endpoint.insecure:
            self._doors.warn(member.name, "its certificate is not verified (insecure-skip-tls-verify)")
        return Way(endpoint, await identify(config, context))

    def _claim(self, context: str, member: Member) -> None:
        claims = self._claims.setdefault(context, set())
        if member.key:
            claims.add(member.key)
        if len(claims) > 1:
            raise BadAnswer(
                f"context {context} of the kubeconfig {self._path} fits two clusters: {' and '.join(sorted(claims))};"
                " give each member a context of its own name"
            )


def find_context(config: Kubeconfig, member: Member) -> str:
    """The context of a member.

    Raises:
        NotFound: none fits, or several that differ in case only.
    """
    names = [name for name in (member.name, member.cluster_resource_id.rpartition("/")[2]) if name]
    for name in names:
        if name in config.contexts:
            return name
    for name in names:
        alike = [context for context in config.contexts if context.casefold() == name.casefold()]
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise NotFound(f"{config.source} has several contexts like {name}: {', '.join(alike)}")
    near = difflib.get_close_matches(member.name, config.contexts, n=1)
    known = ", ".join(sorted(config.contexts)[:20]) or "none"
    hint = f"; did you mean {near[0]}?" if near else ""
    raise NotFound(f"{config.source} has no context {' or '.join(names)}{hint} (contexts: {known})")
