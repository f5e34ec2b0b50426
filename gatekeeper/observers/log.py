"""The observer that writes log lines: constant event names, one line per gate and decision.

A line that would say the same as the last one about the same thing is written at debug, and again at its own level
every ten minutes, so that a gate that is held over night is a page to read and not a book.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from gatekeeper.decision import Approval, Decision, SweepReport, Verdict
from gatekeeper.observers.lines import gate_fields, what_holds, whole_evidence
from gatekeeper.observers.logsetup import LogFormat, configure_logging
from gatekeeper.observers.text import bounded

__all__ = ["REPEAT_AFTER", "LogFormat", "LogObserver", "configure_logging"]

REPEAT_AFTER = timedelta(minutes=10)
"""How long the same news stays at debug."""


class LogObserver:
    """Writes what a sweep finds: ``gate.held``, ``gate.approved``, ``gate.would_approve``, ``gate.approval_failed``,
    ``fleet.unreadable``, ``sweep.started`` and ``sweep.finished``.
    """

    def __init__(self) -> None:
        self._log = structlog.get_logger("gatekeeper.gates")
        self._said: dict[str, _Said] = {}

    def sweep_started(self, sweep_id: str) -> None:
        """Log at debug: an idle fleet is no news."""
        self._log.debug("sweep.started", sweep=sweep_id)

    def gate_decided(self, sweep_id: str, decision: Decision) -> None:
        """Log why a gate is held, or that a dry run would approve it. An approval that was sent speaks for itself."""
        if decision.verdict is Verdict.HOLD:
            level = self._gate_level(decision, (decision.reason, decision.message))
            self._log.log(level, "gate.held", **gate_fields(sweep_id, decision), **what_holds(decision.results))
        elif decision.dry_run:
            level = self._gate_level(decision, decision.verdict)
            evidence = whole_evidence(decision.results)
            self._log.log(level, "gate.would_approve", **gate_fields(sweep_id, decision), evidence=evidence)

    def gate_approved(self, sweep_id: str, approval: Approval) -> None:
        """Log an approval with its whole evidence, or what Azure answered instead of taking it."""
        fields: dict[str, Any] = gate_fields(sweep_id, approval.decision) | {
            "attempted_at": approval.attempted_at,
            "answer": bounded(approval.answer),
            "evidence": whole_evidence(approval.decision.results),
        }
        if approval.taken:
            self._log.info("gate.approved", **fields)
        else:
            self._log.warning("gate.approval_failed", **fields)

    def sweep_finished(self, report: SweepReport) -> None:
        """Log the fleets that could not be read, and the sweep in numbers."""
        at = report.started_at + timedelta(seconds=report.took)
        for fleet, problem in report.unreadable:
            said = _Said(problem, at)
            level = self._level(f"fleet {fleet} {problem}", said, logging.WARNING)
            shown = {"fleet": bounded(fleet), "message": bounded(problem)}
            self._log.log(level, "fleet.unreadable", sweep=report.sweep_id, **shown)
        counts = _counts(report)
        level = self._level("sweep", _Said(counts, at))
        self._log.log(level, "sweep.finished", sweep=report.sweep_id, **counts, took=round(report.took, 3))
        self._forget(report)

    def _gate_level(self, decision: Decision, news: object) -> int:
        return self._level(decision.gate.id, _Said(news, decision.decided_at, str(decision.gate.fleet)))

    def _level(self, about: str, said: _Said, level: int = logging.INFO) -> int:
        """The level for news about something: `level` if they are new, or old enough to be repeated."""
        last = self._said.get(about)
        if last is not None and last.news == said.news and said.at - last.at < REPEAT_AFTER:
            return logging.DEBUG
        self._said[about] = said
        return level

    def _forget(self, report: SweepReport) -> None:
        """Forget what is gone: if it comes back, it is news again. The gates of an unreadable fleet are not gone."""
        unreadable = {fleet for fleet, _ in report.unreadable}
        here = {"sweep"} | {f"fleet {fleet} {problem}" for fleet, problem in report.unreadable}
        here |= {decision.gate.id for decision in report.decisions}
        self._said = {about: said for about, said in self._said.items() if about in here or said.fleet in unreadable}


@dataclass(frozen=True, slots=True)
class _Said:
    """What was last said about something at its own level, and when."""

    news: object
    at: datetime
    fleet: str | None = None
    """The fleet, if it is about a gate."""


def _counts(report: SweepReport) -> dict[str, int]:
    approved = sum(approval.taken for approval in report.approvals)
    return {
        "fleets": report.fleets,
        "unreadable": len({fleet for fleet, _ in report.unreadable}),
        "gates": len(report.decisions),
        "approved": approved,
        "held": sum(decision.verdict is Verdict.HOLD for decision in report.decisions),
        "would_approve": sum(decision.verdict is Verdict.APPROVE and decision.dry_run for decision in report.decisions),
    }
