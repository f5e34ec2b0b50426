"""The sections of the settings, each with its own rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gatekeeper.bounds import between
from gatekeeper.model import FleetRef
from gatekeeper.parameters import Parameters
from gatekeeper.values import Duration, format_duration

_ARM_NAME = r"^[A-Za-z0-9][A-Za-z0-9._()-]{0,89}$"
_SECOND = timedelta(seconds=1)
_DEFAULT_JITTER = timedelta(seconds=5)


class FleetSettings(Parameters):
    """One fleet whose gates are watched."""

    subscription_id: str = Field(pattern=_ARM_NAME)
    """The fleet's subscription."""
    resource_group: str = Field(pattern=_ARM_NAME)
    """The fleet's resource group."""
    name: str = Field(pattern=_ARM_NAME)
    """The fleet's name."""

    @property
    def ref(self) -> FleetRef:
        """The fleet as the core names it."""
        return FleetRef(self.subscription_id, self.resource_group, self.name)


def _endpoint(url: str) -> str:
    """An ARM-compatible URL; tokens travel on it, so plain http may not leave this machine."""
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{url!r} is not a URL such as https://management.azure.com")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(f"plain http would send tokens readable to {host}; write https (http is for loopback only)")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class AzureSettings(Parameters):
    """The door to Azure Resource Manager."""

    cloud: Literal["AzurePublic", "AzureUSGovernment", "AzureChina"] = "AzurePublic"
    """Which cloud the fleets are in."""
    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = None
    """Another ARM-compatible URL instead of the cloud's; plain http on loopback only."""
    credential: Literal["default", "workload-identity", "managed-identity", "cli", "token-file"] = "default"
    """How the daemon says who it is."""
    token_file: Path | None = None
    """For token-file: a file that holds a bearer token, read anew when it changes."""
    client_id: str | None = None
    """The client id of a user-assigned identity."""

    @model_validator(mode="after")
    def _has_token_file(self) -> Self:
        if self.credential == "token-file" and self.token_file is None:
            raise ValueError("credential token-file needs a tokenFile; add it")
        return self


class MembersSettings(Parameters):
    """The door to the member clusters."""

    access: Literal["aks", "kubeconfig"] = "aks"
    """aks: listClusterUserCredential and an Entra token. kubeconfig: the contexts of a mounted file."""
    kubeconfig: Path | None = None
    """For kubeconfig: the file. A context is found by the member's name, then by the cluster's."""
    concurrency: int = Field(default=20, ge=1, le=1000)
    """So many clusters are looked at at once."""
    deadline: Annotated[Duration, between(_SECOND)] = timedelta(minutes=2)
    """How long one cluster may take in one sweep."""

    @model_validator(mode="after")
    def _has_kubeconfig(self) -> Self:
        if self.access == "kubeconfig" and self.kubeconfig is None:
            raise ValueError("access kubeconfig needs a kubeconfig; add it")
        return self


def _usual_jitter(earlier: Mapping[str, Any]) -> timedelta:
    interval = earlier.get("interval")
    return min(_DEFAULT_JITTER, interval / 6) if isinstance(interval, timedelta) else _DEFAULT_JITTER


class PollSettings(Parameters):
    """How often the fleets are asked for pending gates."""

    interval: Annotated[Duration, between(_SECOND)] = timedelta(seconds=30)
    """From the begin of one sweep to that of the next."""
    jitter: Duration = Field(default_factory=_usual_jitter)
    """Up to so much later, by chance; 5s, or a sixth of a short interval, if not given."""

    @model_validator(mode="after")
    def _jitter_below_interval(self) -> Self:
        if self.jitter >= self.interval:
            raise ValueError(
                f"jitter {format_duration(self.jitter)} must be shorter than interval {format_duration(self.interval)}"
            )
        return self


class ChecksSettings(Parameters):
    """What holds for all checks."""

    timeout: Annotated[Duration, between(_SECOND, timedelta(hours=1))] = timedelta(seconds=30)
    """How long one check may take on one member, unless the policy says otherwise."""


class StoreSettings(Parameters):
    """Where the reviews of gates and the record of approvals are kept."""

    kind: Literal["sqlite"] = "sqlite"
    """The kind of store."""
    path: Path = Path("/var/lib/gatekeeper/gatekeeper.db")
    """The database file; ``:memory:`` keeps nothing."""

    @model_validator(mode="before")
    @classmethod
    def _not_yet(cls, value: object) -> object:
        if isinstance(value, Mapping) and value.get("kind") == "kubernetes":
            raise ValueError("kind kubernetes is not available in this version; write kind: sqlite")
        return value


def _listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not of the form HOST:PORT, such as 0.0.0.0:8080")
    return text


class WebSettings(Parameters):
    """Where /metrics, /healthz and /readyz are served."""

    listen: Annotated[str, AfterValidator(_listen)] = "0.0.0.0:8080"
    """``HOST:PORT``; port 0 lets the system choose."""

    @property
    def host(self) -> str:
        """The address, without the brackets of IPv6."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port."""
        return int(self.listen.rpartition(":")[2])


class LogSettings(Parameters):
    """How events are written."""

    format: Literal["auto", "json", "console"] = "auto"
    """auto: for people on a terminal, JSON elsewhere."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level that is written."""


class ShutdownSettings(Parameters):
    """What SIGTERM leaves time for."""

    deadline: Duration = timedelta(seconds=20)
    """How long a running sweep may go on before it is abandoned."""
