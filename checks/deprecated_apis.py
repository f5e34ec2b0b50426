"""Nobody uses an API that the run's target version does not have any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    DEPRECATED,
    METRICS,
    NODES,
    REPLICAS,
    REQUESTS,
    BadAnswer,
    Cluster,
    ClusterCheck,
    ClusterContext,
    Counters,
    Duration,
    Evidence,
    Finding,
    Notebook,
    Resource,
    bounded,
    format_duration,
    has_nodes,
    labels_of,
    number_of,
    numbered,
    say,
    server_counters,
    server_version,
    some,
    version_of,
)

_READING: Final = frozenset({"GET", "LIST", "WATCH", "WATCHLIST"})
_SELF: Final = 'system_client="kube-apiserver"'  # it asks itself for all that it serves, and will stop by itself


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one replica has said of the use of an API, from look to look."""

    removed_in: tuple[int, ...]
    writes: int
    reads: int
    first: datetime
    wrote: datetime | None = None
    """When the writes were last seen to have risen."""
    read: datetime | None = None

    @property
    def still_since(self) -> datetime:
        return max(moment for moment in (self.first, self.wrote, self.read) if moment is not None)

    def then(self, writes: int, reads: int, now: datetime) -> _Seen:
        """What it says now; a counter that has fallen is a restart, and begins anew."""
        if writes < self.writes or reads < self.reads:
            return _Seen(self.removed_in, writes, reads, now)
        wrote = now if writes > self.writes else self.wrote
        return _Seen(self.removed_in, writes, reads, self.first, wrote, now if reads > self.reads else self.read)


@dataclass(frozen=True, slots=True)
class _Use:
    """How an API that goes away is used."""

    api: str
    removed_in: str
    seen: _Seen
    """Where its counters have stood still for the shortest time."""
    writing: bool
    """Its writes were seen rising lately, on any replica."""
    reading: bool
    quiet: timedelta
    """How long they have stood still there, as far as that was watched."""

    def evidence(self, code: str, observed: str) -> Evidence:
        seen = f"{observed} ({self.seen.writes} writes and {self.seen.reads} reads since the API server started)"
        hint = "who? userAgent in the audit log (kube-audit) where the annotation k8s.io/deprecated is true"
        return Evidence(code, f"API {self.api}", seen, f"not used: {self.removed_in} is without it", hint)


class DeprecatedApis(ClusterCheck):
    """No client uses an API that is removed in the version that the run brings.

    The API server's metric ``apiserver_requested_deprecated_apis`` names each deprecated API that anyone has requested
    since the server started, with the release that removes it; releases are compared as numbers ("1.9" < "1.25") with
    the run's target or with ``version``. Whether such an API is *still* used is told by ``apiserver_request_total``
    from sweep to sweep: seen rising within ``quietFor`` is in use, and fails, writes apart from reads; standing still
    for ``quietFor`` was used once, and is reported; in between, so at the first look and always in a check by hand, it
    is inconclusive. The API server's requests to itself do not count.

    Each look reaches one replica of the API server, told from the others by ``process_start_time_seconds``; counters
    are compared with those of the same replica only, and a counter that falls is a restart. What another replica said
    within ``quietFor`` is not undone by one that says nothing. A use that never reaches the replicas looked at, or
    comes more rarely than ``quietFor``, is not seen. A run for node images only brings no version, and passes; a
    cluster without nodes is inconclusive. Needs get on the path ``/metrics``. Source: k8s.io/apiserver,
    pkg/endpoints/metrics.

    Example:
        - check: deprecated-apis

        - check: deprecated-apis
          version: "1.36"
          reading: reported
          quietFor: 1h
    """

    name: ClassVar[str] = "deprecated-apis"
    claim: ClassVar[str] = "no API that the target version lacks is in use"
    area: ClassVar[str] = "Before an update"
    reads: ClassVar[tuple[Resource, ...]] = (METRICS, Resource.path("/version"), NODES)

    version: str | None = Field(default=None, pattern=r"^v?\d{1,4}\.\d{1,4}(\.\d{1,6})?$")
    """This version instead of the run's."""
    reading: Literal["failed", "reported"] = "failed"
    """What an API comes to that is in use but only read. A client that reads breaks as well."""
    quiet_for: Duration = timedelta(minutes=15)
    """An API whose counters have stood still for so long was used once. A watch counts when it ends, which clients let
    happen within ten minutes."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Look at one replica, and compare it with what is remembered of it."""
        if not await has_nodes(ctx.cluster):
            return Finding.inconclusive("the cluster has no nodes, so what its API server has counted says nothing")
        target = ctx.scope.target
        if self.version is None and target.upgrade_type == "NodeImageOnly":
            return await _nothing_changes(ctx.cluster)
        goal = version_of(self.version or target.kubernetes_version)
        if goal is None:
            return Finding.inconclusive("the run names no Kubernetes version, so there is nothing to compare with")
        counters = await server_counters(ctx.cluster)
        now = await ctx.cluster.now()
        deprecated, started = _deprecated(counters), counters.started
        gone = {api: since for api, since in deprecated.items() if since and since[:2] <= goal[:2]}
        replicas = _remember(ctx.notebook, started, gone, _counted(counters, gone.keys()), now)
        told = [replicas[started], *replicas.values()]  # this one first
        known = sorted({api for each in told for api, seen in each.items() if seen.removed_in[:2] <= goal[:2]})
        uses = [use for api in known if (use := self._use(api, told, now)) is not None]
        later = [_later(api, since) for api, since in sorted(deprecated.items()) if api not in gone]
        return self._answer(uses, later, ".".join(map(str, goal)), counters.since(now))

    def _use(self, api: str, told: Sequence[Mapping[str, _Seen]], now: datetime) -> _Use | None:
        """A look may reach any replica: what another has said lately is not undone by one that says nothing."""
        everywhere = [each[api] for each in told if api in each]
        writing = any(seen.wrote is not None and now - seen.wrote < self.quiet_for for seen in everywhere)
        reading = any(seen.read is not None and now - seen.read < self.quiet_for for seen in everywhere)
        known = [seen for seen in everywhere if now - seen.still_since < self.quiet_for]
        if not known and api not in told[0]:
            return None
        last = max(known or everywhere[:1], key=lambda seen: seen.still_since)
        return _Use(api, ".".join(map(str, last.removed_in)), last, writing, reading, now - last.still_since)

    def _answer(self, uses: Sequence[_Use], later: Sequence[Evidence], goal: str, since: str) -> Finding:
        written = [use for use in uses if use.writing]
        only_read = [use for use in uses if use.reading and not use.writing]
        still = [use for use in uses if not use.reading and not use.writing]
        unsure = [use for use in still if use.quiet < self.quiet_for]
        once = [use for use in still if use.quiet >= self.quiet_for]
        window = format_duration(self.quiet_for)
        facts = [use.evidence("ApiWritten", "in use now: its writes rise") for use in written]
        facts += [use.evidence("ApiRead", "in use now: its reads rise") for use in only_read]
        for use in unsure:
            seen = f"used; not seen rising, but watched for {format_duration(use.quiet)} of {window} only"
            facts.append(use.evidence("ApiUsed", seen))
        facts += [use.evidence("ApiUsedOnce", f"used once; quiet for {format_duration(use.quiet)}") for use in once]
        evidence = bounded([*facts, *later])
        bad = [*written, *(only_read if self.reading == "failed" else ())]
        if bad:
            names = some([use.api for use in bad])
            how = f"{numbered(len(written), 'is', 'are')} written, {len(bad) - len(written)} only read"
            return Finding.failed(f"{numbered(len(bad), 'API')} in use that {goal} lacks ({how}): {names}", evidence)
        if unsure:
            names = some([use.api for use in unsure])
            what = numbered(len(unsure), f"API that {goal} lacks was", f"APIs that {goal} lacks were")
            words = f"{what} used since {since}; whether still in use is not known yet: {names}"
            return Finding.inconclusive(words, evidence)
        notes = f"; {len(only_read)} only read" if only_read else ""
        notes += f"; {len(once)} used once, quiet for {window}" if once else ""
        notes += f"; {len(later)} that go later" if later else ""
        return Finding.passed(f"no API that {goal} lacks is in use since {since} (one replica seen{notes})", evidence)


async def _nothing_changes(cluster: Cluster) -> Finding:
    version = await server_version(cluster)
    if version_of(version) is None:
        raise BadAnswer(f"/version answered with the gitVersion {version!r}, which is no version")
    return Finding.passed("the run is for node images only: no version changes, so no API is removed")


def _remember(
    notebook: Notebook,
    started: str,
    gone: Mapping[str, tuple[int, ...]],
    counted: Mapping[str, tuple[int, int]],
    now: datetime,
) -> dict[str, dict[str, _Seen]]:
    """What is known of the last replicas, this look at one of them included."""
    note = notebook.read("replicas")
    replicas: dict[str, dict[str, _Seen]] = dict(note.value) if note is not None else {}
    earlier = replicas.pop(started, None)
    replicas[started] = {}
    for api, numbers in counted.items():
        # An API that a replica known before had not shown yet has been used since.
        before = _Seen(gone[api], *((0, 0) if earlier is not None else numbers), now)
        replicas[started][api] = (earlier or {}).get(api, before).then(*numbers, now)
    for oldest in list(replicas)[:-REPLICAS]:
        del replicas[oldest]
    notebook.write("replicas", replicas)
    return replicas


def _deprecated(counters: Counters) -> dict[str, tuple[int, ...] | None]:
    """The deprecated APIs that were used, and the release that is without each; None if none is named yet."""
    found: dict[str, tuple[int, ...] | None] = {}
    for sample in counters.samples(DEPRECATED):
        labels = labels_of(sample)
        release = labels.get("removed_release")
        removed_in = version_of(release)
        if release and removed_in is None:
            raise BadAnswer(f"{DEPRECATED} has the removed_release {release!r:.50}, which is no version")
        found[_api(labels)] = removed_in
    return found


def _counted(counters: Counters, apis: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The writes and reads of each of these APIs."""
    counts = {api: [0, 0] for api in apis}
    marks = {f'resource="{api.partition(" ")[2].partition("/")[0]}"' for api in counts}
    for sample in counters.samples(REQUESTS) if counts else ():
        if _SELF in sample or not any(mark in sample for mark in marks):
            continue
        labels = labels_of(sample)
        if (api := _api(labels)) in counts:
            counts[api][labels.get("verb") in _READING] += number_of(sample)
    return {api: (writes, reads) for api, (writes, reads) in counts.items()}


def _api(labels: Mapping[str, str]) -> str:
    """``policy/v1beta1 podsecuritypolicies``, ``v1 endpoints``."""
    try:
        group, version, resource = labels["group"], labels["version"], labels["resource"]
    except KeyError as error:
        raise BadAnswer(f"{METRICS} has a sample without the label {error}") from error
    sub = labels.get("subresource")
    place = f"{group}/{version}" if group else version
    return say(f"{place} {resource}/{sub}" if sub else f"{place} {resource}")


def _later(api: str, since: tuple[int, ...] | None) -> Evidence:
    when = f"removed in {'.'.join(map(str, since))}" if since else "its removal is not announced"
    return Evidence("ApiDeprecated", f"API {api}", f"deprecated and used; {when}", hint="move its clients in time")
