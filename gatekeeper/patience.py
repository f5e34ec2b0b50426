"""Who asked to be left alone is left alone: the answer to HTTP 429 and its Retry-After, kept between sweeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gatekeeper.errors import CouldNotLook, Throttled
from gatekeeper.model import FleetRef
from gatekeeper.values import format_duration

_UNSAID = timedelta(seconds=60)
"""How long a fleet is left alone when Azure throttles and does not say for how long."""
_LONGEST = timedelta(minutes=10)
"""A Retry-After longer than this is not believed: the buckets of ARM fill within minutes."""


class Patience:
    """Remembers until when each fleet is to be left alone."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._until: dict[str, datetime] = {}

    def check(self, fleet: FleetRef) -> None:
        """Whether the fleet may be asked.

        Raises:
            Throttled: not yet.
        """
        until = self._until.get(fleet.id)
        if until is not None and (rest := until - self._clock()) > timedelta(0):
            raise Throttled(f"Azure asked to be left alone for {format_duration(rest)} more", rest.total_seconds())

    def learn(self, fleet: FleetRef, error: CouldNotLook) -> None:
        """Take note of an error, if it is a wish to be left alone."""
        if isinstance(error, Throttled):
            asked = _UNSAID if error.retry_after is None else timedelta(seconds=max(error.retry_after, 0))
            self._until[fleet.id] = self._clock() + min(asked, _LONGEST)
