"""No namespace hangs in its deletion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    NODES,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Resource,
    at,
    bounded,
    cells,
    dicts,
    format_duration,
    has_nodes,
    name_of,
    numbered,
    say,
    some,
    time_of,
)

NAMESPACES: Final = Resource("", "v1", "namespaces")


class NamespacesTerminating(ClusterCheck):
    """No namespace has been Terminating for longer than ``gracePeriod``.

    A namespace that hangs holds objects that nobody can delete or make anew; the cause is a finalizer whose controller
    is gone, or a part of the API that does not answer. The evidence names the finalizers and the namespace controller's
    conditions that are True (``NamespaceContentRemaining``, ``NamespaceFinalizersRemaining``, ...; Kubernetes,
    pkg/controller/namespace/deletion). One that is being deleted in time does no harm and is reported. A namespace of
    an unknown phase is inconclusive, and so is a cluster without namespaces, or without nodes.

    Example:
        - check: namespaces-terminating
          gracePeriod: 30m
          ignore: [preview-*]
    """

    name: ClassVar[str] = "namespaces-terminating"
    claim: ClassVar[str] = "no namespace hangs in its deletion"
    area: ClassVar[str] = "Before an update"
    reads: ClassVar[tuple[Resource, ...]] = (NAMESPACES, NODES)

    grace_period: Duration = timedelta(minutes=10)
    """A deletion may take so long."""
    ignore: tuple[str, ...] = Field(default=(), min_length=1)
    """Namespaces that do not count; may hold ``*``."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Screen the rows, then read those that are not Active."""
        rows = list(cells(await ctx.cluster.table(NAMESPACES), "Name", "Status"))
        counted = [(name, status) for name, status in rows if not self._ignores(str(name))]
        if not counted:
            return Finding.inconclusive("there is no namespace to look at, and every cluster has kube-system")
        odd = {str(name) for name, status in counted if status != "Active"}
        found = await ctx.cluster.objects(NAMESPACES, field_selector="status.phase!=Active") if odd else ()
        whole = {name_of(each, "a namespace"): each for each in found}
        now = await ctx.cluster.now()
        stuck: list[Evidence] = []
        unclear: list[Evidence] = []
        leaving: list[Evidence] = []
        for name in sorted(odd & whole.keys()):  # one that is not among them any more has gone meanwhile
            since = time_of(at(whole[name], "metadata", "deletionTimestamp"))
            if at(whole[name], "status", "phase") != "Terminating" or since is None:
                unclear.append(_unclear(name, whole[name]))
            elif now - since > self.grace_period:
                stuck.append(_terminating("NamespaceStuck", name, whole[name], now - since))
            else:
                leaving.append(_terminating("NamespaceTerminating", name, whole[name], now - since))
        if not (stuck or unclear or await has_nodes(ctx.cluster)):
            return Finding.inconclusive("no namespace hangs in its deletion, but the cluster has no nodes")
        return self._answer(len(counted), stuck, unclear, leaving)

    def _ignores(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)

    def _answer(self, total: int, stuck: list[Evidence], unclear: list[Evidence], leaving: list[Evidence]) -> Finding:
        evidence = bounded([*stuck, *unclear, *leaving])
        grace = format_duration(self.grace_period)
        if stuck:
            names = some([each.subject.removeprefix("Namespace ") for each in stuck])
            of = f"{len(stuck)} of {numbered(total, 'namespace')}"
            verb = "has" if len(stuck) == 1 else "have"
            return Finding.failed(f"{of} {verb} been terminating for more than {grace}: {names}", evidence)
        if unclear:
            return Finding.inconclusive(
                f"{len(unclear)} of {numbered(total, 'namespace')} are neither Active nor being deleted", evidence
            )
        more = f"; {len(leaving)} in deletion for less than {grace}" if leaving else ""
        return Finding.passed(f"none of {numbered(total, 'namespace')} hangs in its deletion{more}", evidence)


def _unclear(name: str, namespace: Mapping[str, Any]) -> Evidence:
    observed = f"phase {say(at(namespace, 'status', 'phase'), 40) or 'missing'}"
    return Evidence("NamespaceUnclear", f"Namespace {name}", observed, "Active", f"kubectl describe namespace {name}")


def _terminating(code: str, name: str, namespace: Mapping[str, Any], age: timedelta) -> Evidence:
    why = "; ".join(_reasons(namespace))
    observed = f"terminating for {format_duration(age)}" + (f"; {why}" if why else "")
    hint = f"kubectl describe namespace {name}; start the controller of the finalizer, or mend the API named"
    return Evidence(code, f"Namespace {name}", observed, "gone, or Active", hint)


def _reasons(namespace: Mapping[str, Any]) -> Iterator[str]:
    for each in dicts(at(namespace, "status", "conditions"), "status.conditions"):
        if each.get("status") == "True":
            yield f"{say(each.get('type'), 60)}: {say(each.get('message'))}"
    own = [*_words(at(namespace, "metadata", "finalizers")), *_words(at(namespace, "spec", "finalizers"))]
    if own:
        yield f"finalizers of its own: {some(own)}"


def _words(finalizers: object) -> list[str]:
    return [say(each, 80) for each in finalizers] if isinstance(finalizers, list) else []
