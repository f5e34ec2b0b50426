"""The command line in this process: what it prints, and its exit code."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import structlog

from gatekeeper.cli import main


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: object
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def gatekeeper(*arguments: object) -> Done:
    """Run a command."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with patch.object(sys, "argv", ["gatekeeper", *map(str, arguments)]), _logging_as_it_was():
        try:
            with redirect_stdout(out), redirect_stderr(err):
                main()
        except SystemExit as end:
            code = end.code or 0
    return Done(code, out.getvalue(), err.getvalue())


async def beside(*arguments: object) -> Done:
    """Run a command while this event loop goes on: it serves what the command asks."""
    return await asyncio.to_thread(gatekeeper, *arguments)


@contextmanager
def _logging_as_it_was() -> Iterator[None]:
    """Commands set up the logging of their process; that of the tests comes back."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)
        structlog.reset_defaults()
