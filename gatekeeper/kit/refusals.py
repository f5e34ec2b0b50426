"""Writes that an API server refused since it could not call an admission webhook, as it counts them, from look to look.

The metric: k8s.io/apiserver, pkg/admission/metrics; it counts webhooks alone that fail closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.counters import METRICS, REFUSALS, REPLICAS, Counters, labels_of, number_of
from gatekeeper.tools import Notebook

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
    """Since the start of the replica on which the number has been watched standing still for the shortest time."""
    still_since: datetime | None = None
    """Since when that is; None if no replica that was seen lately counts any."""
    rose: datetime | None = None
    """When a number was last seen to have risen, on any replica, from one look to the next."""


@dataclass(frozen=True, slots=True)
class _Seen:
    count: int
    first: datetime
    rose: datetime | None = None

    @property
    def still_since(self) -> datetime:
        return self.first if self.rose is None else self.rose


class _Replica(NamedTuple):
    looked_at: datetime
    seen: Mapping[HookKey, _Seen]

    def then(self, key: HookKey, count: int, now: datetime, lately: timedelta) -> _Seen:
        """What it says now of a webhook that may not have shown before.

        A counter that has fallen is a restart, and one that rose while nobody looked may have done so long ago: both
        begin anew.
        """
        before = self.seen.get(key, _Seen(0, now))
        if count == before.count:
            return before
        if count < before.count or now - self.looked_at > lately:
            return _Seen(count, now)
        return _Seen(count, before.first, now)


def refusals(counters: Counters, notebook: Notebook, now: datetime, lately: timedelta) -> Mapping[HookKey, Refusals]:
    """What is known of each webhook whose calls have failed, this look included, which is written down.

    Args:
        counters: of one replica.
        notebook: has the earlier looks.
        now: when the counters were read.
        lately: what is longer ago says nothing of now.

    Raises:
        BadAnswer: a sample is of another shape.
    """
    note = notebook.read(_NOTE)
    replicas: dict[str, _Replica] = dict(note.value) if note is not None else {}
    here, earlier = counters.started, replicas.pop(counters.started, None)
    replicas[here] = _Replica(
        now,
        {
            key: _Seen(count, now) if earlier is None else earlier.then(key, count, now, lately)
            for key, count in _counted(counters).items()
        },
    )
    for oldest in list(replicas)[:-REPLICAS]:
        del replicas[oldest]
    notebook.write(_NOTE, replicas)
    return {key: _of(key, replicas, here, now - lately) for each in replicas.values() for key in each.seen}


def _of(key: HookKey, replicas: Mapping[str, _Replica], here: str, since: datetime) -> Refusals:
    """A look may reach any replica: what another has said lately is not undone by one that says nothing."""
    every = [each.seen[key] for each in replicas.values() if key in each.seen]
    rose = max((seen.rose for seen in every if seen.rose is not None), default=None)
    known = [seen for seen in every if seen.still_since > since]
    known = known or [each for each in (replicas[here].seen.get(key),) if each is not None]
    if not known:
        return Refusals(rose=rose)
    last = max(known, key=lambda seen: seen.still_since)
    return Refusals(last.count, last.still_since, rose)


def _counted(counters: Counters) -> Counter[HookKey]:
    counted: Counter[HookKey] = Counter()
    for sample in counters.samples(REFUSALS):
        labels = labels_of(sample)
        try:
            key, error = HookKey(labels["type"], labels["name"]), labels["error_type"]
        except KeyError as missing:
            raise BadAnswer(f"{METRICS} has a sample of {REFUSALS} without the label {missing}") from missing
        if error == _CALL_FAILED:
            counted[key] += number_of(sample)
    return counted
