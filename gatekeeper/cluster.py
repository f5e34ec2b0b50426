"""How a check sees a cluster: resources, tables, and the read-only view that the adapters implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.errors import MissingColumn


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the API server serves it, e.g. ``Resource("apps", "v1", "deployments")``.

    The same value asks for it and declares, in a check's ``reads``, that it is asked for: the member ClusterRole is
    made from these. A path such as ``/readyz`` is declared as ``Resource.path("/readyz")``.
    """

    group: str
    version: str
    plural: str

    @classmethod
    def path(cls, path: str) -> Resource:
        """A nonResourceURL."""
        return cls("", "", path)

    @property
    def is_path(self) -> bool:
        """Whether this is a nonResourceURL."""
        return self.plural.startswith("/")

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True, slots=True)
class Text:
    """A plain answer of the API server, e.g. of ``/readyz?verbose``, whose status is part of the answer."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as ``kubectl get`` shows them, rendered by the API server itself.

    ``metadata`` has one PartialObjectMetadata ``metadata`` per row when it was asked for, otherwise it is empty.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    metadata: tuple[Mapping[str, Any], ...] = ()

    def column(self, name: str) -> int:
        """The index of a column.

        Raises:
            MissingColumn: the server does not show it. Columns are found by name, never by place.
        """
        try:
            return self.columns.index(name)
        except ValueError:
            seen = ", ".join(self.columns) or "none"
            raise MissingColumn(f"the server's table has no column {name!r} (it has: {seen})") from None


class Cluster(Protocol):
    """The read-only view of one member cluster. Answers are shared by all checks of a sweep: never change them.

    Every method raises a :class:`CouldNotLook` when it could not look. Lists are whole: they are paged to their end,
    or they raise. Sizes, depths and times are bounded.
    """

    @property
    def name(self) -> str:
        """The member's name."""

    async def table(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata: bool = False,
    ) -> Table:
        """List as rows: a hundred times cheaper than objects. Use it only where rows cannot hide a fault."""

    async def objects(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        keep: tuple[str, ...] = (),
    ) -> Sequence[Mapping[str, Any]]:
        """List whole objects (without managedFields; a Node without its images).

        With ``keep``, such as ``("spec.nodeName", "spec.containers[].resources")``, only these fields of each (and
        its name and namespace) are read: give it wherever objects are many or large.
        """

    async def object(self, resource: Resource, name: str, *, namespace: str | None = None) -> Mapping[str, Any]:
        """One object. Raises NotFound when it does not exist."""

    async def text(self, path: str, *, limit: int = 64 * 1024, lines: tuple[str, ...] = ()) -> Text:
        """GET a nonResourceURL such as ``/readyz?verbose``; any status but 401, 403 and 429 is an answer.

        A body of more than ``limit`` bytes is a BadAnswer, or cut off if the status is not 200. With ``lines``, of a
        good answer only the lines that begin with one of them are kept, and take memory.
        """

    async def now(self) -> datetime:
        """The API server's clock (its ``Date`` header, to the second, UTC): compare its timestamps with this."""
