"""Notebooks in memory: what checks remember between sweeps, small, bounded and gone after a restart."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.check import Check, Note

_PAGES = 20_000
"""A thousand members with twenty notes each; what was written longest ago goes first."""


class Notebooks:
    """All notebooks of a daemon; a check with other parameters has another one."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._notes: OrderedDict[tuple[str, str, str], Note] = OrderedDict()

    def of(self, check: Check, about: str) -> Page:
        """The notebook of one check about one member (its key) or gate (its id)."""
        return Page(self, f"{check.name} {check!r}", about)

    def read(self, place: tuple[str, str, str]) -> Note | None:
        """What stands at a place."""
        return self._notes.get(place)

    def write(self, place: tuple[str, str, str], value: object) -> None:
        """Write at a place; what stood there is gone."""
        self._notes[place] = Note(value, self._clock())
        self._notes.move_to_end(place)
        if len(self._notes) > _PAGES:
            self._notes.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Page:
    """The notebook that one check is given (see :class:`gatekeeper.check.Notebook`)."""

    notebooks: Notebooks
    check: str
    about: str

    def read(self, key: str) -> Note | None:
        """What was written last, or None."""
        return self.notebooks.read((self.check, self.about, key))

    def write(self, key: str, value: object) -> None:
        """Remember a small value instead of the last one."""
        self.notebooks.write((self.check, self.about, key), value)
