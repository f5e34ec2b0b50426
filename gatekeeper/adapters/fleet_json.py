"""The small words with which answers of Fleet Manager are read: JSON of one shape, or a BadAnswer that says why not.

An absent key and a null are the same: not said. A value of another type is never bent into the right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from gatekeeper.adapters.kube_errors import clean
from gatekeeper.errors import BadAnswer

Body = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,259}")
"""Names go into the path of the next request, so they may not change where it leads."""


def mapping(value: object, what: str) -> Body:
    """The value as a JSON object."""
    if not isinstance(value, Mapping):
        raise BadAnswer(f"{what} is no JSON object but {kind(value)}")
    return value


def text(body: Body, key: str) -> str | None:
    """The text under a key; None when it is absent or null."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadAnswer(f"{clean(key)} is no text but {kind(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair: JSON can write it, nothing else can
        raise BadAnswer(f"{clean(key)} is not valid text") from None
    return value


def safe_name(name: str | None, what: str) -> str:
    """A name that may stand in a path."""
    if not name or not _NAME.fullmatch(name):
        raise BadAnswer(f"{what} has {f'the unusable name {clean(repr(name))}' if name else 'no name'}")
    return name


def last_segment(resource_id: str) -> str:
    """The name at the end of an ARM id."""
    return resource_id.rstrip("/").rpartition("/")[2]


def required(body: Body, key: str, what: str) -> str:
    """The text under a key that must be there."""
    value = text(body, key)
    if not value:
        raise BadAnswer(f"{what} has no {key}")
    return value


def part(body: Body, key: str) -> Body:
    """The object under a key; an empty one when it is absent or null."""
    value = body.get(key)
    return {} if value is None else mapping(value, key)


def items(body: Body, key: str) -> list[object]:
    """The list under a key; an empty one when it is absent or null."""
    value = body.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadAnswer(f"{key} is no list but {kind(value)}")
    return value


def state(body: Body) -> str:
    """``status.state``, the same in runs, stages, groups, members and gates; empty when it is not said."""
    return text(part(body, "status"), "state") or ""


def moment(body: Body, key: str) -> datetime | None:
    """An RFC 3339 time in UTC; a fraction finer than microseconds (the service writes nine digits) is cut."""
    value = text(body, key)
    if value is None:
        return None
    try:
        when = datetime.fromisoformat(value)
        if when.tzinfo is not None:
            return when.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadAnswer(f"{key} is no time: {clean(repr(value))}")


def agree(resource_id: str | None, expected: str, what: str) -> None:
    """Refuse an ARM id that says something else; ids are compared without regard to case."""
    if resource_id and "/" + resource_id.strip("/").lower() != expected.lower():
        raise BadAnswer(f"the id of {what} is {clean(resource_id)}, not {expected}")


def unique(names: Iterable[str], what: str) -> None:
    """Refuse a name that is there twice: nobody could say which of the two is meant."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadAnswer(f"{what} {clean(name)} is there twice")
        seen.add(name)


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    kinds = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "nothing"}
    return kinds.get(type(value), "a number")
