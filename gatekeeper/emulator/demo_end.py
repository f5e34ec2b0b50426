"""What the demo says when it is over."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from shutil import which

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper.emulator.demo_story import GateStory, Story
from gatekeeper.emulator.scenario import Sickness

_NEXT = {
    "README.md": "how to write a policy, and how to point the daemon at a real fleet",
    "config/": "settings and policies to start from",
    "{me} checks": "what can be asked of a cluster",
    "{me} demo --keep": "this again, with its settings and policies left for you to read",
}


def closing(console: Console, story: Story, sick: Sequence[Sickness], approvals: int) -> None:
    """Tell what happened, and where to go next."""
    gates = list(story.gates.values())
    console.print()
    console.print(f"The update run is Completed after {story.now:.0f} s.", style="bold green")
    console.print(f"Gatekeeper opened {len(gates)} gates with {approvals} approvals, each after its own checks.")
    for gate in gates:
        if gate.held:
            console.print(_tale(gate, gates, sick))
    console.print()
    console.print("Where to go next:")
    table = Table.grid(padding=(0, 2))
    for place, what in _NEXT.items():
        table.add_row(Text(f"  {place.format(me=_me())}", no_wrap=True), Text(what))
    console.print(table)


def _me() -> str:
    """How the reader can call this program: by its name, or by the path that he is using."""
    return "gatekeeper" if which("gatekeeper") else os.path.relpath(Path(sys.executable).parent / "gatekeeper")


def _tale(gate: GateStory, gates: Sequence[GateStory], sick: Sequence[Sickness]) -> Text:
    words = f"It held {gate.title} for {gate.held_for:.0f} s"
    blamed = {result.get("member") for held in gate.held for result in held["evidence"]}
    culprits = [each for each in sick if each.member in blamed]
    words += f", because {culprits[0].what}." if culprits else f": {gate.held[0]['message']}."
    beside = [
        other.group
        for other in gates
        if other.group and other.group != gate.group and (other.stage, other.timing) == (gate.stage, gate.timing)
    ]
    if gate.group and beside:
        words += f" The gate of group {', '.join(beside)} beside it did not have to wait."
    return Text(words + " Once the cluster was well, the gate opened by itself.")


def failure(console: Console, why: str, exit_code: int, last_lines: Iterable[str]) -> None:
    """Tell why the demo failed, with the daemon's last words."""
    console.print(Text(f"The demo failed: {why}.", "bold red"))
    console.print(f"The daemon ended with exit code {exit_code}. The last lines of its log:", style="red")
    for each in last_lines:
        console.print(Text(f"  {each[:300]}", "dim"))
