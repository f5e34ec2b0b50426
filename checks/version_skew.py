"""No kubelet is ahead of its API server, and none too far behind it."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    NODES,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Resource,
    bounded,
    cells,
    dns_name,
    is_virtual,
    numbered,
    say,
    server_version,
    some,
    version_of,
)

_FIRST_WITH_THREE: Final = (1, 25)  # kubelets before it may be two minors behind only

Version = tuple[int, ...]


class VersionSkew(ClusterCheck):
    """Every kubelet is within the version skew that Kubernetes supports: at most three minors behind, never ahead.

    The rule is the Kubernetes version skew policy (kubelets before 1.25: two minors), and AKS's own that a node pool is
    never ahead of its control plane, by the patch neither. Versions are compared as numbers ("1.9" is before "1.10").
    A kubelet that tells no version fails; a cluster without nodes is inconclusive. With ``against: target`` the run's
    target stands in for the API server's version: in front of an update, it finds the nodes that the new control plane
    would leave too far behind. A run without a Kubernetes version (``NodeImageOnly``), or with one that the API server
    is already beyond, leaves it as it is. Virtual nodes (label ``type: virtual-kubelet``, in no pool) have no kubelet
    that could be updated; they are left out and counted.

    kube-proxy is not looked at: the ``kubeProxyVersion`` of a Node is the kubelet's own, which does not know the real
    one (KEP-4004; gone since 1.33).

    Example:
        - check: version-skew

        - check: version-skew
          against: target
          maxMinorsBehind: 2
    """

    name: ClassVar[str] = "version-skew"
    claim: ClassVar[str] = "no kubelet is ahead of the API server or too far behind it"
    area: ClassVar[str] = "Nodes"
    reads: ClassVar[tuple[Resource, ...]] = (NODES, Resource.path("/version"))

    max_minors_behind: int = Field(default=3, ge=0, le=3)
    """So many minor versions a kubelet may be behind: Kubernetes supports three."""
    against: Literal["apiServer", "target"] = "apiServer"
    """What the kubelets are compared with: the API server as it is, or as the run is going to make it."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Compare the Version column of the nodes with ``/version``; both are small."""
        text, whose = await server_version(ctx.cluster), "the API server"
        goal = ctx.scope.target.kubernetes_version
        if self.against == "target" and goal:
            if not _is_beyond(text, goal):
                text, whose = goal, "the run's target"
        elif self.against == "target" and ctx.scope.target.upgrade_type != "NodeImageOnly":
            return Finding.inconclusive("the run names no Kubernetes version to compare the nodes with")
        server = version_of(text)
        if server is None:
            raise BadAnswer(f"the version of {whose} is {text!r:.80}, which is no version")
        nodes, virtual = await _versions(ctx)
        if not nodes:
            return Finding.inconclusive("the cluster has no nodes, so nothing can be said of their version")
        said, left_out = f"{whose} at {say(text, 80)}", f"; {virtual} virtual left out" if virtual else ""
        evidence = [fault for node in sorted(nodes) if (fault := self._fault(node, nodes[node], server, said))]
        if not evidence:
            behind = max(server[1] - (version_of(each) or server)[1] for each in nodes.values())
            few = f"all {len(nodes)} nodes are at most {numbered(behind, 'minor')} behind {said}, and none is ahead"
            return Finding.passed(f"{few}{left_out}")
        few = some([f"{fault.subject.removeprefix('Node ')} {fault.observed}" for fault in evidence])
        are = "is" if len(evidence) == 1 else "are"
        message = f"{len(evidence)} of {len(nodes)} nodes {are} out of the supported skew to {said}: {few}"
        return Finding.failed(f"{message}{left_out}", bounded(evidence))

    def _fault(self, node: str, version: str, server: Version, said: str) -> Evidence | None:
        mine = version_of(version)
        old = mine is not None and mine[:2] < _FIRST_WITH_THREE
        allowed = min(2, self.max_minors_behind) if old else self.max_minors_behind
        expected = f"not ahead of {said}, at most {numbered(allowed, 'minor')} behind"
        if mine is None or mine[0] != server[0]:
            hint = f"kubectl get node {node} -o jsonpath='{{.status.nodeInfo.kubeletVersion}}'"
            return Evidence("NodeVersionUnknown", f"Node {node}", f"kubelet {version or 'unknown'}", expected, hint)
        if mine[: len(server)] > server:
            hint = "upgrade the control plane first, or recreate the node"
            return Evidence("NodeVersionAhead", f"Node {node}", f"kubelet {version}", expected, hint)
        if server[1] - mine[1] > allowed:
            hint = "upgrade the node's pool before the control plane goes further"
            return Evidence("NodeVersionBehind", f"Node {node}", f"kubelet {version}", expected, hint)
        return None


async def _versions(ctx: ClusterContext) -> tuple[dict[str, str], int]:
    """What each kubelet says of its version, and how many virtual nodes there are besides them."""
    table = await ctx.cluster.table(NODES, metadata=True)
    rows = list(cells(table, "Name", "Version"))
    if len(table.metadata) != len(rows):
        raise BadAnswer("the table of nodes came without their metadata")
    real = [row for row, each in zip(rows, table.metadata, strict=True) if not is_virtual({"metadata": each})]
    return {dns_name(name, "a node"): say(version, 80) for name, version in real}, len(rows) - len(real)


def _is_beyond(server: str, goal: str) -> bool:
    """Whether the API server is already past a version."""
    mine, other = version_of(server), version_of(goal)
    return mine is not None and other is not None and mine[: len(other)] > other
