"""No admission webhook stands in the way of the cluster's own writes."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    NODES,
    BadAnswer,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    NotFound,
    Resource,
    at,
    bounded,
    certificate_ends,
    count,
    dicts,
    dns_name,
    format_duration,
    has_nodes,
    name_of,
    numbered,
    say,
    some,
)

MUTATING: Final = Resource("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations")
VALIDATING: Final = Resource("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations")
SERVICES: Final = Resource("", "v1", "services")
SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices")
_SERVICES_ASKED: Final = 200  # so many Services are looked up; webhooks of more are unclear
_SLOW: Final = 10  # seconds; what timeoutSeconds is unless given

# What an update writes itself: it makes nodes and their Leases, and moves pods.
_OF_AN_UPDATE: Final = (
    ("CREATE", "", "pods"),
    ("CREATE", "", "pods/eviction"),
    ("DELETE", "", "pods"),
    ("CREATE", "", "nodes"),
    ("UPDATE", "", "nodes"),
    ("UPDATE", "", "nodes/status"),
    ("UPDATE", "coordination.k8s.io", "leases"),
)


@dataclass(frozen=True, slots=True)
class _Webhook:
    kind: str
    configuration: str
    body: Mapping[str, Any]

    @property
    def subject(self) -> str:
        return f"{self.kind} {self.configuration}: {say(self.body.get('name'), 120)}"

    @property
    def hint(self) -> str:
        return f"kubectl get {self.kind.lower()} {self.configuration} -o yaml"

    @property
    def ignores(self) -> bool:
        """Whether the API server goes on without its answer; v1 defaults to Fail, and so does an unknown word."""
        return self.body.get("failurePolicy") == "Ignore"

    @property
    def service(self) -> tuple[str, str, int] | None:
        """Namespace, name and port of its Service; None if it is called by URL."""
        found = at(self.body, "clientConfig", "service")
        if found is None:
            return None
        namespace = dns_name(at(found, "namespace"), "the namespace of a webhook")
        return namespace, dns_name(at(found, "name"), "the Service of a webhook"), count(at(found, "port"), 443, "port")

    @property
    def stops(self) -> list[str]:
        """Which of an update's own writes its rules match; selectors and match conditions are not looked at."""
        rules = dicts(self.body.get("rules"), "the rules of a webhook")
        return [
            f"{verb} {what}" for verb, group, what in _OF_AN_UPDATE if any(_hits(r, verb, group, what) for r in rules)
        ]


@dataclass(frozen=True, slots=True)
class _Fault:
    webhook: _Webhook
    code: str
    observed: str
    expected: str = ""
    hint: str = ""
    blocks: bool = True
    """Calls fail, and so do the writes if the webhook fails closed; otherwise it is worth knowing only."""

    @property
    def fails(self) -> bool:
        return self.blocks and not self.webhook.ignores

    def evidence(self) -> Evidence:
        stops = some(self.webhook.stops, 9)
        policy = "fails open (Ignore)" if self.webhook.ignores else "fails closed"
        observed = f"{self.observed}; it {policy}" + (f", and is asked about {stops}" if stops else "")
        return Evidence(self.code, self.webhook.subject, observed, self.expected, self.hint or self.webhook.hint)


class AdmissionWebhooks(ClusterCheck):
    """Every admission webhook that fails closed can be called.

    A webhook with ``failurePolicy: Fail`` that cannot be called makes the API server refuse the writes it is asked
    about, those of a drain and of new nodes among them. Failed is one whose Service is missing, does not have its port,
    or has no ready endpoint with that port (EndpointSlices), and one whose ``caBundle`` cannot be read, has expired or
    has not begun: Go's TLS refuses such an authority too. So is one that is called by its Service and has no
    ``caBundle``, since no public authority vouches for ``name.namespace.svc``. The certificate that the webhook itself
    shows is not seen from here. Reported only: the same faults of a webhook with ``Ignore``; webhooks by URL or by a
    Service of type ExternalName, which cannot be seen from here either; a caBundle that ends within ``caEndsWithin``;
    timeouts of more than 10 seconds; and one that is asked about new pods and has a single ready endpoint: while that
    pod moves, no pod can be made, perhaps not even itself. The evidence says which of an update's own writes the rules
    match, without regard to selectors and match conditions; without rules a webhook is never called. A cluster without
    webhooks passes if it has nodes. Rules: the API of admissionregistration.k8s.io/v1, and k8s.io/apiserver,
    pkg/util/webhook.

    Example:
        - check: admission-webhooks
          ignore: [legacy-policy]
          caEndsWithin: 14d
    """

    name: ClassVar[str] = "admission-webhooks"
    claim: ClassVar[str] = "no admission webhook blocks writes"
    area: ClassVar[str] = "Before an update"
    reads: ClassVar[tuple[Resource, ...]] = (MUTATING, VALIDATING, SERVICES, SLICES, NODES)

    ignore: tuple[str, ...] = Field(default=(), min_length=1)
    """Configurations that do not count, by name; may hold ``*``."""
    ca_ends_within: Duration = timedelta(days=7)
    """A caBundle that ends so soon is reported."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Read the configurations whole, and each Service behind them once."""
        webhooks = [*await self._webhooks(ctx.cluster, MUTATING), *await self._webhooks(ctx.cluster, VALIDATING)]
        if not webhooks and not await has_nodes(ctx.cluster):
            return Finding.inconclusive("there are no admission webhooks to look at, and no nodes either")
        services = sorted({webhook.service for webhook in webhooks if webhook.service is not None})
        backends = {one: await _backend(ctx.cluster, *one) for one in services[:_SERVICES_ASKED]}
        now = await ctx.cluster.now()
        faults: list[_Fault] = []
        unclear = 0
        for webhook in webhooks:
            faults += [*_certificates(webhook, now, self.ca_ends_within), *_timeout(webhook)]
            if webhook.service is None:
                faults += _by_url(webhook)
            elif (backend := backends.get(webhook.service)) is not None:
                faults += _behind(webhook, backend)
            else:
                unclear += not webhook.ignores
        return _answer(len(webhooks), faults, unclear)

    async def _webhooks(self, cluster: Cluster, resource: Resource) -> list[_Webhook]:
        kind = "MutatingWebhookConfiguration" if resource == MUTATING else "ValidatingWebhookConfiguration"
        found = [(name_of(each, f"a {kind}"), each) for each in await cluster.objects(resource)]
        return [
            _Webhook(kind, name, body)
            for name, each in found
            if not any(fnmatchcase(name, pattern) for pattern in self.ignore)
            for body in dicts(each.get("webhooks"), f"the webhooks of {name}")
            if dicts(body.get("rules"), f"the rules of {name}")
        ]


@dataclass(frozen=True, slots=True)
class _Backend:
    """What stands behind a Service."""

    place: str
    fault: str = ""
    """Why it cannot be called: a code, or empty."""
    ready: int | None = None
    """Ready endpoints; None if it leads out of the cluster."""


async def _backend(cluster: Cluster, namespace: str, name: str, port: int) -> _Backend:
    place = f"{namespace}/{name}"
    try:
        service = await cluster.object(SERVICES, name, namespace=namespace)
    except NotFound:
        return _Backend(place, "WebhookServiceMissing")
    if at(service, "spec", "type") == "ExternalName":
        return _Backend(place)
    ports = [each for each in dicts(at(service, "spec", "ports"), f"the ports of {place}") if each.get("port") == port]
    if not ports:
        return _Backend(place, "WebhookPortMissing")
    label = f"kubernetes.io/service-name={name}"
    slices = await cluster.objects(SLICES, namespace=namespace, label_selector=label)
    # A pod that does not know the Service's targetPort by its name stands in a slice without that port.
    names = {each.get("name") or "" for each in ports}
    serving = [
        each for each in slices if names & {port.get("name") or "" for port in dicts(each.get("ports"), "ports")}
    ]
    endpoints = [each for found in serving for each in dicts(found.get("endpoints"), f"the endpoints of {place}")]
    # No word counts as ready: discovery.k8s.io/v1, EndpointConditions.
    ready = sum(at(each, "conditions", "ready") in (True, None) and bool(each.get("addresses")) for each in endpoints)
    return _Backend(place, "" if ready else "WebhookWithoutEndpoints", ready)


def _behind(webhook: _Webhook, backend: _Backend) -> Iterator[_Fault]:
    namespace, name, port = webhook.service or ("", "", 0)
    look = f"kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}"
    match backend.fault:
        case "WebhookServiceMissing":
            hint = f"bring Service {backend.place} back, or delete the configuration: {webhook.hint}"
            yield _Fault(webhook, backend.fault, f"there is no Service {backend.place}", "a Service", hint)
        case "WebhookPortMissing":
            yield _Fault(webhook, backend.fault, f"Service {backend.place} has no port {port}", f"port {port}")
        case "WebhookWithoutEndpoints":
            observed = f"Service {backend.place} has no ready endpoint with port {port}"
            yield _Fault(webhook, backend.fault, observed, "a ready endpoint", look)
        case _ if backend.ready is None:
            observed = f"Service {backend.place} leads out of the cluster (ExternalName), where nobody looks"
            yield _Fault(webhook, "WebhookNotSeen", observed, blocks=False)
        case _ if backend.ready == 1 and not webhook.ignores and "CREATE pods" in webhook.stops:
            observed = f"Service {backend.place} has one ready endpoint; while its pod moves, no pod can be made"
            yield _Fault(webhook, "WebhookSingleEndpoint", observed, "two and more", "run two replicas", blocks=False)


def _by_url(webhook: _Webhook) -> Iterator[_Fault]:
    url = at(webhook.body, "clientConfig", "url")
    if not isinstance(url, str) or not url:
        raise BadAnswer(f"{webhook.subject} has neither a Service nor a URL")
    if not webhook.ignores:
        yield _Fault(
            webhook, "WebhookNotSeen", f"it is called by URL, {say(url, 100)}, where nobody looks", blocks=False
        )


def _certificates(webhook: _Webhook, now: datetime, soon: timedelta) -> Iterator[_Fault]:
    bundle = at(webhook.body, "clientConfig", "caBundle")
    hint = "renew it: which controller writes this caBundle, and does it run?"
    if not bundle:
        # The system's own authorities are trusted then; the API server's own Service it knows by itself.
        if webhook.service is not None and webhook.service[:2] != ("default", "kubernetes"):
            observed = "it has no caBundle, and no public authority vouches for a Service"
            yield _Fault(webhook, "WebhookCaMissing", observed, "PEM certificates", hint)
        return
    try:
        ends = certificate_ends(b64decode(str(bundle), validate=True), "the caBundle", now)
    except (BadAnswer, ValueError):
        yield _Fault(webhook, "WebhookCaUnreadable", "its caBundle holds no certificate", "PEM certificates", hint)
        return
    last = max(ends, default=None)
    until = f"{last:%Y-%m-%d %H:%M}Z" if last is not None else ""
    if last is None:
        observed = "its caBundle is not valid yet; are the clocks right?"
        yield _Fault(webhook, "WebhookCaNotYetValid", observed, "valid", hint)
    elif last <= now:
        yield _Fault(webhook, "WebhookCaExpired", f"its caBundle expired at {until}", "valid", hint)
    elif last - now <= soon:
        observed = f"its caBundle ends in {format_duration(last - now)}, at {until}"
        yield _Fault(webhook, "WebhookCaEndsSoon", observed, f"longer than {format_duration(soon)}", hint, blocks=False)


def _timeout(webhook: _Webhook) -> Iterator[_Fault]:
    seconds = count(webhook.body.get("timeoutSeconds"), _SLOW, "timeoutSeconds of a webhook")
    if seconds > _SLOW:
        observed = f"the API server waits {seconds} s for it"
        yield _Fault(webhook, "WebhookTimeoutLong", observed, f"{_SLOW} s or less", blocks=False)


def _hits(rule: Mapping[str, Any], verb: str, group: str, resource: str) -> bool:
    """As k8s.io/apiserver, pkg/admission/plugin/webhook/predicates/rules has it, without the scope."""
    main, _, sub = resource.partition("/")
    whole = {"*/*", resource, f"{main}/*", f"*/{sub}"} if sub else {"*/*", "*", main, f"{main}/*"}
    if not {verb, "*"} & _words(rule, "operations") or not {group, "*"} & _words(rule, "apiGroups"):
        return False
    return bool(whole & _words(rule, "resources"))


def _words(rule: Mapping[str, Any], key: str) -> set[str]:
    found = rule.get(key)
    return {str(each) for each in found} if isinstance(found, list | tuple) else set()


def _answer(total: int, faults: Sequence[_Fault], unclear: int) -> Finding:
    shown = sorted(faults, key=lambda fault: (not fault.fails, not fault.webhook.stops))
    evidence = bounded(fault.evidence() for fault in shown)
    bad = [fault for fault in shown if fault.fails]
    if bad:
        hooks = {fault.webhook.subject: fault for fault in reversed(bad)}
        grave = sum(bool(fault.webhook.stops) for fault in hooks.values())
        names = some(list(dict.fromkeys(f"{fault.webhook.configuration}: {fault.observed}" for fault in bad)))
        fail = "fails" if len(hooks) == 1 else "fail"
        what = f"{len(hooks)} of {numbered(total, 'admission webhook')} {fail} closed and cannot be called"
        also = f", {grave} of them asked about what an update writes" if grave else ""
        return Finding.failed(f"{what}{also}: {names}", evidence)
    if unclear:
        return Finding.inconclusive(
            f"{numbered(unclear, 'admission webhook')} not looked at: more than {_SERVICES_ASKED} Services", evidence
        )
    notes = f"; {numbered(len(faults), 'note')}" if faults else ""
    return Finding.passed(f"no admission webhook blocks writes ({total} looked at{notes})", evidence)
