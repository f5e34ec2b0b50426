"""Label selectors: as the text that an API server takes, and as a question to a set of labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import at, dicts

_LABEL_WORD: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,315}[A-Za-z0-9])?|")


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
    if not all(_is_label(word) for pair in labels.items() for word in pair):
        raise BadAnswer(f"the selector of {what} holds what is no label: {labels!r:.100}")
    parts = [f"{key}={value}" for key, value in labels.items()]
    return ",".join([*parts, *(_expression(each, what) for each in dicts(selector.get("matchExpressions")))])


def _is_label(word: object) -> bool:
    # What holds a comma or a bracket would turn into another selector.
    return isinstance(word, str) and _LABEL_WORD.fullmatch(word) is not None


def _expression(expression: Mapping[str, Any], what: str) -> str:
    key, operator, values = expression.get("key"), expression.get("operator"), expression.get("values") or []
    if isinstance(key, str) and isinstance(values, list | tuple) and all(map(_is_label, (key, *values))):
        match operator:
            case "In" | "NotIn" if values:
                return f"{key} {operator.lower()} ({','.join(values)})"
            case "Exists":
                return key
            case "DoesNotExist":
                return f"!{key}"
    raise BadAnswer(f"the selector of {what} has an expression that is not known: {expression!r:.100}")


def selects(selector: object, what: str) -> Callable[[object], bool]:
    """A LabelSelector as a question to labels; None takes nothing, ``{}`` takes all.

    Raises:
        BadAnswer: it is no LabelSelector.
    """
    if selector_text(selector, what) is None:
        return lambda _: False
    wanted = tuple((at(selector, "matchLabels") or {}).items())
    expressions = dicts(at(selector, "matchExpressions"))

    def takes(labels: object) -> bool:
        mine = labels if isinstance(labels, Mapping) else {}
        met = all(mine.get(key) == value for key, value in wanted)
        return met and all(_meets(mine, each) for each in expressions)

    return takes


def _meets(labels: Mapping[str, Any], expression: Mapping[str, Any]) -> bool:
    value, values = labels.get(str(expression.get("key"))), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
    return value is None
