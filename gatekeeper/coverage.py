"""Which gates of an update strategy the policies would open, before any run has reached them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from gatekeeper.decide import choose_policy
from gatekeeper.errors import ConfigError
from gatekeeper.model import AFTER, APPROVAL, BEFORE, PENDING, FleetRef, Gate
from gatekeeper.policy import Match, Policy

_NO_FLEET = FleetRef("", "", "")


class Status(StrEnum):
    """What the policies would make of a gate."""

    COVERED = "covered"
    """Exactly one policy speaks about it."""
    CONDITIONAL = "conditional"
    """Only policies speak about it that want a certain run, fleet or auto-upgrade profile, which a strategy does not
    know."""
    DRY_RUN = "dryRun"
    """Its policy says what it would do, and does nothing."""
    AMBIGUOUS = "ambiguous"
    """Several policies match equally well: it would be held."""
    UNCOVERED = "uncovered"
    """No policy speaks about it: it would be held."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One gate of a strategy, and what would become of it."""

    stage: str
    group: str | None
    timing: str
    display_name: str | None
    status: Status
    policies: tuple[str, ...]
    """The policies that speak about it."""
    message: str
    """What is the matter, and what to write."""

    @property
    def where(self) -> str:
        """Where the gate stands: ``after group g of stage s``."""
        place = f"stage {self.stage}" if self.group is None else f"group {self.group} of stage {self.stage}"
        return f"{self.timing.lower()} {place}"


def coverage(strategy: object, policies: Sequence[Policy]) -> list[Coverage]:
    """Look at every Approval gate of a strategy.

    Args:
        strategy: its JSON, as ARM or ``az fleet updatestrategy show`` give it, or just ``{"stages": [...]}``.
        policies: those that would be in force.

    Raises:
        ConfigError: the JSON is no strategy.
    """
    return [_judged(gate, policies) for gate in gates_of(strategy)]


def uncovered(strategy: object, policies: Sequence[Policy]) -> list[Coverage]:
    """The gates of a strategy that no policy, or more than one equally, would open. See ``coverage``."""
    return [gate for gate in coverage(strategy, policies) if gate.status not in (Status.COVERED, Status.CONDITIONAL)]


def gates_of(strategy: object) -> Iterator[Gate]:
    """The Approval gates of a strategy, as far as a strategy knows them.

    Raises:
        ConfigError: the JSON is no strategy.
    """
    for stage in _stages(strategy):
        name = _name(stage, "stage")
        yield from _gates_at(stage, name, None)
        for group in _list(stage, "groups"):
            yield from _gates_at(group, name, _name(group, "group"))


def _judged(gate: Gate, policies: Sequence[Policy]) -> Coverage:
    plain = [policy for policy in policies if not _is_conditional(policy.match)]
    chosen = choose_policy(gate, None, plain)
    if isinstance(chosen, Policy):
        if chosen.dry_run:
            message = f"policy {chosen.name} only runs dry; write mode: enforce to open this gate"
            return _coverage(gate, Status.DRY_RUN, [chosen], message)
        return _coverage(gate, Status.COVERED, [chosen], f"policy {chosen.name}")
    matching = [policy for policy in plain if policy.match.matches(gate, None)]
    if matching:
        return _coverage(gate, Status.AMBIGUOUS, matching, chosen.message)
    perhaps = [policy for policy in policies if _unconditional(policy.match).matches(gate, None)]
    if perhaps:
        wants = "; ".join(f"{policy.name} wants {policy.match}" for policy in perhaps)
        return _coverage(gate, Status.CONDITIONAL, perhaps, f"depends on run, fleet or profile: {wants}")
    return _coverage(gate, Status.UNCOVERED, [], f"no policy matches; write one with {_mend(gate)}")


def _is_conditional(match: Match) -> bool:
    return any((match.update_run, match.fleet, match.auto_upgrade_profile))


def _unconditional(match: Match) -> Match:
    """The match without what a strategy does not know."""
    return replace(match, update_run=None, fleet=None, auto_upgrade_profile=None)


def _mend(gate: Gate) -> str:
    parts = [f"displayName: {gate.display_name}"] if gate.display_name else [f"stage: {gate.stage}"]
    if not gate.display_name and gate.group:
        parts.append(f"group: {gate.group}")
    return f"match: {{{', '.join([*parts, f'timing: {gate.timing}'])}}}"


def _coverage(gate: Gate, status: Status, policies: Sequence[Policy], message: str) -> Coverage:
    names = tuple(policy.name for policy in policies)
    return Coverage(gate.stage or "", gate.group, gate.timing, gate.display_name, status, names, message)


def _stages(strategy: object) -> list[dict[str, Any]]:
    """The stages, from wherever they stand."""
    found = strategy
    for key in ("properties", "strategy"):
        if isinstance(found, dict) and "stages" not in found and key in found:
            found = found[key]
    if not isinstance(found, dict) or "stages" not in found:
        raise ConfigError("this JSON is no update strategy: it has no stages; try az fleet updatestrategy show -o json")
    return _list(found, "stages")


def _gates_at(place: dict[str, Any], stage: str, group: str | None) -> Iterator[Gate]:
    for key, timing in (("beforeGates", BEFORE), ("afterGates", AFTER)):
        for gate in _list(place, key):
            kind = gate.get("type", APPROVAL)
            display_name = gate.get("displayName")
            if display_name is not None and not isinstance(display_name, str):
                raise ConfigError(f"stage {stage}: the displayName of a gate is no text")
            if kind == APPROVAL:
                yield Gate(_NO_FLEET, "", display_name, kind, PENDING, "", stage, group, timing, None)


def _list(place: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = place.get(key) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ConfigError(f"this JSON is no update strategy: {key} is no list of objects")
    return items


def _name(place: dict[str, Any], what: str) -> str:
    name = place.get("name")
    if not isinstance(name, str):
        raise ConfigError(f"this JSON is no update strategy: a {what} has no name")
    return name
