"""The server's side, in a process of its own: ``python -m benchmarks.serve pods|fleets ARGUMENT...``.

It says one JSON line when it listens, does what it is told on standard input, and ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from benchmarks.worlds import fleets, large_cluster, sicken
from gatekeeper.emulator.kube import KubeServer


def _say(**said: Any) -> None:  # noqa: ANN401 - JSON
    print(json.dumps(said), flush=True)


async def _pods(nodes: int, pods: int) -> None:
    cluster = large_cluster("large", nodes, pods)
    async with KubeServer([cluster]) as server:
        _say(kubeconfig=server.kubeconfig(), pods=len(cluster.all_of("Pod")), version=cluster.version)
        while await asyncio.to_thread(sys.stdin.readline):
            sicken(cluster, 1)
            _say()


async def _fleets(count: int, members: int, pending: bool, metrics: int) -> None:
    async with fleets(count, members, pending=pending, metrics=metrics) as emulator:
        _say(arm=emulator.arm_url, kubeconfig=emulator.kubeconfig_text() if members else "")
        await asyncio.Event().wait()


def main(kind: str, *arguments: str) -> None:
    """Serve until the process is ended."""
    numbers = [int(each) for each in arguments]
    if kind == "pods":
        asyncio.run(_pods(*numbers))
    else:
        count, members, pending, metrics = (*numbers, 0)[:4]
        asyncio.run(_fleets(count, members, bool(pending), metrics))


if __name__ == "__main__":
    main(*sys.argv[1:])
