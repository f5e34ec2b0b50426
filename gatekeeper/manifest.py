"""Readers for what a cluster says: JSON of any shape, of which nothing is trusted.

A missing value is None; a value of a wrong type is a BadAnswer where it decides anything. Text is bounded and freed of
what a terminal would obey; names that go into commands which people copy are DNS names or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.findings import Evidence

SHOWN: Final = 20
"""So many facts of a finding are shown; the rest is counted."""
_DNS_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_QUANTITY: Final = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:[eE]([+-]?\d{1,2})|([a-zA-Z]{1,2}))?")
_UNITS: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


def at(value: object, *path: str) -> Any:  # noqa: ANN401 - what a cluster says has any type
    """The value at a path of keys, or None where the path ends early."""
    for key in path:
        if not isinstance(value, Mapping):
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


def quantity(value: object, what: str) -> Decimal:
    """A Kubernetes quantity (``250m``, ``1.5Gi``, ``2``) as a number of its base unit: cores, bytes, pieces.

    Raises:
        BadAnswer: it is none.
    """
    found = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None or isinstance(value, bool) or (found[3] and found[3] not in _UNITS):
        raise BadAnswer(f"{what} is {value!r:.50}, which is no quantity")
    number = Decimal(found[1])
    return number * (Decimal(10) ** int(found[2]) if found[2] else _UNITS[found[3]] if found[3] else 1)


def condition(item: object, kind: str) -> Mapping[str, Any] | None:
    """The condition of a type in ``status.conditions``, or None."""
    found = dicts(at(item, "status", "conditions"), "status.conditions")
    return next((each for each in found if each.get("type") == kind), None)


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


def selector_text(selector: object, what: str) -> str | None:
    """A LabelSelector as the text that the API server takes; None (it selects nothing) stays None, ``{}`` takes all.

    Raises:
        BadAnswer: it is no LabelSelector.
    """
    if selector is None:
        return None
    labels = at(selector, "matchLabels") or {}
    if not isinstance(selector, Mapping) or not isinstance(labels, Mapping):
        raise BadAnswer(f"the selector of {what} is no selector")
    parts = [f"{key}={value}" for key, value in labels.items()]
    return ",".join([*parts, *(_expression(each, what) for each in dicts(selector.get("matchExpressions")))])


def _expression(expression: Mapping[str, Any], what: str) -> str:
    key, operator, values = expression.get("key"), expression.get("operator"), expression.get("values") or []
    if isinstance(key, str) and isinstance(values, Sequence) and all(isinstance(value, str) for value in values):
        match operator:
            case "In" | "NotIn" if values:
                return f"{key} {operator.lower()} ({','.join(values)})"
            case "Exists":
                return key
            case "DoesNotExist":
                return f"!{key}"
    raise BadAnswer(f"the selector of {what} has an expression that is not known: {expression!r:.100}")
