"""Services have someone who answers, and load balancers have an address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Namespaces,
    Resource,
    Tolerance,
    at,
    bounded,
    dicts,
    name_of,
    numbered,
    place_of,
    say,
    some,
)

SERVICES: Final = Resource("", "v1", "services")
SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices")
_SERVICE_NAME: Final = "kubernetes.io/service-name"
_OF_A_SERVICE: Final = ("metadata.deletionTimestamp", "spec.type", "spec.selector", "spec.ports", "status.loadBalancer")
_OF_A_SLICE: Final = (
    "metadata.labels",
    "ports",
    "endpoints[].addresses",
    "endpoints[].conditions",
    "endpoints[].targetRef.name",
)

_Slices = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Fault:
    place: str
    code: str
    words: str
    certain: bool = True
    idle: bool = False
    """It has no endpoint at all, not even one that is not ready."""

    def evidence(self) -> Evidence:
        namespace, _, name = self.place.partition("/")
        hints = {
            "LoadBalancerPending": f"kubectl -n {namespace} describe service {name}",
            "EndpointSliceMissing": "is kube-controller-manager running?",
        }
        look = f"kubectl -n {namespace} get endpointslices -l {_SERVICE_NAME}={name} -o yaml"
        look += f"; scaled to zero on purpose? put {self.place} into allow" if self.idle else ""
        return Evidence(self.code, f"Service {self.place}", self.words, hint=hints.get(self.code, look))


class ServicesHaveEndpoints(ClusterCheck):
    """Every Service that selects pods has a ready endpoint, and every load balancer has an address.

    An endpoint counts when it has an address, its condition ``ready`` is not False (a missing one is to be read as
    ready), ``serving`` is not False and ``terminating`` is not True; so a Service with ``publishNotReadyAddresses``,
    whose endpoints are all called ready, is judged by who really serves. A pod counts once, also where it has addresses
    of two families. An endpoint without a port of a Service that has ports answers nobody. A Service of the type
    LoadBalancer, with a selector or without, needs an ``ingress``. A Service that is being deleted, or for which no
    EndpointSlice exists, is inconclusive. Other Services without a selector (someone else keeps their endpoints) and
    those of the type ExternalName are left out, and counted in the message. Without any Service that selects pods the
    check is inconclusive: every cluster has one for its DNS. Rules: k8s.io/api, discovery/v1/types.go. Reads objects:
    the rows of EndpointSlices do not show who is ready.

    Example:
        - check: services-have-endpoints
          minReady: 2
          allow: [shop/legacy-*]
          namespaces:
            include: [shop]
    """

    name: ClassVar[str] = "services-have-endpoints"
    claim: ClassVar[str] = "all Services have ready endpoints"
    area: ClassVar[str] = "Workloads"
    reads: ClassVar[tuple[Resource, ...]] = (SERVICES, SLICES, Resource("", "v1", "namespaces"))

    namespaces: Namespaces = Namespaces()
    """Whose Services; those of all namespaces unless given."""
    min_ready: int = Field(default=1, ge=1)
    """So many endpoints of each Service must be ready."""
    allow: tuple[str, ...] = ()
    """Services that may be without, since their pods are scaled to zero on purpose, as ``namespace/name``; may hold
    ``*`` and ``?``."""
    max_without: Tolerance = Tolerance(count=0)
    """So many of the Services may be without: a count, or a percentage that is rounded down."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """List both kinds whole and join them by name."""
        services: list[Mapping[str, Any]] = []
        slices: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            services += await ctx.cluster.objects(
                SERVICES, namespace=namespace, field_selector=selector, keep=_OF_A_SERVICE
            )
            found = await ctx.cluster.objects(
                SLICES, namespace=namespace, field_selector=selector, label_selector=_SERVICE_NAME, keep=_OF_A_SLICE
            )
            for each in found:
                place = place_of(each, "an EndpointSlice").rpartition("/")[0]
                slices[f"{place}/{at(each, 'metadata', 'labels', _SERVICE_NAME)}"].append(each)
        mine = {place_of(each, "a Service"): each for each in services if _selects_pods(each) or _balances(each)}
        if not any(map(_selects_pods, services)):
            return Finding.inconclusive(
                f"none of {numbered(len(services), 'Service')} selects pods, so none can be judged"
            )
        faults = [fault for place, each in mine.items() for fault in self._judge(place, each, slices.get(place, ()))]
        allowed = {fault.place for fault in faults if self._allows(fault.place)}
        faults = [fault for fault in faults if fault.place not in allowed]
        notes = f"; {len(services) - len(mine)} without a selector left out" if len(services) > len(mine) else ""
        notes += f"; {len(allowed)} allowed to be without" if allowed else ""
        return self._answer(len(mine), faults, notes)

    def _allows(self, place: str) -> bool:
        return any(fnmatchcase(place, pattern) for pattern in self.allow)

    def _judge(self, place: str, service: Mapping[str, Any], slices: _Slices) -> Iterator[_Fault]:
        if at(service, "metadata", "deletionTimestamp") is not None:
            yield _Fault(place, "ServiceTerminating", "is being deleted", certain=False)
            return
        ports = bool(dicts(at(service, "spec", "ports"), "spec.ports"))
        ready = len({who for each in slices for who in _ready(each, ports=ports)})
        selects = _selects_pods(service)  # else its endpoints are someone else's matter
        if selects and not slices:
            yield _Fault(place, "EndpointSliceMissing", "has no EndpointSlice at all", certain=False)
        elif selects and ready < self.min_ready:
            total = sum(len(dicts(each.get("endpoints"), "endpoints")) for each in slices)
            words = f"has {ready} ready of {numbered(total, 'endpoint')}, {self.min_ready} needed"
            yield _Fault(place, "ServiceNotReady", words, idle=not total)
        if _balances(service):
            ingress = dicts(at(service, "status", "loadBalancer", "ingress"), "status.loadBalancer.ingress")
            if not any(each.get("ip") or each.get("hostname") for each in ingress):
                yield _Fault(place, "LoadBalancerPending", "has no address of a load balancer")

    def _answer(self, total: int, faults: list[_Fault], notes: str) -> Finding:
        faults.sort(key=lambda fault: not fault.certain)
        bad = {fault.place for fault in faults if fault.certain}
        unclear = {fault.place for fault in faults} - bad
        allowed = self.max_without.of(total)
        evidence = bounded(fault.evidence() for fault in faults)
        also = f", {len(unclear)} unclear" if unclear else ""
        said = f"{len(bad)} of {numbered(total, 'Service')} cannot be reached{also}"
        who = some([f"{fault.place} {fault.words}" for fault in faults])
        if len(bad) > allowed:
            return Finding.failed(f"{said}, {allowed} allowed: {who}{notes}", evidence)
        if len(bad) + len(unclear) > allowed:
            return Finding.inconclusive(f"{said}, {allowed} allowed: {who}{notes}", evidence)
        if faults:
            return Finding.passed(f"{said}, {allowed} allowed{notes}", evidence)
        return Finding.passed(f"all of {numbered(total, 'Service')} can be reached{notes}", evidence)


def _selects_pods(service: Mapping[str, Any]) -> bool:
    return bool(at(service, "spec", "selector")) and at(service, "spec", "type") != "ExternalName"


def _balances(service: Mapping[str, Any]) -> bool:
    return bool(at(service, "spec", "type") == "LoadBalancer")


def _ready(body: Mapping[str, Any], *, ports: bool) -> Iterator[str]:
    """Who is ready in a slice: a pod by its name, anything else by its address."""
    if ports and not dicts(body.get("ports"), "ports"):
        return
    for each in dicts(body.get("endpoints"), f"endpoints of EndpointSlice {name_of(body)}"):
        ready, serving, terminating = (at(each, "conditions", key) for key in ("ready", "serving", "terminating"))
        addresses = each.get("addresses")
        well = ready in (True, None) and serving in (True, None) and terminating in (False, None)
        if well and isinstance(addresses, Sequence) and addresses:
            pod = at(each, "targetRef", "name")
            yield f"pod {say(pod)}" if pod else say(addresses[0])
