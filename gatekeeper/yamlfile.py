"""YAML 1.2 files as plain Python values, with the line on which each stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path as FilePath
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gatekeeper.problems import InvalidConfigError, Path, Problem, dotted

MAX_BYTES = 1 << 20
"""A ConfigMap cannot hold more than 1 MiB either."""
_MAX_VALUES = 50_000
"""Aliases can blow a small file up; so many values no honest settings or policy file has."""
_MAX_DEPTH = 32

_TAG = "tag:yaml.org,2002:"
_NUMBER = re.compile(r"[-+]?(\d+|0o[0-7]+|0x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a YAML file."""

    source: str
    """The file, as it was named by the caller."""
    value: Any
    """str, int, float, bool, None, date, list or dict with str keys."""
    lines: Mapping[Path, int]

    def line(self, path: Path = ()) -> int:
        """The line on which a value stands; for what is not there, that of the nearest thing around it."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def problem(self, path: Path, message: str) -> Problem:
        """Something that is wrong at a place of this document."""
        return Problem(self.source, self.line(path), dotted(path), message)


def read_yaml(path: FilePath) -> tuple[Document, ...]:
    """All documents of a file that are not empty.

    Raises:
        InvalidConfigError: the file cannot be read, is too large, or is not YAML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _invalid(str(path), None, f"cannot be read: {error.strerror or error}") from error
    return parse_yaml(content, str(path))


def parse_yaml(content: bytes, source: str) -> tuple[Document, ...]:
    """All documents of a file's content that are not empty.

    Args:
        content: the bytes of the file.
        source: what to call it in messages.

    Raises:
        InvalidConfigError: it is larger than 1 MiB, not UTF-8, not YAML, or has a key twice.
    """
    if len(content) > MAX_BYTES:
        raise _invalid(source, None, "is larger than 1 MiB; split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _invalid(source, line, "is not UTF-8 text; save it as UTF-8") from None
    try:
        roots = list(_compose(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "it cannot be understood"
        what = f"nested deeper than {_MAX_DEPTH} levels" if "maximum depth" in what else what
        raise _invalid(source, mark.line + 1 if mark else None, f"not valid YAML: {what}") from None
    except (YAMLError, ValueError, AssertionError) as error:  # what ruamel.yaml raises for forbidden characters
        raise _invalid(source, None, f"not valid YAML: {str(error).splitlines()[0]}") from None
    documents = [_Builder(source).document(root) for root in roots]
    return tuple(document for document in documents if document.value is not None)


def _compose(text: str) -> Iterator[Node]:
    yaml = YAML(typ="rt", pure=True)
    yaml.max_depth = _MAX_DEPTH
    yaml.composer.warn_double_anchors = False  # to use a name again is legal
    return iter(yaml.compose_all(text))


def _invalid(source: str, line: int | None, message: str) -> InvalidConfigError:
    return InvalidConfigError([Problem(source, line, "", message)])


class _Builder:
    """Makes plain values from the nodes of one document."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines: dict[Path, int] = {}
        self._count = 0

    def document(self, root: Node) -> Document:
        value = self._build(root, (), root.start_mark.line + 1)
        return Document(self._source, value, self._lines)

    def _build(self, node: Node, path: Path, line: int) -> Any:  # noqa: ANN401 - any value that YAML can hold
        self._lines[path] = line
        self._count += 1
        if self._count > _MAX_VALUES or len(path) > _MAX_DEPTH:
            self._refuse(path, "its aliases make it too large or endless; write the values out")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            self._expect_tag(node, path, ("seq",))
            items: Sequence[Node] = node.value
            return [self._build(item, (*path, index), _line(item)) for index, item in enumerate(items)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        raise TypeError(f"unknown kind of YAML node {node!r}")

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        self._expect_tag(node, path, ("map",))
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if key_node.tag == f"{_TAG}merge":
                self._refuse((*path, "<<"), "merge keys are not supported; write the keys out", line)
            if not isinstance(key_node, ScalarNode) or key_node.tag != f"{_TAG}str":
                name = key_node.value if isinstance(key_node, ScalarNode) else "(a list or mapping)"
                self._refuse(path, f"the key {name} is not a text; write it in quotes", line)
            key: str = key_node.value
            if key in mapping:
                first = self._lines[(*path, key)]
                self._refuse((*path, key), f"the key stands here twice, first on line {first}; remove one", line)
            mapping[key] = self._build(value_node, (*path, key), line)
        return mapping

    def _scalar(self, node: ScalarNode, path: Path) -> Any:  # noqa: ANN401 - any scalar
        self._expect_tag(node, path, ("str", "null", "bool", "int", "float", "timestamp"))
        text: str = node.value
        read = _SCALARS.get(str(node.tag).removeprefix(_TAG))
        try:
            return text if read is None else read(text)
        except ValueError:
            return text  # such as 1_000 or 2026-13-01: for YAML 1.2 it is a text

    def _expect_tag(self, node: Node, path: Path, kinds: Sequence[str]) -> None:
        if node.tag not in {f"{_TAG}{kind}" for kind in kinds}:
            self._refuse(path, f"the tag {node.tag} is not supported; write a plain value", _line(node))

    def _refuse(self, path: Path, message: str, line: int | None = None) -> NoReturn:
        raise InvalidConfigError([Problem(self._source, line or self._lines.get(path), dotted(path), message)])


def _line(node: Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _int(text: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        return _float(text)
    digits = text.lstrip("+-")
    value = int(digits, {"0o": 8, "0x": 16}.get(digits[:2], 10))
    return -value if text.startswith("-") else value


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError(text)
    return float(text)


_SCALARS: Mapping[str, Callable[[str], object]] = {
    "null": lambda _: None,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "timestamp": date.fromisoformat,
}
"""How the texts of YAML's scalars are read; a ValueError leaves them as they are."""
