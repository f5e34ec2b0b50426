"""GatePolicy as it stands in YAML; every docstring here becomes a description in the JSON schema."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from gatekeeper.bounds import between
from gatekeeper.parameters import Parameters
from gatekeeper.pattern import MAX_PATTERN, Pattern
from gatekeeper.policy import Match, ScopeOf
from gatekeeper.problems import shown
from gatekeeper.values import Duration

_DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


def _given(value: object) -> object:
    """What stands in a match must say something: a key left blank would silently match everything."""
    if value is None:
        raise ValueError("is left blank; write what it should match, or remove the key to match anything")
    return value


def _pattern(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"must be a text, and is {shown(value)}; write it in quotes")
    Pattern.parse(value)
    return value


PatternText = Annotated[
    str | None,
    BeforeValidator(_pattern),
    BeforeValidator(_given),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_PATTERN, "examples": ["prod-*", "/prod-.*/"]}),
]
"""Exact; with ``*`` or ``?`` a glob; between slashes a regular expression that matches the whole name."""


Timing = Annotated[
    Literal["Before", "After"] | None,
    BeforeValidator(_given),
    WithJsonSchema({"type": "string", "enum": ["Before", "After"]}),
]
Timeout = Annotated[Duration, between(timedelta(milliseconds=10), timedelta(hours=1))]


class MetadataFields(Parameters):
    """What the policy is called."""

    name: str = Field(pattern=_DNS_LABEL)
    """Unique among all policies; small letters, digits and dashes. Stands in logs and metrics."""


class MatchFields(Parameters):
    """Which gates it speaks about: all given parts must match, and the most specific policy wins."""

    display_name: PatternText = None
    """The gate's displayName."""
    timing: Timing = None
    """Gates before, or after, a stage or a group."""
    stage: PatternText = None
    """The stage of the update run."""
    group: PatternText = None
    """The group; given, the gates of whole stages do not match."""
    update_run: PatternText = None
    """The update run's name; case is ignored."""
    fleet: PatternText = None
    """The fleet's name; case is ignored."""
    auto_upgrade_profile: PatternText = None
    """The auto-upgrade profile that made the run; case is ignored."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError("is empty and would match every gate; say at least which displayName or timing")
        return self

    def compiled(self) -> Match:
        """The match as the core uses it."""

        def pattern(text: str | None, *, ignore_case: bool = False) -> Pattern | None:
            return None if text is None else Pattern.parse(text, ignore_case=ignore_case)

        return Match(
            display_name=pattern(self.display_name),
            timing=self.timing,
            stage=pattern(self.stage),
            group=pattern(self.group),
            update_run=pattern(self.update_run, ignore_case=True),
            fleet=pattern(self.fleet, ignore_case=True),
            auto_upgrade_profile=pattern(self.auto_upgrade_profile, ignore_case=True),
        )


class ScopeFields(Parameters):
    """Which members are asked."""

    of: ScopeOf = "target"
    """target: the gate's own group or stage. updated: every member that this run has updated so far. next: the members
    of the next stage. fleet: all."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Only the members that carry all these labels."""


class MembersFields(Parameters):
    """What an after-gate does about members whose update did not succeed."""

    failed: Literal["hold", "accept"] = "hold"
    """Members whose update Failed."""
    skipped: Literal["hold", "accept"] = "hold"
    """Members that were Skipped; they may still be on the old version."""


class CheckFields(Parameters):
    """One check; its own parameters stand beside its name."""

    model_config = ConfigDict(extra="allow")

    check: str
    """The name of the check; ``gatekeeper checks`` lists all."""
    severity: Literal["required", "advisory"] = "required"
    """required: must pass. advisory: reported, and never in the way."""
    timeout: Timeout | None = None
    """How long it may take on one member; the default is ``checks.timeout`` of the settings."""


class PolicyFields(Parameters):
    """A policy: which gates it speaks about, and what must be true of the members behind them."""

    api_version: Literal["gatekeeper/v1"]
    """The format of this file."""
    kind: Literal["GatePolicy"]
    """The kind of this document."""
    metadata: MetadataFields
    match: MatchFields
    scope: Annotated[ScopeFields, BeforeValidator(lambda value: {"of": value} if isinstance(value, str) else value)] = (
        ScopeFields()
    )
    """Which members are asked: one word, or a mapping with labels."""
    checks: tuple[CheckFields, ...] = Field(min_length=1)
    """What must be true of every member in scope."""
    members: MembersFields = MembersFields()
    mode: Literal["enforce", "dryRun"] = "enforce"
    """dryRun: say what would be done, and do nothing."""
