"""The words in which the health of an object is told, and a reader for its conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeAlias

from gatekeeper.kit.manifest import at, count, dicts, say

Manifest: TypeAlias = Mapping[str, Any]

GOOD: Final = ("Ready", "Available", "Healthy")
"""Conditions of which each that an object has must be True, and it must have one."""


class Status(StrEnum):
    """The health of an object, in Argo CD's words."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    """Still changing, or its status is about an older spec."""
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    """It waits for a person: paused, or suspended."""
    MISSING = "Missing"
    UNKNOWN = "Unknown"
    """It does not say how it is."""


class Health(NamedTuple):
    """The health of one object, and why."""

    status: Status
    message: str


Rule: TypeAlias = Callable[[Manifest, datetime | None], Health]
"""Judges an object of one kind; the time is the API server's, None where it is not known."""


def healthy(message: str) -> Health:
    """It is as it should be."""
    return Health(Status.HEALTHY, message)


def progressing(message: str) -> Health:
    """It is not there yet."""
    return Health(Status.PROGRESSING, message)


def degraded(message: str) -> Health:
    """It is not as it should be."""
    return Health(Status.DEGRADED, message)


def suspended(message: str) -> Health:
    """It waits for a person."""
    return Health(Status.SUSPENDED, message)


def unknown(message: str) -> Health:
    """Nothing can be said."""
    return Health(Status.UNKNOWN, message)


def number(item: Manifest, *path: str, default: int = 0) -> int:
    """A count of an object; the API server leaves zeros out. Raises BadAnswer when it is none."""
    return count(at(item, *path), default, ".".join(path))


def short(pairs: Mapping[str, int], wanted: int) -> str | None:
    """The first count that is less than it should be, in words: ``2 of 3 ready``."""
    return next((f"{have} of {wanted} {word}" for word, have in pairs.items() if have < wanted), None)


class Conditions:
    """``status.conditions`` by type. One that is about an older generation of the object counts as Stale.

    Cluster API says below ``status.v1beta2`` what it will say here in a later version of its API: both count.
    """

    def __init__(self, item: Manifest) -> None:
        self._generation = at(item, "metadata", "generation")
        self._all: dict[str, list[Manifest]] = {}
        newer = dicts(at(item, "status", "v1beta2", "conditions"), "status.v1beta2.conditions")
        for each in (*dicts(at(item, "status", "conditions"), "status.conditions"), *newer):
            self._all.setdefault(str(each.get("type")), []).append(each)

    def __contains__(self, kind: str) -> bool:
        return kind in self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def status(self, kind: str, *, aged: bool = False) -> str | None:
        """True, False, Unknown or Stale; None without such a condition. Two that disagree are Unknown.

        Args:
            kind: its type.
            aged: one about an older generation counts like any other.
        """
        found = {self._status(each, aged) for each in self._all.get(kind, ())}
        return found.pop() if len(found) == 1 else "Unknown" if found else None

    def reason(self, kind: str) -> str:
        """Its reason, or nothing."""
        return say(next((each.get("reason") for each in self._all.get(kind, ())), ""))

    def words(self, kind: str) -> str:
        """For a message: ``Ready is False: NoBackend no pod answers``."""
        status = self.status(kind)
        if status is None:
            return f"it has no condition {kind}"
        about = next(iter(self._all[kind]))
        why = say(f"{about.get('reason') or ''} {about.get('message') or ''}")
        return f"{kind} is {status}" + (f": {why}" if why else "")

    def _status(self, condition: Manifest, aged: bool) -> str:
        observed, status = condition.get("observedGeneration"), condition.get("status")
        # Zero is what a controller leaves there that does not fill the field.
        if not aged and observed and isinstance(self._generation, int) and str(observed) != str(self._generation):
            return "Stale"
        return status if status in ("True", "False") else "Unknown"
