"""What stands in YAML as the parameters of a check, and the parts that many checks share."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from gatekeeper.cluster import Cluster, Resource
from gatekeeper.errors import NotFound

NAMESPACES: Final = Resource("", "v1", "namespaces")

_MANY = 60
"""So many excluded namespaces make a selector unwieldy in a URL: then the included ones are listed one by one."""


class Parameters(BaseModel):
    """Base of everything that is written in YAML: frozen, camelCase keys, and an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class Namespaces(Parameters):
    """Which namespaces are looked at. Names may hold ``*`` and ``?``; with no include, all are."""

    include: tuple[str, ...] = ()
    """Only these namespaces."""
    exclude: tuple[str, ...] = ()
    """Not these, even if included."""

    def wants(self, namespace: str) -> bool:
        """Whether a namespace is looked at."""
        included = not self.include or any(fnmatchcase(namespace, pattern) for pattern in self.include)
        return included and not any(fnmatchcase(namespace, pattern) for pattern in self.exclude)

    async def queries(self, cluster: Cluster) -> Sequence[tuple[str | None, str]]:
        """The lists that together hold just the wanted namespaces, as pairs of a namespace (None: all) and a field
        selector. Needs list on namespaces unless nothing is left out. Never empty.

        Raises:
            NotFound: an include matches no namespace, or none is left of them all. What is misspelt or left out must
                not turn into "nothing is wrong there".
        """
        if not self.include and not self.exclude:
            return [(None, "")]
        table = await cluster.table(NAMESPACES)
        names = [str(row[table.column("Name")]) for row in table.rows]
        for pattern in self.include:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise NotFound(f"no namespace of {cluster.name} matches the include {pattern!r}")
        wanted = [name for name in names if self.wants(name)]
        if not wanted:
            raise NotFound(f"no namespace of {cluster.name} is left to look at: exclude leaves all of them out")
        unwanted = [name for name in names if not self.wants(name)]
        if len(unwanted) > _MANY or len(wanted) == 1:
            return [(name, "") for name in wanted]
        return [(None, ",".join(f"metadata.namespace!={name}" for name in unwanted))]
