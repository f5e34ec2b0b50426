"""No admission webhook stands in the way of the cluster's own writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    METRICS,
    NODES,
    SERVICES,
    SLICES,
    Backend,
    Callee,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Forbidden,
    HookKey,
    Obstacle,
    Refusals,
    Resource,
    backend_of,
    bounded,
    count,
    dicts,
    format_duration,
    has_nodes,
    name_of,
    numbered,
    refusals,
    say,
    server_counters,
    some,
)

MUTATING: Final = Resource("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations")
VALIDATING: Final = Resource("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations")
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
    def key(self) -> HookKey:
        """As the API server's metrics name it."""
        step = "admit" if self.kind == "MutatingWebhookConfiguration" else "validating"
        return HookKey(step, str(self.body.get("name")))

    @property
    def callee(self) -> Callee:
        return Callee(self.body.get("clientConfig"), self.subject)

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
    obstacle: Obstacle
    unsure: bool = False
    """Whether it blocks now is not known yet."""

    @property
    def observed(self) -> str:
        return self.obstacle.observed

    @property
    def fails(self) -> bool:
        """The writes fail too, as the webhook fails closed."""
        return self.obstacle.blocks and not self.webhook.ignores

    def evidence(self) -> Evidence:
        stops = some(self.webhook.stops, 9)
        policy = "fails open (Ignore)" if self.webhook.ignores else "fails closed"
        observed = f"{self.observed}; it {policy}" + (f", and is asked about {stops}" if stops else "")
        hint = self.obstacle.hint or self.webhook.hint
        return Evidence(self.obstacle.code, self.webhook.subject, observed, self.obstacle.expected, hint)


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
    webhooks passes if it has nodes.

    What cannot be seen from here the API server tells itself: it counts the writes that it refused since a call failed
    (``apiserver_admission_webhook_rejection_count``, ``calling_webhook_error``). A count that was seen rising within
    ``quietFor``, from sweep to sweep, fails; one that has stood still for so long is reported; in between, so at the
    first look after a failure and always in a check by hand, it is inconclusive. Each look reaches one replica of the
    API server, as with deprecated-apis, which shares the reading; what another replica said within ``quietFor`` is not
    undone by it. Where no webhook fails closed it is not read. Needs get on the path ``/metrics``. Rules: the API of
    admissionregistration.k8s.io/v1, and k8s.io/apiserver, pkg/util/webhook and pkg/admission/metrics.

    Example:
        - check: admission-webhooks
          ignore: [legacy-policy]
          caEndsWithin: 14d

        - check: admission-webhooks
          refusals: ignored
    """

    name: ClassVar[str] = "admission-webhooks"
    claim: ClassVar[str] = "no admission webhook blocks writes"
    area: ClassVar[str] = "Before an update"
    reads: ClassVar[tuple[Resource, ...]] = (MUTATING, VALIDATING, SERVICES, SLICES, NODES, METRICS)

    ignore: tuple[str, ...] = Field(default=(), min_length=1)
    """Configurations that do not count, by name; may hold ``*``."""
    ca_ends_within: Duration = timedelta(days=7)
    """A caBundle that ends so soon is reported."""
    refusals: Literal["failed", "reported", "ignored"] = "failed"
    """What calls to webhooks come to that fail, by the API server's own count; ``ignored`` does not read it."""
    quiet_for: Duration = timedelta(minutes=5)
    """For so long no call must have failed."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Read the configurations whole, and each Service behind them once."""
        webhooks = [*await self._webhooks(ctx.cluster, MUTATING), *await self._webhooks(ctx.cluster, VALIDATING)]
        if not webhooks and not await has_nodes(ctx.cluster):
            return Finding.inconclusive("there are no admission webhooks to look at, and no nodes either")
        services = sorted({each.callee.service for each in webhooks if each.callee.service is not None})
        backends = {one: await backend_of(ctx.cluster, *one) for one in services[:_SERVICES_ASKED]}
        failed = await self._refusals(ctx, webhooks)
        now = await ctx.cluster.now()
        faults: list[_Fault] = []
        unclear = 0
        for webhook in webhooks:
            callee = webhook.callee
            faults += [_Fault(webhook, each) for each in callee.certificates(now, self.ca_ends_within)]
            faults += _timeout(webhook)
            faults += self._calls(webhook, failed.get(webhook.key, Refusals()), now)
            if callee.service is None or callee.service in backends:
                faults += _behind(webhook, backends.get(callee.service) if callee.service else None)
            else:
                unclear += not webhook.ignores
        return _answer(len(webhooks), faults, unclear)

    async def _refusals(self, ctx: ClusterContext, webhooks: Sequence[_Webhook]) -> Mapping[HookKey, Refusals]:
        if self.refusals == "ignored" or all(webhook.ignores for webhook in webhooks):
            return {}
        try:
            counters = await server_counters(ctx.cluster)
        except Forbidden as error:
            raise Forbidden(f"{error}; without that right, say refusals: ignored") from error
        return refusals(counters, ctx.notebook, await ctx.cluster.now(), self.quiet_for)

    def _calls(self, webhook: _Webhook, failed: Refusals, now: datetime) -> Iterator[_Fault]:
        """What the API server says of its calls; of those that fail open it counts none."""
        if webhook.ignores:
            return
        counts = self.refusals == "failed"
        if failed.rose is not None and now - failed.rose < self.quiet_for:
            observed = f"calls to it fail: more refused writes were seen {format_duration(now - failed.rose)} ago"
            yield _Fault(webhook, Obstacle("WebhookCallsFail", observed, "calls that are answered", blocks=counts))
        elif failed.count and failed.still_since is not None:
            quiet, refused = now - failed.still_since, numbered(failed.count, "write was", "writes were")
            unsure = counts and quiet < self.quiet_for
            observed = f"{refused} refused since the API server started, as a call to it failed"
            watched = f"; no more since, but watched for only {format_duration(quiet)} of"
            none = f"; none for {format_duration(quiet)}"
            observed += f"{watched} {format_duration(self.quiet_for)}" if unsure else none
            hint = "each sweep looks again; refusals: reported does not wait" if unsure else ""
            yield _Fault(webhook, Obstacle("WebhookCallsFailed", observed, "none", hint, blocks=False), unsure)

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


def _behind(webhook: _Webhook, backend: Backend | None) -> Iterator[_Fault]:
    for obstacle in webhook.callee.reach(backend, f"delete the configuration: {webhook.hint}"):
        if backend is not None or not webhook.ignores:
            yield _Fault(webhook, obstacle)
    if backend is not None and backend.ready == 1 and not webhook.ignores and "CREATE pods" in webhook.stops:
        observed = f"Service {backend.place} has one ready endpoint; while its pod moves, no pod can be made"
        hint = "run two replicas"
        yield _Fault(webhook, Obstacle("WebhookSingleEndpoint", observed, "two and more", hint, blocks=False))


def _timeout(webhook: _Webhook) -> Iterator[_Fault]:
    seconds = count(webhook.body.get("timeoutSeconds"), _SLOW, "timeoutSeconds of a webhook")
    if seconds > _SLOW:
        observed = f"the API server waits {seconds} s for it"
        yield _Fault(webhook, Obstacle("WebhookTimeoutLong", observed, f"{_SLOW} s or less", blocks=False))


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
    shown = sorted(faults, key=lambda fault: (not fault.fails, not fault.unsure, not fault.webhook.stops))
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
    if unsure := [fault for fault in shown if fault.unsure]:
        names = some([f"{fault.webhook.configuration}: {fault.observed}" for fault in unsure])
        which = numbered(len(unsure), "admission webhook")
        return Finding.inconclusive(f"whether calls to {which} still fail is not known yet: {names}", evidence)
    notes = f"; {numbered(len(faults), 'note')}" if faults else ""
    return Finding.passed(f"no admission webhook blocks writes ({total} looked at{notes})", evidence)
