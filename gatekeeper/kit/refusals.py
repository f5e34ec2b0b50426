"""Writes that an API server refused since it could not call an admission webhook, as it counts them, from look to look.

The metric: k8s.io/apiserver, pkg/admission/metrics; it counts webhooks alone that fail closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.counters import METRICS, REPLICAS, Counters, labels_of, number_of
from gatekeeper.tools import Notebook

_REFUSALS: Final = "apiserver_admission_webhook_rejection_count"
_CALL_FAILED: Final = "calling_webhook_error"  # the others are refusals by webhooks that answer
_NOTE: Final = "refusals"


class HookKey(NamedTuple):
    """A webhook as the metric names it: ``admit`` or ``validating``, and its name."""

    step: str
    name: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """How the calls of one webhook have failed."""

    count: int = 0
    """On the replica that was looked at, since it started."""
    still_since: datetime | None = None
    """Since when that number has been watched standing still; None if this is not known of it."""
    rose: datetime | None = None
    """When a number was last seen to have risen, on any replica."""


@dataclass(frozen=True, slots=True)
class _Seen:
    count: int
    first: datetime
    rose: datetime | None = None

    def then(self, count: int, now: datetime) -> _Seen:
        """What is said now; a counter that has fallen is a restart, and begins anew."""
        if count < self.count:
            return _Seen(count, now)
        return _Seen(count, self.first, now if count > self.count else self.rose)


def refusals(counters: Counters, notebook: Notebook, now: datetime) -> Mapping[HookKey, Refusals]:
    """What is known of each webhook whose calls have failed, this look included, which is written down.

    Raises:
        BadAnswer: a sample is of another shape.
    """
    note = notebook.read(_NOTE)
    replicas: dict[str, dict[HookKey, _Seen]] = dict(note.value) if note is not None else {}
    here, earlier = counters.started, replicas.pop(counters.started, None)
    # One that a replica known before had not shown yet has failed since.
    unseen = _Seen(0, now)
    replicas[here] = {
        key: _Seen(count, now) if earlier is None else earlier.get(key, unseen).then(count, now)
        for key, count in _counted(counters).items()
    }
    for oldest in list(replicas)[:-REPLICAS]:
        del replicas[oldest]
    notebook.write(_NOTE, replicas)
    return {key: _of(key, replicas, here) for each in replicas.values() for key in each}


def _of(key: HookKey, replicas: Mapping[str, Mapping[HookKey, _Seen]], here: str) -> Refusals:
    seen = replicas[here].get(key)
    rises = [each[key].rose for each in replicas.values() if key in each]
    rose = max((moment for moment in rises if moment is not None), default=None)
    if seen is None:
        return Refusals(rose=rose)
    return Refusals(seen.count, max(filter(None, (seen.first, seen.rose))), rose)


def _counted(counters: Counters) -> Counter[HookKey]:
    counted: Counter[HookKey] = Counter()
    for sample in counters.samples(_REFUSALS):
        labels = labels_of(sample)
        try:
            key, error = HookKey(labels["type"], labels["name"]), labels["error_type"]
        except KeyError as missing:
            raise BadAnswer(f"{METRICS} has a sample of {_REFUSALS} without the label {missing}") from missing
        if error == _CALL_FAILED:
            counted[key] += number_of(sample)
    return counted
