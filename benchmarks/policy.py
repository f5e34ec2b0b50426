"""A policy for after an update and one for before it on a large cluster, beside other ways to see what they judge."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import COMMAND_LINE, MB, Cost, Way, alternate, span
from benchmarks.pods import Bench, by, context, served
from benchmarks.report import Section

AFTER = (
    "api-server-ready",
    "nodes-ready",
    "nodes-at-target-version",
    "nodes-schedulable",
    "workloads-rolled-out",
    "pods-healthy",
    "restarts-since-update",
    "system-pods-healthy",
    "services-have-endpoints",
    "disruption-budgets",
)
BEFORE = (
    "api-server-ready",
    "nodes-ready",
    "disruption-budgets",
    "pods-healthy",
    "nodes-schedulable",
    "drainable",
    "capacity-headroom",
    "admission-webhooks",
    "deprecated-apis",
)
_KINDS = "nodes,pods,deployments,statefulsets,daemonsets,services,endpointslices,poddisruptionbudgets"
_HEAD = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: bench}
match: {displayName: Bench}
checks:
"""
_OURS = "Gatekeeper, all of them"
_PAGE = "official client, typed, 500 a page"
_TYPED_KINDS = 9
_ONE = "Gatekeeper, {}"


def after(quick: bool) -> Section:
    """Measure ten checks for after an update, and tell."""
    section = Section("A post-update policy of ten checks")
    ours, received = _measure(section, AFTER, quick)
    section.require("CPU of the ten checks beyond start-up", median(cost.cpu for cost in ours), 2, "s")
    section.require("bytes received by the ten checks", received / MB, 10, "MB")
    section.require("growth of memory by the ten checks", max(cost.growth for cost in ours) / MB, 60, "MB")
    return section


def before(quick: bool) -> Section:
    """Measure nine checks for before an update, two of which read all pods whole, and tell."""
    section = Section("A pre-update policy of nine checks")
    _measure(section, BEFORE, quick)
    return section


def _measure(section: Section, checks: Sequence[str], quick: bool) -> tuple[Sequence[Cost], int]:
    """What all the checks cost together in each round, and the bytes that they received."""
    nodes, pods, rounds = (50, 2_000, 1) if quick else (250, 10_000, 3)
    with tempfile.TemporaryDirectory() as folder, served(nodes, pods) as world:
        bench = Bench(world, Path(folder))
        bench.config.write_text(world.said["kubeconfig"], "utf-8")
        version = str(world.said["version"])
        ours = _way(_OURS, bench, version, checks)
        ways = [ours, *_others(str(bench.config))]
        costs = alternate(ways, rounds)
        sizes = {way.name: bench.bytes_of(way) for way in ways}
        ones = [_way(_ONE.format(name), bench, version, [name]) for name in checks]
        alone = alternate(ones, 1)
        alone_sizes = {way.name: bench.bytes_of(way) for way in ones}
    pods_there = world.said["pods"]
    section.say(
        f"All of {', '.join(checks)} on {nodes} nodes and {pods_there:,} pods, all healthy, served by {by()}. Beside"
        " it, the objects that they judge, as the official client and kubectl list them, without any judgement. Growth"
        " is the peak of memory beyond what the imports took."
    )
    _tell(section, costs, sizes)
    section.say("Each check alone; together they share their reads:")
    rows = [_row(name, alone[_ONE.format(name)][0], alone_sizes[_ONE.format(name)]) for name in checks]
    section.table(["check", "CPU s beyond start-up", "growth MB", "MB received"], rows)
    return costs[_OURS], sizes[_OURS]


def _row(name: str, cost: Cost, size: int) -> list[str]:
    return [name, f"{cost.cpu:.2f}", f"{cost.growth / MB:.0f}", f"{size / MB:.2f}"]


def _way(name: str, bench: Bench, version: str, checks: Sequence[str]) -> Way:
    file = bench.folder / f"{len(checks)}-{checks[0]}.yaml"
    file.write_text(_HEAD + "".join(f"  - {{check: {each}, timeout: 5m}}\n" for each in checks), "utf-8")
    modules = [COMMAND_LINE, "gatekeeper.adapters.members", "gatekeeper.registry", "gatekeeper.runner"]
    modules += [f"checks.{each.replace('-', '_')}" for each in checks]
    return Way(name, ",".join(modules), ["policy", str(bench.config), context(), str(file), version], len(checks))


def _others(config: str) -> Iterator[Way]:
    official = "kubernetes.aio.client,kubernetes.aio.config"
    yield Way(_PAGE, official, ["typed_policy", config, context()], _TYPED_KINDS)
    if kubectl := shutil.which("kubectl"):
        command = [kubectl, "--kubeconfig", config, "--context", context(), "get", _KINDS, "-A"]
        yield Way("kubectl get, the same kinds", "", ["program", *command])


def _tell(section: Section, costs: Mapping[str, Sequence[Cost]], sizes: Mapping[str, int]) -> None:
    base, least = min(cost.cpu for cost in costs[_OURS]), sizes[_OURS]
    rows = []
    for name, found in costs.items():
        cpu, growth = [cost.cpu for cost in found], [cost.growth / MB for cost in found]
        times, more = f"{min(cpu) / base:,.1f}", f"{sizes[name] / least:,.1f}"
        start = f"{min(cost.start for cost in found):.2f}"
        rows.append([name, start, span(cpu), times, span(growth, 0), f"{sizes[name] / MB:,.1f}", more])
    head = [
        "way",
        "start-up CPU s",
        "CPU s beyond it, min / median",
        "× ours",
        "growth MB, min / median",
        "MB received",
        "× ours",
    ]
    section.table(head, rows)
