"""Reads JSON that somebody else has written: strictly, and no deeper than anybody would need."""

from __future__ import annotations

from typing import Any, Final

import orjson

from gatekeeper.errors import BadAnswer

DEPTH: Final = 128
"""Levels of lists and objects in one answer. The deepest that serve a purpose, the schemas of
CustomResourceDefinitions, have some 60."""
_PARSER_DEPTH: Final = 1024
"""So many levels orjson takes. Its own bound is what enforces ours: an answer is read inside of the levels that it may
not have, which costs nothing, where counting brackets would cost as much as reading."""
_AROUND: Final = _PARSER_DEPTH - DEPTH


def json_of(body: bytes | str, what: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """The value of a JSON text of at most ``DEPTH`` levels; NaN and Infinity are not JSON.

    Args:
        body: the text; bytes are UTF-8.
        what: whose answer it is, for the message, such as ``GET /version``.

    Raises:
        BadAnswer: it is not JSON, cut off, or deeper.
    """
    text = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    try:
        value = orjson.loads(b"".join((b"[" * _AROUND, text, b"]" * _AROUND)))
    except orjson.JSONDecodeError as error:
        if error.msg.startswith("depth limit"):
            raise BadAnswer(f"{what}: the answer is nested deeper than {DEPTH} levels") from error
        place = min(max(error.pos - _AROUND, 0), len(text))
        raise BadAnswer(f"{what}: the answer is not JSON: {error.msg} at byte {place:,}") from error
    for _ in range(_AROUND):
        if not isinstance(value, list) or len(value) != 1:  # "1, 2" or "1], [2" would be JSON in there
            raise BadAnswer(f"{what}: the answer is {'not JSON' if text.strip() else 'empty'}")
        value = value[0]
    return value
