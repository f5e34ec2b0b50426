"""Readers for what a cluster says: JSON of any shape, of which nothing is trusted.

A missing value is None; a value of a wrong type is a BadAnswer where it decides anything. Text is bounded and freed of
what a terminal would obey; names that go into commands which people copy are DNS names or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gatekeeper.cluster import Table
from gatekeeper.errors import BadAnswer
from gatekeeper.findings import Evidence

SHOWN: Final = 20
"""So many facts of a finding are shown; the rest is counted."""
_DNS_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_VERSION: Final = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?(?:[-+][0-9A-Za-z.+-]{1,60})?")


def at(value: object, *path: str) -> Any:  # noqa: ANN401 - what a cluster says has any type
    """The value at a path of keys, or None where the path ends early."""
    for key in path:
        # Nearly all are dicts, and to ask for that first is far quicker.
        if not isinstance(value, dict) and not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def dicts(value: object, what: str = "what should be a list of objects") -> Sequence[Mapping[str, Any]]:
    """A list of objects; nothing is an empty one.

    Raises:
        BadAnswer: it is something else.
    """
    if value is None:
        return ()
    if isinstance(value, list) and all(type(each) is dict for each in value):
        return value  # nearly always, and far quicker than to ask for the abstract types
    if not isinstance(value, Sequence) or not all(isinstance(each, Mapping) for each in value):
        raise BadAnswer(f"{what} is something else")
    return value


def count(value: object, default: int, what: str) -> int:
    """A count, such as ``spec.replicas``.

    Raises:
        BadAnswer: it is there and is no whole number from 0 on.
    """
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadAnswer(f"{what} is {value!r:.50}, which is no count")
    return value


def time_of(value: object) -> datetime | None:
    """A timestamp with its zone, or None."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def condition(item: object, kind: str) -> Mapping[str, Any] | None:
    """The condition of a type in ``status.conditions``, or None."""
    found = dicts(at(item, "status", "conditions"), "status.conditions")
    return next((each for each in found if each.get("type") == kind), None)


def conditions(item: object) -> Mapping[str, Mapping[str, Any]]:
    """All of ``status.conditions``, by type; the last of a type counts."""
    return {str(each.get("type")): each for each in dicts(at(item, "status", "conditions"), "status.conditions")}


def cells(table: Table, *columns: str) -> Iterator[tuple[Any, ...]]:
    """The cells of these columns, row by row.

    Raises:
        MissingColumn: the server does not show one of them.
        BadAnswer: a row is shorter than its columns.
    """
    places = [table.column(column) for column in columns]
    try:
        for row in table.rows:
            yield tuple(row[place] for place in places)
    except (IndexError, TypeError) as error:
        raise BadAnswer("a row of the server's table has another shape than its columns") from error


def dns_name(value: object, what: str) -> str:
    """A name of an object, safe to stand in a command that people copy.

    Raises:
        BadAnswer: it is none.
    """
    if not isinstance(value, str) or not _DNS_NAME.fullmatch(value):
        raise BadAnswer(f"{what} has the name {value!r:.100}")
    return value


def name_of(item: object, what: str = "an object of a list") -> str:
    """``metadata.name``. Raises BadAnswer when it is no DNS name."""
    return dns_name(at(item, "metadata", "name"), what)


def place_of(item: object, what: str = "an object of a list") -> str:
    """``namespace/name``, or the name alone of what has no namespace. Raises BadAnswer when they are no DNS names."""
    namespace = at(item, "metadata", "namespace")
    name = name_of(item, what)
    return name if namespace is None else f"{dns_name(namespace, what)}/{name}"


def version_of(text: object) -> tuple[int, ...] | None:
    """A Kubernetes version as two or three numbers, so that 1.9 < 1.10; None if it is none.

    What a build adds behind them (``v1.27.100-akslts``) does not count.
    """
    found = _VERSION.fullmatch(text) if isinstance(text, str) else None
    return tuple(int(part) for part in found.groups() if part is not None) if found else None


def say(text: object, limit: int = 200) -> str:
    """Text of a cluster on one line, printable, and no longer than ``limit`` characters."""
    words = " ".join(str("" if text is None else text).split())
    return "".join(letter for letter in words if letter.isprintable())[:limit]


def bounded(evidence: Iterable[Evidence], shown: int = SHOWN) -> list[Evidence]:
    """The first facts, and a last one that counts the rest."""
    facts = list(evidence)
    rest = len(facts) - shown
    return facts if rest <= 0 else [*facts[:shown], Evidence("MoreFound", f"{rest} more", "not listed")]


def some(items: Sequence[str], shown: int = 3) -> str:
    """The first of several things, for a message: ``a, b, c and 4 more``."""
    rest = len(items) - shown
    return ", ".join(items[:shown]) + (f" and {rest} more" if rest > 0 else "")


def numbered(number: int, thing: str, things: str | None = None) -> str:
    """A number with its noun: ``1 pod``, ``3 pods``, ``2 policies``."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"
