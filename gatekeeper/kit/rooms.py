"""Which pods would find room on which nodes: the scheduler's rules, as far as they follow from nodes and pods alone.

That is requests against what is allocatable, and what ``placement`` knows. What depends on other pods (affinity among
pods, spread, ports) and on volumes is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import Final, Protocol, TypeVar

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.alike import Alike
from gatekeeper.kit.manifest import at, condition, dicts, name_of
from gatekeeper.kit.placement import HOSTNAME, Place, Room, Taint, Wish, of_the_system, taints_of, taints_of_pool
from gatekeeper.kit.quantities import REQUEST_FIELDS, REQUEST_PARTS, amount, pod_requests

__all__ = [
    "HOSTNAME",
    "POD_FIELDS",
    "UNFINISHED_PODS",
    "Place",
    "Places",
    "Room",
    "Taint",
    "Wish",
    "requests",
    "room_of",
    "size_of",
    "taints_of",
    "taints_of_pool",
    "takes_pods",
    "wishes",
    "without",
]

UNFINISHED_PODS: Final = "status.phase!=Succeeded,status.phase!=Failed"
"""The field selector of all pods that hold something of their node."""
_AFFINITY: Final = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
POD_FIELDS: Final = (
    "metadata.labels",
    r"metadata.annotations.kubernetes\.io/config\.mirror",
    r"metadata.annotations.cluster-autoscaler\.kubernetes\.io/safe-to-evict",
    "metadata.ownerReferences[].kind",
    "metadata.ownerReferences[].name",
    "metadata.ownerReferences[].controller",
    "metadata.deletionTimestamp",
    "spec.nodeName",
    "spec.nodeSelector",
    ".".join(_AFFINITY),
    "spec.tolerations",
    "spec.schedulingGates",
    "spec.volumes[].persistentVolumeClaim.claimName",
    "spec.volumes[].ephemeral",
    "spec.volumes[].emptyDir",
    "spec.volumes[].hostPath",
    *REQUEST_FIELDS,
    "status.phase",
    "status.conditions[].type",
    "status.conditions[].status",
)
"""What the checks that reckon with all pods keep of them: one selection for all, so that the pods are read once.

Nothing that is told apart by pod is among them if it can be helped: names of volumes, times, IDs.
"""
_WISH_PARTS: Final = (*REQUEST_PARTS, ("spec", "nodeSelector"), ("spec", "affinity"), ("spec", "tolerations"))


class _Wishing(Protocol):
    @property
    def wish(self) -> Wish:
        """What it asks of its node."""


_Pod = TypeVar("_Pod", bound=_Wishing)


class Places:
    """The nodes onto which pods may move. The same are asked again and again, for each node that is drained."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = tuple(places)
        self._most = {key: max(each.left.get(key, 0) for each in self._places) for key in _resources(self._places)}
        self._fitting: dict[Wish, list[Place]] = {}
        """Where a pod would fit if it were the only one: found once for all that are alike."""

    def homeless(self, pods: Iterable[_Pod], gone: str, extra: Sequence[Place] = ()) -> list[_Pod]:
        """Those pods that would find no room, with the node ``gone`` and some extra ones there.

        First fit, the largest first; extra places last. The places are not changed.
        """
        taken: dict[Place, Room] = {}
        ways: dict[Wish, Iterator[Place]] = {}
        now: dict[Wish, Place | None] = {}
        left = []
        for pod in sorted(pods, key=lambda pod: size_of(pod.wish), reverse=True):
            wish = pod.wish
            if wish not in ways:
                ways[wish] = self._ways(wish, gone, extra)
                now[wish] = next(ways[wish], None)
            # Rooms only fill: what refused a pod refuses all that are like it.
            while (place := now[wish]) is not None and not _holds(taken.get(place, place.left), wish.needs):
                now[wish] = next(ways[wish], None)
            if place is None:
                left.append(pod)
            else:
                taken[place] = without(taken.get(place, place.left), wish.needs)
        return left

    def _ways(self, wish: Wish, gone: str, extra: Sequence[Place]) -> Iterator[Place]:
        if wish not in self._fitting:
            some = _holds(self._most, wish.needs)  # if not, which is soon said, no place has to be looked at
            self._fitting[wish] = [each for each in self._places if _fits(wish, each)] if some else []
        yield from (each for each in self._fitting[wish] if each.name != gone)
        yield from (each for each in extra if _fits(wish, each))


def _resources(places: Iterable[Place]) -> frozenset[str]:
    return frozenset(resource for each in places for resource in each.left)


def size_of(wish: Wish) -> tuple[int, int]:
    """Memory and processor that are asked for, in thousandths."""
    return wish.needs.get("memory", 0), wish.needs.get("cpu", 0)


def without(room: Room, needs: Room) -> dict[str, int]:
    """What is left of a room when a pod has come."""
    return {resource: space - needs.get(resource, 0) for resource, space in room.items()}


def _fits(wish: Wish, place: Place) -> bool:
    return _holds(place.left, wish.needs) and wish.may_be_on(place)


def _holds(room: Room, needs: Room) -> bool:
    return all(need <= room.get(resource, 0) for resource, need in needs.items())


def requests(resources: Iterable[str]) -> Alike[Mapping[str, Decimal]]:
    """``pod_requests`` as a function of pods, worked out once for those that are alike."""
    counted = frozenset(resources)
    return Alike(REQUEST_PARTS, lambda pod: pod_requests(pod, counted))


def wishes(resources: Iterable[str]) -> Alike[Wish]:
    """A function of pods: what each asks of its node, of these resources.

    The function raises BadAnswer when a pod has another shape.
    """
    counted = frozenset(resources)

    def read(pod: object) -> Wish:
        needs = {key: ceil(each * 1000) for key, each in sorted(pod_requests(pod, counted).items()) if each}
        selector = at(pod, "spec", "nodeSelector") or {}
        if not isinstance(selector, Mapping) or not all(isinstance(each, str) for each in selector.values()):
            raise BadAnswer("the nodeSelector of a pod is no set of labels")
        affinity = at(pod, *_AFFINITY)
        if affinity is not None and not isinstance(affinity, Mapping):
            raise BadAnswer("the node affinity of a pod is none")
        terms = None if affinity is None else dicts(at(affinity, "nodeSelectorTerms"), "nodeSelectorTerms")
        return Wish(needs, selector, terms, dicts(at(pod, "spec", "tolerations"), "spec.tolerations"))

    return Alike(_WISH_PARTS, read)


def room_of(node: object) -> dict[str, int]:
    """What is allocatable on a node, rounded down to thousandths.

    Raises:
        BadAnswer: the node does not say so of processor, memory and pods.
    """
    name, room = name_of(node, "a node"), at(node, "status", "allocatable")
    if not isinstance(room, Mapping) or not {"cpu", "memory", "pods"} <= room.keys():
        raise BadAnswer(f"node {name} does not say what is allocatable")
    return {key: int(amount(value, f"allocatable {key} of node {name}") * 1000) for key, value in room.items()}


def takes_pods(node: object) -> bool:
    """Whether new pods may come to a node at all: it is Ready, stays, is not cordoned, and not tainted as sick.

    Kubernetes taints nodes that are short of disk, memory or processes, have no network, or are not set up yet
    (``node.kubernetes.io/…``), and the cluster autoscaler those that it is about to delete; what tolerates that, such
    as a DaemonSet, is not what moves.
    """
    ready = at(condition(node, "Ready"), "status") == "True" and at(node, "metadata", "deletionTimestamp") is None
    cordoned = at(node, "spec", "unschedulable") not in (None, False)
    return ready and not cordoned and not any(map(of_the_system, taints_of(node)))
