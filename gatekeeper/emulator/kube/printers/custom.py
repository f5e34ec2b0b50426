"""The rows of custom resources: the printer columns of their CustomResourceDefinition, with simple JSONPath."""

from __future__ import annotations

import re

from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.kinds import PrinterColumn, Resource
from gatekeeper.emulator.kube.manifests import Manifest, ManifestError, encode, parse_time
from gatekeeper.emulator.kube.printers.cells import Cell, Column, Printer, name_of

# .name, ['quoted.name'], [0], [*] and [?(@.field=="value")]
_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]]+)
      | \['(?P<quoted>[^']+)'\]
      | \[(?P<index>-?\d+)\]
      | \[(?P<all>\*)\]
      | \[\?\(\s*@\.(?P<field>[^\s=]+)\s*==\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)\s*\)\]""",
    re.VERBOSE,
)
_AGE = PrinterColumn("Age", "date", ".metadata.creationTimestamp")


def printer(resource: Resource) -> Printer:
    """Return the printer of a custom resource; without printer columns it has a name and an age."""
    found = resource.columns or (_AGE,)
    definitions = [Column(c.name, c.type, c.format, c.priority, c.description) for c in found]
    paths = [(_steps(column.path), column.type) for column in found]

    def cells(item: Manifest) -> list[Cell]:
        return [name_of(item), *(_cell(_first(item, steps), kind) for steps, kind in paths)]

    return Printer((Column("Name", format="name"), *definitions), cells)


def _steps(path: str) -> list[re.Match[str]]:
    text = path if path.startswith(("[", ".")) else f".{path}"
    steps, position = [], 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise ManifestError(f"jsonPath {path!r} is not one of the simple forms that printer columns may use")
        steps.append(step)
        position = step.end()
    return steps


def _first(item: Manifest, steps: list[re.Match[str]]) -> object:
    """Return the first thing that a path finds, or None."""
    found: list[object] = [item]
    for step in steps:
        found = [deeper for value in found for deeper in _take(value, step)]
    return found[0] if found else None


def _take(value: object, step: re.Match[str]) -> list[object]:
    name = (step["name"] or step["quoted"] or "").replace("\\.", ".")
    if name:
        return [value[name]] if isinstance(value, dict) and name in value else []
    if not isinstance(value, list):
        return []
    if step["all"]:
        return list(value)
    if step["index"]:
        index = int(step["index"])
        return [value[index]] if -len(value) <= index < len(value) else []
    return [entry for entry in value if isinstance(entry, dict) and str(entry.get(step["field"])) == step["value"]]


def _cell(value: object, kind: str) -> Cell:
    if value is None:
        return None
    if kind == "date":
        moment = parse_time(value)
        return Since(moment) if moment else "<invalid>"
    if kind == "string":
        if isinstance(value, bool):
            return str(value).lower()
        return encode(value).decode() if isinstance(value, dict | list) else str(value)
    if kind == "integer":
        return int(value) if isinstance(value, int | float) else None
    return value if isinstance(value, bool | int | float) else None
