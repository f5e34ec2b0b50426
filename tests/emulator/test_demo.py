"""How the demo's story is put together and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.demo_end import closing
from gatekeeper.emulator.demo_files import SCENARIO
from gatekeeper.emulator.demo_log import Lines, Nothing, open_screen
from gatekeeper.emulator.demo_story import Story, document
from gatekeeper.emulator.demo_view import view
from gatekeeper.emulator.scenario import load_scenario
from gatekeeper.emulator.scene import Scene

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
RUN = "upgrade-to-1-34"
RESULT = {
    "check": "workloads-rolled-out",
    "member": "prod-us-2",
    "message": "1 of 17 workloads is not well: Deployment payments/api is below its minimum availability, 1 of 3 ready",
    "facts": [{"subject": "Deployment payments/api", "hint": "kubectl -n payments describe deployment api"}],
}


class Told:
    """A story that is told by hand."""

    def __init__(self) -> None:
        self.clock = DrivenClock(START)
        self.scene = Scene(load_scenario(SCENARIO), clock=self.clock)
        self.fleet = self.scene.fleets["demo"]
        self.scene.start()
        self.story = Story()
        self.look()

    def look(self) -> None:
        self.scene.emulator.tick()
        now = (self.clock.now() - START).total_seconds()
        self.story.look(now, self.fleet.run(RUN), self.fleet.gates())

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.look()

    def pending(self) -> list[str]:
        return [gate["name"] for gate in self.fleet.gates() if gate["properties"]["state"] == "Pending"]

    def event(self, name: str, gate: str, **fields: Any) -> None:
        now = self.clock.now()
        about = {"first_seen": now.isoformat(), "timestamp": (now + timedelta(seconds=1)).isoformat()}
        self.story.hear({"event": name, "gate": gate, "policy": "p", **about, **fields})

    def approve_all(self) -> None:
        for gate in self.pending():
            self.event("gate.approved", gate, verdict="approve", reason="Healthy", message="all is well")
            self.fleet.approve(gate)
        self.look()

    def until_sick(self) -> str:
        """Go on until the sick cluster's gate is pending; return it."""
        while not self.scene.sick:
            self.approve_all()
            self.advance(2)
        return next(gate for gate in self.pending() if self.story.gates[gate].group == "prod-us")

    def hold(self, gate: str, message: str = "1 of 10 required checks failed") -> None:
        self.event("gate.held", gate, verdict="hold", reason="CheckFailed", message=message, evidence=[RESULT])


@pytest.fixture
def told() -> Told:
    return Told()


def rendered(story: Story, sick: dict[str, Any], width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(view(story, sick))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_gates_are_listed_once_in_the_order_of_their_appearance(told: Told) -> None:
    while told.story.run_state != "Completed":
        told.approve_all()
        told.advance(2)
    shown = document(told.story, 0)

    assert shown["run"] == {"name": RUN, "state": "Completed", "kubernetesVersion": "1.34.2", "took": told.story.now}
    assert [(gate["timing"], gate["group"] or gate["stage"]) for gate in shown["gates"]] == [
        ("Before", "canary"),
        ("After", "canary"),
        ("Before", "early-eu"),
        ("Before", "early-us"),
        ("After", "early"),
        ("Before", "production"),
        ("After", "prod-eu"),
        ("After", "prod-us"),
        ("After", "production"),
    ]


def test_a_held_gate_keeps_its_reasons_after_it_was_opened(told: Told) -> None:
    gate = told.until_sick()
    told.hold(gate)
    told.hold(gate)
    told.hold(gate, "another reason")
    told.approve_all()
    shown = next(each for each in document(told.story, 0)["gates"] if each["group"] == "prod-us")

    assert (shown["verdict"], shown["reason"], shown["heldFor"]) == ("approve", "Healthy", 1.0)
    assert [each["message"] for each in shown["heldReasons"]] == ["1 of 10 required checks failed", "another reason"]
    assert list(told.story.blamed) == ["prod-us-2"]


def test_the_view_of_a_held_gate_fits_on_24_lines_of_80_letters(told: Told) -> None:
    told.hold(told.until_sick())
    lines = rendered(told.story, told.scene.sick)

    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert any("✗ prod-us-2" in line and "■ HELD" in line for line in lines)
    assert any("'Run health checks' after group prod-us is held" in line for line in lines)
    assert any("kubectl -n payments describe deployment api" in line for line in lines)


def test_the_view_begins_before_anything_is_known() -> None:
    assert "NotStarted" in rendered(Story(), {})[0]


def test_what_the_daemon_warns_of_is_told(told: Told) -> None:
    told.story.hear({"event": "member.warning", "level": "warning", "warning": "it is [red]admin[/]"})
    told.story.hear({"event": "sweep.finished", "level": "info"})

    assert told.story.notes[-1].text == "the daemon says: member.warning it is [red]admin[/]"
    assert "[red]admin[/]" in "\n".join(rendered(told.story, {}, width=100))


def test_lines_are_written_once_each_and_not_cut(told: Told) -> None:
    console = Console(file=StringIO(), width=20, soft_wrap=True)
    lines = Lines(console)
    lines.show(told.story, {})
    told.story.note("x" * 200)
    lines.show(told.story, {})
    assert isinstance(console.file, StringIO)

    assert len(console.file.getvalue().splitlines()) == len(told.story.notes)


def test_the_screen_is_live_on_a_terminal_and_silent_for_a_document(told: Told) -> None:
    console = Console(file=StringIO(), width=80, height=24, force_terminal=True)
    with open_screen(console, silent=False) as screen:
        screen.show(told.story, {})
    with open_screen(console, silent=True) as nothing:
        nothing.show(told.story, {})
    assert isinstance(console.file, StringIO)

    assert "prod-eu-1" in console.file.getvalue()
    assert isinstance(nothing, Nothing)


def test_the_closing_tells_of_the_gate_that_was_held_and_of_the_one_beside_it(told: Told) -> None:
    told.hold(told.until_sick())
    told.approve_all()
    console = Console(file=StringIO(), width=1000)
    closing(console, told.story, told.scene.scenario.sick, approvals=8)
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue()

    assert "It held 'Run health checks' after group prod-us for 1 s, because the new nodes of prod-us-2" in shown
    assert "The gate of group prod-eu beside it did not have to wait." in shown
