"""What is remembered of gates between sweeps and restarts: first sight, and every approval with its evidence.

It refuses to forget an approval: an intent is written before the request is sent, and settled once, never rewritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.decision import Decision


@dataclass(frozen=True, slots=True)
class Intent:
    """An approval as it was written down before it was sent, and what became of it."""

    id: int
    decision: Decision
    """The decision to approve, with its policy and all evidence."""
    taken: bool | None = None
    """Whether the gate was found Completed afterwards; None while nobody has found out."""
    answer: str | None = None
    settled_at: datetime | None = None

    @property
    def fleet_id(self) -> str:
        """The ARM id of the gate's fleet, in lower case."""
        return self.decision.gate.fleet.id

    @property
    def gate_name(self) -> str:
        """The name of the gate: a GUID."""
        return self.decision.gate.name


class Store(Protocol):
    """The memory of gates and approvals. Every method raises a StoreError when it cannot be written or read."""

    async def first_seen(self, gate_id: str, now: datetime) -> datetime:
        """When the gate was first seen Pending: `now`, if it never was. Ids are compared without regard to case."""
        ...

    async def remember(self, decision: Decision) -> None:
        """Keep the last decision on a gate, for people to look at."""
        ...

    async def last_decision(self, gate_id: str) -> Decision | None:
        """The last decision that was remembered of a gate, or None."""
        ...

    async def forget(self, fleet_id: str, still_pending: AbstractSet[str]) -> None:
        """Forget the gates of a fleet that are not Pending any more. Approvals stay."""
        ...

    async def intend(self, decision: Decision) -> int:
        """Write down durably that this approval is about to be sent; returns the id to settle it with."""
        ...

    async def settle(self, intent_id: int, *, taken: bool, answer: str, at: datetime) -> None:
        """Write down what became of an intent. An unknown or a settled intent is a StoreError."""
        ...

    async def open_intents(self) -> Sequence[Intent]:
        """The intents of which nobody knows what became, oldest first: Gatekeeper stopped in between."""
        ...

    async def approvals(self, limit: int = 100) -> Sequence[Intent]:
        """The latest approvals, settled or not, newest first."""
        ...

    async def close(self) -> None:
        """Finish what is being written and let go."""
        ...
