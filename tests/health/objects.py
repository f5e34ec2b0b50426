"""Objects that say as little as decides: for tests of how they are judged."""

from __future__ import annotations

from typing import Any


def conditions(text: str) -> list[dict[str, Any]]:
    """``Ready=True Synced=False/ReconcileError@3``: type, status, reason and observed generation."""
    told = []
    for each in text.split():
        kind, _, rest = each.partition("=")
        rest, _, generation = rest.partition("@")
        status, _, reason = rest.partition("/")
        told.append({"type": kind, "status": status, "reason": reason} | (_observed(generation)))
    return told


def _observed(generation: str) -> dict[str, Any]:
    return {"observedGeneration": int(generation)} if generation else {}


def thing(kind: str, told: str = "", spec: Any = None, **status: Any) -> dict[str, Any]:
    """``example.com/v1 Widget`` of generation 3."""
    api_version, _, name = kind.rpartition(" ")
    about = {"name": "it", "namespace": "shop", "generation": 3, "annotations": status.pop("annotations", None)}
    listed = {"conditions": conditions(told)} if told else {}
    return {"apiVersion": api_version, "kind": name, "metadata": about, "spec": spec or {}, "status": listed | status}
