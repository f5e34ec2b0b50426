"""Policies as the core uses them: frozen, compiled, and with no memory of YAML but the place where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from gatekeeper.check import Check
from gatekeeper.model import Gate
from gatekeeper.pattern import Pattern

ScopeOf = Literal["target", "updated", "next", "fleet"]


@dataclass(frozen=True, slots=True)
class Match:
    """Which gates a policy speaks about: all parts that are given must match."""

    display_name: Pattern | None = None
    timing: str | None = None
    """``Before`` or ``After``."""
    stage: Pattern | None = None
    group: Pattern | None = None
    """Given, it matches gates of groups only, never those of a whole stage."""
    update_run: Pattern | None = None
    fleet: Pattern | None = None
    """The fleet's name."""
    auto_upgrade_profile: Pattern | None = None
    """Given, it matches only gates of runs that an auto-upgrade profile made."""

    def matches(self, gate: Gate, auto_upgrade_profile: str | None) -> bool:
        """Whether a gate is one of those.

        Args:
            gate: the gate. What it does not carry, such as a displayName, no pattern matches.
            auto_upgrade_profile: the name of the profile that made the gate's run, if one did.
        """
        names = (
            (self.display_name, gate.display_name),
            (self.stage, gate.stage),
            (self.group, gate.group),
            (self.update_run, gate.update_run),
            (self.fleet, gate.fleet.name),
            (self.auto_upgrade_profile, auto_upgrade_profile),
        )
        return self.timing in (None, gate.timing) and all(
            pattern is None or pattern.matches(name) for pattern, name in names
        )

    def more_specific_than(self, other: Match) -> bool:
        """Whether this is at least as specific in every part, and more so in one.

        Exact beats glob, glob beats regular expression, and that beats a part that is not given. A strict partial
        order: where each is more specific in a part of its own, neither wins, and the gate is held.
        """
        pairs = list(zip(self._ranks(), other._ranks(), strict=True))
        return all(mine >= theirs for mine, theirs in pairs) and any(mine > theirs for mine, theirs in pairs)

    def _ranks(self) -> Iterator[int]:
        yield int(self.timing is not None)
        for _, pattern in self.patterns():
            yield 0 if pattern is None else pattern.kind

    def patterns(self) -> Iterator[tuple[str, Pattern | None]]:
        """All parts but the timing, by the keys they have in YAML."""
        yield "displayName", self.display_name
        yield "stage", self.stage
        yield "group", self.group
        yield "updateRun", self.update_run
        yield "fleet", self.fleet
        yield "autoUpgradeProfile", self.auto_upgrade_profile

    def __str__(self) -> str:
        parts = [f"{key} {pattern}" for key, pattern in self.patterns() if pattern is not None]
        return ", ".join([*parts, *([f"timing {self.timing}"] if self.timing else [])])


@dataclass(frozen=True, slots=True)
class ScopeSpec:
    """Which members a policy asks about."""

    of: ScopeOf = "target"
    """``target``: the gate's own group or stage; ``updated``: every member that the run has updated so far;
    ``next``: the members of the next stage; ``fleet``: all.
    """
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Only members that carry all of these."""


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check of a policy, with its parameters."""

    name: str
    """Unique in the policy: a second ``nodes-ready`` is called ``nodes-ready#2``."""
    check: Check
    required: bool
    """False: advisory, reported and never in the way."""
    timeout: timedelta
    """How long it may take on one member."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A list of questions about the members behind a gate."""

    name: str
    match: Match
    scope: ScopeSpec
    checks: tuple[CheckSpec, ...]
    hash: str
    """Twelve hexadecimal digits of the SHA-256 of the policy as it was written."""
    source: str
    """Where it stands: ``file:line``."""
    accept_failed: bool = False
    """An after-gate may open over members whose update Failed, if the checks pass on them."""
    accept_skipped: bool = False
    """An after-gate may open over members that were Skipped, if the checks pass on them."""
    dry_run: bool = False
    """Say what would be done, and do nothing."""
