"""Ages as ``kubectl get`` prints them: coarser the older."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3_600, 86_400, 365 * 86_400
# Below the limit (seconds), print whole units of the first size, and the rest in the second if there is one.
# The steps are those of k8s.io/apimachinery/pkg/util/duration.HumanDuration.
_STEPS: tuple[tuple[int, int, str, int, str], ...] = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (48 * _HOUR, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)


def human(span: timedelta) -> str:
    """Return a duration as ``kubectl`` says it: ``28s``, ``4m30s``, ``9h``, ``3d4h``, ``2y10d``."""
    seconds = int(span.total_seconds())
    if seconds < 0:
        return "<invalid>" if seconds < -1 else "0s"
    for limit, unit, letter, rest_unit, rest_letter in _STEPS:
        if seconds < limit:
            rest = seconds % unit // rest_unit if rest_unit else 0
            return f"{seconds // unit}{letter}" + (f"{rest}{rest_letter}" if rest else "")
    return f"{seconds // _YEAR}y"


@dataclass(frozen=True, slots=True)
class Since:
    """A table cell that tells how long ago something was, so it is written anew at each reading."""

    moment: datetime | None
    form: str = "{}"

    def text(self, now: datetime) -> str:
        """Return the cell's text at a time; ``<unknown>`` when there is no time to count from."""
        return "<unknown>" if self.moment is None else self.form.format(human(now - self.moment))
