"""The whole emulated world on loopback: Azure Resource Manager on one port, all Kubernetes APIs on another."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import Self

from aiohttp import web

from gatekeeper.emulator.clock import Clock, ScaledClock
from gatekeeper.emulator.fleet import Behaviour, Fleet, FleetEmulator, Hooks, MemberRef, Target
from gatekeeper.emulator.kube import KubeCluster, KubeServer
from gatekeeper.emulator.kube.kubeconfig import Auth

_PATIENCE = 0.2
"""Seconds that requests under way get when the emulator stops."""


class Emulator:
    """Fleets and their members' clusters; use it as an async context manager.

    A member that the fleet's run completes is upgraded in its Kubernetes API too. Nothing happens by itself: what is
    due happens with the next request, or with ``tick``. The default clock is the wall's: a daemon that compares the
    time of an update with its own would distrust any other.

    Args:
        clock: the time of fleets and clusters.
        behaviour: the switches of the emulated Azure.
        token: the one bearer token that both APIs let in; any is, if None.
    """

    def __init__(
        self, clock: Clock | None = None, *, behaviour: Behaviour | None = None, token: str | None = None
    ) -> None:
        self.clock = clock or ScaledClock()
        self.token = token
        self.kube = KubeServer()
        hooks = Hooks(self._on_started, self._on_completed)
        self.arm = FleetEmulator(self.clock, self._kubeconfig_of, behaviour=behaviour, hooks=hooks)
        if token is not None:
            self.arm.behaviour.accepted_tokens = frozenset({token})
        self.hooks = Hooks()
        """Called after the emulator has done its own part."""
        self._clusters: dict[str, KubeCluster] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def arm_url(self) -> str:
        """``http://127.0.0.1:<port>``: what stands in ``azure.endpoint``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def ca_pem(self) -> bytes:
        """The CA certificate of all members' API servers."""
        return self.kube.ca_pem or b""

    def kubeconfig_text(self, auth: Auth = "token") -> str:
        """Return a kubeconfig with a context for every member, named like it."""
        return self.kube.kubeconfig(auth=auth, token=self.token or "emulator")

    def add_member(
        self,
        fleet: Fleet,
        cluster: KubeCluster,
        *,
        group: str | None = None,
        labels: dict[str, str] | None = None,
        seconds: float | None = None,
    ) -> KubeCluster:
        """Let a cluster join a fleet, as the member of its name; names are unique in all fleets.

        Args:
            fleet: as ``arm.put_fleet`` returned it.
            cluster: what the member's Kubernetes API shows.
            group: the update group.
            labels: the member's labels in the fleet.
            seconds: how long its updates take.

        Raises:
            ValueError: there is a member of this name already.
        """
        self.kube.add(cluster)
        if self.token is not None:
            cluster.access.tokens = {self.token}
        member = fleet.put_member(cluster.name, group=group, labels=labels, seconds=seconds)
        resource_id = member.ref.cluster_resource_id
        known = self.arm.clusters.find(resource_id)
        known.kubernetes_version = cluster.version.removeprefix("v")
        nodes = [node["metadata"]["labels"] for node in cluster.all_of("Node")]
        known.nodes = dict(Counter(labels["kubernetes.azure.com/agentpool"] for labels in nodes))
        known.pools = tuple(known.nodes) or known.pools
        known.node_image = nodes[0]["kubernetes.azure.com/node-image-version"] if nodes else known.node_image
        self._clusters[resource_id.lower()] = cluster
        return cluster

    def cluster(self, member: str) -> KubeCluster:
        """Return a member's cluster; raises KeyError for an unknown name."""
        return self.kube.clusters[member]

    def tick(self) -> None:
        """Let everything happen that is due by the clock."""
        self.arm.tick()

    async def __aenter__(self) -> Self:
        await self.kube.start()
        self._runner = web.AppRunner(
            self.arm.app(), access_log=None, handler_cancellation=True, shutdown_timeout=_PATIENCE
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self.kube.stop()

    def _kubeconfig_of(self, member: MemberRef) -> str:
        """What AKS hands out: no token in it, but the command that would fetch one."""
        return self.kube.kubeconfig(self._clusters[member.cluster_resource_id.lower()].name, auth="exec")

    def _on_started(self, member: MemberRef, target: Target) -> None:
        self.hooks.on_member_started(member, target)

    def _on_completed(self, member: MemberRef, target: Target) -> None:
        azure = self.arm.clusters.find(member.cluster_resource_id)
        version = azure.kubernetes_version if target.kubernetes_version else None
        nodes = target.upgrade_type != "ControlPlaneOnly"
        self._clusters[member.cluster_resource_id.lower()].upgrade(version, target.node_image, nodes=nodes)
        self.hooks.on_member_completed(member, target)
