"""Keeps of an object only the fields that a check reads, so that ten thousand pods fit into memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_Tree = dict[str, Any]
_ALWAYS = ("metadata.name", "metadata.namespace")


class Projection:
    """A selection of fields by path; a path goes through lists as through one object.

    ``spec.containers.resources`` keeps, of every container, its resources. Name and namespace are always kept.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._tree: _Tree = {}
        for path in (*_ALWAYS, *paths):
            self._add(path.split("."))

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of an object with the kept fields alone; what stands under a kept field is kept whole."""
        kept: dict[str, Any] = _kept(item, self._tree)
        return kept

    def _add(self, path: Sequence[str]) -> None:
        tree = self._tree
        for part in path[:-1]:
            tree = tree.setdefault(part, {})
            if tree is True:
                return  # all of it is kept already
        tree[path[-1]] = True


def _kept(value: Any, tree: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    if tree is True:
        return value
    if isinstance(value, dict):
        return {key: _kept(value[key], inner) for key, inner in tree.items() if key in value}
    if isinstance(value, list):
        return [_kept(each, tree) for each in value]
    return value
