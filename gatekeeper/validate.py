"""Lint of settings and policies: all that is wrong in them, and policies that could stand in each other's way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from gatekeeper.contents import read_contents
from gatekeeper.pattern import Kind, Pattern
from gatekeeper.policies import compile_contents
from gatekeeper.policy import Match, Policy
from gatekeeper.policy_file import DEFAULT_TIMEOUT
from gatekeeper.policy_file import KIND as POLICY_KIND
from gatekeeper.problems import InvalidConfigError, Problem, suggestion
from gatekeeper.registry import Registry
from gatekeeper.settings import KIND as SETTINGS_KIND
from gatekeeper.settings import load_settings
from gatekeeper.yamlfile import parse_yaml


def validate(paths: Sequence[Path], registry: Registry, env: Mapping[str, str] | None = None) -> list[Problem]:
    """Find all that is wrong, and what looks wrong, in settings and policies.

    Args:
        paths: settings files, policy files and folders; told apart by their ``kind``. The policies that a settings
            file names are looked at as well.
        registry: the checks that exist.
        env: the environment that settings are read with; none if not given.

    Returns:
        Errors and warnings, sorted by file and line; empty when all is well.
    """
    problems: list[Problem] = []
    settings, files = _sorted_out(paths, problems)
    for path in settings:
        try:
            files += load_settings(path, env or {}).policies
        except InvalidConfigError as error:
            problems += error.problems
    try:
        problems += ties(compile_contents(read_contents(files), registry, DEFAULT_TIMEOUT))
    except InvalidConfigError as error:
        problems += error.problems
    once = dict.fromkeys(problems)
    return sorted(once, key=lambda problem: (problem.source, problem.line or 0))


def ties(policies: Sequence[Policy]) -> list[Problem]:
    """Warn of two policies that may match one gate equally well: such a gate is held."""
    return [
        Problem(
            two.source.rpartition(":")[0],
            int(two.source.rpartition(":")[2]),
            "match",
            f"policies {one.name} ({one.source}) and {two.name} can match the same gate, and neither is more specific; "
            "such a gate would be held. Give one a part that the other has not, or names that differ",
            "warning",
        )
        for one, two in combinations(policies, 2)
        if _overlap(one.match, two.match)
        and not one.match.more_specific_than(two.match)
        and not two.match.more_specific_than(one.match)
    ]


def _overlap(one: Match, two: Match) -> bool:
    """Whether a gate that both match is conceivable; of two patterns it is believed without a proof."""
    if one.timing and two.timing and one.timing != two.timing:
        return False
    pairs = zip(one.patterns(), two.patterns(), strict=True)
    return all(mine is None or theirs is None or _may_meet(mine, theirs) for (_, mine), (_, theirs) in pairs)


def _may_meet(mine: Pattern, theirs: Pattern) -> bool:
    if mine.kind is Kind.EXACT:
        return theirs.matches(mine.text)
    return theirs.kind is not Kind.EXACT or mine.matches(theirs.text)


def _sorted_out(paths: Sequence[Path], problems: list[Problem]) -> tuple[list[Path], list[Path]]:
    """Settings files and policy files; what is neither is a problem."""
    settings: list[Path] = []
    policies: list[Path] = []
    for path in paths:
        try:
            contents = read_contents([path])
        except InvalidConfigError as error:
            problems += error.problems
            continue
        if not contents:
            problems.append(Problem(str(path), None, "", "no *.yaml or *.yml in this folder"))
        for source, content in contents:
            try:
                kind = _kind(source, content)
            except InvalidConfigError as error:
                problems += error.problems
            else:
                (settings if kind == SETTINGS_KIND else policies).append(Path(source))
    return settings, policies


def _kind(source: str, content: bytes) -> str:
    """Which of our kinds a file holds, by the first document that has one of them."""
    documents = parse_yaml(content, source)
    kinds = [document.value.get("kind") if isinstance(document.value, dict) else None for document in documents]
    for kind in kinds:
        if kind in (SETTINGS_KIND, POLICY_KIND):
            return str(kind)
    if not documents:
        raise InvalidConfigError([Problem(source, None, "", f"holds nothing; write a {POLICY_KIND} or remove it")])
    raise InvalidConfigError(
        document.problem(("kind",), f"unknown kind {kind!r}; {suggestion(str(kind), [SETTINGS_KIND, POLICY_KIND])}")
        if kind is not None
        else document.problem((), f"has no kind; write kind: {POLICY_KIND} or kind: {SETTINGS_KIND}")
        for document, kind in zip(documents, kinds, strict=True)
    )
