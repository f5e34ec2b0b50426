"""All pods of a large cluster, seen in every way there is: CPU, memory and bytes of one client."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from benchmarks.measure import COMMAND_LINE, MB, Cost, Way, alternate, run, server, span
from benchmarks.report import Section
from benchmarks.wire import Meter, port_of, through

CHECK = "gatekeeper check pods-healthy"
_SICK = f"{CHECK}, 1% crashing"


class _World(Protocol):
    @property
    def said(self) -> dict[str, Any]:
        """What the server said when it listened: ``kubeconfig`` and ``pods``."""

    def tell(self, word: str) -> None:
        """``sick``: let one pod of a hundred crash."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A cluster that is served, and a kubeconfig of it on disk."""

    world: _World
    folder: Path

    @property
    def config(self) -> Path:
        """The kubeconfig."""
        return self.folder / "config"

    def bytes_of(self, way: Way) -> int:
        """The bytes that a way receives, on the wire."""
        text = self.world.said["kubeconfig"]
        with Meter(port_of(text)) as meter:
            metered = self.folder / "metered"
            metered.write_text(through(text, meter), "utf-8")
            probe = [str(metered) if each == str(self.config) else each for each in way.probe]
            run(replace(way, probe=probe))
            return meter.received


def measure(quick: bool) -> Section:
    """Measure, and tell."""
    nodes, pods, rounds = (50, 2_000, 1) if quick else (250, 10_000, 3)
    with tempfile.TemporaryDirectory() as folder, served(nodes, pods) as world:
        bench = Bench(world, Path(folder))
        bench.config.write_text(world.said["kubeconfig"], "utf-8")
        ways = list(_ways(str(bench.config), world.said["pods"]))
        costs = alternate(ways, rounds)
        sizes = {way.name: bench.bytes_of(way) for way in ways}
        world.tell("sick")
        sick = replace(ways[0], name=_SICK, answer=1)
        costs |= alternate([sick], rounds)
        sizes[_SICK] = bench.bytes_of(sick)
    section = Section("All pods of a large cluster")
    section.say(f"{nodes} nodes and {world.said['pods']:,} pods of two containers and about 10 kB, served by {by()}.")
    _tell(section, costs, sizes)
    return section


def _ways(config: str, pods: int) -> Iterator[Way]:
    ours, official = "gatekeeper.adapters.members", "kubernetes.aio.client,kubernetes.aio.config"
    place = [config, context()]
    yield Way(CHECK, COMMAND_LINE, ["cli", "check", "pods-healthy", "--kubeconfig", config, "--context", context()])
    yield Way("our KubeCluster.table", ours, ["table", *place], pods)
    yield Way("our KubeCluster.objects", ours, ["objects", *place], pods)
    yield Way("official client, typed, 500 a page", official, ["typed_paged", *place], pods)
    yield Way("official client, typed list", official, ["typed", *place], pods)
    if kubectl := shutil.which("kubectl"):
        command = [kubectl, "--kubeconfig", config, "--context", context(), "get", "pods", "-A"]
        yield Way("kubectl get pods -A", "", ["program", *command])


def context() -> str:
    """The context of the cluster that is served."""
    return "c1" if _is_real() else "large"


def _is_real() -> bool:
    return bool(os.environ.get("KUBEBUILDER_ASSETS"))


@contextmanager
def served(nodes: int, pods: int) -> Iterator[_World]:
    """A real kube-apiserver where KUBEBUILDER_ASSETS names one, or else the emulator."""
    if _is_real():
        from benchmarks.real import real_cluster

        with real_cluster(nodes, pods) as real:
            yield real
    else:
        with server("pods", str(nodes), str(pods)) as emulated:
            yield emulated


def by() -> str:
    """Who serves it."""
    return "a real kube-apiserver" if _is_real() else "the emulator, over TLS"


def _tell(section: Section, costs: Mapping[str, Sequence[Cost]], sizes: Mapping[str, int]) -> None:
    base = min(cost.cpu for cost in costs[CHECK])
    rows = []
    for name, found in costs.items():
        cpu = [cost.cpu for cost in found]
        ratio = f"{min(cpu) / base:,.1f}" if base else ""
        start, peak = min(cost.start for cost in found), span([cost.peak / MB for cost in found], 0)
        rows.append([name, f"{start:.2f}", span(cpu), ratio, peak, f"{sizes[name] / MB:,.1f}"])
    head = ["way", "start-up CPU s", "CPU s beyond it, min / median", "× check", "peak MB, min / median", "MB received"]
    section.table(head, rows)
    section.say("Start-up is the import of all modules; a program that is not Python counts whole.")
    for name in (CHECK, _SICK):
        section.require(f"CPU of `{name}` beyond start-up", median(cost.cpu for cost in costs[name]), 1, "s")
        section.require(f"memory of `{name}`, all in all", max(cost.peak for cost in costs[name]) / MB, 150, "MB")
