"""Label and field selectors, parsed and matched as the API server does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.emulator.kube.manifests import Manifest, at

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_SET = re.compile(rf"^({_NAME})\s+(in|notin)\s*\(([^()]*)\)$")
_EQUAL = re.compile(rf"^({_NAME})\s*(==|=|!=)\s*([A-Za-z0-9._-]*)$")
_ORDER = re.compile(rf"^({_NAME})\s*([<>])\s*(-?\d+)$")
_EXISTS = re.compile(rf"^(!?)\s*({_NAME})$")
_SPLIT_LABELS = re.compile(r",(?![^()]*\))")
_FIELD = re.compile(r"^([^=!]+?)(==|=|!=)(.*)$")

_EVENT_FIELDS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
# What may be selected besides name and namespace; anything else is answered with 400.
_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "services": ("spec.clusterIP", "spec.type"),
    "secrets": ("type",),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
    "events": (*(f"involvedObject.{name}" for name in _EVENT_FIELDS), "reason", "reportingComponent", "type"),
}
# What a missing field counts as, where that is not the empty text.
_DEFAULTS = {
    "spec.unschedulable": "false",
    "spec.hostNetwork": "false",
    "status.successful": "0",
    "status.replicas": "0",
}


class SelectorError(ValueError):
    """A selector that the server refuses, in its words."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label or field; ``operator`` is in, notin, exists, absent, gt or lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the labels (or fields) meet the condition; a missing key meets ``notin`` and ``absent``."""
        value = labels.get(self.key)
        if self.operator == "in":
            return value in self.values
        if self.operator == "notin":
            return value not in self.values
        if self.operator == "exists":
            return value is not None
        if self.operator == "absent":
            return value is None
        return _compare(value, self.operator, next(iter(self.values)))


def _compare(value: str | None, operator: str, limit: str) -> bool:
    if value is None or not value.lstrip("-").isdigit():
        return False
    return int(value) > int(limit) if operator == "gt" else int(value) < int(limit)


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """Parse ``a=b,c!=d,e in (f,g),h notin (i),j,!k,l>3``. Raises SelectorError."""
    return tuple(_label(part.strip()) for part in _SPLIT_LABELS.split(text) if text.strip())


def _label(part: str) -> Requirement:
    if found := _SET.match(part):
        return Requirement(found[1], found[2], frozenset(value.strip() for value in found[3].split(",")))
    if found := _EQUAL.match(part):
        return Requirement(found[1], "notin" if found[2] == "!=" else "in", frozenset({found[3]}))
    if found := _ORDER.match(part):
        return Requirement(found[1], "gt" if found[2] == ">" else "lt", frozenset({found[3]}))
    if found := _EXISTS.match(part):
        return Requirement(found[2], "absent" if found[1] else "exists")
    raise SelectorError(f"unable to parse requirement: found '{part}', expected: identifier, '!', 'in' or 'notin'")


def parse_fields(text: str, plural: str, *, custom: bool = False) -> tuple[Requirement, ...]:
    """Parse ``metadata.name=a,status.phase!=Running``. Raises SelectorError for a field that cannot be selected."""
    known = ("metadata.name", "metadata.namespace", *(() if custom else _FIELDS.get(plural, ())))
    requirements = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _FIELD.match(part)
        if found is None:
            raise SelectorError(f"invalid selector: '{part}'; can't understand '{part}'")
        if found[1] not in known:
            raise SelectorError(f"field label not supported: {found[1]}")
        requirements.append(Requirement(found[1], "notin" if found[2] == "!=" else "in", frozenset({found[3]})))
    return tuple(requirements)


def selectable(manifest: Manifest, plural: str, *, custom: bool = False) -> dict[str, str]:
    """Return the values of all fields by which an object can be selected."""
    metadata = manifest.get("metadata", {})
    fields = {"metadata.name": metadata.get("name", ""), "metadata.namespace": metadata.get("namespace", "")}
    for path in () if custom else _FIELDS.get(plural, ()):
        fields[path] = _text(at(manifest, *path.split(".")), path)
    return fields


def _text(value: object, path: str) -> str:
    if value is None:
        return _DEFAULTS.get(path, "")
    return str(value).lower() if isinstance(value, bool) else str(value)
