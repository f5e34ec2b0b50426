"""Nodes with the pods that are on them, as a drain meets them: which move, what they ask for and what they mount.

Source: the filters of kubectl drain (k8s.io/kubectl, pkg/drain/filters.go). Whether a pod *may* go stands in
``evictions``, where it would find room in ``rooms``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.kit import rooms
from gatekeeper.kit.alike import Alike
from gatekeeper.kit.manifest import at, condition, dicts, name_of, place_of
from gatekeeper.kit.subjects import Placed, controller_of, pool_of

__all__ = ["Mounts", "Node", "Pod", "Pool", "belongs_to_node", "owners", "put_on"]

_MIRROR: Final = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True)
class Mounts:
    """What the volumes of a pod are; those of pods that are alike are the same."""

    claims: tuple[str, ...]
    ephemeral: bool
    host_path: bool
    empty_dir: bool

    @classmethod
    def of(cls, pod: object) -> Mounts:
        """Raises BadAnswer when they have another shape."""
        volumes = dicts(at(pod, "spec", "volumes"), "the volumes of a pod")
        claims = [at(volume, "persistentVolumeClaim", "claimName") for volume in volumes]
        kinds = [any(at(each, kind) is not None for each in volumes) for kind in ("ephemeral", "hostPath", "emptyDir")]
        return cls(tuple(str(claim) for claim in claims if claim is not None), *kinds)


@dataclass(frozen=True, slots=True, eq=False)
class Pod(Placed):
    """A pod on its node."""

    body: Mapping[str, Any]
    moves: bool
    """Whether a drain evicts it."""
    wish: rooms.Wish
    mounts: Mounts

    @property
    def is_ready(self) -> bool:
        """As it says itself."""
        return bool(at(condition(self.body, "Ready"), "status") == "True")

    @property
    def owner(self) -> str:
        """Its controller, as a subject of evidence."""
        return controller_of(self.body)

    @property
    def is_made_anew(self) -> bool:
        """Whether a controller makes another when it is evicted."""
        return any(each.get("controller") is True for each in owners(self.body))


@dataclass(slots=True, eq=False)
class Node:
    """A node, and the pods that were put on it."""

    name: str
    pool: str
    labels: Mapping[str, Any]
    taints: tuple[rooms.Taint, ...]
    takes_pods: bool
    left: rooms.Room
    """Of what is allocatable, after all of its pods."""
    kept: rooms.Room
    """Of what is allocatable, after those pods that stay in a drain: what an extra node like it has for others."""
    pods: list[Pod] = field(default_factory=list)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Node:
        """One without pods. Raises BadAnswer when it has another shape."""
        name, labels, room = name_of(body, "a node"), at(body, "metadata", "labels"), rooms.room_of(body)
        known = labels if isinstance(labels, Mapping) else {}
        return cls(name, pool_of(body), known, rooms.taints_of(body), rooms.takes_pods(body), left=room, kept=room)

    @property
    def moving(self) -> list[Pod]:
        """The pods that a drain evicts."""
        return [pod for pod in self.pods if pod.moves]

    def add(self, pod: Pod) -> None:
        """Put a pod on it."""
        self.pods.append(pod)
        self.left = rooms.without(self.left, pod.wish.needs)
        if not pod.moves:
            self.kept = rooms.without(self.kept, pod.wish.needs)


@dataclass(frozen=True, slots=True)
class Pool:
    """What the nodes of a pool share."""

    nodes: Sequence[Node]
    places: rooms.Places
    """Those of its nodes that take pods."""
    taints: tuple[rooms.Taint, ...]
    """What a new node of it would be tainted with."""

    @classmethod
    def of(cls, nodes: Sequence[Node]) -> Pool:
        """The pool of these nodes."""
        takers = [rooms.Place(node.name, node.labels, node.taints, node.left) for node in nodes if node.takes_pods]
        return cls(nodes, rooms.Places(takers), tuple(sorted(rooms.taints_of_pool(node.taints for node in nodes))))


def put_on(nodes: Sequence[Node], pods: Iterable[Mapping[str, Any]]) -> None:
    """Put each pod on its node; one of a node that is not among these is left out.

    Raises:
        BadAnswer: a pod has another shape.
    """
    by_name = {node.name: node for node in nodes}
    wish_of = rooms.wishes({resource for node in nodes for resource in node.left})
    mounts_of = Alike((("spec", "volumes"),), Mounts.of)
    for body in pods:
        name, place = at(body, "spec", "nodeName"), place_of(body, "a pod")
        if name is not None and not isinstance(name, str):
            raise BadAnswer(f"pod {place} is on a node without a name")
        if name in by_name:
            by_name[name].add(Pod(place, body, _moves(body), wish_of(body), mounts_of(body)))


def _moves(pod: Mapping[str, Any]) -> bool:
    """Not one that belongs to the node, nor one that is leaving by itself."""
    return not belongs_to_node(pod) and at(pod, "metadata", "deletionTimestamp") is None


def belongs_to_node(pod: Mapping[str, Any]) -> bool:
    """Whether it is a static pod, or one of a DaemonSet: a drain leaves both where they are."""
    of_a_daemon_set = any(each.get("controller") is True and each.get("kind") == "DaemonSet" for each in owners(pod))
    return of_a_daemon_set or at(pod, "metadata", "annotations", _MIRROR) is not None


def owners(pod: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Its owners. Raises BadAnswer when they have another shape."""
    return dicts(at(pod, "metadata", "ownerReferences"), "ownerReferences")
