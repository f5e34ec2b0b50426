"""One sweep over a gate with many members and a policy of five checks."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.idle import settings
from benchmarks.measure import COMMAND_LINE, MB, Way, alternate, server, span
from benchmarks.report import Section

_ABOUT = (
    "`gatekeeper sweep --dry-run` over one pending gate whose scope has so many members of 5 nodes and some 60 pods"
    " each, with five checks (nodes-ready, workloads-rolled-out, pods-healthy, api-server-ready, disruption-budgets)"
    " and 20 clusters at once. All API servers are one emulator process on the same machine, so the wall time is its"
    " time too."
)


def measure(quick: bool) -> Section:
    """Measure, and tell."""
    sizes = (10, 40) if quick else (10, 50, 200)
    rounds = 1 if quick else 3
    section = Section("One sweep over many members")
    section.say(_ABOUT)
    rows = []
    for members in sizes:
        with tempfile.TemporaryDirectory() as folder, server("fleets", "1", str(members), "1") as world:
            config = settings(Path(folder), world.said, 1, access="kubeconfig")
            way = Way("sweep", COMMAND_LINE, ["cli", "sweep", "-c", str(config), "--dry-run"])
            found = alternate([way], rounds)[way.name]
        cpu, walls = [cost.cpu for cost in found], [cost.wall for cost in found]
        each = f"{1000 * min(cpu) / members:.0f}"
        peaks = [cost.peak / MB for cost in found]
        rows.append([str(members), span(walls, 1), span(cpu), each, span(peaks, 0)])
    head = ["members", "wall s", "CPU s beyond start-up", "CPU ms a member", "peak MB"]
    section.table(head, rows)
    return section
