"""From a YAML document of the kind GatePolicy to a Policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from gatekeeper.check import Check
from gatekeeper.complaints import load_as
from gatekeeper.policy import CheckSpec, Policy, ScopeSpec
from gatekeeper.policy_fields import CheckFields, PolicyFields
from gatekeeper.problems import InvalidConfigError, Problem, nearest, suggestion
from gatekeeper.registry import Registry
from gatekeeper.values import format_duration
from gatekeeper.yamlfile import Document

KIND = "GatePolicy"
DEFAULT_TIMEOUT = timedelta(seconds=30)
_COMMON = frozenset(CheckFields.model_fields)


def compile_policy(document: Document, registry: Registry, default_timeout: timedelta = DEFAULT_TIMEOUT) -> Policy:
    """Make a Policy of a YAML document.

    Args:
        document: a document whose kind is GatePolicy.
        registry: the checks that exist.
        default_timeout: for checks that give none.

    Raises:
        InvalidConfigError: with all that is wrong, line by line.
    """
    problems = list(_check_problems(document, registry))
    try:
        fields = load_as(PolicyFields, document)
    except InvalidConfigError as error:
        raise InvalidConfigError([*error.problems, *problems]) from None
    if problems:
        raise InvalidConfigError(problems)
    return Policy(
        name=fields.metadata.name,
        match=fields.match.compiled(),
        scope=ScopeSpec(fields.scope.of, fields.scope.labels),
        checks=_compiled_checks(document, fields, registry, default_timeout),
        hash=_digest(document.value),
        source=f"{document.source}:{document.line()}",
        accept_failed=fields.members.failed == "accept",
        accept_skipped=fields.members.skipped == "accept",
        dry_run=fields.mode == "dryRun",
    )


def _check_problems(document: Document, registry: Registry) -> Iterator[Problem]:
    """What is wrong with the checks' names and parameters, also where the rest of the document is wrong."""
    value = document.value
    entries = value.get("checks") if isinstance(value, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("check") if isinstance(entry, dict) else None
        if not isinstance(name, str):  # the model says so
            if isinstance(entry, dict) and (near := nearest("check", entry.keys() - {"check"})):
                yield document.problem(("checks", index, near), "unknown key; did you mean check?")
            continue
        found = registry.get(name)
        if found is None:
            message = f"unknown check {name!r}; {suggestion(name, registry.names())}"
            yield document.problem(("checks", index, "check"), message)
            continue
        try:
            _instance(found, document, index)
        except InvalidConfigError as error:
            yield from error.problems


def _instance(check: type[Check], document: Document, index: int) -> Check:
    entry: Mapping[str, Any] = document.value["checks"][index]
    own = {key: value for key, value in entry.items() if key not in _COMMON}
    return load_as(check, document, ("checks", index), own, also=_COMMON)


def _compiled_checks(
    document: Document, fields: PolicyFields, registry: Registry, default_timeout: timedelta
) -> tuple[CheckSpec, ...]:
    specs: list[CheckSpec] = []
    for index, entry in enumerate(fields.checks):
        found = registry.get(entry.check)
        assert found is not None  # noqa: S101 - _check_problems has refused it
        check = _instance(found, document, index)
        same = [spec for spec in specs if type(spec.check) is type(check)]
        if any(spec.check == check for spec in same):
            problem = document.problem(("checks", index), f"{entry.check} stands here twice; remove one")
            raise InvalidConfigError([problem])
        timeout = entry.timeout or default_timeout
        if check.waits() >= timeout:
            message = (
                f"{entry.check} may wait for {format_duration(check.waits())}, and is stopped after "
                f"{format_duration(timeout)}; write a longer timeout beside it"
            )
            raise InvalidConfigError([document.problem(("checks", index), message)])
        name = f"{entry.check}#{len(same) + 1}" if same else entry.check
        specs.append(CheckSpec(name, check, entry.severity == "required", timeout))
    if not any(spec.required for spec in specs):
        message = "all checks are advisory, so nothing could pass and the gate would never open; make one required"
        raise InvalidConfigError([document.problem(("checks",), message)])
    return tuple(specs)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
