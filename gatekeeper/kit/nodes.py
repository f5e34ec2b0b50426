"""The node table, which is how a check knows that there is a cluster at work at all."""

from __future__ import annotations

from typing import Final

from gatekeeper.cluster import Cluster, Resource
from gatekeeper.kit.manifest import cells

NODES: Final = Resource("", "v1", "nodes")
"""What a check declares among its ``reads`` when it asks any of this."""


async def has_nodes(cluster: Cluster) -> bool:
    """Whether this is a cluster at work; where nothing could run, nothing amiss proves nothing.

    Raises:
        CouldNotLook: the nodes cannot be read, or their table has another shape.
    """
    return bool(list(cells(await cluster.table(NODES), "Name", "Status")))


async def nodes_ready(cluster: Cluster) -> frozenset[str]:
    """The nodes whose row says ``Ready``; a cordon after it does not matter.

    A pod on any other node is not proven by its row, which goes on to read ``1/1 Running``: neither where the node is
    lost, nor for as long as the pod outlives a Node that was deleted.

    Raises:
        CouldNotLook: as ``has_nodes``.
    """
    rows = cells(await cluster.table(NODES), "Name", "Status")
    return frozenset(str(name) for name, status in rows if str(status).partition(",")[0] == "Ready")
