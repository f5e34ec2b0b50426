"""What the rows of all kinds share: columns, cells and the texts of selectors, images and ages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.manifests import Manifest, at, parse_time

Cell: TypeAlias = str | int | float | bool | Since | None
NONE, UNSET = "<none>", "<unset>"


@dataclass(frozen=True, slots=True)
class Column:
    """One entry of a Table's ``columnDefinitions``."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""

    def definition(self) -> dict[str, str | int]:
        """Return the column as the API writes it."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description or f"{self.name} of the object",
            "priority": self.priority,
        }


@dataclass(frozen=True, slots=True)
class Printer:
    """How one kind becomes a row: its columns, and a pure function from the manifest to the cells."""

    columns: tuple[Column, ...]
    cells: Callable[[Manifest], list[Cell]]
    conditions: Callable[[Manifest], list[Manifest]] | None = None


def columns(*names: str) -> tuple[Column, ...]:
    """Return columns by name; ``#`` at the end means an integer, ``+`` a column of ``-o wide`` only."""
    return tuple(
        Column(
            name=name.rstrip("+#"),
            type="integer" if "#" in name else "string",
            format="name" if name.rstrip("+#") == "Name" else "",
            priority=1 if name.endswith("+") else 0,
        )
        for name in names
    )


def name_of(manifest: Manifest) -> str:
    """Return the object's name."""
    return str(at(manifest, "metadata", "name"))


def age(manifest: Manifest) -> Since:
    """Return the Age cell."""
    return Since(parse_time(at(manifest, "metadata", "creationTimestamp")))


def pairs(labels: Mapping[str, str] | None) -> str:
    """Write labels as ``a=b,c=d`` in the order of their keys."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def label_selector(selector: Manifest | None) -> str:
    """Write a label selector of a spec."""
    if not selector:
        return NONE
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for expression in selector.get("matchExpressions") or ():
        key, operator = expression["key"], expression["operator"]
        values = ",".join(sorted(expression.get("values") or ()))
        parts.append({"Exists": key, "DoesNotExist": f"!{key}"}.get(operator, f"{key} {operator.lower()} ({values})"))
    return ",".join(parts) or NONE


def containers(manifest: Manifest, *path: str) -> tuple[str, str]:
    """Return the names and the images of a pod template's containers."""
    found = at(manifest, *(path or ("spec", "template", "spec", "containers"))) or ()
    return ",".join(c.get("name", "") for c in found), ",".join(c.get("image", "") for c in found)


def some(values: list[str], limit: int = 3) -> str:
    """Join the first few values and count the rest."""
    more = len(values) - limit
    return ",".join(values[:limit]) + (f" + {more} more..." if more > 0 else "")
