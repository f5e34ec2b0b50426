"""One page of a list: selectors, limit, continue tokens and resource versions."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.selectors import Requirement, SelectorError, parse_fields, parse_labels
from gatekeeper.emulator.kube.statuses import RefusedError, bad_request, too_large_resource_version
from gatekeeper.emulator.kube.stored import Stored
from gatekeeper.emulator.kube.targets import Target

_TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105 - the version of the continue token's format, no secret


@dataclass(frozen=True, slots=True)
class Page:
    """The objects of one page and the list's metadata, with ``continue`` when there is more."""

    items: list[Stored]
    metadata: dict[str, str | int]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The query parameters of a list request."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]
    limit: int
    start: str

    @property
    def selects(self) -> bool:
        """Whether any selector is given."""
        return bool(self.labels or self.fields)

    def matches(self, stored: Stored) -> bool:
        """Tell whether an object meets all selectors."""
        return all(r.matches(stored.labels) for r in self.labels) and all(r.matches(stored.fields) for r in self.fields)


def parse_query(query: Mapping[str, str], target: Target, current: int) -> ListQuery:
    """Read the query of a list. Raises RefusedError (400, 504) with the words of the server."""
    resource = target.resource
    label_text, field_text = query.get("labelSelector", ""), query.get("fieldSelector", "")
    try:
        labels = parse_labels(label_text)
    except SelectorError as error:
        raise RefusedError(bad_request(str(error))) from error
    try:
        fields = parse_fields(field_text, resource.plural, custom=resource.custom)
    except SelectorError as error:
        what = f"{resource.group}/{resource.version}, Resource={resource.plural}"
        message = (
            f'Unable to find "{what}" that match label selector "{label_text}", field selector "{field_text}": {error}'
        )
        raise RefusedError(bad_request(message)) from error
    start = _start(query.get("continue", ""))
    _check_version(query, current)
    return ListQuery(labels, fields, _number(query, "limit"), start)


def read_page(cluster: KubeCluster, target: Target, query: ListQuery) -> Page:
    """Return the page that a query asks for; the count of what remains is told only without selectors."""
    collection = cluster.collection(target.resource)
    metadata: dict[str, str | int] = {"resourceVersion": str(cluster.resource_version)}
    found: list[Stored] = []
    for stored in collection.scan(target.prefix, query.start):
        if query.selects and not query.matches(stored):
            continue
        if query.limit and len(found) == query.limit:
            start = found[-1].key + "\0"
            metadata["continue"] = make_token(cluster.resource_version, start)
            if not query.selects:
                metadata["remainingItemCount"] = collection.count(target.prefix, start)
            break
        found.append(stored)
    return Page(found, metadata)


def make_token(version: int, start: str) -> str:
    """Return an opaque continue token."""
    token = orjson.dumps({"v": _TOKEN_VERSION, "rv": version, "start": start})
    return urlsafe_b64encode(token).decode().rstrip("=")


def _start(token: str) -> str:
    if not token:
        return ""
    try:
        decoded = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError) as error:
        message = f"invalid continue token: continue key is not valid: {error}"
        raise RefusedError(bad_request(message)) from error
    try:
        value = orjson.loads(decoded)
        return str(value["start"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        first = ascii(chr(decoded[0])) if decoded else "end of input"
        message = f"invalid character {first} looking for beginning of value"
        raise RefusedError(bad_request(f"invalid continue token: continue key is not valid: {message}")) from error


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "") or "0"
    if not text.lstrip("-").isdigit():
        raise RefusedError(bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax'))
    return max(0, int(text))


def _check_version(query: Mapping[str, str], current: int) -> None:
    text = query.get("resourceVersion", "") or "0"
    if not text.isdigit():
        raise RefusedError(bad_request(f'resourceVersion: Invalid value: "{text}": invalid syntax'))
    if query.get("continue") and text != "0":
        raise RefusedError(bad_request("specifying resource version is not allowed when using continue"))
    if int(text) > current:
        raise RefusedError(too_large_resource_version(int(text), current))
