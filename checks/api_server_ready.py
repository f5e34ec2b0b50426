"""The API server says of itself that it is ready and alive."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from gatekeeper.check import (
    NODES,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Resource,
    Text,
    has_nodes,
    numbered,
)

_FAILED: Final = re.compile(r"^\[-\](\S{1,200})", re.MULTILINE)
_PASSED: Final = re.compile(r"^\[\+\]\S", re.MULTILINE)
_MANY: Final = 20


class ApiServerReady(ClusterCheck):
    """The API server passes each of its own health checks: ``/readyz`` and ``/livez``, asked with ``?verbose``.

    Passed are 200 with every line ``[+]...`` and the closing words ``check passed`` (or just ``ok``). A line
    ``[-]name`` names what is not well, and fails. Anything else, such as the page of a proxy in between, says nothing
    about the API server and is inconclusive; so is a well API server without any node: no cluster is at work behind it.
    The format is that of k8s.io/apiserver, pkg/server/healthz.

    Example:
        - check: api-server-ready
    """

    name: ClassVar[str] = "api-server-ready"
    claim: ClassVar[str] = "the API server is ready and alive"
    area: ClassVar[str] = "Control plane and services"
    reads: ClassVar[tuple[Resource, ...]] = (Resource.path("/readyz"), Resource.path("/livez"), NODES)

    async def run(self, ctx: ClusterContext) -> Finding:
        """Ask both; what is known to be bad outweighs what is unclear."""
        evidence: list[Evidence] = []
        unclear: list[Evidence] = []
        for path in ("/readyz", "/livez"):
            answer = await ctx.cluster.text(f"{path}?verbose")
            bad = _FAILED.findall(answer.body)
            evidence += [_not_ok(path, name) for name in bad]
            if not bad and not _is_well(answer, path):
                words = " ".join(answer.body.split())[:100]
                unclear.append(Evidence("HealthUnclear", path, f"{answer.status}: {words!r}", expected="200 and ok"))
        if evidence:
            names = ", ".join(sorted({each.subject for each in evidence})[:_MANY])
            what = numbered(len(evidence), "health check of the API server is", "health checks of the API server are")
            return Finding.failed(f"{what} not ok: {names}", evidence[:_MANY])
        if unclear:
            what = " and ".join(f"{each.subject} answered {each.observed}" for each in unclear)
            return Finding.inconclusive(f"whether the API server is ready cannot be told: {what}", unclear)
        if not await has_nodes(ctx.cluster):
            return Finding.inconclusive("the API server is ready and alive, but the cluster has no nodes")
        return Finding.passed("the API server is ready and alive")


def _not_ok(path: str, name: str) -> Evidence:
    hint = f"kubectl get --raw '{path}/{name}'; on AKS look at Diagnose and solve problems of the cluster"
    return Evidence("HealthCheckFailed", f"{path} {name}", "not ok", expected="ok", hint=hint)


def _is_well(answer: Text, path: str) -> bool:
    if answer.status != 200:
        return False
    lines = answer.body.split("\n")
    body = [line for line in lines if line]
    if body == ["ok"]:
        return True
    closing = f"{path.removeprefix('/')} check passed"
    return len(body) > 1 and body[-1] == closing and all(_PASSED.match(line) for line in body[:-1])
