"""The demo on a terminal: stages, groups, clusters and gates as they are now, what is held and why, what came last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gatekeeper.emulator.demo_story import Body, GateStory, Story

_NOTES = 3
"""So many of the latest notes are shown: with them all of it stands on 24 lines of 80 letters."""
_RESULTS = 2
"""So many results that hold a gate are shown, and the rest counted; more scroll off a small terminal."""
_MEMBERS: Mapping[str, tuple[str, str]] = {
    "NotStarted": ("○", "dim"),
    "Running": ("◐", "cyan"),
    "Completed": ("●", "green"),
    "Failed": ("✗", "bold red"),
    "Skipped": ("–", "yellow"),
}
_STATES = {"Running": "cyan", "Pending": "yellow", "Completed": "green", "Failed": "red", "NotStarted": "dim"}


def view(story: Story, sick: Mapping[str, Any]) -> RenderableType:
    """Everything, as it is now.

    Args:
        story: what happened so far.
        sick: the members that are sick right now.
    """
    return Group(
        _headline(story),
        _fleet(story, sick),
        *(_why(gate) for gate in story.holding),
        _latest(story),
    )


def _headline(story: Story) -> RenderableType:
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column()
    line.add_column(justify="right")
    upgrade = story.run["properties"]["managedClusterUpdate"]["upgrade"] if story.run else {}
    state = Text.assemble(
        ("Gatekeeper demo  ", "bold"),
        (f"{story.run.get('name', '')} to {upgrade.get('kubernetesVersion', '')}  "),
        (story.run_state, f"bold {_STATES.get(story.run_state, '')}"),
    )
    line.add_row(state, Text(f"{story.now:.0f} s", "bold"))
    return line


def _fleet(story: Story, sick: Mapping[str, Any]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False, padding=(0, 1))
    table.add_column("stage, group", no_wrap=True)
    table.add_column("clusters", ratio=1)
    table.add_column("gate before", no_wrap=True, min_width=14)
    table.add_column("gate after", no_wrap=True, min_width=14)
    stages = story.run["properties"]["status"]["stages"] if story.run else ()
    for stage in stages:
        name = Text(stage["name"], f"bold {_STATES.get(stage['status']['state'], '')}")
        table.add_row(name, "", *_gate_cells(stage, stage["name"], None, story))
        for group in stage["groups"]:
            clusters = _clusters(group.get("members", ()), sick)
            table.add_row(f"  {group['name']}", clusters, *_gate_cells(group, stage["name"], group["name"], story))
    return table


def _clusters(members: Sequence[Body], sick: Mapping[str, Any]) -> Text:
    line = Text()
    for member in members:
        glyph, style = _MEMBERS.get(member["status"]["state"], ("?", "magenta"))
        if member["name"] in sick:
            glyph, style = "✗", "bold red"
        line.append(f"{glyph} {member['name']}  ", style)
    return line


def _gate_cells(part: Body, stage: str, group: str | None, story: Story) -> Iterator[Text]:
    for timing in ("Before", "After"):
        if not part.get(f"{timing.lower()}Gates"):
            yield Text("")
            continue
        found = next(
            (gate for gate in story.gates.values() if (gate.stage, gate.group, gate.timing) == (stage, group, timing)),
            None,
        )
        yield _gate_cell(found, story.now)


def _gate_cell(gate: GateStory | None, now: float) -> Text:
    if gate is None:
        return Text("◇ not yet", "dim")
    if gate.approved:
        return Text(f"◆ opened ({gate.held_for:.0f} s)" if gate.held else "◆ opened", "green")
    if gate.verdict == "hold":
        return Text(f"■ HELD {now - gate.appeared:.0f} s", "bold yellow")
    return Text("◈ pending", "cyan")


def _why(gate: GateStory) -> RenderableType:
    """Why a gate is held: what each check found, and where a person would look."""
    results = gate.held[-1]["evidence"]
    text = Text(overflow="fold")
    for result in results[:_RESULTS]:
        text.append(f"{result.get('check')} on {result.get('member')}: ", "bold")
        text.append(f"{result.get('message')}\n")
        hint = next((fact["hint"] for fact in result.get("facts", ()) if fact.get("hint")), None)
        text.append(f"  {hint}\n" if hint else "", "dim italic")
    if len(results) > _RESULTS:
        text.append(f"and {len(results) - _RESULTS} more checks", "dim")
    if not results:
        text.append(f"{gate.reason}: {gate.message}")
    text.rstrip()
    title = Text(f"{gate.title} is held", "bold yellow")
    return Panel(text, title=title, title_align="left", border_style="yellow", box=box.ROUNDED)


def _latest(story: Story) -> RenderableType:
    lines = Table.grid(expand=True, padding=(0, 1))
    lines.add_column(justify="right", no_wrap=True, style="dim", width=6)
    lines.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for note in story.notes[-_NOTES:]:
        lines.add_row(f"{note.at:.0f} s", Text(note.text, note.style))
    return lines
