"""time-window: a time -> finding, and the same as a brute-force search minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.time_window import TimeWindow
from gatekeeper.testing import ask_gate, assert_finding

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
BUSINESS = {"days": DAYS[:5], "from": "08:00", "to": "18:00", "reason": "business hours"}


def window(**given: Any) -> TimeWindow:
    return TimeWindow.model_validate({"timezone": "Europe/Zurich", **given})


async def test_business_hours_are_closed_and_the_next_opening_is_named() -> None:
    finding = await ask_gate(window(closed=[BUSINESS]), "2026-11-23T10:00:00Z")

    message = "closed: business hours Mon-Fri 08:00-18:00 Europe/Zurich; opens Mon 23 Nov 18:00 CET"
    assert_finding(finding, "failed", message)


@pytest.mark.parametrize("time", ["2026-11-23T06:59:59Z", "2026-11-23T17:00:00Z", "2026-11-22T10:00:00Z"])
async def test_outside_of_closed_hours_is_open(time: str) -> None:
    assert_finding(await ask_gate(window(closed=[BUSINESS]), time), "passed")


@pytest.mark.parametrize(
    ("time", "outcome"),
    [
        ("2026-11-27T01:00:00Z", "failed"),  # Friday 02:00 belongs to Thursday's night
        ("2026-11-27T20:59:00Z", "failed"),  # Friday 21:59
        ("2026-11-27T21:00:00Z", "passed"),  # Friday 22:00
        ("2026-11-28T01:00:00Z", "passed"),  # Saturday 02:00 belongs to Friday's
        ("2026-11-28T03:00:00Z", "failed"),  # Saturday 04:00
    ],
)
async def test_a_window_past_midnight_belongs_to_the_day_on_which_it_began(time: str, outcome: str) -> None:
    nights = window(open=[{"days": ["Fri"], "from": "22:00", "to": "04:00"}])

    assert_finding(await ask_gate(nights, time), outcome)


async def test_sunday_night_reaches_into_monday() -> None:
    nights = window(open=[{"days": ["Sun"], "from": "22:00", "to": "04:00"}])

    assert_finding(await ask_gate(nights, "2026-11-23T01:00:00Z"), "passed")


async def test_equal_hours_last_the_whole_day() -> None:
    saturdays = window(open=[{"days": ["Sat"], "from": "00:00", "to": "00:00"}])

    assert_finding(await ask_gate(saturdays, "2026-11-28T22:59:00Z"), "passed")
    assert_finding(await ask_gate(saturdays, "2026-11-28T23:00:00Z"), "failed", "opens Sat 05 Dec 00:00 CET")


async def test_the_day_ends_at_24_00() -> None:
    evenings = window(open=[{"days": ["Sat"], "from": "20:00", "to": "24:00"}])

    assert_finding(await ask_gate(evenings, "2026-11-28T22:59:59Z"), "passed")
    assert_finding(await ask_gate(evenings, "2026-11-28T23:00:00Z"), "failed")


@pytest.mark.parametrize(
    ("time", "outcome"),
    [
        ("2026-12-17T22:59:59Z", "passed"),
        ("2026-12-17T23:00:00Z", "failed"),  # midnight in Zurich
        ("2027-01-04T22:59:59Z", "failed"),  # the last day counts
        ("2027-01-04T23:00:00Z", "passed"),
    ],
)
async def test_a_freeze_holds_on_both_its_ends_in_the_local_zone(time: str, outcome: str) -> None:
    frozen = window(freezes=[{"from": date(2026, 12, 18), "to": "2027-01-04", "reason": "year-end freeze"}])

    assert_finding(await ask_gate(frozen, time), outcome)


async def test_a_freeze_outweighs_an_open_window_and_the_opening_is_after_it() -> None:
    check = window(open=[BUSINESS], freezes=[{"from": "2026-11-20", "to": "2026-12-01"}])

    finding = await ask_gate(check, "2026-11-23T10:00:00Z")

    assert_finding(finding, "failed", "freeze 2026-11-20 to 2026-12-01 Europe/Zurich; opens Wed 02 Dec 08:00 CET")


async def test_what_never_opens_says_so() -> None:
    always = {"from": "00:00", "to": "24:00"}

    finding = await ask_gate(window(open=[always], closed=[always]), "2026-11-23T10:00:00Z")

    assert_finding(finding, "failed", "does not open within 400 days")


async def test_a_window_inside_the_hour_that_spring_skips_opens_when_the_clock_has_jumped_over_its_begin() -> None:
    skipped = window(open=[{"days": ["Sun"], "from": "02:30", "to": "05:00"}])

    finding = await ask_gate(skipped, "2027-03-28T00:10:00Z")

    assert_finding(finding, "failed", "opens Sun 28 Mar 03:00 CEST")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"open": []},
        {"open": [BUSINESS], "closed": []},
        {"freezes": []},
        {"timezone": "Europe/Zürich", "open": [BUSINESS]},
        {"timezone": "../etc/passwd", "open": [BUSINESS]},
        {"timezone": "Europe", "open": [BUSINESS]},
        {"timezone": "", "open": [BUSINESS]},
        {"open": [{**BUSINESS, "days": []}]},
        {"open": [{**BUSINESS, "days": ["Monday"]}]},
        {"open": [{**BUSINESS, "from": 480}]},
        {"open": [{**BUSINESS, "from": "8:00"}]},
        {"open": [{**BUSINESS, "from": "24:00"}]},
        {"open": [{**BUSINESS, "to": "24:01"}]},
        {"open": [{"days": ["Mon"], "from": "08:00"}]},
        {"freezes": [{"from": "2026-12-24", "to": "2026-12-23"}]},
        {"freezes": [{"from": 20261224, "to": 20261226}]},
        {"freezes": [{"from": datetime(2026, 12, 24, tzinfo=UTC), "to": "2026-12-26"}]},
        {"freezes": [{"from": "24.12.2026", "to": "2026-12-26"}]},
        {"open": [BUSINESS], "opne": [BUSINESS]},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        window(**given)


# --- the same by brute force

ZONES = ["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"]
clocks = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
windows = st.fixed_dictionaries(
    {"days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True), "from": clocks, "to": clocks | st.just("24:00")}
)
instants = st.integers(0, 365 * 1440).map(lambda minute: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute))
# around the changes of the clocks in 2026 in these zones
changes = st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-09-06", "2026-10-04", "2026-10-25"])
near = st.builds(
    lambda day, minute: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minute),
    changes,
    st.integers(-1440, 1440),
)


def is_open(given: dict[str, Any], moment: datetime) -> bool:
    """Written another way than the check: each window is walked minute by minute from the wall clock's own day."""
    local = moment.astimezone(ZoneInfo(given["timezone"])).replace(tzinfo=None, second=0, microsecond=0)

    def inside(one: dict[str, Any]) -> bool:
        hours, minutes = map(int, one["from"].split(":"))
        to_hours, to_minutes = map(int, one["to"].split(":"))
        length = (to_hours * 60 + to_minutes - hours * 60 - minutes) % 1440 or 1440
        for back in (0, 1):
            day = local.date() - timedelta(days=back)
            begin = datetime(day.year, day.month, day.day, hours, minutes)  # noqa: DTZ001 - the clock on the wall
            if day.strftime("%a") in one["days"] and begin <= local < begin + timedelta(minutes=length):
                return True
        return False

    if any(inside(one) for one in given.get("closed", ())):
        return False
    return not given.get("open") or any(inside(one) for one in given["open"])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.lists(windows, max_size=2),
    st.lists(windows, max_size=2),
    instants | near,
)
async def test_it_agrees_with_brute_force(
    zone: str, opened: list[dict[str, Any]], closed: list[dict[str, Any]], now: datetime
) -> None:
    given: dict[str, Any] = {"timezone": zone}
    given |= {"open": opened} if opened else {}
    given |= {"closed": closed} if closed or not opened else {}
    if not opened and not closed:
        return
    check = TimeWindow.model_validate(given)

    finding = await ask_gate(check, now)
    opens = check.next_opening(now)

    assert (finding.outcome == "passed") == is_open(given, now)
    if opens is None:
        assert not any(is_open(given, now + timedelta(minutes=minute)) for minute in range(1, 9 * 1440, 15))
    else:
        assert is_open(given, opens)
        whole = (opens - now) // timedelta(minutes=1)
        if finding.outcome == "failed":
            assert not any(is_open(given, now + timedelta(minutes=minute)) for minute in range(min(whole, 2000)))
