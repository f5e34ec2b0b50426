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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_PAGE = 500
_HOUR = timedelta(hours=1)


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


def policy(kubeconfig: str, context: str, file: str, version: str) -> int:
    """All checks of a policy on a member whose update was completed an hour ago; how many passed."""
    return asyncio.run(_policy(Path(kubeconfig), context, Path(file), version))


async def _policy(kubeconfig: Path, context: str, file: Path, version: str) -> int:
    from gatekeeper.adapters.members import KubeconfigMembers
    from gatekeeper.by_hand import policy_of_file
    from gatekeeper.model import AFTER, APPROVAL, COMPLETED, PENDING, FleetRef, Gate, Member, Scope, Target
    from gatekeeper.reads import SharedReads
    from gatekeeper.registry import Registry
    from gatekeeper.runner import Limits, Runner

    now = datetime.now(UTC)
    fleet = FleetRef("00000000-0000-0000-0000-000000000000", "rg", "fleet")
    gate = Gate(fleet, "gate", None, APPROVAL, PENDING, "run", None, None, AFTER, None)
    updated = Member(context, context, state=COMPLETED, started_at=now - 2 * _HOUR, completed_at=now - _HOUR)
    members = KubeconfigMembers(kubeconfig)
    reads = SharedReads(members.connect, lambda: datetime.now(UTC))
    try:
        runner = Runner(Limits(), lambda: datetime.now(UTC))
        scope = Scope(gate, Target("Full", version), (updated,), (updated,))
        results = await runner.run(policy_of_file(file, None, Registry.discover()).checks, scope, reads)
    finally:
        await reads.close()
        await members.close()
    for each in results:
        if each.outcome != "passed":
            print(f"{each.check}: {each.finding.message}", file=sys.stderr)
    return sum(each.outcome == "passed" for each in results)


def typed(kubeconfig: str, context: str) -> int:
    """All pods by the official client, in one list of typed objects."""
    return asyncio.run(_typed(kubeconfig, context, None))


def typed_paged(kubeconfig: str, context: str) -> int:
    """All pods by the official client, 500 a page, none kept."""
    return asyncio.run(_typed(kubeconfig, context, _PAGE))


async def _typed(kubeconfig: str, context: str, limit: int | None) -> int:
    from kubernetes.aio import client

    async with await _api(kubeconfig, context) as api:
        return await _listed(client.CoreV1Api(api).list_pod_for_all_namespaces, limit)


def typed_policy(kubeconfig: str, context: str) -> int:
    """All that the ten checks judge, by the official client, 500 a page, none kept; how many kinds."""
    return asyncio.run(_typed_policy(kubeconfig, context))


async def _typed_policy(kubeconfig: str, context: str) -> int:
    from kubernetes.aio import client

    async with await _api(kubeconfig, context) as api:
        core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
        lists = [
            core.list_node,
            client.CoordinationV1Api(api).list_lease_for_all_namespaces,
            core.list_pod_for_all_namespaces,
            apps.list_deployment_for_all_namespaces,
            apps.list_stateful_set_for_all_namespaces,
            apps.list_daemon_set_for_all_namespaces,
            core.list_service_for_all_namespaces,
            client.DiscoveryV1Api(api).list_endpoint_slice_for_all_namespaces,
            client.PolicyV1Api(api).list_pod_disruption_budget_for_all_namespaces,
        ]
        for each in lists:
            await _listed(each, _PAGE)
        return len(lists)


async def _api(kubeconfig: str, context: str) -> Any:  # noqa: ANN401 - it has no types
    from kubernetes.aio import client, config

    load: Any = config.load_kube_config
    await load(config_file=kubeconfig, context=context)
    return client.ApiClient()


async def _listed(method: Any, limit: int | None) -> int:  # noqa: ANN401 - it has no types
    count, token = 0, ""
    while True:
        paging: dict[str, Any] = {} if limit is None else {"limit": limit, "_continue": token}
        page: Any = await method(**paging)
        count += len(page.items)
        token = page.metadata._continue
        if not token:
            return count


def program(*command: str) -> int:
    """Another program; its own CPU time and memory are reported."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


KINDS: dict[str, Callable[..., int]] = {
    each.__name__: each for each in (nothing, cli, table, objects, policy, typed, typed_paged, typed_policy, program)
}


def _memory(key: str) -> int:
    """``VmRSS`` or ``VmHWM`` in bytes; unlike ru_maxrss the peak does not start with what the parent had."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise OSError(f"this system does not tell {key}")


def main(modules: str, kind: str, arguments: list[str]) -> None:
    """Start up, do it with standard output shut, and report."""
    report = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for module in filter(None, modules.split(",")):
        importlib.import_module(module)
    who = resource.RUSAGE_CHILDREN if kind == "program" else resource.RUSAGE_SELF
    start, began, before = _cpu(who), time.monotonic(), _memory("VmRSS")
    answer = KINDS[kind](*arguments)
    wall, cpu = time.monotonic() - began, _cpu(who) - start
    is_program = kind == "program"
    peak = resource.getrusage(who).ru_maxrss * 1024 if is_program else _memory("VmHWM")
    cost = {"answer": answer, "wall": wall, "start": start, "cpu": cpu, "peak": peak}
    os.write(report, json.dumps(cost | {"growth": peak if is_program else peak - before}).encode())


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
