"""How long the command line takes to say hello."""

from __future__ import annotations

from statistics import median

from benchmarks.measure import COMMAND_LINE, MB, Cost, Way, alternate, span
from benchmarks.report import Section

_HELP = "gatekeeper --help"


def measure(quick: bool) -> Section:
    """Measure, and tell."""
    ways = [
        Way("python alone (with this probe)", "", ["nothing"]),
        Way(_HELP, "", ["cli", "--help"]),
        Way("gatekeeper checks", "", ["cli", "checks"]),
        Way("all that a check by hand imports", COMMAND_LINE, ["nothing"]),
        Way("all that the daemon imports", "gatekeeper.app,gatekeeper.adapters.members_aks", ["nothing"]),
    ]
    costs = alternate(ways, 3 if quick else 10)
    rows = [
        [
            way.name,
            span([_whole(cost) for cost in costs[way.name]]),
            span([cost.peak / MB for cost in costs[way.name]], 0),
        ]
        for way in ways
    ]
    section = Section("Start-up")
    section.say("CPU time of the whole process: on a quiet machine it is what one waits.")
    section.table(["command", "CPU s, min / median", "peak MB, min / median"], rows)
    section.require("`gatekeeper --help`", median(map(_whole, costs[_HELP])), 0.5, "s")
    return section


def _whole(cost: Cost) -> float:
    return cost.start + cost.cpu
