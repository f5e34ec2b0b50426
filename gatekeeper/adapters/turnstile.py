"""How fast Azure Resource Manager may be read: a bucket for each subscription, and the answer to HTTP 429."""

from __future__ import annotations

import asyncio
from time import monotonic

from gatekeeper.errors import Throttled

_BURST, _INTERVAL = 200, 0.04  # reads at once, and seconds between those after; Azure: 250, and 25 a second
_PATIENCE = 20.0  # seconds to wait for a turn: a check has 30 by default, and can say why only if it ends before
_AGAIN, _LONGEST = 5.0, 600.0  # seconds after a 429 that does not say how long, and at most


class Turnstile:
    """Lets the reads of one subscription through as fast as Azure allows."""

    def __init__(self) -> None:
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for a turn. Raises Throttled when it would take too long."""
        now = monotonic()
        mine = max(self._next, now - _BURST * _INTERVAL) + _INTERVAL
        if (wait := mine - now) > _PATIENCE:
            raise Throttled(f"Azure asks for patience with this subscription: {wait:.0f} s more", wait)
        self._next = mine
        if wait > 0:
            await asyncio.sleep(wait)

    def shut(self, seconds: float | None) -> None:
        """Let nobody through for as long as Azure says, and then one by one: its own bucket is empty."""
        self._next = max(self._next, monotonic() + min(_AGAIN if seconds is None else seconds, _LONGEST))
