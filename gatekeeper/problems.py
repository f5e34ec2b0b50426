"""What is wrong with a file that a person wrote: where, what, and the mend; never in the words of a library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from gatekeeper.errors import ConfigError

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]

_SHOWN = 60
"""So many characters of a wrong value are shown."""
_LISTED = 12
"""Up to so many known words are listed when none is near."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, as one line: ``config/policies/prod.yaml:12: checks[0].foo: unknown key; ...``."""

    source: str
    """The file, or the environment variable."""
    line: int | None
    where: str
    """The place inside the file, such as ``checks[0].maxNotReady``; empty for all of it."""
    message: str
    """What is wrong, and what to do."""
    severity: Severity = "error"

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        mark = "warning" if self.severity == "warning" else ""
        return ": ".join(part for part in (place, mark, self.where, self.message) if part)


class InvalidConfigError(ConfigError):
    """Everything that is wrong at once, by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.source, problem.line or 0)))
        super().__init__("\n".join(map(str, self.problems)))


def dotted(path: Path) -> str:
    """Write a path as people read it: ``checks[0].namespaces.include[1]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, or None when none is."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """The mend for an unknown word: the nearest known one, or which there are."""
    words = sorted(known)
    if found := nearest(word, words):
        return f"did you mean {found}?"
    if not words:
        return "remove it"
    rest = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return f"known are {', '.join(words[:_LISTED])}{rest}"


def shown(value: object) -> str:
    """A value as a message may hold it: its kind and, if it is short, itself."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f"the number {text}" if isinstance(value, int | float) else text
