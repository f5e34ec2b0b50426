"""Calendars that hold gates: iCalendar files with their recurring events, and the public holidays of a country.

A file is read when it is asked for, so that one which is mounted or changed later counts; what cannot be read or
understood is a CouldNotLook, never an empty calendar. Files are trusted like policies, and bounded all the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from gatekeeper.errors import BadAnswer, CouldNotLook
from gatekeeper.kit.manifest import say
from gatekeeper.kit.occasions import Span, spans_of

_LARGEST: Final = 1 << 20  # bytes
_MOST: Final = 10_000  # events, recurrences included


class Spans:
    """Spans in which a moment is found quickly."""

    def __init__(self, spans: Iterable[Span]) -> None:
        merged: list[Span] = []
        for span in sorted(spans):
            if merged and span.begin <= merged[-1].end:
                last = merged[-1]
                merged[-1] = Span(last.begin, max(last.end, span.end), last.name)
            else:
                merged.append(span)
        self._spans = merged
        self._begins = [span.begin for span in merged]

    def at(self, moment: datetime) -> Span | None:
        """The span that holds a moment; its begin is in it, its end is not. Spans that touch are one."""
        place = bisect_right(self._begins, moment) - 1
        return self._spans[place] if place >= 0 and moment < self._spans[place].end else None

    def turns(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """All begins and ends from a time on and before another."""
        for span in self._spans[max(bisect_right(self._begins, begin) - 1, 0) :]:
            if span.begin >= end:
                return
            yield from (turn for turn in (span.begin, span.end) if begin <= turn < end)

    def __bool__(self) -> bool:
        return bool(self._spans)


def read_calendar(path: Path, zone: ZoneInfo, begin: datetime, end: datetime) -> Sequence[Span]:
    """The events of an iCalendar file (RFC 5545) that touch a time, recurring and changed ones included.

    A large file takes a second: call this in a thread. Cancelled events are left out. Tentative ones count; so do those
    that are marked as free, which is what calendar programs write for events that last all day.

    Args:
        path: the file.
        zone: of events whose times name none, and of those that last all day.
        begin: from when.
        end: until when; at most 400 days after an event's own begin is looked at.

    Raises:
        CouldNotLook: there is no such file, or it cannot be read.
        BadAnswer: it is no calendar, is larger than 1 MiB, has more than 10,000 events in this time, or one that recurs
            more often than daily.
    """
    from icalendar import Calendar  # late: heavy

    content = _content(path)
    try:
        calendar = Calendar.from_ical(content)
        if calendar.name != "VCALENDAR":
            raise ValueError("it is no VCALENDAR")
        spans = list(islice(spans_of(calendar.events, zone, begin, end), _MOST + 1))
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise BadAnswer(f"the calendar {path} cannot be used: {say(error)}") from error
    if len(spans) > _MOST:
        raise BadAnswer(f"the calendar {path} has more than {_MOST:,} events in {(end - begin).days} days")
    return spans


def public_holidays(country: str, subdivision: str | None, years: Sequence[int]) -> Mapping[date, str]:
    """The public holidays of a country, or of one of its subdivisions, by day; in English where they have such names.

    Args:
        country: ISO 3166-1 code, such as ``CH``.
        subdivision: ISO 3166-2 code without the country, such as ``ZH``.
        years: which.

    Raises:
        ValueError: the country or the subdivision is not known.
    """
    from holidays import country_holidays  # late: heavy

    try:
        # Without a language their names would follow the environment of the process.
        found = country_holidays(country, subdiv=subdivision, years=list(years), language="en_US")
    except NotImplementedError as error:
        raise ValueError(say(error)) from error
    return {day: say(name, 80) for day, name in found.items()}


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise CouldNotLook(f"the calendar {path} cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST:
        raise BadAnswer(f"the calendar {path} is larger than {_LARGEST:,} bytes")
    return content
