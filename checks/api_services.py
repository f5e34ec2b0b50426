"""The parts of the Kubernetes API that other servers answer for are there."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    NODES,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    NotFound,
    Resource,
    at,
    bounded,
    cells,
    condition,
    dns_name,
    has_nodes,
    numbered,
    say,
    some,
)

API_SERVICES: Final = Resource("apiregistration.k8s.io", "v1", "apiservices")
_READ_WHOLE: Final = 20  # suspects; the others are known by their rows
_LOCAL: Final = "Local"  # the printer's word for an API that kube-apiserver serves itself


class ApiServices(ClusterCheck):
    """Every APIService is Available: each part of the API answers, metrics-server's among them.

    Failed is one whose condition ``Available`` is False. One that is Unknown, or says nothing, is inconclusive: nobody
    has looked yet. While one is not available, autoscalers see no metrics, ``kubectl`` is slow, and no namespace can be
    deleted (discovery fails). All are screened as rows (column ``Available``); those that are not True are read whole
    for the reason. Where there is no node either, nothing is proven. Source of the reasons: k8s.io/kube-aggregator,
    pkg/controllers/status.

    Example:
        - check: api-services
          ignore: ["*.external.metrics.k8s.io"]
    """

    name: ClassVar[str] = "api-services"
    claim: ClassVar[str] = "every part of the Kubernetes API is available"
    area: ClassVar[str] = "Before an update"
    reads: ClassVar[tuple[Resource, ...]] = (API_SERVICES, NODES)

    ignore: tuple[str, ...] = Field(default=(), min_length=1)
    """APIServices that do not count, such as ``v1beta1.metrics.k8s.io``; may hold ``*``."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Screen the rows, then read the suspects."""
        table = await ctx.cluster.table(API_SERVICES)
        rows = list(cells(table, "Name", "Service", "Available"))
        looked = [row for row in rows if not any(fnmatchcase(str(row[0]), pattern) for pattern in self.ignore)]
        if not looked:
            return Finding.inconclusive("there is no APIService to look at, and an API server always has its own")
        suspects = [row for row in looked if row[2] != "True"]
        facts = [await _explain(ctx.cluster, row) for row in suspects[:_READ_WHOLE]]
        facts += [_evidence(row, say(row[2])) for row in suspects[_READ_WHOLE:]]
        bad = [row for row in suspects if str(row[2]).partition(" ")[0] == "False"]
        if suspects:
            names = some([f"{say(row[0], 80)} {say(row[2], 60)}" for row in (bad or suspects)])
            judge = Finding.failed if bad else Finding.inconclusive
            word = "not available" if bad else "not known to be available"
            what = f"{len(bad or suspects)} of {numbered(len(looked), 'APIService')} are {word}: {names}"
            return judge(what, bounded(facts))
        if not await has_nodes(ctx.cluster):
            return Finding.inconclusive(f"all {len(looked)} APIServices are available, but the cluster has no nodes")
        extension = sum(row[1] != _LOCAL for row in looked)
        return Finding.passed(f"all {len(looked)} APIServices are available, {extension} of them by other servers")


async def _explain(cluster: Cluster, row: Sequence[Any]) -> Evidence:
    name = _name(row[0])
    try:
        whole = await cluster.object(API_SERVICES, name)
    except NotFound:
        return _evidence(row, f"{say(row[2])}; it has gone meanwhile")
    found = condition(whole, "Available")
    words = f"Available is {say(at(found, 'status'), 20) or 'not said'}"
    return _evidence(row, f"{words}: {say(at(found, 'reason'), 60)} {say(at(found, 'message'))}".strip(" :"))


def _evidence(row: Sequence[Any], observed: str) -> Evidence:
    name = _name(row[0])
    namespace, _, service = str(row[1]).partition("/")
    hint = f"kubectl describe apiservice {name}"
    if service:
        dns_name(namespace, "a namespace")
        label = f"kubernetes.io/service-name={dns_name(service, 'a Service')}"
        hint = f"kubectl -n {namespace} get endpointslices -l {label}; unused? kubectl delete apiservice {name}"
    return Evidence("ApiServiceUnavailable", f"APIService {name}", observed, "Available is True", hint)


def _name(value: object) -> str:
    """``v1.apps``; that of the core group is ``v1.``, with a dot at its end."""
    dns_name(value.removesuffix(".") if isinstance(value, str) else value, "an APIService")
    return str(value)
