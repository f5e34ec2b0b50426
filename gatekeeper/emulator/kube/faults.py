"""Faults on demand: what a client may meet on the way to a member cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong."""

    UNREACHABLE = "unreachable"  # the connection is dropped without an answer
    HANG = "hang"  # no answer until the client gives up
    DELAY = "delay"  # the right answer, late
    STATUS = "status"  # an answer of our choice instead
    MALFORMED = "malformed"  # 200 and JSON that breaks off, of the announced length
    TRUNCATED = "truncated"  # the connection breaks in the middle of the body
    HUGE = "huge"  # 200 and a body far too large
    EXPIRED_PAGE = "expiredPage"  # 410 for requests that carry a continue token


@dataclass(slots=True)
class Fault:
    """One fault: which requests it meets, and how often.

    ``path`` is a regular expression, searched for in the path with its query, below the cluster's prefix;
    ``times`` is how many requests are met before the fault is over, None for all. ``seconds`` belongs to DELAY;
    ``status``, ``body`` (text, or JSON, or None for a Status) and ``headers`` to STATUS; ``size`` (bytes) to HUGE.
    """

    kind: FaultKind
    path: str = ""
    times: int | None = None
    seconds: float = 0.0
    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    size: int = 64 * 1024 * 1024

    def meets(self, path: str, *, paging: bool) -> bool:
        """Tell whether a request is met."""
        if self.times == 0 or (self.kind is FaultKind.EXPIRED_PAGE and not paging):
            return False
        return re.search(self.path, path) is not None


class Faults:
    """The faults of one cluster; the first that meets a request has its way."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, kind: FaultKind | str, **parameters: Any) -> Fault:  # noqa: ANN401 - the fields of Fault
        """Add a fault, e.g. ``faults.add("status", path="/nodes", status=503, times=2)``. Returns it."""
        fault = Fault(FaultKind(kind), **parameters)
        re.compile(fault.path)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    def take(self, path: str, *, paging: bool = False) -> Fault | None:
        """Return the fault that meets a request, counting it; None if all is well."""
        for fault in self._faults:
            if fault.meets(path, paging=paging):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
