"""Gates open at the right time of the week only, and never during a freeze."""

from __future__ import annotations

import re
from asyncio import to_thread
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gatekeeper.check import (
    CouldNotLook,
    Finding,
    GateCheck,
    GateContext,
    Parameters,
    Span,
    Spans,
    public_holidays,
    read_calendar,
)

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_DAYS: Final[tuple[Day, ...]] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CLOCK: Final = r"^([01]\d|2[0-3]):[0-5]\d$"
_CLOCK_OR_MIDNIGHT: Final = r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"
_HORIZON: Final = 400
"""Days that are searched for the next opening: a yearly freeze ends within them."""


def _quoted(value: object) -> object:
    # YAML 1.1 reads an unquoted 18:00 as 1080: say so, rather than "not a string".
    if not isinstance(value, str):
        raise ValueError('write the time in quotes, such as "08:00"')
    return value


def _calendar_day(value: object) -> object:
    # A bare number would pass for seconds since 1970.
    if type(value) is date or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        return value
    raise ValueError("write the day like 2026-12-24")


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value!r} is not an IANA time zone; write it like Europe/Zurich or UTC") from None
    return value


CalendarDay = Annotated[date, BeforeValidator(_calendar_day)]


class Window(Parameters):
    """A span of wall-clock time on some days of the week. One that ends at or before the hour at which it begins
    passes midnight, and belongs to the day on which it began; with equal hours it lasts 24 hours.
    """

    days: tuple[Day, ...] = Field(default=_DAYS, min_length=1)
    """The days on which it begins; every day unless given."""
    from_: Annotated[str, BeforeValidator(_quoted)] = Field(alias="from", pattern=_CLOCK)
    """When it begins, such as ``"08:00"``."""
    to: Annotated[str, BeforeValidator(_quoted)] = Field(pattern=_CLOCK_OR_MIDNIGHT)
    """When it has ended, such as ``"18:00"``; ``"24:00"`` is the end of the day."""
    reason: str = Field(default="", max_length=200)
    """What people call it: ``business hours``."""

    def holds(self, local: datetime) -> bool:
        """Whether a local time lies in it. Only the clock on the wall counts, so a change to or from summer time
        shortens or stretches it, as it does for people.
        """
        minute, today = local.hour * 60 + local.minute, local.weekday()
        begin, end = _minutes(self.from_), _minutes(self.to)
        if begin < end:
            return _DAYS[today] in self.days and begin <= minute < end
        return (_DAYS[today] in self.days and minute >= begin) or (_DAYS[today - 1] in self.days and minute < end)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.reason, _day_names(self.days), f"{self.from_}-{self.to}")))


class Freeze(Parameters):
    """Days on which nothing is opened, both ends included."""

    from_: CalendarDay = Field(alias="from")
    """The first day, such as ``2026-12-18``."""
    to: CalendarDay
    """The last day."""
    reason: str = Field(default="freeze", max_length=200)
    """What people call it: ``year-end freeze``."""

    @model_validator(mode="after")
    def _in_order(self) -> Freeze:
        if self.to < self.from_:
            raise ValueError(f"the freeze ends ({self.to}) before it begins ({self.from_})")
        return self

    def holds(self, local: datetime) -> bool:
        """Whether a local time lies in it."""
        return self.from_ <= local.date() <= self.to

    def __str__(self) -> str:
        return f"{self.reason} {self.from_} to {self.to}"


class CalendarFile(Parameters):
    """An iCalendar file whose events hold gates, or let them open."""

    file: Path
    """The file, such as a mounted ``/etc/gatekeeper/freezes.ics``; read anew each time, 1 MiB at most."""
    events: Literal["closed", "open"] = "closed"
    """What its events are: times at which nothing opens, or the only ones at which gates open."""


class PublicHolidays(Parameters):
    """The public holidays of a country; nothing is opened on them."""

    country: str = Field(pattern=r"^[A-Z]{2,3}$")
    """ISO 3166 code of the country: ``CH``."""
    subdivision: str | None = Field(default=None, max_length=20)
    """Code of its subdivision, for the holidays of that too: ``ZH``."""

    @model_validator(mode="after")
    def _known(self) -> PublicHolidays:
        public_holidays(self.country, self.subdivision, [2000])
        return self


@dataclass(frozen=True, slots=True)
class _Days:
    """What is not written in the policy itself: the events of calendars, and public holidays by local day."""

    closed: Spans = field(default_factory=lambda: Spans(()))
    open: Spans = field(default_factory=lambda: Spans(()))
    holidays: Mapping[date, str] = field(default_factory=dict)

    def why_not(self, local: datetime) -> str | None:
        """The holiday or the event that forbids a time."""
        if (holiday := self.holidays.get(local.date())) is not None:
            return f"{holiday} {local.date()}"
        event = self.closed.at(local.astimezone(UTC))
        return None if event is None else f"{event.name} until {_words(event.end.astimezone(local.tzinfo))},"


class TimeWindow(GateCheck):
    """The gate is opened in an open window only (if there are any), never in a closed one, never during a freeze.

    Times are those of the clock on the wall in ``timezone``. A window that passes midnight belongs to the day on which
    it began: ``days: [Fri], from: "22:00", to: "04:00"`` ends on Saturday at 04:00 and has nothing to do with the
    early hours of Friday.

    Calendars are iCalendar files (RFC 5545): events that recur, last all day, or were moved; a cancelled one does not
    count. A file that is missing or broken is an error, and holds; so is a year of which no public holiday is known.
    Public holidays last from midnight to midnight.

    Example:
        - check: time-window
          timezone: Europe/Zurich
          closed:
            - {days: [Mon, Tue, Wed, Thu, Fri], from: "08:00", to: "18:00", reason: business hours}
          freezes:
            - {from: 2026-12-18, to: 2027-01-04, reason: year-end freeze}

        - check: time-window
          timezone: Europe/Zurich
          calendars:
            - {file: /etc/gatekeeper/freezes.ics}
          holidays: {country: CH, subdivision: ZH}
    """

    name: ClassVar[str] = "time-window"
    claim: ClassVar[str] = "now is a time at which gates may open"
    area: ClassVar[str] = "The run and Azure"

    timezone: Annotated[str, AfterValidator(_time_zone)]
    """IANA name of the time zone, such as ``Europe/Zurich``."""
    open: tuple[Window, ...] = Field(default=(), min_length=1)
    """Only in these windows; at any time unless given."""
    closed: tuple[Window, ...] = Field(default=(), min_length=1)
    """Not in these windows, even when an open one says yes."""
    freezes: tuple[Freeze, ...] = Field(default=(), min_length=1)
    """Not on these days."""
    calendars: tuple[CalendarFile, ...] = Field(default=(), min_length=1)
    """Not during the events of these calendars, or only during them."""
    holidays: PublicHolidays | None = None
    """Not on these public holidays."""

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, given: Any) -> Any:  # noqa: ANN401 - pydantic's own signature
        if isinstance(given, dict) and not {"open", "closed", "freezes", "calendars", "holidays"} & given.keys():
            raise ValueError("give at least one of open, closed, freezes, calendars and holidays")
        return given

    async def run(self, ctx: GateContext) -> Finding:
        """Compare the wall clock with the windows."""
        local, days = ctx.now.astimezone(ZoneInfo(self.timezone)), await self._days(ctx.now)
        why = self._why_not(local, days)
        if why is None:
            return Finding.passed(f"{_words(local)} is a time at which gates may open")
        opens = self.next_opening(ctx.now, days)
        then = f"opens {_words(opens)}" if opens else f"does not open within {_HORIZON} days"
        return Finding.failed(f"closed: {why} {self.timezone}; {then}")

    async def _days(self, now: datetime) -> _Days:
        """Read the calendars, and look the holidays up."""
        zone, end = ZoneInfo(self.timezone), now + timedelta(days=_HORIZON + 1)
        spans: dict[str, list[Span]] = {"closed": [], "open": []}
        for calendar in self.calendars:
            found = await to_thread(read_calendar, calendar.file, zone, now - timedelta(days=1), end)
            spans[calendar.events] += found
        asked, years = self.holidays, range(now.year - 1, end.year + 2)
        holidays = {} if asked is None else public_holidays(asked.country, asked.subdivision, years)
        if asked is not None and not any(day.year == now.astimezone(zone).year for day in holidays):
            # Some are announced year by year, and none are kept during a war: this is not a year without holidays.
            raise CouldNotLook(f"no public holidays of {asked.country} are known for {now.astimezone(zone).year}")
        return _Days(Spans(spans["closed"]), Spans(spans["open"]), holidays)

    def _why_not(self, local: datetime, days: _Days) -> str | None:
        shut: tuple[Freeze | Window, ...] = (*self.freezes, *self.closed)
        why = next((str(each) for each in shut if each.holds(local)), None) or days.why_not(local)
        if why is not None:
            return why
        files = [calendar.file.name for calendar in self.calendars if calendar.events == "open"]
        if not (self.open or files):
            return None
        inside = any(window.holds(local) for window in self.open) or days.open.at(local.astimezone(UTC)) is not None
        named = [*map(str, self.open), *(f"during the events of {name}" for name in files)]
        return None if inside else "open only " + ", ".join(named)

    def next_opening(self, now: datetime, days: _Days | None = None) -> datetime | None:
        """The first time after now at which gates may open, in the zone; None if there is none within 400 days.

        Args:
            now: from when.
            days: the events of calendars and the holidays, if there are any.
        """
        known = days or _Days()
        zone = ZoneInfo(self.timezone)
        today = now.astimezone(zone).date()
        for later in range(_HORIZON):
            for moment in sorted(set(self._turns(today + timedelta(days=later), zone, known))):
                local = moment.astimezone(zone)
                if moment > now and self._why_not(local, known) is None:
                    return local
        return None

    def _turns(self, day: date, zone: ZoneInfo, days: _Days) -> Iterator[datetime]:
        """All instants of a local day at which the answer may change: begins, ends, midnight, and, on a day on which
        the clocks change, every quarter of an hour.
        """
        minutes = {
            0,
            *(_minutes(clock) % 1440 for each in (*self.open, *self.closed) for clock in (each.from_, each.to)),
        }
        for minute in minutes:
            for fold in (0, 1):
                yield datetime.combine(day, time(minute // 60, minute % 60), zone).replace(fold=fold).astimezone(UTC)
        begin, end = (datetime.combine(day + timedelta(days=more), time(), zone).astimezone(UTC) for more in (0, 1))
        yield from days.closed.turns(begin, end)
        yield from days.open.turns(begin, end)
        if end - begin != timedelta(days=1):
            yield from (
                begin + timedelta(minutes=15 * quarter) for quarter in range((end - begin) // timedelta(minutes=15))
            )


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _words(local: datetime) -> str:
    return local.strftime("%a %d %b %H:%M %Z")


def _day_names(days: tuple[Day, ...]) -> str:
    """``Mon-Fri`` for days in a row, else one by one."""
    places = sorted({_DAYS.index(day) for day in days})
    if len(places) > 2 and places == list(range(places[0], places[-1] + 1)):
        return f"{_DAYS[places[0]]}-{_DAYS[places[-1]]}"
    return ",".join(_DAYS[place] for place in places)
