"""Values that people write in YAML, with one way to write each: durations and tolerances."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainSerializer, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION_PATTERN = r"^(\d+(\.\d+)?(ms|s|m|h|d))+$"


def parse_duration(text: object) -> timedelta:
    """Read ``90s``, ``15m``, ``6h``, ``2d`` or a row of them such as ``1h30m``.

    Raises:
        ValueError: for everything else; a bare number has no unit and is refused.
    """
    if isinstance(text, timedelta):
        return text
    if isinstance(text, str) and re.fullmatch(_DURATION_PATTERN, text):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
        try:
            return timedelta(seconds=seconds)
        except OverflowError:
            raise ValueError(f"the duration {text} is too long") from None
    raise ValueError(f"{text!r} is not a duration; write it like 90s, 15m, 6h or 2d")


def format_duration(duration: timedelta) -> str:
    """Write a duration as people read it, in its two largest units: ``2d 3h``, ``15m``, ``0s``, ``-5m``."""
    if duration < timedelta(0):
        return f"-{format_duration(-duration)}"
    if timedelta(0) < duration < timedelta(seconds=1):
        return f"{duration // timedelta(milliseconds=1)}ms"
    seconds = round(duration.total_seconds())
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def _compact(duration: timedelta) -> str:
    return format_duration(duration).replace(" ", "")


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(_compact, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION_PATTERN, "examples": ["90s", "15m", "6h", "2d"]}),
]
"""A span of time in YAML: ``90s``, ``15m``, ``6h``, ``2d``."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many of a number of things may be bad: a count (``2``) or a percentage (``5%``), rounded down.

    Rounding down is the careful side: 5% of 12 nodes tolerates none.
    """

    count: int | None = None
    percent: int | None = None

    @classmethod
    def parse(cls, text: object) -> Tolerance:
        """Read ``2`` or ``5%``.

        Raises:
            ValueError: for a negative number, more than 100%, or anything else.
        """
        if isinstance(text, Tolerance):
            return text
        if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
            return cls(count=text)
        if isinstance(text, str) and (found := re.fullmatch(r"(\d{1,3})%", text)) and int(found[1]) <= 100:
            return cls(percent=int(found[1]))
        raise ValueError(f"{text!r} is neither a count such as 2 nor a percentage such as 5%")

    def of(self, total: int) -> int:
        """How many of ``total`` may be bad."""
        return self.count if self.count is not None else total * (self.percent or 0) // 100

    def __str__(self) -> str:
        return str(self.count) if self.count is not None else f"{self.percent}%"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's own signature
        def written(tolerance: Tolerance) -> int | str:
            return str(tolerance) if tolerance.count is None else tolerance.count

        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(written)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^(100|\d{1,2})%$"}]}
