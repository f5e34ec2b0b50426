"""Warning events did not become more with the update."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    NODES,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Member,
    Namespaces,
    Notebook,
    Resource,
    at,
    bounded,
    count,
    dns_name,
    format_duration,
    has_nodes,
    numbered,
    say,
    some,
    time_of,
)

EVENTS: Final = Resource("", "v1", "events")
_KEPT: Final = (
    "metadata.creationTimestamp",
    "type",
    "reason",
    "message",
    "involvedObject",
    "count",
    "firstTimestamp",
    "lastTimestamp",
    "eventTime",
    "series",
)
_LIVES: Final = timedelta(hours=1)  # kube-apiserver's default --event-ttl, counted from the last time it was seen
_NOTE: Final = "objects with warnings before the update, by reason"
_NOTE_LASTS: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Warning:
    """One kept event: one reason, of one object, seen once or many times."""

    reason: str
    subject: str
    first: datetime | None
    last: datetime | None
    """None: nobody knows when, so it may be now."""
    times: int
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class _Rise:
    """How many objects had warnings of a reason, and how many before."""

    reason: str
    now: int
    before: int

    def __str__(self) -> str:
        return f"{self.reason} of {numbered(self.now, 'object')} ({self.before} before)"


class WarningEvents(ClusterCheck):
    """No reason of Warning events hits more objects after the member's update than before it.

    What is counted, reason by reason, are the *objects* with a Warning event, not the events: one object that fails
    for an hour writes hundreds. *After* are those whose event was last seen within ``window`` and since the update.
    *Before* are those whose event was first seen before the update (``since``: its start, or its completion) and
    still seen within ``window`` before it, or later. A rise of more than ``maxRise`` objects of any reason fails. So
    what was wrong before and still is does not count, and new objects in place of old ones (pods that moved) do not
    either.

    An API server keeps an event for one hour after it was last seen. What was before the update may therefore be gone,
    and then less is known of *before*, never more: the careful side. If the same check with the same parameters is
    also asked before the update, by the policy of an earlier gate, its count of that time is remembered for a day and
    used. A member whose update has not begun is compared with the ``window`` before this one. An update in the future,
    or one that was completed and of which nobody says when it was started, is inconclusive, and so is a cluster without
    events and without nodes. Events of Nodes stand in the namespace ``default``.

    Example:
        - check: warning-events
          window: 15m
          maxRise: 2
          ignoreReasons: [Unhealthy, DNSConfigForming]
          severity: advisory
    """

    name: ClassVar[str] = "warning-events"
    claim: ClassVar[str] = "Warning events did not become more"
    area: ClassVar[str] = "Workloads"
    reads: ClassVar[tuple[Resource, ...]] = (EVENTS, NODES, Resource("", "v1", "namespaces"))

    window: Duration = Field(default=timedelta(minutes=10), gt=timedelta(0), le=timedelta(minutes=30))
    """How long a time is looked at, now and before; 30m at most, since events are kept for an hour."""
    max_rise: int = Field(default=0, ge=0)
    """So many more objects than before may have warnings of one reason."""
    ignore_reasons: tuple[str, ...] = ()
    """Reasons that do not count; may hold ``*`` and ``?``."""
    since: Literal["started", "completed"] = "started"
    """What ends the time before: the start or the completion of the member's update."""
    namespaces: Namespaces = Namespaces()
    """Whose events; those of all namespaces unless given."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Read the kept Warning events, and compare now with before."""
        found: list[_Warning] = []
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            fields = ",".join(filter(None, (selector, "type=Warning")))
            events = await ctx.cluster.objects(EVENTS, namespace=namespace, field_selector=fields, keep=_KEPT)
            found += [each for event in events if not self._ignores((each := _warning(event)).reason)]
        now = await ctx.cluster.now()
        if not found and not await has_nodes(ctx.cluster):
            return Finding.inconclusive("there is no Warning event, and no node either")
        update = self._update(ctx.member)
        if update is None and ctx.member.started_at is not None:
            return Finding.inconclusive(f"the update of {ctx.member.name} is not {self.since} yet")
        if update is None and ctx.member.completed_at is not None:
            return Finding.inconclusive(f"the run does not say when the update of {ctx.member.name} was {self.since}")
        if update is not None and update > now:
            return Finding.inconclusive(f"the update of {ctx.member.name} was {self.since} in the future")
        edge = update or now - self.window
        after = [each for each in found if each.last is None or each.last >= max(now - self.window, edge)]
        before = [each for each in found if _was_before(each, edge, self.window)]
        if update is None:
            ctx.notebook.write(_NOTE, dict(_objects(after)))
        noted = _noted(ctx.notebook, update)
        known = "" if noted is not None or now - edge + self.window <= _LIVES else _GONE
        return self._answer(after, before, noted or {}, known)

    def _update(self, member: Member) -> datetime | None:
        return member.started_at if self.since == "started" else member.completed_at

    def _ignores(self, reason: str) -> bool:
        return any(fnmatchcase(reason, pattern) for pattern in self.ignore_reasons)

    def _answer(
        self, after: Sequence[_Warning], before: Sequence[_Warning], noted: Mapping[str, int], known: str
    ) -> Finding:
        here, there = _objects(after), _objects(before)
        rises = [_Rise(reason, number, max(there[reason], noted.get(reason, 0))) for reason, number in here.items()]
        rises.sort(key=lambda rise: rise.before - rise.now)
        risen = [rise for rise in rises if rise.now - rise.before > self.max_rise]
        span = f"in the last {format_duration(self.window)}"
        if not risen:
            what = f": {some([str(rise) for rise in rises])}" if rises else ""
            return Finding.passed(f"no reason of Warning events rose by more than {self.max_rise} {span}{what}")
        old = {(each.reason, each.subject) for each in before}
        worst = {rise.reason: place for place, rise in enumerate(risen)}
        shown = [each for each in after if each.reason in worst]
        shown.sort(key=lambda each: (worst[each.reason], (each.reason, each.subject) in old, each.subject))
        evidence = bounded(_evidence(each, known=(each.reason, each.subject) in old) for each in shown)
        reasons = numbered(len(risen), "reason")
        words = f"{reasons} of Warning events rose by more than {self.max_rise} {span}"
        return Finding.failed(f"{words}: {some([str(rise) for rise in risen])}{known}", evidence)


_GONE: Final = "; events from before the update are not kept any more, so little is known of before"


def _was_before(warning: _Warning, edge: datetime, window: timedelta) -> bool:
    """Whether it stood before a moment, and not long before."""
    if warning.first is None or warning.last is None:
        return False
    return warning.first < edge and warning.last >= edge - window


def _objects(warnings: Sequence[_Warning]) -> Counter[str]:
    """How many objects have a warning, by reason."""
    return Counter(reason for reason, _ in {(each.reason, each.subject) for each in warnings})


def _noted(notebook: Notebook, update: datetime | None) -> Mapping[str, int] | None:
    """What this check itself counted before the update, if that was not long ago."""
    note = notebook.read(_NOTE)
    if update is None or note is None or not timedelta(0) <= update - note.at <= _NOTE_LASTS:
        return None
    return note.value if isinstance(note.value, Mapping) else None


def _warning(event: Mapping[str, Any]) -> _Warning:
    """An event of the core API, in its old form (timestamps, count) or in its new one (eventTime, series)."""
    about, series = event.get("involvedObject"), event.get("series")
    if event.get("type") != "Warning" or not isinstance(about, Mapping):
        raise BadAnswer("an object of the list of Warning events is none")
    kind, name = say(at(about, "kind"), 63) or "Object", say(at(about, "name"), 253)
    namespace = say(at(about, "namespace"), 63)
    created = at(event, "metadata", "creationTimestamp")
    firsts = (event.get("firstTimestamp"), event.get("eventTime"), created)
    lasts = (at(series, "lastObservedTime"), event.get("lastTimestamp"), *firsts[1:])
    times = at(series, "count") if series else event.get("count")
    return _Warning(
        say(event.get("reason"), 60) or "without a reason",
        f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}",
        next(filter(None, map(time_of, firsts)), None),
        next(filter(None, map(time_of, lasts)), None),
        max(count(times, 1, "count of an event"), 1),
        say(event.get("message")),
        _hint(kind, name, namespace or "default"),
    )


def _hint(kind: str, name: str, namespace: str) -> str:
    """How to see all events of the object; nothing where its names are none, since people copy commands."""
    try:
        about = f"{dns_name(kind.lower(), 'a kind')}/{dns_name(name, kind)}"
        return f"kubectl -n {dns_name(namespace, 'a namespace')} events --for {about}"
    except BadAnswer:
        return ""


def _evidence(warning: _Warning, *, known: bool) -> Evidence:
    when = f", last at {warning.last:%H:%M:%SZ}" if warning.last else ""
    also = ", before the update too" if known else ""
    observed = f"{warning.reason} {numbered(warning.times, 'time')}{when}{also}: {warning.message}"
    return Evidence("WarningsRose", warning.subject, observed, "no more than before the update", warning.hint)
