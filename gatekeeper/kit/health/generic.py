"""The rules for an object of any kind, in the order of kstatus: leaving, stale, reconciling, stalled, Ready.

What is told beside Ready stands in beside.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gatekeeper.kit.health.beside import unless_beside
from gatekeeper.kit.health.verdict import (
    GOOD,
    Conditions,
    Health,
    Manifest,
    Status,
    degraded,
    healthy,
    progressing,
    unknown,
)
from gatekeeper.kit.manifest import at, say, some


def leaving(item: Manifest) -> Health | None:
    """It is being deleted: whatever else it says is about its past."""
    since = at(item, "metadata", "deletionTimestamp")
    if since is None:
        return None
    # A Namespace has finalizers in its spec too, and says in its conditions what is left in it.
    names = [*_words(at(item, "metadata", "finalizers")), *_words(at(item, "spec", "finalizers"))]
    waits = f", waits for {some(names)}" if names else ""
    conditions = Conditions(item)
    left = [
        conditions.words(kind)
        for kind in ("NamespaceContentRemaining", "NamespaceFinalizersRemaining")
        if conditions.status(kind) == "True"
    ]
    return progressing("; ".join([f"is being deleted since {say(since, 40)}{waits}", *left]))


def stale(item: Manifest, *, must_tell: bool) -> Health | None:
    """Its status is about another generation of it than the newest.

    Args:
        item: the object.
        must_tell: its kind always says which generation it has observed, so that silence is staleness.
    """
    generation, observed = at(item, "metadata", "generation"), at(item, "status", "observedGeneration")
    if observed is None:
        observed = at(item, "status", "lastEvaluatedGeneration")  # as Open Cluster Management has it
    if not must_tell and (observed is None or generation is None):
        return None  # some kinds observe generations that the API server does not keep (autoscalers)
    # Argo Rollouts write theirs as text. An API server leaves out neither of them where they matter.
    differ = isinstance(generation, bool) or isinstance(observed, bool) or str(generation) != str(observed)
    if differ or observed is None:
        sides = f"generation {_number(generation)}, observed {_number(observed)}"
        return progressing(f"has a stale status ({sides})")
    return None


def _number(generation: object) -> str:
    return "none" if generation is None else say(generation, 20)


def reconciling(item: Manifest) -> Health | None:
    """The two conditions that kstatus has for every kind; both are only there when something is unusual."""
    conditions = Conditions(item)
    if conditions.status("Reconciling") == "True":
        return progressing(conditions.words("Reconciling"))
    if conditions.status("Stalled") == "True":
        return degraded(conditions.words("Stalled"))
    odd = [kind for kind in ("Reconciling", "Stalled") if conditions.status(kind) not in (None, "False")]
    return unknown(conditions.words(odd[0])) if odd else None


def ready(item: Manifest, _now: datetime | None = None, *, also: Sequence[str] = ()) -> Health:
    """By its conditions: what has none, or none that are known, says nothing (kstatus calls it Current).

    Args:
        item: the object.
        also: conditions in which its kind says what others say with Ready.
    """
    conditions, kinds = Conditions(item), (*also, *GOOD)
    told = [kind for kind in kinds if kind in conditions]
    if not told:
        names = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
        return unless_beside(item, unknown(f"it has no condition {names}, so it does not say how it is"))
    return unless_beside(item, all_true(item, told))


def all_true(item: Manifest, kinds: Sequence[str]) -> Health:
    """It needs all of these conditions, each True."""
    conditions = Conditions(item)
    wrong = [kind for kind in kinds if conditions.status(kind) != "True"]
    # What is plainly False comes first: it is the cause more often than what is not there yet.
    wrong.sort(key=lambda kind: conditions.status(kind) != "False")
    return _not_true(conditions, wrong[0]) if wrong else healthy(conditions.words(kinds[0]))


def _not_true(conditions: Conditions, kind: str) -> Health:
    words = conditions.words(kind)
    return Health(Status.DEGRADED if conditions.status(kind) == "False" else Status.PROGRESSING, words)


def _words(value: object) -> list[str]:
    return [say(each) for each in value] if isinstance(value, Sequence) and not isinstance(value, str) else []
