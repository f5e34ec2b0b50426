"""The days on which a planned maintenance window of AKS begins, and readers for the words in which Azure has them.

The bounds of all numbers are those of Microsoft.ContainerService, api-version 2025-05-01.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import say

IsDay = Callable[[date], bool]

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKS: Final = ("First", "Second", "Third", "Fourth")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAY: Final = timedelta(days=1)


def recurrence(schedule: Any, start: date | None) -> IsDay:  # noqa: ANN401 - Azure's answer
    """Whether a day, which is not before the start, is one of a schedule.

    Every n-th day is counted from the start, and every n-th week from the one, Sunday to Saturday, in which it lies:
    with ``startDate`` on a Tuesday, every second Sunday was seen to begin 12 days later and not 5 (Azure/AKS, April
    2026: "Clarify intervalWeeks behavior for planned maintenance window start date evaluation"). Months are counted
    alike if the first has a day of the schedule on the start or after it; if not, nobody says which month is the first.

    Raises:
        BadAnswer: it is no such schedule, or it is not known from when it counts.
    """
    given = {kind: rule for kind, rule in schedule.items() if rule is not None} if isinstance(schedule, dict) else {}
    name, rule = next(iter(given.items()), ("", None))
    if len(given) != 1 or name not in _KINDS or not isinstance(rule, Mapping):
        raise BadAnswer(f"a maintenance window has not one schedule, but {say(schedule, 100) or 'none'}")
    kind = _KINDS[name]
    is_day, interval = kind.days(rule), number(rule.get(kind.unit), 1, kind.most, kind.unit)
    if interval == 1:
        return is_day
    if start is None:
        raise BadAnswer(f"a maintenance window has {kind.unit} {interval}, and no startDate to count from")
    if kind.since is _months and not any(is_day(start + _DAY * later) for later in range(_days_left(start))):
        words = f"a maintenance window comes every {interval} months, but not between its startDate {start} and the end"
        hint = "it is not known which months count; let startDate be a day on which it opens"
        raise BadAnswer(f"{words} of that month: {hint}")
    return lambda day: is_day(day) and kind.since(start, day) % interval == 0


def weekday(value: object) -> int:
    """A day of the week as Python counts them. Raises BadAnswer when it is none."""
    if value not in _DAYS:
        raise not_understood("day", value)
    return _DAYS.index(str(value))


def day_of(value: object, what: str) -> date:
    """A date such as ``2026-12-24``. Raises BadAnswer when it is none."""
    try:
        return date.fromisoformat(matched(value, _DATE, what)[0])
    except ValueError:
        raise not_understood(what, value) from None


def number(value: object, least: int, most: int, what: str) -> int:
    """A whole number between two. Raises BadAnswer when it is none."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise not_understood(what, value, f": it is no number from {least} to {most}")
    return value


def matched(value: object, form: re.Pattern[str], what: str) -> re.Match[str]:
    """Text of a form. Raises BadAnswer when it has another."""
    found = form.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise not_understood(what, value)
    return found


def not_understood(what: str, value: object, why: str = "") -> BadAnswer:
    """What is raised for a value that is written in another way."""
    return BadAnswer(f"the {what} {say(value, 60) or 'none'!r} of a maintenance window is not understood{why}")


def _any_day(_: Mapping[str, Any]) -> IsDay:
    return lambda _: True


def _day_of_week(rule: Mapping[str, Any]) -> IsDay:
    wanted = weekday(rule.get("dayOfWeek"))
    return lambda day: day.weekday() == wanted


def _day_of_month(rule: Mapping[str, Any]) -> IsDay:
    """A day that a shorter month does not have is none there: nothing is written of it."""
    wanted = number(rule.get("dayOfMonth"), 1, 31, "dayOfMonth")
    return lambda day: day.day == wanted


def _weekday_of_month(rule: Mapping[str, Any]) -> IsDay:
    """The first to fourth, or the last, of a weekday in its month; weeks do not count."""
    which, is_weekday = rule.get("weekIndex"), _day_of_week(rule)
    if which == "Last":
        return lambda day: is_weekday(day) and _days_left(day) <= 7
    if which not in _WEEKS:
        raise not_understood("weekIndex", which)
    week = _WEEKS.index(which)
    return lambda day: is_weekday(day) and (day.day - 1) // 7 == week


def _days_left(day: date) -> int:
    """How many days its month has from a day on."""
    return monthrange(day.year, day.month)[1] - day.day + 1


def _days(start: date, day: date) -> int:
    return (day - start).days


def _weeks(start: date, day: date) -> int:
    return day.toordinal() // 7 - start.toordinal() // 7  # Sundays have the multiples of 7


def _months(start: date, day: date) -> int:
    return (day.year - start.year) * 12 + day.month - start.month


class _Kind(NamedTuple):
    days: Callable[[Mapping[str, Any]], IsDay]
    unit: str
    """Every how many of what, and at most."""
    most: int
    since: Callable[[date, date], int]
    """How many of these are between two days."""


_KINDS: Final = {
    "daily": _Kind(_any_day, "intervalDays", 7, _days),
    "weekly": _Kind(_day_of_week, "intervalWeeks", 4, _weeks),
    "absoluteMonthly": _Kind(_day_of_month, "intervalMonths", 6, _months),
    "relativeMonthly": _Kind(_weekday_of_month, "intervalMonths", 6, _months),
}
