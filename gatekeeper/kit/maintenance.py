"""The planned maintenance windows of a managed cluster of AKS, from the words in which Azure has them.

Source: Microsoft.ContainerService/managedClusters/maintenanceConfigurations, api-version 2025-05-01. Where that says
nothing, a window is shut: it belongs to the day on which it begins, by the clock of its ``utcOffset``, and none begins
on a day that is barred, or before ``startDate``. One that began the day before ends at the midnight of a barred day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import at, dicts, time_of
from gatekeeper.kit.occasions import Span
from gatekeeper.kit.schedules import IsDay, day_of, matched, not_understood, number, recurrence, weekday

_OFFSET: Final = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)", re.ASCII)
_CLOCK: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_HORIZON: Final = 400  # days; the rarest windows are those on a 31st every six months: one a year
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def maintenance_windows(properties: Any, now: datetime) -> Iterator[Span]:  # noqa: ANN401 - Azure's answer
    """The windows that are open now or open within a year, in their order; those that touch are one.

    Args:
        properties: of a maintenance configuration, with a ``maintenanceWindow``, or with ``timeInWeek`` (in UTC).
        now: from when, with a time zone.

    Raises:
        BadAnswer: it says something in another way; at the first step of the iteration.
    """
    window = at(properties, "maintenanceWindow")
    found = _of_week(properties, now) if window is None else _of_schedule(window, now)
    yield from (span for span in _joined(found) if span.end > now)


def _of_schedule(window: Any, now: datetime) -> Iterator[Span]:  # noqa: ANN401
    zone = _zone(at(window, "utcOffset"))
    begins = time.fromisoformat(matched(at(window, "startTime"), _CLOCK, "startTime")[0])
    length = _HOUR * number(at(window, "durationHours"), 4, 24, "durationHours")
    start = None if at(window, "startDate") is None else day_of(at(window, "startDate"), "startDate")
    is_barred = _barred(at(window, "notAllowedDates"))
    is_due = recurrence(at(window, "schedule"), start)
    today = now.astimezone(zone).date()
    for day in (today + _DAY * ahead for ahead in range(-1, _HORIZON)):
        if (start is not None and day < start) or is_barred(day) or not is_due(day):
            continue
        opens = datetime.combine(day, begins, zone)
        closes = opens + length
        if is_barred(day + _DAY):
            closes = min(closes, datetime.combine(day + _DAY, time(), zone))
        yield Span(opens.astimezone(UTC), closes.astimezone(UTC), "")


def _barred(ranges: Any) -> IsDay:  # noqa: ANN401
    """Whether no maintenance is allowed on a day; the last day of a range is barred as a whole."""
    found = []
    for each in dicts(ranges, "notAllowedDates"):
        first, last = day_of(each.get("start"), "notAllowedDates"), day_of(each.get("end"), "notAllowedDates")
        if last < first:
            raise not_understood("notAllowedDates", each)
        found.append((first, last))
    return lambda day: any(first <= day <= last for first, last in found)


def _of_week(properties: Any, now: datetime) -> Iterator[Span]:  # noqa: ANN401
    """Hour by hour, and of an hour what no ``notAllowedTime`` has."""
    slots = {
        (weekday(each.get("day")), number(hour, 0, 23, "hourSlots"))
        for each in dicts(at(properties, "timeInWeek"), "timeInWeek")
        for hour in _list(each.get("hourSlots"))
    }
    if not slots:
        raise BadAnswer("a maintenance configuration has neither a maintenanceWindow nor a timeInWeek")
    barred = []
    for each in dicts(at(properties, "notAllowedTime"), "notAllowedTime"):
        first, last = time_of(each.get("start")), time_of(each.get("end"))
        if first is None or last is None or last < first:
            raise not_understood("notAllowedTime", each)
        barred.append((first, last))
    barred.sort()
    begin = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for hour in (begin + _HOUR * ahead for ahead in range(24 * _HORIZON)):
        if (hour.weekday(), hour.hour) in slots:
            yield from _without(hour, hour + _HOUR, barred)


def _without(begin: datetime, end: datetime, barred: Iterable[tuple[datetime, datetime]]) -> Iterator[Span]:
    """What is left of a time, in its order; what is barred is in the order of its begin."""
    for first, last in barred:
        if last <= begin or first >= end:
            continue
        if first > begin:
            yield Span(begin, first.astimezone(UTC), "")
        if last >= end:
            return
        begin = last.astimezone(UTC)
    yield Span(begin, end, "")


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans that touch are one."""
    last: Span | None = None
    for span in spans:
        if last is not None and last.end < span.begin:
            yield last
            last = None
        last = Span(span.begin if last is None else last.begin, span.end, "")
    if last is not None:
        yield last


def _zone(offset: object) -> timezone:
    sign, hours, minutes = matched("+00:00" if offset is None else offset, _OFFSET, "utcOffset").groups()
    away = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-away if sign == "-" else away)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise not_understood("hourSlots", value)
    return value
