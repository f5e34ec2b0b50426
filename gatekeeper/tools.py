"""What a check may reach besides the cluster itself: HTTP, Azure, a workbench in the cluster, and a notebook.

The doors behind these are opened by the composition root; where one is not (a check by hand has no Azure), using it is
a CouldNotLook that says so. All answers are bounded in size and time, and none is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import model_validator

from gatekeeper.errors import CouldNotLook
from gatekeeper.parameters import Parameters


class HttpAuth(Parameters):
    """As whom a URL is asked: exactly one of the three ways. Secrets stand in mounted files, never in a policy."""

    bearer_token_file: Path | None = None
    """A file with a bearer token; read anew for every request."""
    basic_file: Path | None = None
    """A file with ``user:password``; read anew for every request."""
    entra_scope: str | None = None
    """An Entra token for this scope, such as ``https://prometheus.monitor.azure.com/.default``."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.bearer_token_file, self.basic_file, self.entra_scope)) != 1:
            raise ValueError("give exactly one of bearerTokenFile, basicFile and entraScope")
        return self


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Credentials travel over https only (or to loopback); redirects are not followed."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: bytes | None = None
    auth: HttpAuth | None = None
    ca_file: Path | None = None
    """Trust these authorities instead of the system's."""
    limit: int = 1 << 20
    """Bytes of the body, after decompression; a longer one is a BadAnswer."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer of any status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    certificate_ends: datetime | None = None
    """When the server's TLS certificate ends, UTC; None without TLS."""
    took: float = 0.0
    """Seconds."""


class Http(Protocol):
    """A web client."""

    async def request(self, request: HttpRequest) -> HttpAnswer:
        """Send once. Raises a CouldNotLook when no answer came; Unreachable also when no one vouches for a server."""


class Azure(Protocol):
    """Azure Resource Manager, read-only. Paths begin with ``/subscriptions/...``."""

    async def get(self, path: str, api_version: str, **query: str) -> Mapping[str, Any]:
        """One resource, or one answer. Raises NotFound and the other CouldNotLooks."""

    async def list(self, path: str, api_version: str, **query: str) -> Sequence[Mapping[str, Any]]:
        """All entries of ``value``, over all pages."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """A Job that was run in a member and is cleaned up again."""

    succeeded: bool
    reason: str
    """Why it did not succeed: the Job's condition, or that it did not end in time."""
    logs: str
    """The last lines of its last pod, bounded and printable."""


@dataclass(frozen=True, slots=True)
class Eviction:
    """What the API server says to an eviction that was asked with ``dryRun=All``: nothing was evicted."""

    allowed: bool
    status: int
    message: str


class Workbench(Protocol):
    """The only way to write in a member, closed unless the ClusterRole for it is installed there."""

    async def run_job(self, namespace: str, job: Mapping[str, Any], deadline: timedelta) -> JobRun:
        """Create a Job, await its end, take its logs, and delete it with its pods, whatever happens meanwhile.

        Args:
            namespace: where.
            job: a Job manifest; its name is a prefix, and it always gets ``activeDeadlineSeconds`` and
                ``ttlSecondsAfterFinished``, so that the cluster cleans up even if Gatekeeper dies.
            deadline: how long it may take.

        Raises:
            Forbidden: the ClusterRole for probes is not installed.
            CouldNotLook: it could not be created or watched.
        """

    async def would_evict(self, namespace: str, pod: str) -> Eviction:
        """Ask whether a pod could be evicted now (``dryRun=All``)."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a check wrote down in an earlier sweep."""

    value: Any
    at: datetime


class Notebook(Protocol):
    """What one check remembers of one member between sweeps; after a restart it is empty."""

    def read(self, key: str) -> Note | None:
        """What was written last, or None."""

    def write(self, key: str, value: object) -> None:
        """Remember a small value instead of the last one."""


class NoHttp:
    """There is no web client here."""

    async def request(self, request: HttpRequest) -> HttpAnswer:
        """Say so."""
        raise CouldNotLook(f"{request.url} cannot be asked here: no web client")


class NoAzure:
    """There is no Azure here, e.g. in a check by hand."""

    async def get(self, path: str, api_version: str, **query: str) -> Mapping[str, Any]:  # noqa: ARG002 - the protocol's
        """Say so."""
        raise CouldNotLook(f"Azure cannot be asked here for {path}: this command has no settings")

    async def list(self, path: str, api_version: str, **query: str) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002 - the protocol's
        """Say so."""
        raise CouldNotLook(f"Azure cannot be asked here for {path}: this command has no settings")


class NoWorkbench:
    """Nothing can be written here."""

    async def run_job(self, namespace: str, job: Mapping[str, Any], deadline: timedelta) -> JobRun:  # noqa: ARG002 - the protocol's
        """Say so."""
        raise CouldNotLook("no Job can be run here")

    async def would_evict(self, namespace: str, pod: str) -> Eviction:
        """Say so."""
        raise CouldNotLook(f"the eviction of {namespace}/{pod} cannot be tried here")


class BlankNotebook:
    """A notebook that keeps nothing."""

    def read(self, key: str) -> Note | None:  # noqa: ARG002 - the protocol's
        """Nothing was ever written."""
        return None

    def write(self, key: str, value: object) -> None:
        """Forget it at once."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The doors that are the same for all members."""

    http: Http = field(default_factory=NoHttp)
    azure: Azure = field(default_factory=NoAzure)
