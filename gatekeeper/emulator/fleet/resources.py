"""What a fleet holds beside its runs, and the nouns that are handed to the emulator's callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gatekeeper.emulator.fleet.states import Run


@dataclass(frozen=True, slots=True)
class MemberRef:
    """A member, as the callbacks get it: `name` is unique in its fleet only."""

    fleet_id: str
    name: str
    cluster_resource_id: str


@dataclass(frozen=True, slots=True)
class Target:
    """What a run updates its members to."""

    run: str
    upgrade_type: str
    kubernetes_version: str | None
    node_image: str | None
    """The image that the nodes have afterwards; None if the run leaves them alone."""


@dataclass(slots=True)
class Member:
    """A fleet member, and how its next update is to go."""

    ref: MemberRef
    group: str | None
    labels: dict[str, str]
    created: datetime
    modified: datetime
    operation: str
    provisioning_state: str = "Succeeded"
    seconds: float | None = None
    failures: list[tuple[str, bool]] = field(default_factory=list)
    """Failures to come, one per update: the message, and whether the group tolerates it."""


@dataclass(slots=True)
class Strategy:
    """An update strategy; `body` is its `{"stages": [...]}`."""

    name: str
    body: dict[str, Any]
    created: datetime
    modified: datetime


@dataclass(slots=True)
class RunRecord:
    """A run, and the words it was created with."""

    run: Run
    properties: Mapping[str, Any]
    strategy: dict[str, Any] | None
    """The strategy as it was when the run was created; None for a run that updates one by one."""
    node_images: tuple[str, ...]
    """The images that the run's status names; only a Consistent selection has any."""
    latest: str
    """The latest node image when the run was created."""
    created: datetime
    modified: datetime

    @property
    def target(self) -> Target:
        """What the run updates its members to."""
        update = self.properties["managedClusterUpdate"]
        upgrade = update["upgrade"]
        custom = (update.get("nodeImageSelection") or {}).get("customNodeImageVersions") or []
        images = [*(each["version"] for each in custom), *self.node_images, self.latest]
        return Target(
            run=self.run.name,
            upgrade_type=upgrade["type"],
            kubernetes_version=upgrade.get("kubernetesVersion"),
            node_image=None if upgrade["type"] == "ControlPlaneOnly" else images[0],
        )


@dataclass(slots=True)
class Cluster:
    """A managed cluster as Azure sees it."""

    resource_id: str
    location: str
    kubernetes_version: str = "1.32.5"
    node_image: str = "AKSUbuntu-2204gen2containerd-202507.15.0"
    provisioning_state: str = "Succeeded"
    power_state: str = "Running"
    pools: tuple[str, ...] = ("nodepool1",)
    nodes: dict[str, int] = field(default_factory=dict)
    """How many nodes each pool has; 3 unless it is here."""
