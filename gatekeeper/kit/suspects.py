"""Pods that their rows made suspect, read whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from gatekeeper.cluster import Cluster, Resource
from gatekeeper.errors import BadAnswer

PODS: Final = Resource("", "v1", "pods")
_FEW: Final = 6


async def pods_named(
    cluster: Cluster, names: Sequence[str], namespace: str | None, fields: str
) -> AsyncIterator[Mapping[str, Any]]:
    """Read pods by their names, as they are now: one that has gone is left out, and a namesake elsewhere is not.

    A row does not tell its pod's namespace. To look for a name in all of them makes the API server go through all pods,
    and one before 1.31 reads them all from etcd for that: with 10,000 pods a second each time. So a few
    are looked for; for more, the rows are read once again with their metadata, and then each pod where it is.

    Args:
        cluster: whose.
        names: of the pods.
        namespace: theirs; None if it is not known.
        fields: what else must hold, as a field selector, such as ``status.phase!=Succeeded``.

    Raises:
        CouldNotLook: they cannot be read.
    """
    places: Sequence[tuple[str | None, str]] = [(namespace, name) for name in names]
    if namespace is None and len(names) > _FEW:
        places = await _places(cluster, frozenset(names), fields)
    for place, name in places:
        one = ",".join(filter(None, (f"metadata.name={name}", fields)))
        for pod in await cluster.objects(PODS, namespace=place, field_selector=one):
            yield pod


async def _places(cluster: Cluster, names: frozenset[str], fields: str) -> list[tuple[str | None, str]]:
    table = await cluster.table(PODS, field_selector=fields, metadata=True)
    if len(table.metadata) != len(table.rows):
        raise BadAnswer("the table of pods has rows without metadata")
    found: list[tuple[str | None, str]] = []
    for metadata in table.metadata:
        name, namespace = metadata.get("name"), metadata.get("namespace")
        if not isinstance(name, str) or not isinstance(namespace, str) or not namespace:
            raise BadAnswer("the table of pods has a row without the pod's name and namespace")
        if name in names:
            found.append((namespace, name))
    return found
