"""What a kind must say to be healthy, as far as a line of a table can hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatekeeper.kit.health.beside import unless_beside
from gatekeeper.kit.health.generic import all_true, ready
from gatekeeper.kit.health.verdict import (
    GOOD,
    Conditions,
    Health,
    Manifest,
    Rule,
    degraded,
    healthy,
    progressing,
    suspended,
)
from gatekeeper.kit.manifest import at, say

_PAUSED: Final = frozenset({"paused", "suspended"})


@dataclass(frozen=True, slots=True)
class Known:
    """What a kind must say to be healthy: words at places of its status, and conditions that are True.

    What every kind can say with Ready, Available and Healthy must be True too, where it is there.
    """

    words: Mapping[str, tuple[str, ...]]
    """Place in the status, with dots, to what it may be there."""
    conditions: tuple[str, ...] = ()

    def __call__(self, item: Manifest, _now: datetime | None = None) -> Health:
        """How an object is by these words, and by what it tells beside them."""
        return unless_beside(item, self._verdict(item))

    def _verdict(self, item: Manifest) -> Health:
        # Snapshots keep their last error here, with readyToUse still false.
        if problem := say(at(item, "status", "error", "message")):
            return degraded(problem)
        for place, good in self.words.items():
            word = at(item, "status", *place.split("."))
            if word is None:
                return progressing(f"it does not say yet what its {place} is")
            if str(word) not in good:
                return (suspended if str(word).lower() in _PAUSED else progressing)(f"its {place} is {say(word, 60)}")
        if needed := (*self.conditions, *(kind for kind in GOOD if kind in Conditions(item))):
            return all_true(item, needed)
        return healthy(" and ".join(f"its {place} is as it should be" for place in self.words))


def phase(*good: str, conditions: tuple[str, ...] = ()) -> Known:
    """Its phase is one of these."""
    return Known({"phase": good}, conditions)


def needs(*conditions: str) -> Known:
    """All of these conditions are there, and True."""
    return Known({}, conditions)


def any_of(*conditions: str) -> Rule:
    """In these it says what others say with Ready: one must be there, and all that are there must be True."""

    def rule(item: Manifest, now: datetime | None = None) -> Health:
        return ready(item, now, also=conditions)

    return rule
