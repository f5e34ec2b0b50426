"""The emulator's only source of time: a clock that a test drives, or one that runs faster than the wall."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the emulator what time it is; nothing in the emulator reads any other clock."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        ...

    def advance(self, seconds: float) -> None:
        """Move the time forward by `seconds`; raises ValueError if negative."""
        ...


class DrivenClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the emulator's time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the time forward by `seconds`."""
        self._now += _forward(seconds)


class ScaledClock:
    """Real time, `speed` times as fast, from `start` (default: the present).

    With a speed other than 1 its timestamps run away from the wall clock: a client that compares
    them with its own time sees updates that end in its future.
    """

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        self._speed = speed
        self._start = (start or datetime.now(UTC)).astimezone(UTC)
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """Return the emulator's time."""
        return self._start + timedelta(seconds=(time.monotonic() - self._origin) * self._speed)

    def advance(self, seconds: float) -> None:
        """Move the time forward by `seconds`."""
        self._start += _forward(seconds)


def _forward(seconds: float) -> timedelta:
    if seconds < 0:
        raise ValueError(f"time moves forward only, not by {seconds} s")
    return timedelta(seconds=seconds)
