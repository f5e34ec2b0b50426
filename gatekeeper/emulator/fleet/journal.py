"""The requests that the emulator has received, for tests to look at."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_KEPT = 10_000  # a demo or a soak test may run for hours


@dataclass(slots=True)
class Entry:
    """One request and how it was answered; `status` is None while it is open, and if the answer was lost."""

    at: datetime
    method: str
    path: str
    query: dict[str, str]
    if_match: str | None
    body: Any
    status: int | None = None


class Journal:
    """The last 10,000 requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)

    def add(self, entry: Entry) -> None:
        """Write down a request."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()

    def of(self, method: str = "*", path: str = ".*") -> list[Entry]:
        """Return the requests of a method (`*`: any) whose path matches a regular expression, in any case."""
        wanted = re.compile(path, re.IGNORECASE)
        return [each for each in self._entries if method in ("*", each.method) and wanted.search(each.path)]

    def count(self, method: str = "*", path: str = ".*") -> int:
        """Count the requests that `of` would return."""
        return len(self.of(method, path))
