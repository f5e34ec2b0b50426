"""Bounds of durations in YAML, said in the words of YAML."""

from __future__ import annotations

from datetime import timedelta

from pydantic import AfterValidator

from gatekeeper.values import format_duration


def between(least: timedelta, most: timedelta | None = None) -> AfterValidator:
    """Bound a Duration from below, and from above if ``most`` is given; pydantic's own bounds speak of timedelta."""

    def bounded(duration: timedelta) -> timedelta:
        if duration < least:
            raise ValueError(f"{_written(duration)} is too short; it must be at least {_written(least)}")
        if most is not None and duration > most:
            raise ValueError(f"{_written(duration)} is too long; it must be at most {_written(most)}")
        return duration

    return AfterValidator(bounded)


def _written(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return format_duration(duration) if seconds >= 1 else f"{seconds:g}s"
