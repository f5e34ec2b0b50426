"""How the demo is shown: live on a terminal, line by line elsewhere, not at all when only a document is wanted."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from gatekeeper.emulator.demo_story import Note, Story
from gatekeeper.emulator.demo_view import view


class Screen(Protocol):
    """Shows a story while it goes on."""

    def show(self, story: Story, sick: Mapping[str, Any]) -> None:
        """Show how things are now."""
        ...


class Nothing:
    """Shows nothing."""

    def show(self, story: Story, sick: Mapping[str, Any]) -> None:
        """Do not show."""


class Lines:
    """Writes one line for everything that happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0

    def show(self, story: Story, sick: Mapping[str, Any]) -> None:  # noqa: ARG002 - a line says it when it happens
        """Write what is new."""
        for note in story.notes[self._shown :]:
            self._console.print(line(note))
        self._shown = len(story.notes)
        self._console.file.flush()


class LiveView:
    """Draws everything anew, in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, story: Story, sick: Mapping[str, Any]) -> None:
        """Draw how things are now."""
        self._live.update(view(story, sick), refresh=True)


def line(note: Note) -> Text:
    """A note as one line: ``  12.3 s  what happened``."""
    return Text.assemble((f"{note.at:6.1f} s  ", "dim"), (note.text, note.style))


def make_console(*, to_stderr: bool = False) -> Console:
    """The terminal, or plain lines of any length where there is none. A letter it lacks costs no line."""
    stream = sys.stderr if to_stderr else sys.stdout
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    if stream.isatty():
        return Console(file=stream)
    return Console(file=stream, soft_wrap=True, no_color=True, highlight=False, force_terminal=False)


@contextmanager
def open_screen(console: Console, *, silent: bool) -> Iterator[Screen]:
    """The right way to show it here."""
    if silent:
        yield Nothing()
    elif console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            yield LiveView(live)
    else:
        yield Lines(console)
