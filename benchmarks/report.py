"""Sections of the report, as Markdown."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

_HOW = (
    "Every number is of a client in a process of its own; the server runs in another. The ways are run in turn, several"
    " times, and given as min / median: the machine is shared, so the minimum tells most. MB are 10^6 bytes."
)


@dataclass(slots=True)
class Section:
    """One benchmark's part of the report."""

    title: str
    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a paragraph."""
        self.lines += [*([""] if self.lines and self.lines[-1].startswith("- ") else []), text, ""]

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table."""
        self.lines += [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
        self.lines.append("")

    def require(self, what: str, value: float, limit: float, unit: str) -> None:
        """Add a requirement, and whether it is met."""
        digits = 2 if limit < 10 else 0
        verdict = "met" if value < limit else "**MISSED**"
        self.lines += [f"- {what}: {value:,.{digits}f} {unit}, required < {limit:g} {unit}: {verdict}"]

    def text(self) -> str:
        """The section as Markdown."""
        return "\n".join([f"## {self.title}", "", *self.lines]).rstrip() + "\n"


def document(sections: Sequence[Section], command: str) -> str:
    """The whole report."""
    intro = [
        "# Benchmarks",
        "",
        f"<!-- Made by `{command}`; do not edit. -->",
        "",
        f"{datetime.now(UTC).date().isoformat()}, `{command}`. {_machine()}.",
        "",
        _HOW,
        "",
    ]
    return "\n".join([*intro, *(section.text() for section in sections)])


def replaced(page: str, sections: Sequence[Section]) -> str:
    """A report with these sections in place of those of the same titles, or behind the first."""
    head, *parts = re.split(r"(?m)^(?=## )", page)
    known = {part.partition("\n")[0]: part.rstrip() for part in parts}
    new = {f"## {section.title}": section.text().rstrip() for section in sections}
    first, *rest = [new.get(title, part) for title, part in known.items()] or [""]
    unknown = [text for title, text in new.items() if title not in known]
    return "\n\n".join([head.rstrip(), *filter(None, [first, *unknown, *rest])]) + "\n"


def _machine() -> str:
    model = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", _read("/proc/meminfo"), re.MULTILINE)
    parts = [
        f"{os.cpu_count()} cores" + (f" ({model[1].strip()})" if model else ""),
        f"{int(memory[1]) / 1e6:.0f} GB of memory" if memory else "",
        f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        f"{platform.python_implementation()} {platform.python_version()}",
    ]
    return ", ".join(part for part in parts if part)


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text("utf-8", "replace") if file.is_file() else ""
