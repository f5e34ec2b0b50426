"""The catalogue of checks as Markdown, made from their docstrings and parameters: ``docs/checks.md``."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gatekeeper.check import Check, GateCheck
from gatekeeper.registry import Registry
from gatekeeper.schemas import schema_of

GENERATED = "Made by `make generate`; do not edit."
"""Stands at the head of every generated file that can hold a comment."""
AREAS = (
    "Nodes",
    "Workloads",
    "Before an update",
    "Control plane and services",
    "Storage",
    "Any object",
    "Signals",
    "The run and Azure",
)
"""The areas of the shipped checks, in the order in which most need them; those of others come behind."""
_LEVELS = 4
"""So deep parameters are shown; a model may hold itself."""
_INTRODUCTION = """\
What a policy can ask. In a policy every check also takes `severity` (`required`: it must pass; `advisory`: it is
reported, and never in the way) and `timeout` (how long it may take on one member; else `checks.timeout` of the
settings). A check answers *passed*, *failed*, *inconclusive* (it looked, and cannot say) or *error* (it could not
look); only *passed* helps to open a gate. Durations are written `90s`, `15m`, `6h`, `2d`.
"""


def catalogue(registry: Registry) -> str:
    """All checks: a table of each area, then an entry for each check, by name."""
    checks = {name: check for name in registry.names() if (check := registry.get(name)) is not None}
    lines = ["# Checks", "", f"<!-- {GENERATED} -->", "", _INTRODUCTION]
    areas = by_area(checks.values())
    lines += [" · ".join(f"[{area}](#{_anchor(area)})" for area in areas)]
    for area, names in areas.items():
        lines += ["", f"## {area}", "", "| check | passes when | asked of |", "|---|---|---|"]
        lines += [f"| [{name}](#{name}) | {_cell(checks[name].claim)} | {_asked_of(checks[name])} |" for name in names]
    lines += ["", "## Each check"]
    for name, check in checks.items():
        lines += ["", *_entry(name, check)]
    return "\n".join(lines) + "\n"


def by_area(checks: Iterable[type[Check]]) -> dict[str, list[str]]:
    """The names of checks by their areas, in the order of AREAS; then other areas by name."""
    found: dict[str, list[str]] = {}
    for check in checks:
        found.setdefault(check.area, []).append(check.name)
    known = [area for area in AREAS if area in found]
    return {area: sorted(found[area]) for area in [*known, *sorted(found.keys() - set(known))]}


def _anchor(heading: str) -> str:
    """The address of a heading, as GitHub makes it."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def markdown(text: str) -> str:
    """A docstring's text as Markdown: code stands between single backticks."""
    return re.sub(r"``(.+?)``", r"`\1`", text, flags=re.DOTALL)


def _entry(name: str, check: type[Check]) -> Iterator[str]:
    text, _, example = inspect.cleandoc(check.__doc__ or "").partition("Example:")
    yield from (f"### {name}", "", f"Passes when {check.claim}. Asked of {_asked_of(check)}.", "")
    yield markdown(text.strip())
    if example.strip():
        yield from ("", "```yaml", textwrap.dedent(example.strip("\n")), "```")
    schema = schema_of(check)
    if schema.get("properties"):
        yield from ("", "| parameter | default | meaning |", "|---|---|---|")
        yield from _rows(schema, schema.get("$defs", {}))
    if check.reads:
        yield from ("", f"Reads {', '.join(f'`{resource}`' for resource in check.reads)}.")
    if check.writes:
        done = ", ".join(f"`{verb} {resource}`" for verb, resource in check.writes)
        yield from ("", f"Does more than read: {done}. See `gatekeeper checks --rbac --policy`.")


def _asked_of(check: type[Check]) -> str:
    return "the gate, once" if issubclass(check, GateCheck) else "every cluster in scope"


def _rows(schema: Mapping[str, Any], definitions: Mapping[str, Any], inside: str = "") -> Iterator[str]:
    """One row for each parameter, and below it one for each of its own parts: ``closed[].from``."""
    for key, spec in schema["properties"].items():
        name = f"{inside}{key}"
        default = "*required*" if key in schema.get("required", ()) else _default(spec.get("default"))
        yield f"| `{name}` | {default} | {_cell(spec.get('description', ''))} |"
        if name.count(".") == _LEVELS:
            continue
        for suffix, inner in _parts(spec, definitions):
            yield from _rows(inner, definitions, f"{name}{suffix}.")


def _parts(spec: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects that a parameter may be or hold: itself, an item of it, or what it is unless it is left out."""
    for way in (spec, *spec.get("anyOf", ())):
        if isinstance(items := way.get("items"), Mapping):
            yield from ((f"[]{suffix}", inner) for suffix, inner in _parts(items, definitions))
        inner = definitions.get(str(way.get("$ref", "")).rpartition("/")[2])
        if inner is not None and inner.get("properties"):
            yield "", inner


def _default(value: object) -> str:
    if value is None or value in ("", [], {}) or isinstance(value, dict):
        return ""
    return ", ".join(f"`{item}`" for item in (value if isinstance(value, list) else [value]))


def _cell(text: str) -> str:
    return markdown(" ".join(text.split())).replace("|", "\\|")
