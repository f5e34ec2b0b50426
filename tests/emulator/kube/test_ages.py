from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.emulator.kube.ages import Since, human

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (2 * MINUTE, "2m"),
        (4 * MINUTE + 30, "4m30s"),
        (10 * MINUTE + 30, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (7 * HOUR + 59 * MINUTE, "7h59m"),
        (9 * HOUR + 49 * MINUTE, "9h"),
        (47 * HOUR, "47h"),
        (3 * DAY + 4 * HOUR, "3d4h"),
        (8 * DAY + 5 * HOUR, "8d"),
        (729 * DAY, "729d"),
        (740 * DAY, "2y10d"),
        (3_000 * DAY, "8y"),
    ],
)
def test_an_age_is_coarser_the_older_it_is(seconds: int, expected: str) -> None:
    assert human(timedelta(seconds=seconds)) == expected


def test_an_age_without_a_beginning_is_unknown() -> None:
    assert Since(None).text(datetime(2026, 1, 1, tzinfo=UTC)) == "<unknown>"
