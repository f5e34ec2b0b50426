"""The emulator's clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gatekeeper.emulator.clock import Clock, DrivenClock, ScaledClock
from gatekeeper.emulator.fleet.ids import timestamp

START = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_a_driven_clock_stands_still_until_it_is_moved() -> None:
    clock = DrivenClock(START.astimezone(timezone(timedelta(hours=2))))
    before = clock.now()
    clock.advance(1.5)

    assert (before, clock.now()) == (START, START + timedelta(seconds=1.5))
    assert clock.now().tzinfo is UTC


def test_a_scaled_clock_runs_by_itself_and_can_be_moved_too() -> None:
    clock = ScaledClock(speed=1_000_000, start=START)
    first = clock.now()
    second = clock.now()
    clock.advance(86_400)

    assert START < first < second
    assert clock.now() > START + timedelta(days=1)


@pytest.mark.parametrize("clock", [DrivenClock(START), ScaledClock()])
def test_time_never_goes_back(clock: Clock) -> None:
    with pytest.raises(ValueError, match="forward only"):
        clock.advance(-1)


def test_timestamps_have_no_zeros_at_the_end_of_the_fraction() -> None:
    shown = [timestamp(START + timedelta(microseconds=micros)) for micros in (0, 500_000, 12)]

    assert shown == ["2026-07-01T12:00:00Z", "2026-07-01T12:00:00.5Z", "2026-07-01T12:00:00.000012Z"]
