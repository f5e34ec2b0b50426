"""Patterns for names: exact, with ``*`` and ``?`` a glob, between slashes a regular expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import translate

MAX_PATTERN = 200
"""Characters; names in Azure have at most 100."""
_MAX_TEXT = 300
"""A longer text matches no glob and no regular expression, so that matching always ends soon."""
_MAX_REPEATS = 4
"""So many unbounded repeats on a name of 100 characters still end within a moment, even at the worst."""


class Kind(IntEnum):
    """How specific a pattern is; the higher, the more."""

    REGEX = 1
    GLOB = 2
    EXACT = 3


@dataclass(frozen=True, slots=True)
class Pattern:
    """One compiled pattern; it always speaks about the whole name, a regular expression too."""

    text: str
    """As it was written."""
    kind: Kind
    ignore_case: bool
    _regex: re.Pattern[str] | None

    @classmethod
    def parse(cls, text: str, *, ignore_case: bool = False) -> Pattern:
        """Compile what stands in a policy.

        Args:
            text: the pattern.
            ignore_case: for names of ARM resources, which come back in another case than they were sent.

        Raises:
            ValueError: it is empty, too long, no regular expression, or one that could take forever.
        """
        if not text:
            raise ValueError("the pattern is empty; leave the key out to match anything")
        if len(text) > MAX_PATTERN:
            raise ValueError(f"the pattern has {len(text)} characters; {MAX_PATTERN} are allowed")
        flags = re.IGNORECASE if ignore_case else 0
        if text.startswith("/"):
            return cls(text, Kind.REGEX, ignore_case, _compile(text, flags))
        if "*" in text or "?" in text:
            # [ means nothing special here, unlike in a shell.
            return cls(text, Kind.GLOB, ignore_case, re.compile(translate(text.replace("[", "[[]")), flags))
        return cls(text, Kind.EXACT, ignore_case, None)

    def matches(self, name: str | None) -> bool:
        """Whether the whole name fits; a name that is not there fits no pattern, not even ``*``."""
        if name is None:
            return False
        if self._regex is None:
            return name == self.text or (self.ignore_case and name.casefold() == self.text.casefold())
        return len(name) <= _MAX_TEXT and self._regex.fullmatch(name) is not None

    def __str__(self) -> str:
        return self.text


def _compile(text: str, flags: int) -> re.Pattern[str]:
    body = text[1:-1]
    if len(text) < 3 or not text.endswith("/"):
        raise ValueError(f"{text!r} begins like a regular expression; write it between two slashes, like /prod-.*/")
    try:
        regex = re.compile(body, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    _refuse_slow(body)
    return regex


def _refuse_slow(body: str) -> None:
    """Refuse what can backtrack for ages: ``(a+)+``, ``(a|a)*``, or many repeats in one expression.

    The daemon has one thread: an expression that hangs on one name would hang all gates.
    """
    plain = re.sub(r"\\.", "x", body)
    plain = re.sub(r"\[\^?\]?[^\]]*\]", "x", plain)  # inside of brackets nothing repeats
    if len(re.findall(r"[*+]|\{\d*,\d*\}", plain)) > _MAX_REPEATS:
        raise ValueError(f"the regular expression has more than {_MAX_REPEATS} repeats; make it simpler, or use a glob")
    branching: list[bool] = [False]
    for index, character in enumerate(plain):
        if character == "(":
            branching.append(False)
        elif character == ")" and len(branching) > 1:
            inner = branching.pop()
            repeated = plain[index + 1 : index + 2] in ("*", "+", "{")
            if inner and repeated:
                raise ValueError(
                    "the regular expression repeats a group that repeats or branches; this can take forever"
                )
            branching[-1] = branching[-1] or inner or repeated
        elif character in "*+{|":
            branching[-1] = True
