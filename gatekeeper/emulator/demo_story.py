"""What happened in the demo: put together from the fleet as Azure shows it and from what the daemon's log says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened, ``at`` so many seconds after the begin; ``style`` is a colour for terminals."""

    at: float
    text: str
    style: str = ""


@dataclass(slots=True)
class GateStory:
    """One gate from its appearance to its approval."""

    display_name: str
    stage: str
    group: str | None
    timing: str
    appeared: float
    policy: str | None = None
    verdict: str | None = None
    """approve or hold, as the daemon said last; None as long as it has said nothing."""
    reason: str | None = None
    message: str | None = None
    first_seen: datetime | None = None
    held_for: float = 0.0
    """Seconds from when the daemon first saw it to its approval, or to what was said last."""
    held: list[dict[str, Any]] = field(default_factory=list)
    """Why it was held, each reason once, the first of them first."""

    @property
    def approved(self) -> bool:
        """Whether the daemon has opened it."""
        return self.verdict == "approve"

    @property
    def where(self) -> str:
        """Such as ``after group prod-eu``."""
        kind, name = ("group", self.group) if self.group else ("stage", self.stage)
        return f"{self.timing.lower()} {kind} {name}"

    @property
    def title(self) -> str:
        """Such as ``'Run health checks' after group prod-eu``."""
        return f"'{self.display_name}' {self.where}"


class Story:
    """Collects; ``look`` and ``hear`` add to ``notes``, in plain words."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.gates: dict[str, GateStory] = {}
        """All gates that have appeared, by their GUIDs, in the order of appearance."""
        self.run: Body = {}
        """The update run as Azure shows it."""
        self.now = 0.0
        """Seconds since the begin."""
        self.blamed: dict[str, float] = {}
        """The members for which a gate was held, and since when."""
        self.web: str | None = None
        """Where the daemon serves its metrics."""
        self.told: set[str] = set()
        """What has been told once."""
        self._members: dict[str, str] = {}

    @property
    def run_state(self) -> str:
        """The state of the run."""
        return str(self.run["properties"]["status"]["status"]["state"]) if self.run else "NotStarted"

    @property
    def holding(self) -> list[GateStory]:
        """The gates that are held now."""
        return [gate for gate in self.gates.values() if gate.verdict == "hold"]

    def note(self, text: str, style: str = "") -> None:
        """Note something that happened just now."""
        self.notes.append(Note(self.now, text, style))

    def look(self, now: float, run: Body, gates: Sequence[Body]) -> None:
        """Take in what Azure shows."""
        before, self.now, self.run = self.run_state, now, run
        for member in _members(run):
            self._note_member(member["name"], member["status"]["state"])
        for gate in gates:
            if gate["name"] not in self.gates:
                self._add(gate)
        if self.run_state == "Completed" != before:
            self.note("the update run is Completed", "bold green")

    def hear(self, event: Event) -> None:
        """Take in a line of the daemon's log."""
        name = event.get("event")
        gate = self.gates.get(str(event.get("gate")))
        if name in ("gate.held", "gate.approval_failed") and gate is not None:
            self._held(gate, event)
        elif name == "gate.approved" and gate is not None:
            self._approved(gate, event)
        elif name == "daemon.started":
            self.note("the daemon runs, the same as `gatekeeper run`")
        elif name == "web.listening":
            self.web = f"http://{event.get('host')}:{event.get('port')}"
        elif event.get("level") in ("warning", "error", "critical"):
            said = event.get("message") or event.get("cause") or event.get("warning") or event.get("exception") or ""
            self.note(f"the daemon says: {name} {said}", "red")

    def _add(self, gate: Body) -> None:
        properties = gate["properties"]
        where = properties["target"]["updateRunProperties"]
        found = GateStory(
            properties.get("displayName", ""), where["stage"], where.get("group"), where["timing"], self.now
        )
        self.gates[gate["name"]] = found
        self.note(f"gate {found.title} is pending", "cyan")

    def _note_member(self, name: str, state: str) -> None:
        if state != self._members.get(name, "NotStarted"):
            said = {"Running": "is being updated", "Completed": "is updated"}.get(state, f"is {state}")
            self.note(f"{name} {said}")
        self._members[name] = state

    def _held(self, gate: GateStory, event: Event) -> None:
        _take(gate, event)
        reason = {"reason": gate.reason, "message": gate.message}
        if all({"reason": each["reason"], "message": each["message"]} != reason for each in gate.held):
            gate.held.append({**reason, "at": round(self.now, 1), "evidence": event.get("evidence", [])})
        for result in event.get("evidence", []):
            self.blamed.setdefault(str(result.get("member")), self.now)
        self.note(f"gate {gate.title} is HELD, {gate.reason}: {gate.message}", "bold yellow")

    def _approved(self, gate: GateStory, event: Event) -> None:
        _take(gate, event)
        after = f" after {gate.held_for:.1f} s" if gate.held else ""
        self.note(f"gate {gate.title} is APPROVED{after}: {gate.message}", "bold green")


def _take(gate: GateStory, event: Event) -> None:
    gate.policy, gate.verdict = event.get("policy"), event.get("verdict")
    gate.reason, gate.message = event.get("reason"), event.get("message")
    gate.first_seen = gate.first_seen or datetime.fromisoformat(event["first_seen"])
    gate.held_for = max((datetime.fromisoformat(event["timestamp"]) - gate.first_seen).total_seconds(), 0.0)


def _members(run: Body) -> Iterator[Body]:
    for stage in run["properties"]["status"]["stages"]:
        for group in stage["groups"]:
            yield from group.get("members", ())


def document(story: Story, daemon_exit_code: int) -> dict[str, Any]:
    """The demo as one JSON document."""
    upgrade = story.run["properties"]["managedClusterUpdate"]["upgrade"]
    return {
        "run": {
            "name": story.run["name"],
            "state": story.run_state,
            "kubernetesVersion": upgrade.get("kubernetesVersion"),
            "took": round(story.now, 1),
        },
        "gates": [_gate(gate) for gate in story.gates.values()],
        "daemon": {"exitCode": daemon_exit_code},
    }


def _gate(gate: GateStory) -> dict[str, Any]:
    return {
        "displayName": gate.display_name,
        "stage": gate.stage,
        "group": gate.group,
        "timing": gate.timing,
        "policy": gate.policy,
        "verdict": gate.verdict,
        "reason": gate.reason,
        "message": gate.message,
        "heldFor": round(gate.held_for, 1),
        "heldReasons": gate.held,
    }
