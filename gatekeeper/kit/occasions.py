"""Events of a calendar as spans of time: recurring, changed, on whole days, and across changes of the clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gatekeeper.kit.manifest import say

if TYPE_CHECKING:
    from dateutil.rrule import rrule
    from icalendar import Event
    from icalendar.prop import vRecur

_LONGEST: Final = timedelta(days=400)  # of one event: what began so long ago is over
_COARSE: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A time from a begin to an end, UTC, that has a name."""

    begin: datetime
    end: datetime
    name: str


def spans_of(events: Iterable[Event], zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[Span]:
    """When events are, between two times; cancelled ones are not.

    Raises:
        ValueError: what recurs too often, lasts too long, or is written in a way that is not read. Errors of icalendar
            and dateutil are mostly ValueErrors too.
    """
    occasions = [_Occasion.of(event, zone) for event in events]
    # A changed occurrence is an event of its own that names, as RECURRENCE-ID, the begin that it replaces.
    changed = {(each.uid, each.replaces) for each in occasions if each.replaces is not None}
    for each in occasions:
        for start in each.begins(begin, end):
            replaced = each.replaces is None and (each.uid, each.utc(start)) in changed
            span = Span(each.utc(start), each.utc(start + each.length, fold=1), each.name)
            if not (replaced or each.cancelled) and span.end > begin and span.begin < end:
                yield span


@dataclass(frozen=True, slots=True)
class _Occasion:
    """An event by the clock on the wall in its own time zone: there it begins, lasts and recurs."""

    event: Event
    uid: str
    name: str
    zone: tzinfo
    start: datetime
    length: timedelta
    replaces: datetime | None
    cancelled: bool

    @classmethod
    def of(cls, event: Event, zone: ZoneInfo) -> _Occasion:
        start, name = event.start, say(event.get("SUMMARY"), 80) or "an event"
        own = start.tzinfo if isinstance(start, datetime) and start.tzinfo is not None else zone
        timed = "DTEND" in event or "DURATION" in event
        length = _wall(event.end, own) - _wall(start, own) if timed else timedelta()
        if not isinstance(start, datetime):
            length = max(length, _DAY)
        if event.errors:  # icalendar leaves out what it cannot read
            raise ValueError(f"{name!r} has a {say(event.errors[0][0], 40) or 'line'} that cannot be read")
        if "TZID" in event["DTSTART"].params and isinstance(start, datetime) and start.tzinfo is None:
            raise ValueError(f"{name!r} begins in the unknown time zone {say(event['DTSTART'].params['TZID'], 60)}")
        if length < timedelta():
            raise ValueError(f"{name!r} ends before it begins")
        if length > _LONGEST:
            raise ValueError(f"{name!r} lasts longer than {_LONGEST.days} days")
        if "EXRULE" in event:  # RFC 2445; RFC 5545 did away with it
            raise ValueError(f"{name!r} leaves days out by an EXRULE, which is not read")
        replaces = event.get("RECURRENCE-ID")
        if replaces is not None and "RANGE" in replaces.params:
            raise ValueError(f"{name!r} changes a series from one occurrence on, which is not read")
        return cls(
            event=event,
            uid=str(event.get("UID")),
            name=name,
            zone=own,
            start=_wall(start, own),
            length=length,
            replaces=None if replaces is None else _wall(replaces.dt, own).replace(tzinfo=own).astimezone(UTC),
            cancelled=str(event.get("STATUS", "")).upper() == "CANCELLED",
        )

    def utc(self, moment: datetime, fold: int = 0) -> datetime:
        """An hour that comes twice is meant the first time for a begin, and the second (``fold``) for an end."""
        return moment.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)

    def begins(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """All begins that may matter between two times."""
        from dateutil.rrule import rruleset

        first, last = (_wall(each, self.zone) for each in (begin - _LONGEST, end))
        if self.replaces is not None:
            yield self.start
            return
        found = rruleset()
        found.rdate(self.start)
        for rule in self.event.rrules:
            found.rrule(_rule(rule, self, last))
        for moment, until in self.event.rdates:
            if until is not None:
                raise ValueError(f"{self.name!r} recurs by periods, which are not read")
            found.rdate(_wall(moment, self.zone))
        for moment in self.event.exdates:
            if isinstance(moment, datetime) is not isinstance(self.event.start, datetime):
                raise ValueError(f"{self.name!r} leaves out {moment}, and does not begin at such a time: not read")
            found.exdate(_wall(moment, self.zone))
        for moment in found.xafter(first, inc=True):
            if moment >= last:
                return
            yield moment


def _rule(rule: vRecur, occasion: _Occasion, last: datetime) -> rrule:
    """A rule of recurrence, bounded by ``last`` so that one that never holds comes to an end."""
    from dateutil.rrule import rrule, rrulestr
    from icalendar.prop import vRecur

    frequency = str(rule.get("FREQ", [""])[0]).upper()
    often = any(len(rule.get(key, ())) > 1 for key in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    if frequency not in _COARSE or often:
        raise ValueError(f"{occasion.name!r} recurs more often than once a day, which is not read")
    parts = vRecur({key: value for key, value in rule.items() if key != "UNTIL"})
    text = parts.to_ical()  # type: ignore[no-untyped-call]  # icalendar's own gap
    made = rrulestr(text.decode(), dtstart=occasion.start)
    if not isinstance(made, rrule):
        raise TypeError(f"{occasion.name!r} recurs by several rules in one")
    if "COUNT" in rule:
        return made
    ends = [_wall(each, occasion.zone, time.max) for each in rule.get("UNTIL", [])]
    return made.replace(until=min([*ends, last]))


def _wall(moment: date, zone: tzinfo, of_day: time = time.min) -> datetime:
    """A moment on the wall's clock in a zone; a day is meant at a time of it."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, of_day)
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo is not None else moment
