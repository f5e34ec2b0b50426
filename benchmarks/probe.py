"""One measured client: does one thing in a process of its own, and reports its CPU time and peak memory as JSON.

``python -m benchmarks.probe MODULES KIND ARGUMENT...``: the modules (joined by commas, may be empty) are imported
first, and the CPU time until then is the start-up. The report is the only thing on standard output.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PAGE = 500


def nothing() -> int:
    """Only start up."""
    return 0


def cli(*arguments: str) -> int:
    """The command line in this process; its exit code."""
    from gatekeeper.cli import main

    sys.argv = ["gatekeeper", *arguments]
    try:
        main()
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def table(kubeconfig: str, context: str) -> int:
    """All pods as rows, through our own adapter; how many there are."""
    return asyncio.run(_ours("table", kubeconfig, context))


def objects(kubeconfig: str, context: str) -> int:
    """All pods whole, through our own adapter."""
    return asyncio.run(_ours("objects", kubeconfig, context))


async def _ours(how: str, kubeconfig: str, context: str) -> int:
    from gatekeeper.adapters.members import KubeconfigMembers
    from gatekeeper.cluster import Resource
    from gatekeeper.model import Member

    members = KubeconfigMembers(Path(kubeconfig))
    try:
        cluster = await members.connect(Member(context, context))
        pods = Resource("", "v1", "pods")
        return len((await cluster.table(pods)).rows if how == "table" else await cluster.objects(pods))
    finally:
        await members.close()


def typed(kubeconfig: str, context: str) -> int:
    """All pods by the official client, in one list of typed objects."""
    return asyncio.run(_typed(kubeconfig, context, None))


def typed_paged(kubeconfig: str, context: str) -> int:
    """All pods by the official client, 500 a page, none kept."""
    return asyncio.run(_typed(kubeconfig, context, _PAGE))


async def _typed(kubeconfig: str, context: str, limit: int | None) -> int:
    from kubernetes.aio import client, config

    load: Any = config.load_kube_config  # it has no types
    await load(config_file=kubeconfig, context=context)
    count, token = 0, ""
    async with client.ApiClient() as api:
        while True:
            paging: dict[str, Any] = {} if limit is None else {"limit": limit, "_continue": token}
            page: Any = await client.CoreV1Api(api).list_pod_for_all_namespaces(**paging)
            count += len(page.items)
            token = page.metadata._continue
            if not token:
                return count


def program(*command: str) -> int:
    """Another program; its own CPU time and memory are reported."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


KINDS: dict[str, Callable[..., int]] = {
    each.__name__: each for each in (nothing, cli, table, objects, typed, typed_paged, program)
}


def _peak() -> int:
    """VmHWM in bytes; unlike ru_maxrss it does not start with what the parent had."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise OSError("this system does not tell VmHWM")


def main(modules: str, kind: str, arguments: list[str]) -> None:
    """Start up, do it with standard output shut, and report."""
    report = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for module in filter(None, modules.split(",")):
        importlib.import_module(module)
    who = resource.RUSAGE_CHILDREN if kind == "program" else resource.RUSAGE_SELF
    start, began = _cpu(who), time.monotonic()
    answer = KINDS[kind](*arguments)
    wall, cpu = time.monotonic() - began, _cpu(who) - start
    peak = resource.getrusage(who).ru_maxrss * 1024 if kind == "program" else _peak()
    os.write(report, json.dumps({"answer": answer, "wall": wall, "start": start, "cpu": cpu, "peak": peak}).encode())


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
