"""Who wants to hear of decisions implements this; observers are told, and never asked."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.decision import Approval, Decision, SweepReport


class Observer(Protocol):
    """Told of everything that a sweep finds. A failure of an observer never disturbs a sweep."""

    def sweep_started(self, sweep_id: str, /) -> None:
        """A pass over all fleets begins."""

    def gate_decided(self, sweep_id: str, decision: Decision, /) -> None:
        """A gate was looked at; called once per gate and sweep, also for gates without a policy."""

    def gate_approved(self, sweep_id: str, approval: Approval, /) -> None:
        """An approval was attempted; look at ``taken`` for whether the gate is open."""

    def sweep_finished(self, report: SweepReport, /) -> None:
        """The pass is over."""
