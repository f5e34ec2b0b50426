"""The idle daemon with ten fleets: memory, and the share of a core that it takes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import MB, ROOT, environment, proc_cpu, proc_memory, server
from benchmarks.report import Section

_FLEETS = 10


@dataclass(frozen=True, slots=True)
class _Kind:
    interval: str
    access: str
    busy: bool = False


_KINDS = (_Kind("30s", "aks"), _Kind("5s", "aks"), _Kind("30s", "kubeconfig"), _Kind("30s", "aks", busy=True))
_IDLE = 3
POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: ready}
match: {displayName: "ready?"}
mode: dryRun
checks:
  - {check: nodes-ready, timeout: 5m}
  - {check: workloads-rolled-out, timeout: 5m}
  - {check: pods-healthy, timeout: 5m}
  - {check: api-server-ready, timeout: 5m}
  - {check: disruption-budgets, timeout: 5m}
"""


def settings(
    folder: Path,
    said: Mapping[str, Any],
    fleets: int,
    *,
    interval: str = "30s",
    access: str = "aks",
    policy: str = POLICY,
) -> Path:
    """Write settings, a policy (of five checks), a token and a kubeconfig into a folder; return the settings file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(policy, "utf-8")
    (folder / "token").write_text("benchmark", "utf-8")
    (folder / "kubeconfig").write_text(said["kubeconfig"], "utf-8")
    subscription = "00000000-0000-0000-0000-000000000000"
    members = {"access": access} | ({"kubeconfig": str(folder / "kubeconfig")} if access == "kubeconfig" else {})
    document = {
        "apiVersion": "gatekeeper/v1",
        "kind": "Settings",
        "fleets": [
            {"subscriptionId": subscription, "resourceGroup": "rg", "name": f"fleet-{n}"} for n in range(fleets)
        ],
        "azure": {"endpoint": said["arm"], "credential": "token-file", "tokenFile": str(folder / "token")},
        "members": members | {"deadline": "5m"},
        "poll": {"interval": interval},
        "policies": [str(folder / "policy.yaml")],
        "store": {"path": str(folder / "gatekeeper.db")},
        "web": {"listen": "127.0.0.1:0"},
    }
    path = folder / "gatekeeper.yaml"
    path.write_text(json.dumps(document), "utf-8")  # JSON is YAML
    return path


def measure(quick: bool) -> Section:
    """Measure, and tell."""
    warm, seconds = (8, 10) if quick else (25, 90)
    section = Section("The idle daemon")
    section.say(
        f"`gatekeeper run` with {_FLEETS} fleets of three members, measured from the process table over {seconds} s"
        f" after {warm} s of warming up; all ran at the same time. Idle ones see no pending gate. The busy one sees one"
        " in each fleet, and asks five checks of three clusters for each, in every sweep."
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        worlds = [stack.enter_context(server("fleets", str(_FLEETS), "3", pending)) for pending in "01"]
        daemons = []
        for number, kind in enumerate(_KINDS):
            place, said = Path(folder) / str(number), worlds[kind.busy].said
            file = settings(place, said, _FLEETS, interval=kind.interval, access=kind.access)
            daemons.append(stack.enter_context(_daemon(file)))
        time.sleep(warm)
        before = [proc_cpu(pid) for pid in daemons]
        time.sleep(seconds)
        shares = [100 * (proc_cpu(pid) - cpu) / seconds for pid, cpu in zip(daemons, before, strict=True)]
        memory = [(proc_memory(pid, "VmRSS") / MB, proc_memory(pid, "VmHWM") / MB) for pid in daemons]
    rows = [
        ["busy" if kind.busy else "idle", kind.interval, kind.access, f"{share:.2f}", f"{now:.0f}", f"{peak:.0f}"]
        for kind, share, (now, peak) in zip(_KINDS, shares, memory, strict=True)
    ]
    section.table(["daemon", "poll", "members.access", "% of a core", "resident MB", "peak MB"], rows)
    section.require("CPU when idle, at the usual poll of 30s", shares[0], 1, "% of a core")
    section.require("memory when idle, at its peak", max(peak for _, peak in memory[:_IDLE]), 130, "MB")
    return section


@contextmanager
def _daemon(config: Path) -> Iterator[int]:
    """Run the daemon until the block ends; yields its process id.

    Raises:
        RuntimeError: it ended by itself, or logged an error: what it costs then says nothing.
    """
    log = config.with_suffix(".log")
    with log.open("wb") as sink:
        command = [sys.executable, "-m", "gatekeeper", "run", "-c", str(config)]
        with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=sink, stderr=sink) as process:
            try:
                yield process.pid
                said = log.read_text("utf-8")
                if process.poll() is not None or '"level":"error"' in said.replace(" ", ""):
                    raise RuntimeError(f"the daemon is not well: {said[-2000:]}")
            finally:
                process.terminate()
