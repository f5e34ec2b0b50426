"""How objects are kept: encoded once when written, so that lists, pages and rows are cheap to read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.kinds import Resource
from gatekeeper.emulator.kube.manifests import Manifest, encode, rfc3339
from gatekeeper.emulator.kube.printers import Cell, printer_of
from gatekeeper.emulator.kube.selectors import selectable

_RENEWAL = timedelta(seconds=10)  # how often a kubelet renews its Lease


@dataclass(slots=True)
class Stored:
    """One object: its JSON without kind and apiVersion, and what it can be selected by.

    A Lease written without ``spec.renewTime`` has ``renews``: it is renewed at each reading, as by a living kubelet.
    """

    resource: Resource
    key: str
    raw: bytes
    labels: dict[str, str]
    fields: dict[str, str]
    version: str
    renews: bool = False
    _row: tuple[list[Cell], list[Manifest]] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, resource: Resource, key: str, manifest: Manifest) -> Stored:
        """Store a complete manifest (the metadata is filled in)."""
        body = {name: value for name, value in manifest.items() if name not in ("kind", "apiVersion")}
        return cls(
            resource=resource,
            key=key,
            raw=encode(body),
            labels=manifest["metadata"].get("labels") or {},
            fields=selectable(manifest, resource.plural, custom=resource.custom),
            version=manifest["metadata"]["resourceVersion"],
            renews=resource.kind == "Lease" and "renewTime" not in (manifest.get("spec") or {}),
        )

    def manifest(self) -> Manifest:
        """Return the object as a new dictionary, kind and apiVersion first."""
        return {"kind": self.resource.kind, "apiVersion": self.resource.api_version, **orjson.loads(self.raw)}

    def item(self, now: datetime) -> bytes:
        """Return the JSON of the object as it stands in a list: built-in kinds leave kind and apiVersion out there."""
        return self.whole(now) if self.resource.custom else self._body(now)

    def whole(self, now: datetime) -> bytes:
        """Return the JSON of the object as a single GET answers it."""
        head = encode({"kind": self.resource.kind, "apiVersion": self.resource.api_version})
        return head[:-1] + b"," + self._body(now)[1:]

    def metadata(self) -> bytes:
        """Return the JSON of the object's PartialObjectMetadata."""
        metadata = orjson.loads(self.raw)["metadata"]
        return encode({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})

    def row(self, now: datetime) -> tuple[list[Cell], list[Manifest]]:
        """Return the cells, ages counted to now, and the row's conditions."""
        if self._row is None:
            printer, manifest = printer_of(self.resource), self.manifest()
            self._row = printer.cells(manifest), printer.conditions(manifest) if printer.conditions else []
        cells, conditions = self._row
        return [cell.text(now) if type(cell) is Since else cell for cell in cells], conditions

    def _body(self, now: datetime) -> bytes:
        if not self.renews:
            return self.raw
        body = orjson.loads(self.raw)
        late = timedelta(seconds=now.timestamp() % _RENEWAL.total_seconds())
        body.setdefault("spec", {})["renewTime"] = rfc3339(now - late).replace("Z", ".000000Z")
        return encode(body)


class Collection:
    """All objects of one resource, read in the order of their keys (namespace/name), as etcd keeps them."""

    def __init__(self) -> None:
        self._items: dict[str, Stored] = {}
        self._keys: list[str] | None = []

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: str) -> Stored | None:
        """Return an object by key."""
        return self._items.get(key)

    def put(self, stored: Stored) -> None:
        """Add or replace an object."""
        if stored.key not in self._items:
            self._keys = None
        self._items[stored.key] = stored

    def pop(self, key: str) -> Stored | None:
        """Remove an object; None if there is none."""
        found = self._items.pop(key, None)
        if found is not None:
            self._keys = None
        return found

    def scan(self, prefix: str = "", start: str = "") -> Iterator[Stored]:
        """Yield the objects whose key has the prefix, from a key on."""
        keys = self._sorted()
        for index in range(bisect_left(keys, max(prefix, start)), len(keys)):
            if not keys[index].startswith(prefix):
                return
            yield self._items[keys[index]]

    def count(self, prefix: str = "", start: str = "") -> int:
        """Count what ``scan`` would yield."""
        keys = self._sorted()
        end = bisect_left(keys, prefix + "\U0010ffff") if prefix else len(keys)
        return max(0, end - bisect_left(keys, max(prefix, start)))

    def _sorted(self) -> list[str]:
        if self._keys is None:
            self._keys = sorted(self._items)
        return self._keys
