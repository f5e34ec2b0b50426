"""The forms of an answer: objects, Tables and bare metadata, as the Accept header asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gatekeeper.emulator.kube.listing import Page
from gatekeeper.emulator.kube.printers import printer_of
from gatekeeper.emulator.kube.statuses import Answer, RefusedError, bad_request, json, not_acceptable
from gatekeeper.emulator.kube.stored import Stored
from gatekeeper.emulator.kube.targets import Target

_META = "meta.k8s.io/v1"
_PLAIN = ("*/*", "application/*", "application/json")
_PARTIAL = ("PartialObjectMetadata", "PartialObjectMetadataList")
_INCLUDE = ("None", "Metadata", "Object")


@dataclass(frozen=True, slots=True)
class Form:
    """What the client wants: ``objects``, ``table`` or ``metadata``, and what rows of a Table carry."""

    name: str
    include: str = "Metadata"


def negotiate(accept: str, query: Mapping[str, str]) -> Form:
    """Return the first form of the Accept header that this server has. Raises RefusedError (406, 400)."""
    for clause in (accept or "*/*").split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        wanted = dict(parameter.partition("=")[::2] for parameter in parameters)
        if media not in _PLAIN:
            continue
        if "as" not in wanted:
            return Form("objects")
        if (wanted.get("g"), wanted.get("v")) != ("meta.k8s.io", "v1"):
            continue
        if wanted["as"] == "Table":
            include = query.get("includeObject") or "Metadata"
            if include not in _INCLUDE:
                raise RefusedError(bad_request(f'unrecognized includeObject value: "{include}"'))
            return Form("table", include)
        if wanted["as"] in _PARTIAL:
            return Form("metadata")
    raise RefusedError(not_acceptable())


def render_list(page: Page, target: Target, form: Form, now: datetime) -> Answer:
    """Write a page."""
    if form.name == "table":
        return _table(page.items, page.metadata, target, form, now)
    if form.name == "metadata":
        items = [orjson.Fragment(stored.metadata()) for stored in page.items]
        return json({"kind": _PARTIAL[1], "apiVersion": _META, "metadata": page.metadata, "items": items})
    items = [orjson.Fragment(stored.item(now)) for stored in page.items]
    resource = target.resource
    # Lists of custom resources always have a continue token, an empty one at the end.
    metadata = {"continue": "", **page.metadata} if resource.custom else page.metadata
    kind = f"{resource.kind}List"
    return json({"kind": kind, "apiVersion": resource.api_version, "metadata": metadata, "items": items})


def render_one(stored: Stored, target: Target, form: Form, now: datetime) -> Answer:
    """Write a single object; as a Table it is the only row."""
    if form.name == "table":
        return _table([stored], {"resourceVersion": stored.version}, target, form, now)
    return Answer(200, stored.metadata() if form.name == "metadata" else stored.whole(now))


def _table(items: list[Stored], metadata: Mapping[str, str | int], target: Target, form: Form, now: datetime) -> Answer:
    columns = [column.definition() for column in printer_of(target.resource).columns]
    rows = [_row(stored, form, now) for stored in items]
    return json(
        {"kind": "Table", "apiVersion": _META, "metadata": metadata, "columnDefinitions": columns, "rows": rows}
    )


def _row(stored: Stored, form: Form, now: datetime) -> dict[str, Any]:
    cells, conditions = stored.row(now)
    row: dict[str, Any] = {"cells": cells}
    if conditions:
        row["conditions"] = conditions
    if form.include == "None":
        row["object"] = None
    else:
        row["object"] = orjson.Fragment(stored.metadata() if form.include == "Metadata" else stored.whole(now))
    return row
