"""What pydantic complains about, in plain words and with the line on which it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gatekeeper.problems import InvalidConfigError, Path, Problem, nearest, shown, suggestion
from gatekeeper.yamlfile import Document

_Model = TypeVar("_Model", bound=BaseModel)

_WANTED = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen": "a list",
    "dict": "a mapping of keys to values",
    "mapping": "a mapping of keys to values",
    "model": "a mapping of keys to values",
    "dataclass": "a mapping of keys to values",
    "date": "a date such as 2026-12-24",
    "datetime": "a date and time such as 2026-12-24T18:00:00Z",
    "time": "a time of day such as 09:00",
    "path": "a path",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def plainly(error: ErrorDetails, known: Sequence[str] = ()) -> str:
    """Say one of pydantic's errors in plain words, with the mend.

    Args:
        error: one of ``ValidationError.errors()``.
        known: the keys that are allowed where the error is.
    """
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    match kind:
        case "missing":
            message = "is missing; add it"
        case "extra_forbidden":
            message = f"unknown key; {suggestion(str(error['loc'][-1]), known)}"
        case "literal_error" | "enum":
            message = _not_a_choice(value, str(context["expected"]))
        case "value_error" | "assertion_error":
            message = str(context["error"])
        case "string_pattern_mismatch":
            message = f"{shown(value)} is not of the form {context['pattern']}"
        case "too_short" | "string_too_short" if context.get("min_length") == 1:
            message = "is empty; give at least one"
        case _:
            message = _out_of_bounds(kind, value, context) or _wrong_type(kind, value) or _lowered(error["msg"])
    return message


def _out_of_bounds(kind: str, value: object, context: Mapping[str, Any]) -> str | None:
    if kind not in _BOUNDS:
        return None
    words, key = _BOUNDS[kind]
    return f"{shown(value)} is out of bounds; it must be {words} {context[key]}"


def _wrong_type(kind: str, value: object) -> str | None:
    wanted = _WANTED.get(kind.partition("_")[0])
    if wanted is None or not re.search(r"_(type|parsing|from_\w+)", kind):
        return None
    quoted = wanted == "a text" and isinstance(value, int | float)
    return f"must be {wanted}, and is {shown(value)}" + ("; write it in quotes" if quoted else "")


def _not_a_choice(value: object, expected: str) -> str:
    """Pydantic lists choices as ``'a', 'b' or 'c'``."""
    choices = [word.strip(" '\"") for word in expected.replace(" or ", ",").split(",")]
    near = nearest(value, choices) if isinstance(value, str) else None
    if near:
        return f"{shown(value)} is not known here; did you mean {near}?"
    return f"must be {' or '.join(choices)}, and is {shown(value)}"


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


def load_as(
    model: type[_Model], document: Document, path: Path = (), value: object = ..., also: Iterable[str] = ()
) -> _Model:
    """Make a model of a document, or of a part of it. Keys are camelCase only.

    Args:
        model: what the document should be.
        document: where it stands.
        path: the part of the document.
        value: what to validate instead of the document's own value at that path.
        also: keys that are known there, and that the model does not have.

    Raises:
        InvalidConfigError: it is something else; with all that is wrong, line by line.
    """
    try:
        return model.model_validate(_at(document, path) if value is ... else value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidConfigError(complaints(error, model, document, path, also).values()) from None


def complaints(
    error: ValidationError, model: type[BaseModel], document: Document, path: Path = (), also: Iterable[str] = ()
) -> dict[Path, Problem]:
    """Turn a validation error into problems, one for each place."""
    found: dict[Path, list[str]] = {}
    for detail in error.errors(include_url=False):
        if _is_echo(detail):
            continue
        place = (*path, *_real_path(_at(document, path), detail))
        known = _keys_at(model, detail["loc"][:-1]) + (list(also) if len(detail["loc"]) == 1 else [])
        message = plainly(detail, known)
        messages = found.setdefault(place, [])
        if message not in messages:
            messages.append(message)
    return {place: document.problem(place, ", or ".join(messages)) for place, messages in found.items()}


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether this only follows from another error, which is told."""
    if detail["type"] == "too_short":  # pydantic counts only the items that are right
        length: int = detail["ctx"]["min_length"]
        return len(detail["input"]) >= length
    return detail["type"] == "default_factory_not_called"


def _at(document: Document, path: Path) -> Any:  # noqa: ANN401 - any value that YAML can hold
    value = document.value
    for part in path:
        value = value[part]
    return value


def _real_path(value: Any, detail: ErrorDetails) -> Path:  # noqa: ANN401 - any value that YAML can hold
    """The path as it is in the document: pydantic puts the names of a union's types between."""
    path: list[str | int] = []
    for part in detail["loc"]:
        inside = range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ()
        if part in inside:
            value = value[part]
            path.append(part)
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _keys_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that are allowed at a place, of whichever of a union's models."""
    models = [model]
    for part in loc:
        named = [field for each in models for key, field in each.model_fields.items() if part in (key, field.alias)]
        if named:
            models = [found for field in named for found in _models_in(field.annotation)]
    return [field.alias or key for each in models for key, field in each.model_fields.items()]


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
