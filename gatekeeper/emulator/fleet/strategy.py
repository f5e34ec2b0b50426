"""Reads a strategy's JSON: refuses what the service would refuse, and lays out the run that it describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatekeeper.emulator.fleet.states import Gate, Group, MemberUpdate, Run, Stage

SCHEDULED_START = "ScheduledStart"
_STAGE_LIMIT = 50  # the service's own ceiling for concurrent upgrades in a stage
_MAX_GROUPS = 50
_MAX_DISPLAY_NAME = 100
_SCHEDULED_SECONDS = 3600.0
"""When a ScheduledStart gate completes itself, unless its configuration says `completesAfterSeconds` (ours)."""


class StrategyError(ValueError):
    """A strategy that the service would answer with 400; the message says which part and why."""


def default_strategy() -> dict[str, Any]:
    """Return what a run without a strategy does: one stage, one group, all members one by one."""
    return {"stages": [{"name": "default", "groups": [{"name": "default"}]}]}


def check(strategy: Mapping[str, Any]) -> None:
    """Raise StrategyError unless the strategy has stages with unique names, and groups unique in all of it."""
    stages = strategy.get("stages") or []
    if not stages:
        raise StrategyError("strategy.stages must hold at least one stage")
    _unique("stage", [_name("stage", stage) for stage in stages])
    for stage in stages:
        groups = stage.get("groups") or []
        if not 1 <= len(groups) <= _MAX_GROUPS:
            raise StrategyError(f"stage '{stage['name']}' must hold 1 to {_MAX_GROUPS} groups, not {len(groups)}")
        for part in (stage, *groups):
            _name("group", part)
            _check_gates(part)
            ceiling(part.get("maxConcurrency"), 1, 1)
    _unique("group", [group["name"] for stage in stages for group in stage["groups"]])


def lay_out(name: str, strategy: Mapping[str, Any], members: Mapping[str, Sequence[MemberUpdate]]) -> Run:
    """Build the run of a checked strategy; `members` holds the members of each group, by the group's name."""
    return Run(name, [_stage(stage, members) for stage in strategy["stages"]])


def ceiling(text: object, total: int, default: int) -> int:
    """Return what a `maxConcurrency` of `3` or `25%` allows for `total` members; at least 1, rounded down."""
    if text is None:
        return default
    digits = str(text).removesuffix("%")
    if not digits.isdecimal() or int(digits) < 1:
        raise StrategyError(f"maxConcurrency must be a count or a percentage, not {text!r}")
    if str(text).endswith("%"):
        return max(1, total * min(int(digits), 100) // 100)
    return int(digits)


def _stage(config: Mapping[str, Any], members: Mapping[str, Sequence[MemberUpdate]]) -> Stage:
    name = config["name"]
    groups = [_group(group, name, list(members.get(group["name"], ()))) for group in config["groups"]]
    total = sum(len(group.members) for group in groups)
    return Stage(
        name=name,
        before=_gates(config, "Before", name),
        after=_gates(config, "After", name),
        groups=groups,
        limit=ceiling(config.get("maxConcurrency"), total, _STAGE_LIMIT),
        wait_seconds=config.get("afterStageWaitInSeconds"),
    )


def _group(config: Mapping[str, Any], stage: str, members: list[MemberUpdate]) -> Group:
    name = config["name"]
    limit = ceiling(config.get("maxConcurrency"), len(members), 1)
    return Group(name, _gates(config, "Before", stage, name), _gates(config, "After", stage, name), members, limit)


def _gates(config: Mapping[str, Any], timing: str, stage: str, group: str | None = None) -> list[Gate]:
    return [
        Gate(
            display_name=gate.get("displayName"),
            gate_type=gate["type"],
            timing=timing,
            stage=stage,
            group=group,
            completes_after=(
                float(gate.get("completesAfterSeconds", _SCHEDULED_SECONDS))
                if gate["type"] == SCHEDULED_START
                else None
            ),
        )
        for gate in config.get(f"{timing.lower()}Gates") or []
    ]


def _name(kind: str, part: Mapping[str, Any]) -> str:
    name = part.get("name")
    if not isinstance(name, str) or not name:
        raise StrategyError(f"every {kind} needs a name")
    return name


def _unique(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise StrategyError(f"{kind} name '{name}' occurs {names.count(name)} times; it must be unique")


def _check_gates(part: Mapping[str, Any]) -> None:
    for gate in [*(part.get("beforeGates") or []), *(part.get("afterGates") or [])]:
        if not gate.get("type"):
            raise StrategyError(f"a gate of '{part['name']}' has no type")
        label = gate.get("displayName")
        if label is not None and not 1 <= len(label) <= _MAX_DISPLAY_NAME:
            raise StrategyError(f"a displayName has 1 to {_MAX_DISPLAY_NAME} characters, not {len(label)}")
