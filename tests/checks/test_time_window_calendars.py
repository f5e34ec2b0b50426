"""time-window: calendars and public holidays beside the windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from checks.time_window import TimeWindow
from gatekeeper.check import CouldNotLook
from gatekeeper.testing import ask_gate, assert_finding
from tests.test_calendars import calendar

FREEZE = "DTSTART;TZID=Europe/Zurich:20261123T080000\nDTEND;TZID=Europe/Zurich:20261125T180000\nSUMMARY:Black Friday"


def window(**given: Any) -> TimeWindow:
    return TimeWindow.model_validate({"timezone": "Europe/Zurich"} | given)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "freezes.ics"
    path.write_text(calendar(FREEZE))
    return path


@pytest.mark.parametrize(
    ("time", "outcome"),
    [
        ("2026-11-23T06:59:59Z", "passed"),
        ("2026-11-23T07:00:00Z", "failed"),
        ("2026-11-25T16:59:59Z", "failed"),
        ("2026-11-25T17:00:00Z", "passed"),
    ],
)
async def test_nothing_opens_during_an_event(file: Path, time: str, outcome: str) -> None:
    assert_finding(await ask_gate(window(calendars=[{"file": file}]), time), outcome)


async def test_the_event_and_the_next_opening_are_told(file: Path) -> None:
    finding = await ask_gate(window(calendars=[{"file": file}]), "2026-11-24T10:00:00Z")

    assert_finding(finding, "failed", "closed: Black Friday until Wed 25 Nov 18:00 CET")
    assert finding.message.endswith("opens Wed 25 Nov 18:00 CET")


async def test_an_open_calendar_opens_during_its_events_only(file: Path) -> None:
    check = window(calendars=[{"file": file, "events": "open"}])

    assert_finding(await ask_gate(check, "2026-11-24T10:00:00Z"), "passed")
    before = await ask_gate(check, "2026-11-20T10:00:00Z")
    assert_finding(before, "failed", "open only during the events of freezes.ics")
    assert before.message.endswith("opens Mon 23 Nov 08:00 CET")
    assert_finding(await ask_gate(check, "2026-11-26T10:00:00Z"), "failed", "does not open within 400 days")


async def test_an_open_window_and_an_open_calendar_add_up(file: Path) -> None:
    nights = {"days": ["Thu"], "from": "20:00", "to": "22:00"}
    check = window(open=[nights], calendars=[{"file": file, "events": "open"}])

    assert_finding(await ask_gate(check, "2026-11-26T19:30:00Z"), "passed")
    assert_finding(await ask_gate(check, "2026-11-24T10:00:00Z"), "passed")
    assert_finding(await ask_gate(check, "2026-11-27T10:00:00Z"), "failed", "opens Thu 03 Dec 20:00 CET")


async def test_holidays_last_from_midnight_to_midnight() -> None:
    check = window(holidays={"country": "CH", "subdivision": "ZH"})

    assert_finding(await ask_gate(check, "2026-12-24T22:59:59Z"), "passed")
    christmas = await ask_gate(check, "2026-12-24T23:00:00Z")
    assert_finding(christmas, "failed", "closed: Christmas Day 2026-12-25")
    assert christmas.message.endswith("opens Sun 27 Dec 00:00 CET")  # Saint Stephen's Day is one too
    assert_finding(await ask_gate(check, "2026-12-31T23:00:00Z"), "failed", "New Year's Day 2027-01-01")


async def test_a_year_of_which_no_holiday_is_known_is_no_year_without_holidays() -> None:
    """Sri Lanka announces its holidays year by year."""
    check = window(holidays={"country": "LK"})

    with pytest.raises(CouldNotLook, match="no public holidays of LK are known for 2090"):
        await ask_gate(check, "2089-12-31T23:30:00Z")


async def test_an_empty_calendar_closes_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.ics").write_text(calendar())

    assert_finding(await ask_gate(window(calendars=[{"file": tmp_path / "x.ics"}]), "2026-11-23T10:00:00Z"), "passed")


async def test_a_missing_or_broken_calendar_is_an_error(tmp_path: Path) -> None:
    check = window(calendars=[{"file": tmp_path / "x.ics"}])

    with pytest.raises(CouldNotLook, match="cannot be read"):
        await ask_gate(check, "2026-11-23T10:00:00Z")
    (tmp_path / "x.ics").write_text("oops")
    with pytest.raises(CouldNotLook, match="cannot be used"):
        await ask_gate(check, "2026-11-23T10:00:00Z")


@pytest.mark.parametrize(
    "given",
    [
        {"calendars": []},
        {"calendars": [{}]},
        {"calendars": [{"file": "x", "events": "shut"}]},
        {"holidays": {}},
        {"holidays": {"country": "Switzerland"}},
        {"holidays": {"country": "XX"}},
        {"holidays": {"country": "CH", "subdivision": "QQ"}},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        window(**given)
