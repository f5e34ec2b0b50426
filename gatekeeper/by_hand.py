"""A check, or a whole policy, asked of one cluster by hand: the same code, without Azure and without a gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from gatekeeper.doors import Members
from gatekeeper.errors import ConfigError
from gatekeeper.findings import CheckResult
from gatekeeper.model import AFTER, APPROVAL, COMPLETED, PENDING, FleetRef, Gate, Member, Scope, Target
from gatekeeper.policies import PolicySet
from gatekeeper.policy import Policy
from gatekeeper.policy_file import compile_policy
from gatekeeper.problems import InvalidConfigError, Problem
from gatekeeper.reads import SharedReads
from gatekeeper.registry import Registry
from gatekeeper.runner import Limits, Runner, Toolbox
from gatekeeper.yamlfile import parse_yaml

_NOWHERE = FleetRef("none", "none", "by-hand")


def policy_of_check(name: str, params: Sequence[str], registry: Registry) -> Policy:
    """A policy of one check.

    Args:
        name: the check.
        params: its parameters as ``key=value``; a dot leads inwards (``namespaces.exclude=[dev-*]``), a value is YAML.
        registry: the checks that exist.

    Raises:
        ConfigError: the check or a parameter is unknown or wrong.
    """
    entry: dict[str, object] = {"check": name}
    for param in params:
        key, equals, text = param.partition("=")
        if not equals or not key or key == "check":
            raise ConfigError(f"--param {param}: write it as key=value, such as --param maxNotReady=1")
        _put(entry, key.split("."), _value(param, text))
    document = {
        "apiVersion": "gatekeeper/v1",
        "kind": "GatePolicy",
        "metadata": {"name": "by-hand"},
        "match": {"displayName": "by hand"},
        "checks": [entry],
    }
    (parsed,) = parse_yaml(json.dumps(document, default=str).encode(), "--param")
    try:
        return compile_policy(parsed, registry)
    except InvalidConfigError as error:
        raise ConfigError("\n".join(map(_said, error.problems))) from error


def policy_of_file(path: Path, name: str | None, registry: Registry) -> Policy:
    """A policy of a file, or the one of that name if the file or folder has several.

    Raises:
        ConfigError: it cannot be used, or there are several and none is named.
    """
    policies = PolicySet([path], registry)
    policies.load()
    found = [policy for policy in policies.policies if name in (None, policy.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(policy.name for policy in policies.policies)
    raise ConfigError(f"{path} has the policies {names}; name one of them with --name")


async def ask(
    policy: Policy,
    members: Members,
    context: str,
    target: Target,
    clock: Callable[[], datetime],
    toolbox: Toolbox | None = None,
) -> tuple[CheckResult, ...]:
    """Run the checks of a policy on the cluster of one kubeconfig context; without a toolbox they have but that."""
    member = Member(name=context, cluster_resource_id=context, state=COMPLETED)
    gate = Gate(
        fleet=_NOWHERE,
        name="by-hand",
        display_name=None,
        gate_type=APPROVAL,
        state=PENDING,
        update_run="by-hand",
        stage=None,
        group=None,
        timing=AFTER,
        etag=None,
    )
    scope = Scope(gate=gate, target=target, members=(member,), gated=(member,))
    reads = SharedReads(members.connect, clock)
    try:
        return await Runner(Limits(), clock, toolbox).run(policy.checks, scope, reads)
    finally:
        await reads.close()


def _said(problem: Problem) -> str:
    """A problem of a policy that nobody wrote, in the words of the command line."""
    where = problem.where.removeprefix("checks[0]").removeprefix(".")
    return problem.message if where in ("", "check") else f"--param {where}: {problem.message}"


def _put(entry: dict[str, object], path: Sequence[str], value: object) -> None:
    for part in path[:-1]:
        inner = entry.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--param {'.'.join(path)}: {part} has a value already")
        entry = inner
    entry[path[-1]] = value


def _value(param: str, text: str) -> object:
    documents = parse_yaml(f"value: {text}".encode(), f"--param {param}")
    return documents[0].value["value"]
