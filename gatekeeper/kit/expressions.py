"""Expressions that people write in policies: CEL, as in Kubernetes' own admission policies, and regular expressions.

Google's own CEL does the work. It ends: a comprehension may take 10,000 steps in all, nesting and size of an expression
are bounded, and its regular expressions (RE2) take linear time, whatever a cluster says. It is imported when the first
expression is compiled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import say

_MAX_TEXT: Final = 4_096
"""Characters of an expression; CEL itself would take 100,000."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A CEL expression over ``object`` (an object as the API server shows it) and ``now`` (the API server's clock).

    ``object.status.phase == 'Ready' && has(object.status.url)``
    """

    text: str
    _program: Any = field(compare=False, repr=False)

    @classmethod
    def compile(cls, text: object) -> Expression:
        """Read an expression.

        Raises:
            ValueError: it is no CEL, names another variable, or cannot be true or false.
        """
        if isinstance(text, Expression):
            return text
        if not isinstance(text, str) or not text.strip():
            raise ValueError("an expression is a text in CEL, such as object.status.phase == 'Ready'")
        return cls(text, _compiled(text, {"object": "DYN", "now": "TIMESTAMP"}))

    def true_of(self, **variables: object) -> bool:
        """Whether it is true.

        Args:
            variables: ``object``, and ``now`` where the expression asks for it.

        Raises:
            BadAnswer: it could not be evaluated (a field is missing: guard it with ``has()``), or it is neither true
                nor false.
        """
        return _evaluated(self._program, self.text, variables)

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).compile, (self.text,)  # what is compiled cannot be copied

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's own signature
        return core_schema.no_info_plain_validator_function(
            cls.compile, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT, "examples": ["object.status.ready == true"]}


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression (RE2) that must match a whole text; it takes linear time on any text."""

    text: str
    _program: Any = field(compare=False, repr=False)

    @classmethod
    def compile(cls, text: object) -> Regex:
        """Read a regular expression.

        Raises:
            ValueError: it is none.
        """
        if isinstance(text, Regex):
            return text
        if not isinstance(text, str) or not text:
            raise ValueError("a regular expression is a text that is not empty")
        # Alone first: one such as a)|(b would only be a regular expression between the other brackets.
        for whole in (text, f"^(?:{text})$"):
            program = _compiled(f"text.matches({json.dumps(whole)})", {"text": "STRING"})
            try:
                _evaluated(program, text, {"text": ""})
            except BadAnswer as error:
                raise ValueError(f"{text!r} is no regular expression: {error}") from None
        return cls(text, program)

    def matches(self, text: str) -> bool:
        """Whether it matches the whole text. Raises BadAnswer when it cannot be said."""
        return _evaluated(self._program, self.text, {"text": text})

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).compile, (self.text,)  # what is compiled cannot be copied

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's own signature
        return core_schema.no_info_plain_validator_function(
            cls.compile, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT}


def _compiled(text: str, variables: Mapping[str, str]) -> Any:  # noqa: ANN401 - an expression of the CEL library
    if len(text) > _MAX_TEXT:
        raise ValueError(f"the expression has {len(text)} characters; {_MAX_TEXT} are allowed")
    from cel_expr_python import cel  # fourteen megabytes that most policies do without

    types = {name: getattr(cel.Type, kind) for name, kind in variables.items()}
    try:
        program = cel.NewEnv(variables=types).compile(text)
        returns = program.return_type()
    except RuntimeError as error:
        # It draws the place below the text, in further lines: ERROR: <input>:LINE:COLUMN: WORDS | TEXT | ..^
        words = say(error, 300).removeprefix("INVALID_ARGUMENT: ERROR: <input>:").partition(" | ")[0]
        raise ValueError(f"{text!r} is no CEL: {words}") from None
    if returns not in (cel.Type.BOOL, cel.Type.DYN):
        raise ValueError(f"{text!r} is neither true nor false, but of the type {returns.name()}")
    return program


def _evaluated(program: Any, text: str, variables: Mapping[str, object]) -> bool:  # noqa: ANN401 - see above
    try:
        answer = program.eval(data=dict(variables)).value()
    except (RuntimeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadAnswer(f"{text!r} cannot be evaluated: {say(error)}") from error
    if not isinstance(answer, bool):  # errors come as texts
        raise BadAnswer(f"{text!r} is neither true nor false: {say(answer)}")
    return answer
