"""How Jobs that are created over HTTP go on: by rule, or by the Job's own annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, TypeAlias, get_args

Outcome: TypeAlias = Literal["complete", "fail", "hang", "stuck", "unscheduled"]
_OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

OUTCOME: Final = "emulator/outcome"
"""Annotation of a Job: ``complete``, ``fail``, ``hang`` (its pod runs on), ``stuck`` (its image cannot be pulled) or
``unscheduled`` (no node takes its pod)."""
AFTER: Final = "emulator/after"
"""Annotation of a Job: so many seconds after its creation, by the cluster's clock."""
LOG: Final = "emulator/log"
"""Annotation of a Job: what its pod writes."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a Job goes on, and when; one that neither completes nor fails goes on until it is deleted or too late."""

    outcome: Outcome = "complete"
    after: timedelta = timedelta()
    log: str = ""


@dataclass(slots=True)
class Run:
    """A Job on its course."""

    course: Course
    started: datetime
    pod: str
    ended: datetime | None = None


@dataclass(slots=True)
class Jobs:
    """The rules for Jobs to come, those that run, and what pods have written.

    A rule holds for the Jobs whose name matches its pattern; the last rule that does counts, annotations before it.
    Without either, a Job is complete at once and its log is empty.
    """

    rules: list[tuple[str, Course]] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    """By ``namespace/name``."""
    logs: dict[str, str] = field(default_factory=dict)
    """By ``namespace/name`` of the pod."""
    created: list[Mapping[str, Any]] = field(default_factory=list)
    """Every Job that was created, as it arrived."""
    evicted: list[str] = field(default_factory=list)
    """Every pod that was really evicted, without dry run, as ``namespace/name``."""

    def expect(self, outcome: Outcome, pattern: str = "*", *, after: float = 0.0, log: str = "") -> None:
        """Add a rule; ``after`` is in seconds."""
        self.rules.append((pattern, Course(outcome, timedelta(seconds=after), log)))

    def course_of(self, name: str, annotations: Mapping[str, str]) -> Course:
        """How a new Job is going to go on. Raises ValueError for annotations that mean nothing."""
        by_rule = next((course for pattern, course in reversed(self.rules) if fnmatchcase(name, pattern)), Course())
        asked = annotations.get(OUTCOME, by_rule.outcome)
        outcome = next((each for each in _OUTCOMES if each == asked), None)
        if outcome is None:
            raise ValueError(f"{OUTCOME}: {asked} is none of {', '.join(_OUTCOMES)}")
        after = timedelta(seconds=float(annotations[AFTER])) if AFTER in annotations else by_rule.after
        return Course(outcome, after, annotations.get(LOG, by_rule.log))
