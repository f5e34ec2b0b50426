"""Read, copy and merge Kubernetes manifests as plain dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

Manifest: TypeAlias = dict[str, Any]

_TIMES = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_OMIT_MICROSECONDS


class ManifestError(ValueError):
    """A manifest that no API server would take, with the reason."""


def load_manifests(source: str | Path) -> list[Manifest]:
    """Load a multi-document YAML string, a YAML file, or all ``*.yaml`` files of a folder.

    Lists (``kind: List`` and ``XxxList``) are taken apart. Raises ManifestError for what is not a manifest.
    """
    if isinstance(source, Path):
        files = sorted(source.glob("*.yaml")) if source.is_dir() else [source]
        return [manifest for file in files for manifest in load_manifests(file.read_text(encoding="utf-8"))]
    try:
        documents = list(YAML(typ="safe", pure=True).load_all(source))
    except YAMLError as error:
        raise ManifestError(f"not YAML: {error}") from error
    return list(_flatten(document for document in documents if document is not None))


def _flatten(documents: Iterable[object]) -> Iterator[Manifest]:
    for document in documents:
        if not isinstance(document, dict) or "kind" not in document or "apiVersion" not in document:
            raise ManifestError("a manifest is a mapping with apiVersion and kind")
        if str(document["kind"]).endswith("List") and "items" in document:
            yield from _flatten(document["items"])
        else:
            yield document


def encode(value: object) -> bytes:
    """Encode as JSON; a datetime (YAML makes them of unquoted times) becomes RFC 3339 text."""
    return orjson.dumps(value, option=_TIMES)


def clean_copy(manifest: Manifest) -> Manifest:
    """Copy a manifest deeply, keeping only what JSON can say."""
    copy: Manifest = orjson.loads(encode(manifest))
    return copy


def merge(base: Manifest, patch: Manifest) -> Manifest:
    """Merge by RFC 7386 (JSON merge patch), with one addition: lists of conditions merge by ``type``.

    Null removes a key. Neither argument is changed; the result may share parts with both.
    """
    merged = dict(base)
    for key, value in patch.items():
        current = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif key == "conditions" and isinstance(value, list) and isinstance(current, list):
            merged[key] = _merge_conditions(current, value)
        elif isinstance(value, dict):
            merged[key] = merge(current if isinstance(current, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _merge_conditions(base: list[Manifest], patch: list[Manifest]) -> list[Manifest]:
    by_type = {str(condition.get("type")): condition for condition in base}
    for condition in patch:
        kind = str(condition.get("type"))
        by_type[kind] = {**by_type.get(kind, {}), **condition}
    return list(by_type.values())


def at(value: object, *path: str) -> Any:  # noqa: ANN401 - what stands in a manifest has any type
    """Return what stands under a path of keys, or None where the path ends early."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def number(value: object, default: int = 0) -> int:
    """Return an integer field, or the default where it is missing."""
    return value if isinstance(value, int) else default


def condition(manifest: Manifest, kind: str) -> Manifest | None:
    """Return the condition of a type, if the object has one."""
    found: Manifest
    for found in at(manifest, "status", "conditions") or ():
        if found.get("type") == kind:
            return found
    return None


def rfc3339(moment: datetime) -> str:
    """Write a time as Kubernetes writes metav1.Time: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: object) -> datetime | None:
    """Read an RFC 3339 time; None for what is missing or not a time."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
