"""Fetches kubeconfigs of AKS clusters from Azure, no faster than Azure allows."""

from __future__ import annotations

import asyncio
import re
import time

from gatekeeper.adapters.arm import Arm
from gatekeeper.adapters.kube_errors import clean
from gatekeeper.errors import BadAnswer, Throttled
from gatekeeper.model import Member

_OPERATION = "managedClusters.listClusterUserCredential"
_BURST = 50  # Azure: 60 calls per subscription, shared with everybody else in it,
_INTERVAL = 1.0  # refilled by one a second
_PATIENCE = 5.0  # seconds to wait for our turn; a longer queue is told, and the next sweep asks again
_AGAIN = 5.0  # seconds after a 429 that does not say how long
_CLUSTER_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"/providers/microsoft\.containerservice/managedclusters/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)


class Pace:
    """A turnstile: ``burst`` calls at once, then one per ``interval`` seconds."""

    def __init__(self, burst: int = _BURST, interval: float = _INTERVAL) -> None:
        self._slack = (burst - 1) * interval
        self._interval = interval
        self._next = 0.0  # when a perfectly even flow would let the next call through
        self._shut_until = 0.0

    async def turn(self) -> None:
        """Wait for a turn.

        Raises:
            Throttled: it would take too long; ``retry_after`` says how long.
        """
        now = time.monotonic()
        wait = max(self._next - self._slack, self._shut_until) - now
        if wait > _PATIENCE:
            raise Throttled(f"Azure gives out one kubeconfig a second: the turn of this one is in {wait:.0f} s", wait)
        self._next = max(self._next, now) + self._interval
        if wait > 0:
            await asyncio.sleep(wait)

    def shut(self, seconds: float) -> None:
        """Let nobody through for a while, as Azure asked, and then one by one: its own bucket is empty."""
        self._shut_until = max(self._shut_until, time.monotonic() + seconds)
        self._next = max(self._next, self._shut_until + self._slack)


class AksKubeconfigs:
    """A fetcher for AksMembers over the official SDK, with one pace per subscription."""

    def __init__(self, arm: Arm) -> None:
        """The door to Azure stays its owner's to close."""
        self._arm = arm
        self._paces: dict[str, Pace] = {}

    async def __call__(self, member: Member) -> str:
        """The user kubeconfig of a member as YAML.

        Raises:
            BadAnswer: the member is no AKS cluster, or Azure's answer holds no kubeconfig.
            Throttled: Azure asked for patience, or too many are waiting already.
            CouldNotLook: as Azure answered.
        """
        found = _CLUSTER_ID.fullmatch(member.cluster_resource_id)
        if found is None:
            raise BadAnswer(f"{member.name} is not an AKS cluster: {clean(member.cluster_resource_id)}")
        subscription, group, name = found["subscription"], found["group"], found["name"]
        pace = self._paces.setdefault(subscription.lower(), Pace())
        await pace.turn()
        try:
            async with self._arm.translate(_OPERATION):
                clusters = self._arm.clusters(subscription).managed_clusters
                result = await clusters.list_cluster_user_credentials(group, name, format="exec")
                values = [each.value for each in result.kubeconfigs or ()]
                if not values or not values[0] or not isinstance(values[0], bytes | bytearray):
                    raise BadAnswer(f"the answer for {member.name} holds no kubeconfig")
                return bytes(values[0]).decode("utf-8", "replace")
        except Throttled as error:
            pace.shut(_AGAIN if error.retry_after is None else error.retry_after)
            raise
