"""Puts the pages of a list together, and refuses every page that is not what was asked for."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gatekeeper.answers import json_of
from gatekeeper.cluster import Table
from gatekeeper.errors import BadAnswer
from gatekeeper.projection import Projection, Sharing, table_form


def parse(body: bytes, ask: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BadAnswer: it is not JSON, cut off, too deep, or not an object.
    """
    return _object(json_of(body, ask), ask)


def following(page: Mapping[str, Any], ask: str) -> str:
    """The ``continue`` token of a page; empty on the last one."""
    metadata = page.get("metadata")
    token = (metadata.get("continue") if isinstance(metadata, dict) else None) or ""
    if not isinstance(token, str):
        raise BadAnswer(f"{ask}: the continue token is not text")
    return token


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the garbage collector rest: JSON has no circles, and to walk through it takes twice as long as to parse it.

    Nothing may be awaited inside, as the collector rests for all.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Rows:
    """Collects the rows of a Table."""

    def __init__(self, ask: str, *, metadata: bool) -> None:
        self._ask = ask
        self._with_metadata = metadata
        self._columns: tuple[str, ...] | None = None
        self._rows: list[tuple[Any, ...]] = []
        self._metadata: list[Mapping[str, Any]] = []

    def read(self, body: bytes) -> Mapping[str, Any]:
        """Parse one page; of metadata only what checks may read."""
        if not self._with_metadata:
            return parse(body, self._ask)
        return _object(table_form().read(body, self._ask), self._ask)

    def add(self, page: Mapping[str, Any]) -> None:
        """Take one page."""
        if page.get("kind") != "Table":
            raise BadAnswer(f"{self._ask}: asked for a Table, the server sent {_kind(page)}")
        columns = self._read_columns(page)
        if self._columns is None:
            self._columns = columns
        elif columns != self._columns:
            raise BadAnswer(f"{self._ask}: the columns changed between two pages")
        for row in _entries(page, "rows", self._ask):
            cells = row.get("cells")
            if not isinstance(cells, list) or len(cells) != len(columns):
                raise BadAnswer(f"{self._ask}: a row has not as many cells as there are columns")
            self._rows.append(tuple(cells))
            if self._with_metadata:
                self._metadata.append(self._read_metadata(row))

    def table(self) -> Table:
        """All pages as one Table."""
        return Table(self._columns or (), tuple(self._rows), tuple(self._metadata))

    def _read_columns(self, page: Mapping[str, Any]) -> tuple[str, ...]:
        columns = _entries(page, "columnDefinitions", self._ask)
        names = tuple(name for column in columns if isinstance(name := column.get("name"), str))
        if not names or len(names) != len(columns):
            raise BadAnswer(f"{self._ask}: the Table does not name its columns")
        return names

    def _read_metadata(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        subject = row.get("object")
        metadata = subject.get("metadata") if isinstance(subject, dict) else None
        if not isinstance(metadata, dict):
            raise BadAnswer(f"{self._ask}: a row came without the metadata that was asked for")
        return metadata


class Items:
    """Collects the objects of a list, without what no check reads."""

    def __init__(self, ask: str, kept: Projection | Slim) -> None:
        self._ask = ask
        self._kept = kept
        self._shared = Sharing()
        self.items: list[Mapping[str, Any]] = []

    def read(self, body: bytes) -> Mapping[str, Any]:
        """Parse one page; of what is not kept only its form is looked at."""
        if isinstance(self._kept, Slim):
            return parse(body, self._ask)
        return _object(self._kept.page(body, self._ask), self._ask)

    def add(self, page: Mapping[str, Any]) -> None:
        """Take one page."""
        kind = page.get("kind")
        if not isinstance(kind, str) or not kind.endswith("List"):
            raise BadAnswer(f"{self._ask}: asked for a list, the server sent {_kind(page)}")
        take = self._kept if isinstance(self._kept, Slim) else self._shared
        for item in _entries(page, "items", self._ask):
            self.items.append(take(item))


class Slim:
    """Drops ``managedFields``, and of a Node the names of all images it holds: half of the bytes, read by no check."""

    def __init__(self, *, nodes: bool) -> None:
        self._nodes = nodes

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """The object itself, without them."""
        if isinstance(metadata := item.get("metadata"), dict):
            metadata.pop("managedFields", None)
        if self._nodes and isinstance(status := item.get("status"), dict):
            status.pop("images", None)
        return item


def _object(document: object, ask: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise BadAnswer(f"{ask}: the answer is not a JSON object")
    return document


def _entries(page: Mapping[str, Any], key: str, ask: str) -> list[dict[str, Any]]:
    """A list of objects. A Go server writes an empty list as null; a key that is missing is no empty list."""
    if key not in page:
        raise BadAnswer(f"{ask}: {_kind(page)} came without {key}")
    entries = page[key] if page[key] is not None else []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadAnswer(f"{ask}: {key} is not a list of objects")
    return entries


def _kind(page: Mapping[str, Any]) -> str:
    kind = page.get("kind")
    return f"a {kind[:60]}" if isinstance(kind, str) and kind.isalnum() else "something without a kind"
