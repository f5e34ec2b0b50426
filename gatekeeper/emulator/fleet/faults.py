"""Bad days on demand: errors, lost connections, lost answers, delays and answers that are no JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class Fault:
    """A rule for requests of a method (`*`: any) whose path matches a regular expression, in any case.

    The first rule that fits and has `times` left is used; `when` says whether the request is still
    carried out (`after`: the approval is made, but its answer is another or is lost). With a `delay`
    (seconds of real time) or `headers` alone the request is answered as usual.
    """

    method: str = "*"
    path: str = ".*"
    times: int | None = 1
    """How often it strikes; None: always."""
    when: Literal["before", "after"] = "before"
    status: int | None = None
    code: str = "InternalServerError"
    message: str = "An error was asked for."
    drop: bool = False
    """Close the connection instead of answering."""
    malformed: bool = False
    """Answer with something that is no JSON."""
    body: str | None = None
    """Answer with this text, whatever it is, under JSON's content type."""
    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def replaces(self) -> bool:
        """Whether the usual answer is not given."""
        return self.drop or self.malformed or self.body is not None or self.status is not None

    def fits(self, method: str, path: str) -> bool:
        """Tell whether the rule is for this request and not used up."""
        return (
            self.times != 0 and self.method in ("*", method) and re.search(self.path, path, re.IGNORECASE) is not None
        )


class Faults:
    """The rules in force, in order."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a rule behind the others; raises ValueError if its path is no regular expression."""
        try:
            re.compile(fault.path)
        except re.error as error:
            raise ValueError(f"path {fault.path!r} is no regular expression: {error}") from error
        self.rules.append(fault)

    def clear(self) -> None:
        """Remove all rules."""
        self.rules.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Return the rule for a request, counting its use; None on a good day."""
        for rule in self.rules:
            if rule.fits(method, path):
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None
