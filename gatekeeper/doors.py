"""The two doors as the core sees them; ``gatekeeper/adapters`` implements them, tests may too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.cluster import Cluster
from gatekeeper.model import FleetRef, Gate, Member, UpdateRun


@dataclass(frozen=True, slots=True)
class PendingGates:
    """What a fleet listed as Pending.

    ``unreadable`` has one line for each listed entry that could not be understood: such a gate is never approved, and
    never silently dropped.
    """

    gates: tuple[Gate, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What Azure answered to an approval: the HTTP status, and the gate if the answer held one."""

    status: int
    gate: Gate | None = None


class Fleet(Protocol):
    """One fleet in Azure Resource Manager. Every method raises a CouldNotLook when it could not be asked."""

    @property
    def ref(self) -> FleetRef:
        """Which fleet it is."""

    async def pending_gates(self) -> PendingGates:
        """The gates whose state is Pending, of any type, in one list call."""

    async def gate(self, name: str) -> Gate:
        """One gate, read anew."""

    async def update_run(self, name: str) -> UpdateRun:
        """One run with its status, read anew."""

    async def members(self) -> Sequence[Member]:
        """All members of the fleet, with their labels."""

    async def complete_gate(self, gate: Gate) -> Answer:
        """Approve: exactly one PATCH, with If-Match of the gate's etag, never repeated."""


class Members(Protocol):
    """The member clusters."""

    async def connect(self, member: Member) -> Cluster:
        """A view of one member, kept between sweeps. Raises a CouldNotLook when there is no way in."""

    async def close(self) -> None:
        """Close every connection."""
