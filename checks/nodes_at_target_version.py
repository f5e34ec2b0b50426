"""The API server and the nodes run what the update run was to bring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

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
    pool_of,
    say,
    server_version,
    some,
    version_of,
)

_IMAGE: Final = "kubernetes.azure.com/node-image-version"
_MINORS_BEHIND: Final = 3  # the Kubernetes version skew policy, since 1.28
_API_SERVER: Final = "API server"
_ASK_THE_RUN: Final = "look at the member's message in the update run"
_TOO_FAR: Final = "no update goes back: approve by hand, or give this check the version that the cluster should have"

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    pool: str
    version: str
    image: str

    def fault(self, code: str, observed: str, expected: str) -> Evidence:
        pool = f"pool {self.pool}" if self.pool else "the pool of this node"
        hint = f"did the update reach {pool}? {_ASK_THE_RUN}"
        return Evidence(code, node_subject(self.name, self.pool), observed, expected, hint)


class NodesAtTargetVersion(ClusterCheck):
    """The API server and the nodes are at the version, and on the node images, that the update run brings.

    What is compared depends on the run's upgrade type, and versions are compared as numbers ("1.33" is any 1.33.x).

    - ``Full``: the API server and every kubelet at the target, and on one of the selected images where the run selected
      some (``Consistent``, ``Custom``).
    - ``ControlPlaneOnly``: the API server at the target; the nodes stay behind, at most three minors (the Kubernetes
      version skew policy), and never ahead.
    - ``NodeImageOnly``: every node on one of the selected images. For ``Latest`` the run names none; then all nodes of
      a pool (label ``kubernetes.azure.com/agentpool``) must be on one and the same.

    Virtual nodes (label ``type: virtual-kubelet``, in no pool), which no update reaches, are left out and counted. A
    type or a selection of images that is not known, a target without anything to compare, or a cluster without nodes is
    inconclusive.

    Example:
        - check: nodes-at-target-version

        - check: nodes-at-target-version
          version: "1.33"
    """

    name: ClassVar[str] = "nodes-at-target-version"
    claim: ClassVar[str] = "the API server and all nodes are at the run's target"
    area: ClassVar[str] = "Nodes"
    reads: ClassVar[tuple[Resource, ...]] = (NODES, Resource.path("/version"))

    version: str | None = Field(default=None, pattern=r"^v?\d{1,4}\.\d{1,4}(\.\d{1,6})?$")
    """This version instead of the run's: ``1.33`` or ``1.33.2``. Judged as Full unless the run is ControlPlaneOnly."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Find out what to compare, then compare."""
        target = self._target(ctx.scope.target)
        if (why := _nothing_to_compare(target)) is not None:
            return Finding.inconclusive(why)
        nodes, virtual = await _nodes(ctx)
        if not nodes:
            return Finding.inconclusive("the cluster has no nodes, so nothing can be said of their version")
        left_out = f"; {virtual} virtual left out" if virtual else ""
        faults = _off_image(nodes, target) if _selects_images(target) else []
        if target.upgrade_type == "NodeImageOnly":
            if _selects_images(target):
                return _answer(faults, nodes, "on the selected images", left_out)
            return _answer(_mixed_images(nodes), nodes, "on one image in each pool (the run names none)", left_out)
        wanted, server = target.kubernetes_version or "", await server_version(ctx.cluster)
        goal, api = _number(wanted, "the target"), _number(server, "the API server")
        if not _is_at(server, goal):
            hint = _TOO_FAR if api[: len(goal)] > goal else _ASK_THE_RUN
            faults.append(Evidence("ApiServerVersion", _API_SERVER, server, wanted, hint))
        if target.upgrade_type == "ControlPlaneOnly":
            what = f"at most {_MINORS_BEHIND} minors behind the API server at {server}, and not ahead"
            return _answer([*faults, *_skewed(nodes, api)], nodes, what, left_out)
        off = [node for node in nodes if not _is_at(node.version, goal)]
        faults += [node.fault("NodeVersion", f"kubelet {node.version}", wanted) for node in off]
        images = " and on the selected images" if _selects_images(target) else ""
        return _answer(faults, nodes, f"at {wanted}{images}", left_out, f", and the API server is at {server}")

    def _target(self, target: Target) -> Target:
        """The run's target, or what the parameter makes of it."""
        if self.version is None:
            return target
        kind = "Full" if target.upgrade_type in (None, "NodeImageOnly") else target.upgrade_type
        return replace(target, upgrade_type=kind, kubernetes_version=self.version)


def _nothing_to_compare(target: Target) -> str | None:
    """Why a target leaves nothing to compare with, if so."""
    kind, selection = target.upgrade_type, target.node_image_selection
    if kind not in ("Full", "ControlPlaneOnly", "NodeImageOnly"):
        return f"the run's upgrade type is {kind or 'not given'}, so there is no target to compare with"
    if kind != "NodeImageOnly" and not target.kubernetes_version:
        return f"the run's upgrade type is {kind}, and it names no Kubernetes version to compare with"
    if _selects_images(target) and not target.node_images:
        return f"the run selects node images ({selection}), and names none yet"
    # A Full run without a word on images brings a version all the same.
    is_said = selection is not None or kind == "NodeImageOnly"
    if kind != "ControlPlaneOnly" and is_said and selection not in ("Latest", "Consistent", "Custom"):
        return f"the run's node image selection is {selection or 'not given'}, so there is no target to compare with"
    return None


def _selects_images(target: Target) -> bool:
    """Whether the run says which images the nodes are to have; it does not touch them with ControlPlaneOnly."""
    return target.node_image_selection in ("Consistent", "Custom") and target.upgrade_type != "ControlPlaneOnly"


async def _nodes(ctx: ClusterContext) -> tuple[list[_Node], int]:
    """The nodes, and how many virtual ones there are besides them."""
    table = await ctx.cluster.table(NODES, metadata=True)
    name, version = table.column("Name"), table.column("Version")
    if len(table.metadata) != len(table.rows):
        raise BadAnswer("the table of nodes came without their metadata")
    nodes = []
    for row, metadata in zip(table.rows, table.metadata, strict=True):
        if len(row) <= max(name, version):
            raise BadAnswer("a row of the table of nodes has another shape")
        if is_virtual(node := {"metadata": metadata}):
            continue
        pool, image = pool_of(node), at(metadata, "labels", _IMAGE)
        nodes.append(_Node(dns_name(row[name], "a node"), pool, say(row[version], 80), say(image, 100)))
    return nodes, len(table.rows) - len(nodes)


def _skewed(nodes: Iterable[_Node], server: Version) -> list[Evidence]:
    """Nodes ahead of the API server (AKS: by the patch too), or too far behind it."""
    faults = []
    for node in nodes:
        mine = version_of(node.version)
        expected = f"{server[0]}.{server[1] - _MINORS_BEHIND} to {'.'.join(map(str, server))}"
        if mine is None or mine > server or mine[0] != server[0] or server[1] - mine[1] > _MINORS_BEHIND:
            faults.append(node.fault("NodeVersionSkew", f"kubelet {node.version}", expected))
    return faults


def _off_image(nodes: Iterable[_Node], target: Target) -> list[Evidence]:
    images = {image.casefold() for image in target.node_images if image}
    expected = " or ".join(target.node_images)[:300]
    off = [node for node in nodes if node.image.casefold() not in images]
    return [node.fault("NodeImage", node.image or f"it has no label {_IMAGE}", expected) for node in off]


def _mixed_images(nodes: Iterable[_Node]) -> list[Evidence]:
    pools: dict[str, list[_Node]] = defaultdict(list)
    for node in nodes:
        pools[node.pool].append(node)
    faults = []
    for pool in pools.values():
        images = sorted({node.image for node in pool})
        if len(images) > 1 or not images[0]:
            expected = "one image in the pool, here are " + some([image or "no image label" for image in images])
            faults += [node.fault("NodeImage", node.image or f"it has no label {_IMAGE}", expected) for node in pool]
    return faults


def _answer(faults: Sequence[Evidence], nodes: Sequence[_Node], what: str, left_out: str, also: str = "") -> Finding:
    if not faults:
        return Finding.passed(f"all {len(nodes)} nodes are {what}{also}{left_out}")
    parts = [f"the API server is at {it.observed}, not {it.expected}" for it in faults if it.subject == _API_SERVER]
    wrong = {it.subject for it in faults}
    off = [node for node in nodes if node_subject(node.name, node.pool) in wrong]
    if off:
        pools = sorted({node.pool for node in off if node.pool})
        where = f" (pool {some(pools)})" if pools else ""
        parts.append(f"{len(off)} of {len(nodes)} nodes {'is' if len(off) == 1 else 'are'} not {what}{where}")
    return Finding.failed("; ".join(parts) + left_out, bounded(faults))


def _number(text: str, whose: str) -> Version:
    version = version_of(text)
    if version is None:
        raise BadAnswer(f"the version of {whose} is {text!r:.80}, which is no version")
    return version


def _is_at(text: str, goal: Version) -> bool:
    version = version_of(text)
    return version is not None and version[: len(goal)] == goal
