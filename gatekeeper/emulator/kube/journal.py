"""A record of the requests that the emulated clusters were sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

_KEPT = 10_000  # entries; a long demo must not grow without end


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and how it ended; status 0 means that no whole answer was given (a fault, or a client that left)."""

    cluster: str
    method: str
    path: str
    query: str
    accept: str
    status: int
    size: int


class Journal:
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Record a request."""
        self._entries.append(entry)

    def of(self, cluster: str) -> list[Entry]:
        """Return the requests to one cluster."""
        return [entry for entry in self._entries if entry.cluster == cluster]

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()
