"""Runs probes and servers as processes, and keeps what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000
COMMAND_LINE = "gatekeeper.cli,gatekeeper.commands,gatekeeper.show,gatekeeper.documents"
"""All that a command which reaches outside imports."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost: seconds and bytes."""

    answer: int
    """An exit code, or how many pods were seen."""
    wall: float
    """Beyond start-up."""
    start: float
    """CPU until all modules were imported."""
    cpu: float
    """CPU beyond start-up."""
    peak: int
    """Memory, all in all."""
    growth: int
    """Memory beyond start-up, at its peak."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do something."""

    name: str
    imports: str
    """The modules whose import is the start-up, joined by commas."""
    probe: Sequence[str]
    answer: int = 0
    """What it must answer, or what it costs says nothing."""


def run(way: Way) -> Cost:
    """Do it in a fresh process.

    Raises:
        CalledProcessError: it failed.
        RuntimeError: it answered something else than it must.
    """
    command = [sys.executable, "-m", "benchmarks.probe", way.imports, *way.probe]
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=True)
    cost = Cost(**json.loads(done.stdout))
    if cost.answer != way.answer:
        raise RuntimeError(f"{way.name} answered {cost.answer}, not {way.answer}")
    return cost


def environment() -> dict[str, str]:
    """The environment of all children: ours, with this source tree first."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def alternate(ways: Sequence[Way], rounds: int) -> dict[str, list[Cost]]:
    """Run the ways in turn, several times: noise of the machine then meets all of them alike."""
    costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
    for number in range(rounds):
        for way in ways:
            print(f"  {number + 1}/{rounds} {way.name}", file=sys.stderr, flush=True)
            costs[way.name].append(run(way))
    return costs


def span(values: Sequence[float], digits: int = 2) -> str:
    """``min / median``."""
    return f"{min(values):,.{digits}f} / {median(values):,.{digits}f}"


@contextmanager
def server(kind: str, *arguments: str) -> Iterator[Server]:
    """Run ``benchmarks.serve`` in a process of its own until the block ends."""
    command = [sys.executable, "-m", "benchmarks.serve", kind, *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Server(process)
        finally:
            process.terminate()


class Server:
    """A server process: it says one JSON line when it listens, and one for every word it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said: dict[str, Any] = self._listen()

    def tell(self, word: str) -> None:
        """Say a word, and wait until it is done."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
        self._listen()

    def _listen(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"the server ended with {self._process.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said


def proc_cpu(pid: int) -> float:
    """CPU seconds of a running process and all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def proc_memory(pid: int, key: str) -> int:
    """``VmRSS`` or ``VmHWM`` of a running process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {key} of process {pid}")
