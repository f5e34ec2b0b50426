"""The metrics of many API servers, read by two checks for before an update: memory must not grow with their size."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.idle import settings
from benchmarks.measure import COMMAND_LINE, MB, Way, alternate, server, span
from benchmarks.report import Section

_MEMBERS = 20
_ABOUT = (
    f"`gatekeeper sweep --dry-run` over one pending gate with {_MEMBERS} members, all asked at once, with"
    " admission-webhooks and deprecated-apis, which share one reading of `/metrics`. A busy API server shows 10 to 30"
    " MB there. All API servers are one emulator process on the same machine, so the wall time is its time too."
)
_POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: ready}
match: {displayName: "ready?"}
mode: dryRun
checks:
  - {check: deprecated-apis, timeout: 5m}
  - {check: admission-webhooks, timeout: 5m}
"""


def measure(quick: bool) -> Section:
    """Measure, and tell."""
    sizes = (0, 4) if quick else (0, 10, 30)
    rounds = 1 if quick else 3
    section = Section("The metrics of many API servers")
    section.say(_ABOUT)
    rows, peaks = list[list[str]](), [0.0]
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, server("fleets", "1", str(_MEMBERS), "1", str(size)) as world:
            config = settings(Path(folder), world.said, 1, access="kubeconfig", policy=_POLICY)
            way = Way("sweep", COMMAND_LINE, ["cli", "sweep", "-c", str(config), "--dry-run"])
            found = alternate([way], rounds)[way.name]
        cpu, walls, peaks = [[getattr(cost, key) for cost in found] for key in ("cpu", "wall", "peak")]
        peaks = [peak / MB for peak in peaks]
        each = f"{1000 * min(cpu) / _MEMBERS:.0f}"
        rows.append([f"{size} MB" if size else "as small as can be", span(walls, 1), span(cpu), each, span(peaks, 0)])
    section.table(["/metrics of each", "wall s", "CPU s beyond start-up", "CPU ms a member", "peak MB"], rows)
    section.require("memory with the largest of them, all in all", max(peaks), 200, "MB")
    return section
