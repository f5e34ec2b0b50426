"""Members that are AKS clusters: server and authority come from Azure, the token from Entra, no kubelogin needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gatekeeper.adapters.kube import KubeCluster
from gatekeeper.adapters.kube_auth import Auth, Identity
from gatekeeper.adapters.kube_config import Kubeconfig
from gatekeeper.adapters.kube_session import Limits
from gatekeeper.adapters.members_doors import Doors, Listeners, Way
from gatekeeper.errors import BadAnswer
from gatekeeper.model import Member

FetchKubeconfig = Callable[[Member], Awaitable[str]]
"""Gets the kubeconfig of a member as YAML; raises a CouldNotLook."""

_TEXT = 1024 * 1024  # characters; a user kubeconfig has some 6,000


class AksMembers:
    """Members through ``listClusterUserCredential``.

    Kubeconfigs are kept between sweeps, as Azure gives out one a second only. One is fetched anew, at most once a
    minute, after its cluster was unreachable or refused us. Nothing else than server, authority and, on a cluster
    without Entra, the client certificate is taken from it.
    """

    def __init__(
        self,
        token: Auth,
        fetch_kubeconfig: FetchKubeconfig,
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        listeners: Listeners = Listeners(),  # noqa: B008 - frozen
    ) -> None:
        """Args: token: a TokenSource, shared by all members. Nothing is fetched yet."""
        self._token = token
        self._fetch = fetch_kubeconfig
        self._doors = Doors(self._find, limits, listeners)

    async def connect(self, member: Member) -> KubeCluster:
        """The member's cluster.

        Raises:
            BadAnswer: the kubeconfig leads nowhere that a token may be sent to.
            CouldNotLook: as ``fetch_kubeconfig`` raises.
        """
        return await self._doors.connect(member)

    async def close(self) -> None:
        """Close all connections."""
        await self._doors.close()

    async def _find(self, member: Member) -> Way:
        source = f"{member.name}: its kubeconfig"
        text = await self._fetch(member)
        if len(text) > _TEXT:
            raise BadAnswer(f"{source} has more than {_TEXT:,} characters")
        config = Kubeconfig.parse(text, source)
        context = config.current
        endpoint = config.endpoint(context)
        if endpoint.insecure or (endpoint.ca is None and endpoint.url.startswith("https:")):
            raise BadAnswer(f"{source} names no certificate authority; a token is not sent to a server of no proof")
        user = config.user(context)
        certificate, key = config.pem(user, "client-certificate"), config.pem(user, "client-key")
        if certificate is None or key is None:
            return Way(endpoint, Identity(self._token))
        self._doors.warn(
            member.name,
            "the cluster has no Entra integration: Azure gives out an administrator's certificate",
        )
        return Way(endpoint, Identity(None, certificate, key))
