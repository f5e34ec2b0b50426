"""Label matchers as Prometheus and Alertmanager write them: ``cluster="prod-1", severity=~"critical|warning"``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gatekeeper.kit.expressions import Regex
from gatekeeper.kit.promql import fill_query, parse_query
from gatekeeper.model import Member

_MATCHER: Final = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\.)*")\s*(,|$)')


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label."""

    label: str
    operator: str
    """``=``, ``!=``, ``=~`` or ``!~``."""
    value: str
    _regex: Regex | None = None

    @classmethod
    def of(cls, label: str, operator: str, value: str) -> Matcher:
        """Compile it. Raises ValueError when the value is no regular expression and should be one."""
        return cls(label, operator, value, Regex.compile(value) if "~" in operator else None)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; one that is missing is the empty text, as in Prometheus."""
        value = labels.get(self.label, "")
        same = value == self.value if self._regex is None else self._regex.matches(value)
        return same is not self.operator.startswith("!")

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Matchers with commas between them, all of which must match; may hold ``{member}`` and the like in its values."""

    text: str
    matchers: tuple[Matcher, ...] = ()

    @classmethod
    def parse(cls, text: object) -> Selector:
        """Read matchers.

        Raises:
            ValueError: they are written in another way, or hold a placeholder that is not known.
        """
        if isinstance(text, Selector):
            return text
        if not isinstance(text, str) or not text.strip():
            raise ValueError('give label matchers, like cluster="{member}", severity=~"critical|warning"')
        parse_query(text)
        matchers, place = [], 0
        while place < len(text):
            found = _MATCHER.match(text, place)
            if found is None:
                raise ValueError(
                    f'{text[place:]!r:.60} is no label matcher; write it like severity=~"critical|warning"'
                )
            try:
                value = json.loads(found[3])
            except ValueError:
                raise ValueError(f"{found[3]:.60} is no quoted text; a backslash in it is written twice") from None
            matchers.append(Matcher.of(found[1], found[2], value))
            place = found.end()
        return cls(text, tuple(matchers))

    def of_member(self, member: Member) -> Selector:
        """The same with the placeholders filled in. Raises CouldNotLook as Template.fill."""
        return Selector.parse(fill_query(parse_query(self.text), member))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet all matchers."""
        return all(matcher.matches(labels) for matcher in self.matchers)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's own signature
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "examples": ['cluster="{member}", severity=~"critical|warning"']}
