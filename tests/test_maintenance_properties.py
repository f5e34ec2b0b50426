"""Planned maintenance windows of AKS, whatever their schedule: they agree with a naive look at every hour."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.maintenance import maintenance_windows
from tests.test_maintenance import DAYS, barred, monthly, relative, week, weekly, window

WEEKS = ("First", "Second", "Third", "Fourth", "Last")
HOUR = timedelta(hours=1)


def all_days(schedule: dict[str, Any], start: date, last: date) -> Iterator[date]:
    """The days of a schedule, by another way: step by step from the begin of the start's week or month."""
    ((kind, rule),) = schedule.items()
    if kind == "daily":
        yield from _steps(start, last, rule["intervalDays"])
    elif kind == "weekly":
        sunday = start
        while sunday.weekday() != 6:
            sunday -= timedelta(days=1)
        first = sunday + timedelta(days=("Sunday", *DAYS[:6]).index(rule["dayOfWeek"]))
        yield from _steps(first, last, 7 * rule["intervalWeeks"])
    else:
        for month in range(0, 12 * (last.year - start.year + 1), rule["intervalMonths"]):
            year, zero = divmod(start.month - 1 + month, 12)
            yield from _of_month(kind, rule, start.year + year, zero + 1)


def _steps(first: date, last: date, step: int) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=step)


def _of_month(kind: str, rule: dict[str, Any], year: int, month: int) -> Iterator[date]:
    weeks = calendar.monthcalendar(year, month)
    if kind == "absoluteMonthly":
        found = [day for row in weeks for day in row if day == rule["dayOfMonth"]]
    else:
        all_of_them = [row[DAYS.index(rule["dayOfWeek"])] for row in weeks]
        found = [
            [day for day in all_of_them if day][WEEKS.index(rule["weekIndex"]) if rule["weekIndex"] != "Last" else -1]
        ]
    yield from (date(year, month, day) for day in found)


intervals = st.integers(1, 4)
schedules = (
    st.builds(lambda interval: {"daily": {"intervalDays": interval}}, intervals)
    | st.builds(weekly, st.sampled_from(DAYS), intervals)
    | st.builds(monthly, st.sampled_from([1, 15, 28, 29, 30, 31]), intervals)
    | st.builds(relative, st.sampled_from(WEEKS), st.sampled_from(DAYS), intervals)
)
dates = st.dates(date(2026, 10, 1), date(2027, 3, 31))
moments = st.integers(0, 120 * 24 * 60).map(
    lambda minute: datetime(2026, 12, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


@dataclass(frozen=True)
class Plan:
    """A window, in words of Python."""

    schedule: dict[str, Any]
    start: date
    zone: timezone
    begins: time
    length: timedelta
    bars: list[tuple[date, int]]

    @property
    def properties(self) -> dict[str, Any]:
        """What Azure says of it."""
        return window(
            self.schedule,
            startDate=f"{self.start}",
            utcOffset=f"{self.zone}".removeprefix("UTC") or "+00:00",
            startTime=f"{self.begins:%H:%M}",
            durationHours=self.length // HOUR,
            notAllowedDates=[{"start": f"{day}", "end": f"{day + timedelta(days=more)}"} for day, more in self.bars],
        )

    @property
    def closed(self) -> set[date]:
        return {first + timedelta(days=later) for first, more in self.bars for later in range(more + 1)}

    def opened(self) -> set[datetime]:
        """When windows begin, until the summer of 2027."""
        all_of_them = all_days(self.schedule, self.start, date(2027, 6, 1))
        counting = {day for day in all_of_them if day >= self.start} - self.closed
        return {datetime.combine(day, self.begins, self.zone).astimezone(UTC) for day in counting}

    def counts_months_from_one_that_was_over(self) -> bool:
        ((kind, rule),) = self.schedule.items()
        if not kind.endswith("Monthly") or rule["intervalMonths"] == 1:
            return False
        return not any(day >= self.start for day in _of_month(kind, rule, self.start.year, self.start.month))


plans = st.builds(
    Plan,
    schedules,
    dates,
    st.integers(-48, 56).map(lambda quarters: timezone(timedelta(minutes=15 * quarters))),
    st.times().map(lambda moment: moment.replace(second=0, microsecond=0)),
    st.integers(4, 24).map(lambda hours: HOUR * hours),
    st.lists(st.tuples(dates, st.integers(0, 20)), max_size=3),
)


@given(plans, moments)
def test_windows_agree_with_a_naive_look_at_every_hour(plan: Plan, now: datetime) -> None:
    if plan.counts_months_from_one_that_was_over():
        with pytest.raises(BadAnswer, match="not known which months count"):
            next(maintenance_windows(plan.properties, now))
        return

    found, opened, closed = list(maintenance_windows(plan.properties, now)), plan.opened(), plan.closed

    for moment in (now + HOUR * ahead for ahead in range(24 * 50)):
        inside = any(begin <= moment < begin + plan.length for begin in opened)
        wanted = inside and moment.astimezone(plan.zone).date() not in closed
        assert any(span.begin <= moment < span.end for span in found) == wanted, moment
    assert all(span.begin < span.end and span.end > now for span in found)
    assert all(one.end < other.begin for one, other in pairwise(found))


@given(
    st.sets(st.tuples(st.sampled_from(DAYS), st.integers(0, 23)), min_size=1),
    st.lists(st.tuples(moments, st.integers(0, 5000)), max_size=3),
    moments,
)
def test_hours_of_the_week_agree_with_a_naive_look_at_every_quarter(
    slots: set[tuple[str, int]], bars: list[tuple[datetime, int]], now: datetime
) -> None:
    closed = [(begin, begin + timedelta(minutes=length)) for begin, length in bars]
    not_allowed = barred(*((begin.isoformat(), end.isoformat()) for begin, end in closed))
    found = list(maintenance_windows(week(*((day, [hour]) for day, hour in slots), notAllowedTime=not_allowed), now))

    for moment in (now + HOUR / 4 * ahead for ahead in range(4 * 24 * 15)):
        wanted = (DAYS[moment.weekday()], moment.hour) in slots and not any(
            begin <= moment < end for begin, end in closed
        )
        assert any(span.begin <= moment < span.end for span in found) == wanted, moment
    assert all(one.end < other.begin for one, other in pairwise(found))
