"""Every node runs a node image that was chosen for it, and a pool runs no two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    NODES,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Resource,
    Target,
    at,
    bounded,
    dns_name,
    is_virtual,
    node_subject,
    numbered,
    pool_of,
    say,
    some,
)

_IMAGE: Final = "kubernetes.azure.com/node-image-version"
_NO_LABEL: Final = f"it has no label {_IMAGE}"
_SELECTING: Final = ("Consistent", "Custom")
_NOT_SELECTING: Final = (None, "Latest")

Image = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
_Pools = Mapping[str, Sequence[tuple[str, str]]]
"""The nodes of each pool, as name and image; a node without the label has the empty image."""


class NodeImagesCurrent(ClusterCheck):
    """Every node is on one of the wanted node images; where none are named, each pool is on one and the same.

    Compared is the label ``kubernetes.azure.com/node-image-version``, without regard to case. Wanted are the images
    of ``images``, else those that the run selected (``Consistent``, ``Custom``). A run with ``Latest`` names none: each
    region has its own latest image, so all that can be proven is that the update left no node of a pool behind the
    others. The same holds for a run that does not touch node images (``ControlPlaneOnly``) or does not say. A node
    without the label is on no image that is known, and fails; but virtual nodes (label ``type: virtual-kubelet``, in no
    pool) have none, and are left out and counted.

    A cluster without nodes, a pool without nodes, a selection that is not known, and a run that selects images but
    names none yet are inconclusive. What it asks, the nodes as rows with their labels, is the same read as
    ``nodes-at-target-version`` makes, which compares versions too.

    Example:
        - check: node-images-current

        - check: node-images-current
          images: [AKSUbuntu-2204gen2containerd-202511.01.0]
          pools: [user]
    """

    name: ClassVar[str] = "node-images-current"
    claim: ClassVar[str] = "all nodes are on the node images that were chosen for them"
    area: ClassVar[str] = "Nodes"
    reads: ClassVar[tuple[Resource, ...]] = (NODES,)

    images: tuple[Image, ...] = Field(default=(), min_length=1)
    """These node images instead of the run's."""
    pools: tuple[str, ...] = Field(default=(), min_length=1)
    """Only the nodes of these AKS node pools; all nodes unless given. Each must have a node."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Find out what to compare, then compare."""
        wanted, unclear = self._wanted(ctx.scope.target)
        if unclear:
            return Finding.inconclusive(unclear)
        pools, virtual = await _read(ctx)
        if self.pools:
            pools = {pool: pools[pool] for pool in self.pools if pool in pools}
        missing = sorted(set(self.pools) - set(pools))
        if not pools or missing:
            where = f" in pool {', '.join(missing)}" if missing else ""
            return Finding.inconclusive(f"there is no node{where}, so nothing can be said of its image")
        total = sum(map(len, pools.values()))
        finding = _on(wanted, pools, total) if wanted else _alike(pools, total)
        notes = f"; {virtual} virtual left out" if virtual and not self.pools else ""
        return replace(finding, message=f"{finding.message}{notes}")

    def _wanted(self, target: Target) -> tuple[Sequence[str], str]:
        """The images to be on, none if each pool need only agree with itself; or why nothing can be compared."""
        selection = target.node_image_selection
        if self.images:
            return self.images, ""
        if selection not in (*_SELECTING, *_NOT_SELECTING):
            return (), f"the run's node image selection is {selection}, which is not known"
        if selection in _NOT_SELECTING or target.upgrade_type == "ControlPlaneOnly":
            return (), ""
        named = [image for image in target.node_images if image]
        return named, "" if named else f"the run selects node images ({selection}), and names none yet"


async def _read(ctx: ClusterContext) -> tuple[_Pools, int]:
    """The nodes of each pool, and how many virtual ones there are besides them."""
    table = await ctx.cluster.table(NODES, metadata=True)
    column = table.column("Name")
    if len(table.metadata) != len(table.rows):
        raise BadAnswer("the table of nodes came without their metadata")
    pools: dict[str, list[tuple[str, str]]] = defaultdict(list)
    virtual = 0
    for row, metadata in zip(table.rows, table.metadata, strict=True):
        if len(row) <= column:
            raise BadAnswer("a row of the table of nodes has another shape")
        if is_virtual(node := {"metadata": metadata}):
            virtual += 1
            continue
        image = at(metadata, "labels", _IMAGE)
        pools[pool_of(node)].append((dns_name(row[column], "a node"), say(image, 100)))
    return dict(pools), virtual


def _on(wanted: Sequence[str], pools: _Pools, total: int) -> Finding:
    images, expected = {image.casefold() for image in wanted}, some(wanted)
    off = [(pool, *node) for pool, nodes in pools.items() for node in nodes if node[1].casefold() not in images]
    if not off:
        return Finding.passed(f"all {total} nodes are on {expected}")
    hint = "did the update reach {}? look at the member's message in the update run"
    evidence = [
        Evidence(
            "NodeImage",
            node_subject(name, pool),
            image or _NO_LABEL,
            expected,
            hint.format(f"pool {pool}" if pool else "the pool of this node"),
        )
        for pool, name, image in off
    ]
    found = sorted({f"pool {pool}" if pool else "no pool" for pool, *_ in off})
    said = f"{len(off)} of {total} nodes {'is' if len(off) == 1 else 'are'} not on {expected} ({some(found)})"
    return Finding.failed(said, bounded(evidence))


def _alike(pools: _Pools, total: int) -> Finding:
    evidence = [each for pool, nodes in sorted(pools.items()) for each in _mixed(pool, nodes)]
    if not evidence:
        where = "in its pool" if len(pools) == 1 else f"in each of {len(pools)} pools"
        return Finding.passed(f"all {total} nodes are on one image {where} (the run names none)")
    mixed = [each.subject for each in evidence]
    of = f"{len(mixed)} of {numbered(len(pools), 'pool')} {'is' if len(mixed) == 1 else 'are'}"
    said = f"{of} not on one image: {some(mixed)}"
    return Finding.failed(said, bounded(evidence))


def _mixed(pool: str, nodes: Sequence[tuple[str, str]]) -> Iterator[Evidence]:
    """What is wrong with a pool whose nodes are not all on one image that is known."""
    by_image: dict[str, list[str]] = defaultdict(list)
    for name, image in nodes:
        by_image[image].append(name)
    if len(by_image) == 1 and "" not in by_image:
        return
    # The few are what the update left behind, or what it has reached so far: they are named.
    groups = sorted(by_image.items(), key=lambda each: -len(each[1]))
    observed = "; ".join(
        f"{len(names)} on {image or 'no image'} ({some(sorted(names))})" for image, names in groups[:5]
    )
    hint = "kubectl get nodes -L kubernetes.azure.com/agentpool,kubernetes.azure.com/node-image-version"
    subject = f"Pool {pool}" if pool else "Nodes without a pool"
    yield Evidence("NodeImagesDiffer", subject, observed, "one image in the pool", hint)
