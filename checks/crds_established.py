"""The definitions of custom resources are in force, and none is on its way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    NODES,
    SERVICES,
    SLICES,
    Backend,
    BadAnswer,
    Callee,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Resource,
    at,
    backend_of,
    bounded,
    conditions,
    dicts,
    format_duration,
    has_nodes,
    name_of,
    numbered,
    say,
    some,
    time_of,
)

CRDS: Final = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
_KEPT: Final = (  # no schemas
    "metadata.deletionTimestamp",
    "metadata.generation",
    "spec.versions[].name",
    "spec.versions[].served",
    "spec.conversion",
    "status",
)
_SERVICES_ASKED: Final = 100  # so many Services of conversion webhooks are looked up
_CA_SOON: Final = timedelta(days=7)


class CrdsEstablished(ClusterCheck):
    """Every CustomResourceDefinition is established, its names accepted, and none hangs in its deletion.

    Failed is one whose condition ``Established`` or ``NamesAccepted`` is False, that is being deleted for longer than
    ``gracePeriod``, or whose ``status.storedVersions`` hold a version that ``spec.versions`` does not know: objects of
    that version cannot be read. Unknown or missing conditions, a status that says it is about an older generation
    (from 1.35 on it may say so), and a younger deletion, are inconclusive. Stored versions that are not served any more
    are reported: their objects want to be written anew before the version can go. Rules:
    k8s.io/apiextensions-apiserver, pkg/apis/apiextensions/v1. A cluster without any passes if it has nodes; say with
    ``required`` which must be there.

    A definition of several versions may leave their conversion to a webhook. While that cannot be called, objects
    cannot be read in another version than they are stored in; garbage collection and the deletion of namespaces, which
    read them all, then stand still. So it fails as well, by the rules of ``admission-webhooks``: no Service, no ready
    endpoint with its port, a ``caBundle`` that is missing, expired or none.

    The definitions are read whole, since their rows show no more than their age: 100 kB each and more, of which little
    is kept.

    Example:
        - check: crds-established
          required: [certificates.cert-manager.io]
          ignore: ["*.preview.example.com"]
    """

    name: ClassVar[str] = "crds-established"
    claim: ClassVar[str] = "all CustomResourceDefinitions are established"
    area: ClassVar[str] = "Before an update"
    reads: ClassVar[tuple[Resource, ...]] = (CRDS, SERVICES, SLICES, NODES)

    required: tuple[str, ...] = Field(default=(), min_length=1)
    """Definitions that must be there, by their whole name."""
    ignore: tuple[str, ...] = Field(default=(), min_length=1)
    """Definitions that do not count; may hold ``*``."""
    grace_period: Duration = timedelta(minutes=10)
    """The deletion of a definition, with all of its objects, may take so long."""
    conversion: Literal["failed", "reported"] = "failed"
    """What a definition comes to whose conversion webhook cannot be called."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Judge every definition."""
        definitions = await ctx.cluster.objects(CRDS, keep=_KEPT)
        found = {name_of(each, "a CustomResourceDefinition"): each for each in definitions}
        if not found and not await has_nodes(ctx.cluster):
            return Finding.inconclusive("there are no CustomResourceDefinitions to look at, and no nodes either")
        now = await ctx.cluster.now()
        failed = [_missing(name) for name in self.required if name not in found]
        unclear: list[Evidence] = []
        reported: list[Evidence] = []
        looked = {name: crd for name, crd in sorted(found.items()) if not self._ignores(name)}
        for name, crd in looked.items():
            for certain, fact in (*_conditions(name, crd), *self._deletion(name, crd, now)):
                (failed if certain else unclear).append(fact)
            for certain, fact in _versions(name, crd):
                (failed if certain else reported).append(fact)
        for certain, fact in await _conversions(ctx.cluster, looked, now):
            (failed if certain and self.conversion == "failed" else reported).append(fact)
        evidence = bounded([*failed, *unclear, *reported])
        what = numbered(len(looked), "CustomResourceDefinition")
        if failed:
            also = f"; {_how_many(unclear)} not settled" if unclear else ""
            return Finding.failed(f"{_how_many(failed)} not in force, of {what}: {_few(failed)}{also}", evidence)
        if unclear:
            return Finding.inconclusive(f"{_how_many(unclear)} not settled, of {what}: {_few(unclear)}", evidence)
        if not looked:
            return Finding.passed("there is no CustomResourceDefinition to look at")
        return Finding.passed(f"{what} looked at, all established", evidence)

    def _ignores(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)

    def _deletion(self, name: str, crd: Mapping[str, Any], now: datetime) -> Iterator[tuple[bool, Evidence]]:
        deletion = at(crd, "metadata", "deletionTimestamp")
        if deletion is None:
            return
        since = time_of(deletion)
        stuck = since is None or now - since > self.grace_period
        age = format_duration(now - since) if since is not None else "an unknown time"
        why = conditions(crd).get("Terminating", {})
        words = f"being deleted for {age}; {say(why.get('reason'), 60)} {say(why.get('message'))}".strip(" ;")
        yield stuck, _evidence("CrdTerminating", name, words, "not in deletion")


def _how_many(facts: Sequence[Evidence]) -> str:
    count = len({each.subject for each in facts})
    return f"{count} {'is' if count == 1 else 'are'}"


def _few(facts: Sequence[Evidence]) -> str:
    return some(sorted({f"{each.subject.partition(' ')[2]} {each.observed}" for each in facts}))


def _missing(name: str) -> Evidence:
    return _evidence("CrdMissing", name, "is not there", "is there", "install what brings it")


def _conditions(name: str, crd: Mapping[str, Any]) -> Iterator[tuple[bool, Evidence]]:
    states = conditions(crd)
    generation, observed = at(crd, "metadata", "generation"), at(crd, "status", "observedGeneration")
    if observed is not None and observed != generation:
        words = f"its status is about generation {say(observed, 20)} of {say(generation, 20)}"
        yield False, _evidence("CrdStale", name, words, "about the newest")
    for kind in ("Established", "NamesAccepted"):
        state = states.get(kind, {})
        status = state.get("status")
        if status != "True":
            words = (
                f"{kind} is {say(status, 20) or 'not said'}: {say(state.get('reason'), 60)} {say(state.get('message'))}"
            )
            yield status == "False", _evidence(f"CrdNot{kind}", name, words.strip(" :"), f"{kind} is True")


def _versions(name: str, crd: Mapping[str, Any]) -> Iterator[tuple[bool, Evidence]]:
    versions = {say(each.get("name"), 63): each for each in dicts(at(crd, "spec", "versions"), "spec.versions")}
    listed = at(crd, "status", "storedVersions")
    if listed is not None and not isinstance(listed, list):
        raise BadAnswer(f"status.storedVersions of {name} is no list")
    stored = [say(each, 63) for each in listed or ()]
    unknown = [each for each in stored if each not in versions]
    unserved = [each for each in stored if each in versions and versions[each].get("served") is not True]
    if unknown:
        yield True, _evidence("CrdStoredUnknown", name, f"stores {some(unknown)}, which it does not define", "defined")
    if unserved:
        hint = "write its objects anew (storage version migration), then take the version off status.storedVersions"
        observed = f"may still store objects of {some(unserved)}, which is not served any more"
        yield False, _evidence("CrdStoredUnserved", name, observed, "served", hint)


async def _conversions(
    cluster: Cluster, definitions: Mapping[str, Mapping[str, Any]], now: datetime
) -> list[tuple[bool, Evidence]]:
    """What stands between the API server and the conversion webhooks, each Service asked about once."""
    facts: list[tuple[bool, Evidence]] = []
    backends: dict[tuple[str, str, int], Backend] = {}
    for name, crd in definitions.items():
        if at(crd, "spec", "conversion", "strategy") != "Webhook" or len(_versions_in_use(crd)) < 2:
            continue
        callee = Callee(at(crd, "spec", "conversion", "webhook", "clientConfig"), f"the conversion of {name}")
        service = callee.service
        if service is not None and service not in backends:
            if len(backends) == _SERVICES_ASKED:
                raise BadAnswer(f"the conversion webhooks of the definitions have more than {_SERVICES_ASKED} Services")
            backends[service] = await backend_of(cluster, *service)
        backend = backends[service] if service is not None else None
        remove = "delete the definition and its objects, if nobody needs them"
        for each in (*callee.certificates(now, _CA_SOON), *callee.reach(backend, remove)):
            observed = f"cannot be converted: {each.observed}" if each.blocks else f"its conversion: {each.observed}"
            facts.append((each.blocks, _evidence(each.code, name, observed, each.expected, each.hint)))
    return facts


def _versions_in_use(crd: Mapping[str, Any]) -> set[str]:
    """Those that may be asked for, and those in which objects may be stored."""
    served = {str(each.get("name")) for each in dicts(at(crd, "spec", "versions"), "versions") if each.get("served")}
    stored = at(crd, "status", "storedVersions")
    return served | ({str(each) for each in stored} if isinstance(stored, list) else set())


def _evidence(code: str, name: str, observed: str, expected: str, hint: str = "") -> Evidence:
    look = hint or f"kubectl describe customresourcedefinition {name}"
    return Evidence(code, f"CustomResourceDefinition {name}", observed, expected, look)
