"""The nouns of an update run: run, stage, group, member, wait and gate, each with the status that Azure shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """`UpdateState` of the service; a gate resource only ever is Pending, Completed or Skipped."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SKIPPED = "Skipped"
    FAILED = "Failed"
    PENDING = "Pending"
    COMPLETED = "Completed"


_ENDED = frozenset({State.COMPLETED, State.SKIPPED, State.FAILED})


@dataclass(slots=True)
class Status:
    """`UpdateStatus`: a state and when it began and ended; `error` is the reason of a failure."""

    state: State = State.NOT_STARTED
    started: datetime | None = None
    completed: datetime | None = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in _ENDED

    def begin(self, at: datetime) -> None:
        """Be Running; the first time that this happens is the start."""
        self.state, self.started, self.completed, self.error = State.RUNNING, self.started or at, None, None

    def end(self, state: State, at: datetime) -> None:
        """Be Completed, Skipped or Failed."""
        self.state, self.completed = state, at


@dataclass(slots=True)
class Gate:
    """A gate's place in a run; it is a resource only once it has a `name`, that is when the run has reached it."""

    display_name: str | None
    gate_type: str
    timing: str
    stage: str
    group: str | None = None
    completes_after: float | None = None
    """Seconds after which a scheduled gate completes itself; None for one that waits for somebody."""
    status: Status = field(default_factory=Status)
    name: str | None = None
    due: datetime | None = None
    created: datetime | None = None
    approved: datetime | None = None


@dataclass(slots=True)
class MemberUpdate:
    """One member's update within a run."""

    name: str
    cluster_resource_id: str
    status: Status = field(default_factory=Status)
    message: str | None = None
    operation: str | None = None
    due: datetime | None = None
    failure: str | None = None
    """How the update that is running now will fail; None if it will complete."""
    tolerated: bool = False
    """Whether the group goes on, and can be Completed, although this member Failed."""

    @property
    def broken(self) -> bool:
        """Whether this member brings the run to a halt."""
        return self.status.state is State.FAILED and not self.tolerated


@dataclass(slots=True)
class Group:
    """Members updated one after another, or `limit` at a time."""

    name: str
    before: list[Gate]
    after: list[Gate]
    members: list[MemberUpdate]
    limit: int
    status: Status = field(default_factory=Status)


@dataclass(slots=True)
class Stage:
    """Groups updated in parallel, with at most `limit` members at a time in all of them."""

    name: str
    before: list[Gate]
    after: list[Gate]
    groups: list[Group]
    limit: int
    wait_seconds: int | None = None
    wait: Status = field(default_factory=Status)
    wait_due: datetime | None = None
    status: Status = field(default_factory=Status)

    def members(self) -> Iterator[MemberUpdate]:
        """Go through the members of all groups."""
        for group in self.groups:
            yield from group.members


@dataclass(slots=True)
class Run:
    """An update run: stages one after another."""

    name: str
    stages: list[Stage]
    status: Status = field(default_factory=Status)

    @property
    def active(self) -> bool:
        """Whether the run is under way: started, and neither at rest nor ended."""
        return self.status.state in (State.RUNNING, State.PENDING, State.STOPPING)

    @property
    def updating(self) -> bool:
        """Whether a member is being updated right now."""
        return any(member.status.state is State.RUNNING for member in self.members())

    def members(self) -> Iterator[MemberUpdate]:
        """Go through the members of all stages."""
        for stage in self.stages:
            yield from stage.members()

    def gates(self) -> Iterator[Gate]:
        """Go through all gates, those that are no resources yet included."""
        for stage in self.stages:
            yield from stage.before
            for group in stage.groups:
                yield from group.before
                yield from group.after
            yield from stage.after
