"""The nouns of the house: frozen, free of any client library, in the words of Azure and Kubernetes.

States, types and timings stay plain strings just as they came over the wire: the service's enumerations are
extensible, and a word that is not known here must survive unchanged so that it can be held, and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

APPROVAL = "Approval"
PENDING = "Pending"
COMPLETED = "Completed"
SKIPPED = "Skipped"
FAILED = "Failed"
NOT_STARTED = "NotStarted"
RUNNING = "Running"
BEFORE = "Before"
AFTER = "After"


@dataclass(frozen=True, slots=True, order=True)
class FleetRef:
    """One fleet of one subscription; compared without regard to case, as ARM does."""

    subscription_id: str
    resource_group: str
    name: str

    @property
    def id(self) -> str:
        """The ARM id of the fleet, in lower case."""
        return (
            f"/subscriptions/{self.subscription_id}/resourcegroups/{self.resource_group}"
            f"/providers/microsoft.containerservice/fleets/{self.name}"
        ).lower()

    def __str__(self) -> str:
        return f"{self.resource_group}/{self.name}"


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate resource as the service listed it. Its identity is ``fleet`` and ``name``, never the display name."""

    fleet: FleetRef
    name: str
    display_name: str | None
    gate_type: str
    state: str
    update_run: str
    stage: str | None
    group: str | None
    timing: str
    etag: str | None

    @property
    def id(self) -> str:
        """The ARM id of the gate, in lower case."""
        return f"{self.fleet.id}/gates/{self.name}".lower()

    @property
    def where(self) -> str:
        """Where the gate stands, for people: ``after group prod-eu of stage prod in run r1``."""
        place = f"stage {self.stage}" if self.group is None else f"group {self.group} of stage {self.stage}"
        return f"{self.timing.lower()} {place} in run {self.update_run}"


@dataclass(frozen=True, slots=True)
class GateStatus:
    """What a run says about one of its gates."""

    display_name: str | None
    gate_id: str | None
    """The ARM id in lower case, or None while the run has not reached the gate."""
    state: str
    started_at: datetime | None = None
    timing: str = ""
    """``Before`` or ``After``: the list of the run's status in which it stands."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member cluster, and what the update run says about it."""

    name: str
    cluster_resource_id: str
    """The ARM id of the managed cluster, as the service wrote it; compare it in lower case."""
    stage: str | None = None
    group: str | None = None
    state: str = NOT_STARTED
    message: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """The identity of the cluster: its ARM id in lower case."""
        return self.cluster_resource_id.lower()


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a stage: its members are updated one after another, or several at once."""

    name: str
    state: str
    members: tuple[Member, ...] = ()
    gates: tuple[GateStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a run: its groups are updated in parallel."""

    name: str
    state: str
    groups: tuple[Group, ...] = ()
    gates: tuple[GateStatus, ...] = ()

    @property
    def members(self) -> tuple[Member, ...]:
        """The members of all groups, in the run's order."""
        return tuple(member for group in self.groups for member in group.members)


@dataclass(frozen=True, slots=True)
class Target:
    """What the run updates to."""

    upgrade_type: str | None = None
    """``Full``, ``ControlPlaneOnly`` or ``NodeImageOnly``; None when the run does not say."""
    kubernetes_version: str | None = None
    """``1.33`` or ``1.33.2``; None for NodeImageOnly."""
    node_image_selection: str | None = None
    """``Latest``, ``Consistent`` or ``Custom``."""
    node_images: tuple[str, ...] = ()
    """The selected image versions; empty for Latest."""


@dataclass(frozen=True, slots=True)
class UpdateRun:
    """One update run and all that its status tells."""

    fleet: FleetRef
    name: str
    state: str
    target: Target
    stages: tuple[Stage, ...]
    auto_upgrade_profile: str | None = None

    @property
    def members(self) -> tuple[Member, ...]:
        """All members of all stages, in the run's order."""
        return tuple(member for stage in self.stages for member in stage.members)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one decision is about: the gate, its run, and the members whose health is asked."""

    gate: Gate
    target: Target
    members: tuple[Member, ...]
    """The members on which the checks run."""
    gated: tuple[Member, ...]
    """The members that the gate itself stands before or after: its group's, or its stage's."""
    run: UpdateRun | None = None
    """The run as it was read; None where a check is run by hand on one cluster."""
    opened_at: datetime | None = None
    """When the gate became Pending: the run's word, else when Gatekeeper saw it first."""
