"""What the run says of a member agrees with Azure and with the live nodes: Completed is never trusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from gatekeeper.check import (
    AKS_READ,
    NODES,
    AksCluster,
    AksPool,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Member,
    Resource,
    Target,
    aks_cluster,
    at,
    bounded,
    cells,
    dns_name,
    is_virtual,
    node_subject,
    numbered,
    pool_of,
    say,
    some,
    version_of,
)

_IMAGE: Final = "kubernetes.azure.com/node-image-version"
_UNDER_WAY: Final = ("NotStarted", "Pending", "Running", "Stopping", "Stopped")
_KINDS: Final = ("Full", "ControlPlaneOnly", "NodeImageOnly")


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    pool: str
    version: str
    image: str


@dataclass(frozen=True, slots=True)
class _Fault:
    words: str
    evidence: Evidence
    certain: bool = True


class MembersUpdated(ClusterCheck):
    """The member is updated by three witnesses: the run, Azure, and the nodes themselves.

    - The run: the member's update is ``Completed``. A Failed or Skipped one fails; one that has not ended, and a word
      that is not known, are inconclusive.
    - Azure: cluster and pools are ``Succeeded``; the control plane's ``currentKubernetesVersion`` is at the run's
      target, and, unless the run is ControlPlaneOnly, so is each pool's ``currentOrchestratorVersion`` and, where the
      run selected images, its ``nodeImageVersion``. Not stopped pools: those are not updated before they start.
    - The nodes: each has its pool's version and image as Azure shows them, and each pool has as many as Azure counts
      (fewer or more is inconclusive: it may be scaling). This is what fails when AKS says upgraded and the nodes are
      not (Azure/AKS#2986). Nodes outside of Azure's pools (node auto-provisioning) are held against the target alone;
      virtual nodes (label ``type: virtual-kubelet``, in no pool), which no update reaches, are left out.

    A run whose upgrade type or node image selection is not known, or that should name a version or images and does not,
    is inconclusive. With the Latest images there are none to compare with: then Azure and the nodes need only agree
    with each other.

    Example:
        - check: members-updated

        - check: members-updated
          acceptSkipped: true
    """

    name: ClassVar[str] = "members-updated"
    claim: ClassVar[str] = "the run, Azure and the live nodes agree that the member is updated"
    area: ClassVar[str] = "The run and Azure"
    reads: ClassVar[tuple[Resource, ...]] = (NODES,)
    azure_actions: ClassVar[tuple[str, ...]] = (AKS_READ,)

    accept_skipped: bool = False
    """Whether a member that the run skipped passes; Azure must show it as Succeeded, its version is not judged."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Hear the three witnesses."""
        skipped = ctx.member.state == "Skipped" and self.accept_skipped
        if not skipped and (early := _by_the_run(ctx.member, ctx.scope.target)) is not None:
            return early
        cluster = await aks_cluster(ctx.tools.azure, ctx.member)
        faults = list(_states(cluster))
        if skipped:
            return _answer(faults, f"{cluster.id.name} was skipped, which is accepted; Azure shows it as Succeeded")
        goal = _Goal.of(ctx.scope.target)
        nodes = await _nodes(ctx)
        if not nodes:
            return Finding.inconclusive("the cluster has no nodes, so they cannot agree with anything")
        faults += [*_by_azure(cluster, goal), *_by_nodes(cluster, goal, nodes)]
        brought = goal.words or "what its pools show"
        return _answer(
            faults, f"the run, Azure and {numbered(len(nodes), 'node')} agree: {cluster.id.name} is at {brought}"
        )


@dataclass(frozen=True, slots=True)
class _Goal:
    """What the run brings: a version for the control plane, for the nodes, and their images; empty means nothing."""

    control_plane: str
    nodes: str
    images: tuple[str, ...]

    @classmethod
    def of(cls, target: Target) -> _Goal:
        version = (target.kubernetes_version or "") if target.upgrade_type != "NodeImageOnly" else ""
        if target.upgrade_type == "ControlPlaneOnly":
            return cls(version, "", ())
        return cls(version, version, tuple(image.casefold() for image in target.node_images))

    @property
    def words(self) -> str:
        return " and ".join(filter(None, (self.control_plane, some(self.images))))


def _by_the_run(member: Member, target: Target) -> Finding | None:
    """What can be said without asking further."""
    if member.state in ("Failed", "Skipped"):
        hint = "look at the member's message in the update run"
        fact = Evidence(
            f"Member{member.state}", f"member {member.name}", say(member.message) or member.state, "Completed", hint
        )
        return Finding.failed(f"the run says that the update of {member.name} was {member.state}", [fact])
    if member.state != "Completed":
        known = "has not ended" if member.state in _UNDER_WAY else "is in a state that is not known"
        return Finding.inconclusive(f"the update of {member.name} {known} ({say(member.state, 60)})")
    kind = target.upgrade_type
    if kind not in _KINDS:
        return Finding.inconclusive(
            f"the run's upgrade type is {say(kind, 60) or 'not given'}: nothing to compare with"
        )
    if kind != "NodeImageOnly" and version_of((target.kubernetes_version or "").removeprefix("v")) is None:
        return Finding.inconclusive(f"the run is {kind} and names no Kubernetes version to compare with")
    why = _no_images(target)
    return None if why is None else Finding.inconclusive(why)


def _no_images(target: Target) -> str | None:
    """Why there are no images to compare with, where there should be."""
    selection = target.node_image_selection
    if target.upgrade_type == "ControlPlaneOnly" or selection in (None, "Latest"):
        return None
    if selection not in ("Consistent", "Custom"):
        return f"the run's node image selection is {say(selection, 60)}, which is not known: nothing to compare with"
    return None if target.node_images else f"the run selects node images ({selection}) and names none yet"


def _states(cluster: AksCluster) -> Iterator[_Fault]:
    states = {f"cluster {cluster.id.name}": cluster.provisioning_state}
    states |= {f"node pool {pool.name}": pool.provisioning_state for pool in cluster.pools}
    for subject, state in states.items():
        if state != "Succeeded":
            hint = f"az aks show {cluster.id.flags} --query provisioningState"
            seen = f"its provisioning state is {state or 'not given'}"
            certain = state in ("Failed", "Canceled")
            fact = Evidence("NotSucceeded", subject, seen, "Succeeded", hint)
            yield _Fault(f"Azure shows {subject} as {state or 'nothing'}", fact, certain)


def _by_azure(cluster: AksCluster, goal: _Goal) -> Iterator[_Fault]:
    hint = f"az aks show {cluster.id.flags}; the reason may stand in the member's message in the update run"
    if goal.control_plane and not _is_at(cluster.version, goal.control_plane):
        fact = Evidence("ControlPlaneVersion", f"cluster {cluster.id.name}", cluster.version, goal.control_plane, hint)
        yield _Fault(f"Azure shows the control plane at {cluster.version or 'no version'}", fact)
    for pool in cluster.pools:
        if pool.power_state == "Stopped":
            continue
        subject = f"node pool {pool.name}"
        if goal.nodes and not _is_at(pool.version, goal.nodes):
            fact = Evidence("PoolVersion", subject, pool.version or "no version", goal.nodes, hint)
            yield _Fault(f"Azure shows {subject} at {pool.version or 'no version'}", fact)
        if goal.images and pool.node_image.casefold() not in goal.images:
            fact = Evidence("PoolImage", subject, pool.node_image or "no image", some(goal.images), hint)
            yield _Fault(f"Azure shows {subject} on {pool.node_image or 'no image'}", fact)


def _by_nodes(cluster: AksCluster, goal: _Goal, nodes: Sequence[_Node]) -> Iterator[_Fault]:
    pools: dict[str, list[_Node]] = defaultdict(list)
    for node in nodes:
        pools[node.pool].append(node)
    for pool in cluster.pools:
        yield from _of_pool(pool, pools.pop(pool.name, []))
    for rest in pools.values():  # of no pool that Azure shows
        for node in rest:
            if goal.nodes and not _is_at(node.version, goal.nodes):
                yield _node_fault(node, "NodeVersion", node.version, goal.nodes)
            if goal.images and node.image.casefold() not in goal.images:
                yield _node_fault(node, "NodeImage", node.image, some(goal.images))


def _of_pool(pool: AksPool, nodes: Sequence[_Node]) -> Iterator[_Fault]:
    wanted = version_of(pool.version)
    for node in nodes:
        if wanted is None or version_of(node.version) != wanted:
            yield _node_fault(node, "NodeVersion", node.version, f"{pool.version or 'no version'}, as Azure shows it")
        if node.image.casefold() != pool.node_image.casefold() or not node.image:
            yield _node_fault(node, "NodeImage", node.image, f"{pool.node_image or 'no image'}, as Azure shows it")
    counted = 0 if pool.power_state == "Stopped" else pool.nodes
    if counted != len(nodes):
        subject, seen = f"node pool {pool.name}", numbered(len(nodes), "live node")
        hint = "is it scaling? a machine that never joined: kubectl get nodes, and az vmss list-instances"
        azures = "none" if counted is None else str(counted)
        fact = Evidence("NodeCountDiffers", subject, seen, f"{azures}, as Azure counts", hint)
        yield _Fault(f"{subject} has {seen}, Azure counts {azures}", fact, certain=False)


def _node_fault(node: _Node, code: str, seen: str, expected: str) -> _Fault:
    hint = f"kubectl get node {node.name} --show-labels; did the update reach its pool?"
    fact = Evidence(code, node_subject(node.name, node.pool), seen or "not given", expected, hint)
    return _Fault(f"node {node.name} is at {seen or 'nothing'}", fact)


async def _nodes(ctx: ClusterContext) -> list[_Node]:
    table = await ctx.cluster.table(NODES, metadata=True)
    rows = list(cells(table, "Name", "Version"))
    if len(table.metadata) != len(rows):
        raise BadAnswer("the table of nodes came without their metadata")
    return [
        _Node(
            name=dns_name(name, "a node"),
            pool=pool_of({"metadata": metadata}),
            version=say(version, 60),
            image=say(at(metadata, "labels", _IMAGE), 150),
        )
        for (name, version), metadata in zip(rows, table.metadata, strict=True)
        if not is_virtual({"metadata": metadata})
    ]


def _is_at(version: str, goal: str) -> bool:
    wanted, seen = version_of(goal), version_of(version)
    return wanted is not None and seen is not None and seen[: len(wanted)] == wanted


def _answer(faults: Sequence[_Fault], well: str) -> Finding:
    if not faults:
        return Finding.passed(well)
    shown = sorted(faults, key=lambda fault: not fault.certain)
    judge = Finding.failed if shown[0].certain else Finding.inconclusive
    return judge(some([fault.words for fault in shown]), bounded(fault.evidence for fault in shown))
