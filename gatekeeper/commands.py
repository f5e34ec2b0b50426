"""What stands behind the commands that reach outside, without a word about printing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.app import context_of, open_app, open_kubeconfig, utc_now
from gatekeeper.by_hand import ask, policy_of_check, policy_of_file
from gatekeeper.decide import choose_policy, screen
from gatekeeper.decision import Hold, Reason, SweepReport, Verdict
from gatekeeper.doors import Fleet
from gatekeeper.errors import ConfigError, CouldNotLook
from gatekeeper.findings import CheckResult, Outcome
from gatekeeper.model import Gate, Target, UpdateRun
from gatekeeper.observers.log import configure_logging
from gatekeeper.policies import PolicySet
from gatekeeper.registry import Registry
from gatekeeper.settings import Settings, load_settings

NO, COULD_NOT_LOOK = 1, 3
_UNSEEN = frozenset({Reason.FLEET_UNREADABLE, Reason.CHECK_ERROR})
"""Reasons to hold that say: it could not be looked at."""


def _settings(path: Path) -> Settings:
    """The settings of a command that prints: its log goes to standard error, and only when something is wrong."""
    settings = load_settings(path, os.environ)
    configure_logging(settings.log.format, "error", sys.stderr)
    return settings


async def sweep_once(config: Path, *, dry_run: bool) -> SweepReport:
    """One pass over all pending gates."""
    async with open_app(_settings(config), dry_run=dry_run) as app:
        return await app.sweeper.sweep(app.policies.policies)


def sweep_exit_code(report: SweepReport) -> int:
    """3 if a fleet, or all that holds, could not be looked at; 1 if a gate is held; else 0."""
    held = [
        decision
        for decision in report.decisions
        # A gate of another type is not ours to open, and says nothing about the clusters.
        if decision.verdict is Verdict.HOLD and decision.reason is not Reason.NOT_APPROVAL
    ]
    if report.unreadable or (held and all(decision.reason in _UNSEEN for decision in held)):
        return COULD_NOT_LOOK
    return NO if held else 0


@dataclass(frozen=True, slots=True)
class FoundGate:
    """A pending gate, and the policy that speaks about it or why none does."""

    gate: Gate
    policy: str | None
    message: str


async def list_gates(config: Path) -> tuple[list[FoundGate], list[tuple[str, str]]]:
    """The pending gates of all fleets, and the fleets that could not be read."""
    found: list[FoundGate] = []
    unreadable: list[tuple[str, str]] = []
    async with open_app(_settings(config), dry_run=True) as app:
        for fleet in app.doors.fleets:
            try:
                pending = await fleet.pending_gates()
                unreadable += [(str(fleet.ref), problem) for problem in pending.unreadable]
            except CouldNotLook as error:
                unreadable.append((str(fleet.ref), str(error)))
                continue
            names = sorted({gate.update_run for gate in pending.gates})
            runs = dict(zip(names, await asyncio.gather(*(_run(fleet, name) for name in names)), strict=True))
            found += [_mapped(gate, runs[gate.update_run], app.policies) for gate in pending.gates]
    return found, unreadable


async def _run(fleet: Fleet, name: str) -> UpdateRun | CouldNotLook:
    """A run, or why it cannot be read: the gate of a run that was deleted is listed on for a while."""
    try:
        return await fleet.update_run(name)
    except CouldNotLook as error:
        return error


def _mapped(gate: Gate, run: UpdateRun | CouldNotLook, policies: PolicySet) -> FoundGate:
    if hold := screen(gate):
        return FoundGate(gate, None, hold.message)
    if isinstance(run, CouldNotLook):
        return FoundGate(gate, None, str(run))
    chosen = choose_policy(gate, run.auto_upgrade_profile, policies.policies)
    if isinstance(chosen, Hold):
        return FoundGate(gate, None, chosen.message)
    return FoundGate(gate, chosen.name, f"run is {run.state}")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a cluster by hand."""

    check: str | None
    params: tuple[str, ...] = ()
    policy: Path | None = None
    policy_name: str | None = None
    target_version: str | None = None


async def check_by_hand(question: Question, kubeconfig: Path, context: str | None) -> tuple[CheckResult, ...]:
    """Ask one check, or all checks of a policy, of one cluster."""
    registry = Registry.discover()
    if (question.check is None) == (question.policy is None):
        raise ConfigError("name either a check or, with --policy, a policy file; see `gatekeeper checks`")
    if question.check is not None:
        policy = policy_of_check(question.check, question.params, registry)
    elif question.policy is not None and not question.params:
        policy = policy_of_file(question.policy, question.policy_name, registry)
    else:
        raise ConfigError("--param goes with a check, not with --policy; a policy file says its parameters itself")
    version = question.target_version
    target = Target("Full", version) if version else Target()
    configure_logging("auto", "error", sys.stderr)
    name = context_of(kubeconfig, context)
    async with open_kubeconfig(kubeconfig) as (members, toolbox):
        return await ask(policy, members, name, target, utc_now, toolbox)


def results_exit_code(results: Sequence[CheckResult]) -> int:
    """0 if all required checks passed; 1 if one answered otherwise; 3 if all the trouble is that one could not look."""
    bad = [result.outcome for result in results if result.required and result.outcome is not Outcome.PASSED]
    if not bad:
        return 0
    return COULD_NOT_LOOK if all(outcome is Outcome.ERROR for outcome in bad) else NO
