"""The demo's daemon: the very one that ``gatekeeper run`` starts, as a process of its own whose log is followed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

Event = Mapping[str, Any]

_LONGEST_LINE = 16 * 1024 * 1024
"""Bytes: the line of an approval holds its whole evidence."""
_KEPT = 8
"""Lines that are shown when the daemon dies."""
_STOPS_WITHIN = 25.0
"""Seconds: the daemon gives a running sweep 20."""


class DaemonProcess:
    """A running daemon; each line of its log becomes an event, each line on standard error is passed on.

    Make one with ``start``. It has a session of its own, so that Ctrl-C reaches it once: through ``stop``.
    """

    def __init__(self, process: Process, on_event: Callable[[Event], None], on_stderr: Callable[[str], None]) -> None:
        self._process = process
        self._on_event = on_event
        self._on_stderr = on_stderr
        self._readers = [
            asyncio.create_task(self._follow(process.stdout, self._heard)),
            asyncio.create_task(self._follow(process.stderr, on_stderr)),
        ]
        self.last_lines: deque[str] = deque(maxlen=_KEPT)
        """The latest lines of its log."""

    @classmethod
    async def start(cls, settings: Path, on_event: Callable[[Event], None], on_stderr: Callable[[str], None]) -> Self:
        """Start ``gatekeeper run -c settings``."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gatekeeper",
            "run",
            "-c",
            str(settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LONGEST_LINE,
            env=_environment(),
            start_new_session=True,
        )  # fmt: skip - one line of what is run, one of its channels
        return cls(process, on_event, on_stderr)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.returncode

    async def stop(self) -> int:
        """Send SIGTERM, wait until it has ended and all that it said was heard; return its exit code.

        One that does not end within its own deadline is killed.
        """
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOPS_WITHIN):
                    await self._process.wait()
        finally:  # a second Ctrl-C lands here too
            if self._process.returncode is None:
                self._process.kill()
        code = await self._process.wait()
        await asyncio.gather(*self._readers)
        return code

    async def _follow(self, stream: asyncio.StreamReader | None, tell: Callable[[str], None]) -> None:
        if stream is None:
            return
        async for line in stream:
            tell(line.decode("utf-8", "replace").rstrip())

    def _heard(self, line: str) -> None:
        self.last_lines.append(line)
        try:
            event = json.loads(line)
        except ValueError:
            self._on_stderr(line)  # not one of its events: a person should see it
            return
        if isinstance(event, dict):
            self._on_event(event)


def _environment() -> dict[str, str]:
    """Return our environment without what would change the daemon's settings or lead loopback through a proxy."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GATEKEEPER_")}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
