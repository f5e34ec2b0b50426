"""Planned maintenance windows of AKS: when they open and close, and what is refused rather than guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.maintenance import maintenance_windows

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday
DAILY = {"daily": {"intervalDays": 1}}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weekly(day: str, interval: int = 1) -> dict[str, Any]:
    return {"weekly": {"dayOfWeek": day, "intervalWeeks": interval}}


def monthly(day: int, interval: int = 1) -> dict[str, Any]:
    return {"absoluteMonthly": {"dayOfMonth": day, "intervalMonths": interval}}


def relative(week: str, day: str, interval: int = 1) -> dict[str, Any]:
    return {"relativeMonthly": {"weekIndex": week, "dayOfWeek": day, "intervalMonths": interval}}


def window(schedule: Any = DAILY, **fields: Any) -> dict[str, Any]:
    """The properties of a configuration, with four hours from 01:00 on; None takes a field away."""
    own = {"schedule": schedule, "durationHours": 4, "startTime": "01:00", **fields}
    return {"maintenanceWindow": {key: value for key, value in own.items() if value is not None}}


def week(*slots: tuple[str, Sequence[int]], **fields: Any) -> dict[str, Any]:
    """The properties of a configuration by hours of the week."""
    return {"timeInWeek": [{"day": day, "hourSlots": list(hours)} for day, hours in slots], **fields}


def slot(day: Any, hours: Any) -> list[Any]:
    """One entry of ``timeInWeek``."""
    return [{"day": day, "hourSlots": hours}]


def barred(*ranges: tuple[str, str]) -> list[dict[str, str]]:
    return [{"start": start, "end": end} for start, end in ranges]


def spans(properties: Any, most: int = 3, now: datetime = NOW) -> list[tuple[str, str]]:
    """Begin and end of the first windows, in UTC."""
    found = islice(maintenance_windows(properties, now), most)
    return [(f"{span.begin:%m-%dT%H:%M}", f"{span.end:%m-%dT%H:%M}") for span in found]


def days(schedule: Any, start: str | None = None, most: int = 3, now: datetime = NOW) -> list[str]:
    """The days of the first windows."""
    found = islice(maintenance_windows(window(schedule, startDate=start), now), most)
    return [f"{span.begin:%Y-%m-%d}" for span in found]


@pytest.mark.parametrize(
    ("schedule", "start", "expected"),
    [
        (DAILY, None, ["2026-11-24", "2026-11-25", "2026-11-26"]),
        ({"daily": {"intervalDays": 3}}, "2026-11-20", ["2026-11-26", "2026-11-29", "2026-12-02"]),
        ({"daily": {"intervalDays": 7}}, "2025-12-31", ["2026-11-25", "2026-12-02", "2026-12-09"]),
        (weekly("Friday"), None, ["2026-11-27", "2026-12-04", "2026-12-11"]),
        (weekly("Friday"), "2026-12-04", ["2026-12-04", "2026-12-11", "2026-12-18"]),
        (monthly(15), None, ["2026-12-15", "2027-01-15", "2027-02-15"]),
        (monthly(31), None, ["2026-12-31", "2027-01-31", "2027-03-31"]),
        (monthly(29), "2027-02-01", ["2027-03-29", "2027-04-29", "2027-05-29"]),
        (monthly(15, 3), "2026-01-15", ["2027-01-15", "2027-04-15", "2027-07-15"]),
        (monthly(31, 6), "2026-03-01", ["2027-03-31"]),
        (relative("First", "Tuesday"), None, ["2026-12-01", "2027-01-05", "2027-02-02"]),
        (relative("Fourth", "Sunday"), None, ["2026-12-27", "2027-01-24", "2027-02-28"]),
        (relative("Last", "Sunday"), None, ["2026-11-29", "2026-12-27", "2027-01-31"]),
        (relative("Last", "Monday"), "2027-02-01", ["2027-02-22", "2027-03-29", "2027-04-26"]),
        (relative("Second", "Monday", 2), "2026-10-01", ["2026-12-14", "2027-02-08", "2027-04-12"]),
        ({**DAILY, "weekly": None, "absoluteMonthly": None}, None, ["2026-11-24", "2026-11-25", "2026-11-26"]),
    ],
)
def test_a_schedule_has_its_days(schedule: Any, start: str | None, expected: list[str]) -> None:
    assert days(schedule, start) == expected


@pytest.mark.parametrize(
    ("start", "day", "interval", "expected"),
    [
        # What was seen of AKS: the Sunday of the start's own week is over, so a whole interval passes.
        ("2026-04-14", "Sunday", 2, ["2026-04-26", "2026-05-10"]),
        ("2026-04-14", "Sunday", 3, ["2026-05-03", "2026-05-24"]),
        ("2026-04-12", "Sunday", 2, ["2026-04-12", "2026-04-26"]),
        ("2026-04-14", "Tuesday", 4, ["2026-04-14", "2026-05-12"]),
        ("2026-04-14", "Saturday", 2, ["2026-04-18", "2026-05-02"]),
        ("2026-04-14", "Monday", 2, ["2026-04-27", "2026-05-11"]),
    ],
)
def test_weeks_are_counted_from_that_of_the_start(start: str, day: str, interval: int, expected: list[str]) -> None:
    before = datetime(2026, 4, 10, tzinfo=UTC)

    assert days(weekly(day, interval), start, 2, before) == expected


def test_weeks_are_counted_across_the_ends_of_years() -> None:
    found = days(weekly("Thursday", 2), "2026-12-03", 4, datetime(2026, 12, 4, tzinfo=UTC))

    assert found == ["2026-12-17", "2026-12-31", "2027-01-14", "2027-01-28"]


@pytest.mark.parametrize(
    ("schedule", "start"),
    [
        (monthly(1, 3), "2026-01-20"),
        (monthly(31, 2), "2026-02-01"),
        (relative("First", "Monday", 2), "2026-11-23"),
        (relative("Last", "Sunday", 6), "2026-11-30"),
    ],
)
def test_months_are_not_counted_from_one_whose_window_was_over(schedule: Any, start: str) -> None:
    with pytest.raises(BadAnswer, match=r"not known which months count; let startDate be a day on which it opens"):
        days(schedule, start)

    assert days(schedule | {next(iter(schedule)): {**next(iter(schedule.values())), "intervalMonths": 1}}, start)


@pytest.mark.parametrize(
    ("offset", "begins", "expected"),
    [
        (None, "01:00", ("11-24T01:00", "11-24T05:00")),
        ("+00:00", "22:30", ("11-23T22:30", "11-24T02:30")),
        ("+05:30", "08:30", ("11-24T03:00", "11-24T07:00")),
        ("-07:00", "23:59", ("11-23T06:59", "11-23T10:59")),
        ("+14:00", "00:00", ("11-23T10:00", "11-23T14:00")),
        ("-12:00", "12:00", ("11-24T00:00", "11-24T04:00")),
    ],
)
def test_a_window_opens_by_the_clock_of_its_offset(offset: str | None, begins: str, expected: tuple[str, str]) -> None:
    assert spans(window(utcOffset=offset, startTime=begins), 1) == [expected]


def test_the_end_is_not_in_a_window_and_the_begin_is() -> None:
    opening, closing = window(startTime="10:00"), window(startTime="06:00")

    assert spans(opening, 1) == [("11-23T10:00", "11-23T14:00")]
    assert spans(closing, 1) == [("11-24T06:00", "11-24T10:00")]


def test_a_window_passes_midnight_and_belongs_to_the_day_on_which_it_began() -> None:
    night = window(weekly("Sunday"), startTime="22:00", durationHours=24)

    assert spans(night, 2) == [("11-22T22:00", "11-23T22:00"), ("11-29T22:00", "11-30T22:00")]
    assert spans({"maintenanceWindow": {**night["maintenanceWindow"], "startDate": "2026-11-23"}}, 1) == [
        ("11-29T22:00", "11-30T22:00")
    ]


def test_windows_that_touch_are_one() -> None:
    (span,) = maintenance_windows(window(durationHours=24), NOW)

    assert span.begin < NOW
    assert span.end - NOW > timedelta(days=366)


def test_the_last_barred_day_is_barred_to_its_end() -> None:
    found = window(startTime="08:00", utcOffset="+02:00", notAllowedDates=barred(("2026-11-24", "2026-11-26")))

    assert spans(found, 2, NOW) == [("11-27T06:00", "11-27T10:00"), ("11-28T06:00", "11-28T10:00")]


def test_a_window_ends_where_a_barred_day_begins_and_none_begins_on_it() -> None:
    night = window(startTime="22:00", durationHours=8, notAllowedDates=barred(("2026-11-24", "2026-11-24")))

    assert spans(night, 2) == [("11-23T22:00", "11-24T00:00"), ("11-25T22:00", "11-26T06:00")]


def test_all_is_barred_to_the_end_of_time() -> None:
    assert spans(window(notAllowedDates=barred(("2020-01-01", "2020-01-31"), ("2026-01-01", "9999-12-31")))) == []


def test_hours_of_the_week_that_touch_are_one_window() -> None:
    found = week(("Monday", [9, 10, 12]), ("Sunday", [22, 23]), ("Monday", [0]), ("Monday", [10]))

    assert spans(found, 4) == [
        ("11-23T10:00", "11-23T11:00"),
        ("11-23T12:00", "11-23T13:00"),
        ("11-29T22:00", "11-30T01:00"),
        ("11-30T09:00", "11-30T11:00"),
    ]


def test_hours_of_the_week_are_cut_by_what_is_not_allowed() -> None:
    not_allowed = barred(
        ("2026-11-23T12:30:00Z", "2026-11-23T12:45:00+00:00"),
        ("2026-11-23T14:00:00+01:00", "2026-11-23T14:20:00+01:00"),
        ("2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"),
        ("2026-11-30T00:00:00Z", "9999-12-31T23:59:59-12:00"),
        ("0001-01-01T00:00:00+14:00", "2026-11-23T12:05:00Z"),
    )

    assert spans(week(("Monday", [12, 13, 14]), notAllowedTime=not_allowed), 9) == [
        ("11-23T12:05", "11-23T12:30"),
        ("11-23T12:45", "11-23T13:00"),
        ("11-23T13:20", "11-23T14:00"),
    ]


def test_a_week_of_all_hours_is_always_open() -> None:
    (span,) = maintenance_windows(week(*((day, range(24)) for day in DAYS)), NOW)

    assert span.begin <= NOW
    assert span.end - NOW > timedelta(days=366)


@pytest.mark.parametrize("properties", [None, {}, [], "x", {"maintenanceWindow": None}, {"timeInWeek": []}, week()])
def test_a_configuration_without_a_time_is_no_answer(properties: Any) -> None:
    with pytest.raises(BadAnswer, match="neither a maintenanceWindow nor a timeInWeek"):
        spans(properties)


ODD: tuple[Any, ...] = (None, True, "", "x", 1.5, -1, [], {}, [{}], {"a": 1})


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("startTime", (*ODD, "1:00", "24:00", "01:60", "01:00:00", "01:00Z")),
        ("durationHours", (*ODD, 0, 3, 25, "4", 4.0)),
        ("utcOffset", (*ODD[1:], "01:00", "+1:00", "+15:00", "+01:60", "Z", "UTC", "\u0661")),
        ("startDate", (*ODD[1:], "2026-11-31", "2026-11-23T00:00:00Z", "20261123", "2026-W48-1", 20261123)),
        ("schedule", (*ODD, {**DAILY, **weekly("Friday")}, {**DAILY, "hourly": {}}, {"hourly": {}}, {"daily": 1})),
        ("notAllowedDates", ("x", {"start": "2026-11-23"}, [1], [{}], [{"start": "2026-11-23"}], barred(("x", "y")))),
        ("notAllowedDates", (barred(("2026-11-24", "2026-11-23")), barred(("2026-11-24T00:00:00Z", "2026-11-25")))),
    ],
)
def test_a_window_with_an_odd_field_is_no_answer(field: str, values: Sequence[Any]) -> None:
    for value in values:
        properties = window()
        properties["maintenanceWindow"][field] = value
        with pytest.raises(BadAnswer):
            spans(properties)


@pytest.mark.parametrize(
    ("schedule", "field", "values"),
    [
        ({"daily": {"intervalDays": 1}}, "intervalDays", (*ODD, 0, 8)),
        (weekly("Friday"), "intervalWeeks", (*ODD, 0, 5)),
        (weekly("Friday"), "dayOfWeek", (*ODD, "friday", "Fri", 5)),
        (monthly(1), "intervalMonths", (*ODD, 0, 7)),
        (monthly(1), "dayOfMonth", (*ODD, 0, 32)),
        (relative("First", "Friday"), "intervalMonths", (*ODD, 0, 7)),
        (relative("First", "Friday"), "dayOfWeek", (*ODD, "friday")),
        (relative("First", "Friday"), "weekIndex", (*ODD, "first", "Fifth", 1)),
    ],
)
def test_a_schedule_with_an_odd_field_is_no_answer(schedule: Any, field: str, values: Sequence[Any]) -> None:
    (kind, rule), *_ = schedule.items()
    for value in values:
        with pytest.raises(BadAnswer):
            days({kind: {**rule, field: value}}, "2026-11-01")


@pytest.mark.parametrize("schedule", [{"daily": {"intervalDays": 2}}, weekly("Friday", 2), monthly(1, 2)])
def test_every_second_of_something_needs_a_start(schedule: Any) -> None:
    with pytest.raises(BadAnswer, match="no startDate to count from"):
        days(schedule)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("timeInWeek", (True, "x", 1.5, {"a": 1}, [1], [None], [{}], [{"day": "Monday"}], [{"hourSlots": [1]}])),
        ("timeInWeek", (slot("", [1]), slot("monday", [1]), slot("Mon", [1]), slot(1, [1]), slot([], [1]))),
        ("timeInWeek", (slot("Monday", True), slot("Monday", "1"), slot("Monday", 1), slot("Monday", {}))),
        ("timeInWeek", (slot("Monday", [24]), slot("Monday", [-1]), slot("Monday", ["1"]), slot("Monday", [1.0]))),
        ("notAllowedTime", ("x", [1], [{}], [{"start": "2026-11-23T00:00:00Z"}], [{"start": 1, "end": 2}])),
        ("notAllowedTime", [barred(("2026-11-23T00:00:00", "2026-11-24T00:00:00"))]),
        ("notAllowedTime", [barred(("2026-11-25T00:00:00Z", "2026-11-24T00:00:00Z"))]),
    ],
)
def test_hours_of_the_week_with_an_odd_field_are_no_answer(field: str, values: Sequence[Any]) -> None:
    for value in values:
        with pytest.raises(BadAnswer):
            spans({**week(("Monday", [1])), field: value})
