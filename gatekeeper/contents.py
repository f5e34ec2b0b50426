"""The contents of policy files: of files as they are named, and of folders, a mounted ConfigMap among them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gatekeeper.problems import InvalidConfigError, Problem
from gatekeeper.yamlfile import MAX_BYTES

_SUFFIXES = (".yaml", ".yml")
_READINGS = 3
"""Read so often at most until two readings agree: a ConfigMap may be swapped in between."""

Contents = tuple[tuple[str, bytes], ...]
"""Pairs of a file's name and its bytes."""


def read_contents(paths: Iterable[Path]) -> Contents:
    """The contents of all policy files, by name.

    Raises:
        InvalidConfigError: a file or folder is not there or cannot be read.
    """
    wanted = tuple(paths)
    contents = tuple(_read_once(wanted))
    for _ in range(_READINGS - 1):
        again = tuple(_read_once(wanted))
        if again == contents:
            break
        contents = again
    return contents


def _read_once(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    read: set[str] = set()
    for path in paths:
        for file in _files(path):
            if (absolute := os.path.abspath(file)) not in read:  # noqa: PTH100 - resolve() would follow the links
                read.add(absolute)
                yield str(file), _content(file)


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        found = [
            entry
            for entry in path.iterdir()
            # A mounted ConfigMap keeps its versions in hidden folders; the names outside are links into them.
            if not entry.name.startswith(".") and entry.suffix in _SUFFIXES and not entry.is_dir()
        ]
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    return sorted(found)


def _content(file: Path) -> bytes:
    try:
        if file.exists() and not file.is_file():
            raise _unreadable(file, "it is not a file")
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from error


def _unreadable(path: Path, why: str) -> InvalidConfigError:
    return InvalidConfigError([Problem(str(path), None, "", f"cannot be read: {why}; mend it or name another")])


def version_of(contents: Contents) -> str:
    """Twelve hexadecimal digits that change with any name or content."""
    digest = hashlib.sha256()
    for source, content in contents:
        digest.update(f"{source}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]
