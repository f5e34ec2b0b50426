"""The door to Azure Resource Manager: which cloud, as whom, and the SDK's clients behind our own pipeline."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from azure.core import AzureClouds
from azure.core.credentials_async import AsyncTokenCredential

from gatekeeper.adapters import arm_errors
from gatekeeper.adapters.arm_errors import ErrorListener
from gatekeeper.adapters.arm_pipeline import Transport, is_loopback, origin, policies
from gatekeeper.errors import ConfigError

if TYPE_CHECKING:
    from azure.mgmt.containerservice.aio import ContainerServiceClient
    from azure.mgmt.containerservicefleet.aio import ContainerServiceFleetMgmtClient

_Client = TypeVar("_Client", bound="ContainerServiceFleetMgmtClient | ContainerServiceClient")


@dataclass(frozen=True, slots=True)
class _Cloud:
    endpoint: str
    scope: str
    sdk: AzureClouds


_CLOUDS = {
    "AzurePublic": _Cloud(
        "https://management.azure.com", "https://management.azure.com/.default", AzureClouds.AZURE_PUBLIC_CLOUD
    ),
    "AzureUSGovernment": _Cloud(
        "https://management.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net/.default",  # the SDK's own audience for this cloud
        AzureClouds.AZURE_US_GOVERNMENT,
    ),
    "AzureChina": _Cloud(
        "https://management.chinacloudapi.cn",
        "https://management.chinacloudapi.cn/.default",
        AzureClouds.AZURE_CHINA_CLOUD,
    ),
}


class ClientOptions(TypedDict):
    """What a management client of the SDK is made with."""

    base_url: str
    credential_scopes: list[str]
    cloud_setting: AzureClouds
    policies: list[Any]
    transport: Transport


class Arm:
    """One Resource Manager endpoint; makes one client per subscription, of each kind, and closes them.

    The credential stays its owner's to close.
    """

    def __init__(
        self, cloud: str, endpoint: str | None, credential: AsyncTokenCredential, on_error: ErrorListener
    ) -> None:
        """Nothing is opened or asked yet.

        Args:
            cloud: ``AzurePublic``, ``AzureUSGovernment`` or ``AzureChina``.
            endpoint: another URL than the cloud's own; plain http on loopback only.
            credential: asked for tokens of the cloud's scope.
            on_error: told of each failed request.

        Raises:
            ConfigError: an unknown cloud, or an endpoint that cannot be used.
        """
        if cloud not in _CLOUDS:
            raise ConfigError(f"azure.cloud {cloud!r} is not known; it is one of {', '.join(_CLOUDS)}")
        self._cloud = _CLOUDS[cloud]
        self._credential = credential
        self._on_error = on_error
        self.endpoint = _checked(endpoint or self._cloud.endpoint)
        self._home = origin(self.endpoint)
        self._fleets: dict[str, ContainerServiceFleetMgmtClient] = {}
        self._clusters: dict[str, ContainerServiceClient] = {}

    @property
    def credential(self) -> AsyncTokenCredential:
        """As whom it asks; the members of AKS are asked as the same."""
        return self._credential

    def fleets(self, subscription_id: str) -> ContainerServiceFleetMgmtClient:
        """The client for the fleets of a subscription, made once. Use it within ``translate``."""
        from azure.mgmt.containerservicefleet.aio import ContainerServiceFleetMgmtClient  # late: heavy

        return self._client(self._fleets, subscription_id, ContainerServiceFleetMgmtClient)

    def clusters(self, subscription_id: str) -> ContainerServiceClient:
        """The client for the managed clusters of a subscription, made once. Use it within ``translate``."""
        from azure.mgmt.containerservice.aio import ContainerServiceClient  # late: heavy

        return self._client(self._clusters, subscription_id, ContainerServiceClient)

    def options(self) -> ClientOptions:
        """What a management client is made with; its pipeline and its connections are its own."""
        return ClientOptions(
            base_url=self.endpoint,
            credential_scopes=[self._cloud.scope],
            cloud_setting=self._cloud.sdk,
            policies=policies(self._home, self._credential, self._cloud.scope),
            transport=Transport(trust_env=not is_loopback(self._home[1])),
        )

    def translate(self, operation: str) -> AbstractAsyncContextManager[None]:
        """Run one operation within its deadline; its failure becomes a CouldNotLook and is reported.

        Args:
            operation: such as ``gates.list``; keep the words few and constant, they become a metric label.
        """
        return arm_errors.translate(operation, self._on_error)

    async def close(self) -> None:
        """Close all clients; requests under way fail."""
        clients: list[ContainerServiceFleetMgmtClient | ContainerServiceClient] = []
        clients += [*self._fleets.values(), *self._clusters.values()]
        self._fleets.clear()
        self._clusters.clear()
        for client in clients:
            await client.close()

    def _client(self, made: dict[str, _Client], subscription_id: str, make: Callable[..., _Client]) -> _Client:
        key = subscription_id.lower()
        if key not in made:
            made[key] = make(self._credential, subscription_id, **self.options())
        return made[key]


def _checked(endpoint: str) -> str:
    """The endpoint without a slash at its end."""
    try:
        scheme, host, _ = origin(endpoint)
    except ValueError as error:
        raise ConfigError(f"azure.endpoint: {error}") from error
    if any(mark in endpoint for mark in "@?#{}") or not endpoint.isprintable():
        raise ConfigError("azure.endpoint is a plain URL, without user, query or fragment")
    if scheme == "http" and not is_loopback(host):
        raise ConfigError(
            f"azure.endpoint {endpoint}: plain http is for loopback only; a token would travel unprotected"
        )
    return endpoint.rstrip("/")
