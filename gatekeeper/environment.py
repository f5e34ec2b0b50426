"""Settings from environment variables: ``GATEKEEPER_POLL__INTERVAL=10s`` stands for ``poll: {interval: 10s}``."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_origin

from pydantic import BaseModel

from gatekeeper.problems import InvalidConfigError, Path, Problem, suggestion
from gatekeeper.yamlfile import Document

PREFIX = "GATEKEEPER_"
OTHERS = frozenset({"GATEKEEPER_CONFIG"})
"""Variables of ours that are no settings: the command line's default for ``--config``."""
_OF_KUBERNETES = re.compile(
    r"GATEKEEPER_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP).*)?)"
)
"""Kubernetes tells every pod of the services around it; one that is called ``gatekeeper`` makes such names."""


def variables(model: type[BaseModel], name: str = PREFIX, path: Path = ()) -> Iterator[tuple[str, Path, bool]]:
    """Every variable of a settings model, the path of its field in YAML, and whether it is written as JSON."""
    for key, field in model.model_fields.items():
        variable, place = f"{name}{key.upper()}", (*path, field.alias or key)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables(field.annotation, f"{variable}__", place)
        else:
            yield variable, place, get_origin(field.annotation) in (tuple, list, dict)


def overlaid(document: Document, env: Mapping[str, str], model: type[BaseModel]) -> tuple[Document, dict[Path, str]]:
    """Lay the environment over a document: a variable wins, an empty one is as if it were not set.

    Returns:
        The document with the values of both, and the variable that each of the paths came from.

    Raises:
        InvalidConfigError: a variable is misspelt, or not JSON where a list is wanted.
    """
    known = {variable: (path, is_json) for variable, path, is_json in variables(model)}
    problems: list[Problem] = []
    origins: dict[Path, str] = {}
    value = copy.deepcopy(document.value)
    for variable, text in sorted(env.items()):
        if not variable.startswith(PREFIX) or not text:
            continue
        if variable not in known:
            if not _is_somebody_elses(variable):
                problems.append(_problem(variable, f"no setting has this variable; {suggestion(variable, known)}"))
            continue
        path, is_json = known[variable]
        try:
            _put(value, path, json.loads(text) if is_json else text)
        except ValueError as error:
            problems.append(_problem(variable, f"is not JSON ({error}); write it like [...]"))
        origins[path] = variable
    if problems:
        raise InvalidConfigError(problems)
    return replace(document, value=value), origins


def blamed(problem: Problem, path: Path, origins: Mapping[Path, str]) -> Problem:
    """The problem, laid to the variable that the value came from, if it came from one."""
    for origin, variable in origins.items():
        if path[: len(origin)] == origin:
            return replace(problem, source=variable, line=None, where="")
    return problem


def _is_somebody_elses(variable: str) -> bool:
    return variable in OTHERS or ("__" not in variable and _OF_KUBERNETES.fullmatch(variable) is not None)


def _put(value: Any, path: Path, item: object) -> None:  # noqa: ANN401 - any value that YAML can hold
    """Set an item in nested mappings; where the file has no mapping, the file is wrong and is told so later."""
    for part in path[:-1]:
        if not isinstance(value, dict):
            return
        if value.get(part) is None:
            value[part] = {}
        value = value[part]
    if isinstance(value, dict):
        value[path[-1]] = item


def _problem(variable: str, message: str) -> Problem:
    return Problem(variable, None, "", message)
