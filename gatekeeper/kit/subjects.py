"""How pods and nodes are called where people read it."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.kit.manifest import at, dicts, dns_name, place_of, say


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """What stands in a namespace."""

    place: str
    """``namespace/name``."""

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self.place.partition("/")[0]

    @property
    def name(self) -> str:
        """Without the namespace."""
        return self.place.partition("/")[2]


def controller_of(pod: object) -> str:
    """Who keeps a pod, as a subject that outlives it: ``Deployment shop/web``; a pod without one keeps itself.

    So does the copy of a static pod, which its Node owns: it bears the node's name, and there may be several on one.
    The Deployment of a ReplicaSet is known by the pod's label ``pod-template-hash``, with which the ReplicaSet's name
    ends (k8s.io/kubernetes, pkg/controller/deployment/sync.go).
    """
    owners = dicts(at(pod, "metadata", "ownerReferences"), "metadata.ownerReferences")
    owner = next((each for each in owners if each.get("controller") is True), None)
    if owner is None or owner.get("kind") == "Node":
        return f"Pod {place_of(pod, 'a pod')}"
    namespace, _, _ = place_of(pod, "a pod").rpartition("/")
    kind, name = say(owner.get("kind"), 63), dns_name(owner.get("name"), "a controller")
    made_by = at(pod, "metadata", "labels", "pod-template-hash")
    if kind == "ReplicaSet" and isinstance(made_by, str) and made_by and name.endswith(f"-{made_by}"):
        kind, name = "Deployment", name.removesuffix(f"-{made_by}")
    return f"{kind} {namespace}/{name}"


def pool_of(node: object) -> str:
    """The AKS node pool of a Node, by its label ``kubernetes.azure.com/agentpool``; empty if it has none."""
    pool = at(node, "metadata", "labels", "kubernetes.azure.com/agentpool")
    return say(pool, 63) if isinstance(pool, str) else ""


def is_virtual(node: object) -> bool:
    """Whether a Node is none: a virtual kubelet, such as the one behind the virtual nodes of AKS, which is in no pool.

    It has no node image, and its version is that of the library it was built with: no update run reaches either.
    """
    return at(node, "metadata", "labels", "type") == "virtual-kubelet" and not pool_of(node)


def node_subject(name: str, pool: str) -> str:
    """A node as the subject of evidence: ``Node aks-user-1 (pool user)``."""
    return f"Node {name} (pool {pool})" if pool else f"Node {name}"
