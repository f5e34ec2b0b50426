"""Works something out once for all objects that are alike, as the pods of a Deployment are but for their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from gatekeeper.kit.manifest import at

T = TypeVar("T")


class Alike(Generic[T]):
    """A function of some parts of an object, which remembers its answer for every set of parts.

    Parts are told apart by identity, which costs nothing. What a cluster lists with ``keep`` shares the parts that are
    equal (see :class:`gatekeeper.projection.Sharing`); where nothing is shared, nothing is gained, and nothing wrong.

    Args:
        parts: the paths of all that the answer depends on.
        work: the function.
    """

    def __init__(self, parts: Sequence[tuple[str, ...]], work: Callable[[object], T]) -> None:
        self._parts = parts
        self._work = work
        # The parts are held, so that no other object can come to their identity.
        self._known: dict[tuple[int, ...], tuple[T, list[Any]]] = {}

    def __call__(self, item: object) -> T:
        """The answer for this object. Raises what the function raises."""
        parts = [at(item, *path) for path in self._parts]
        key = tuple(map(id, parts))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._work(item), parts
        return known[0]
