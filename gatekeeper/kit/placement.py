"""What a pod asks of its node besides room: node selector, required node affinity, taints that it tolerates.

The rules: k8s.io/component-helpers, scheduling/corev1, and ``ToleratesTaint`` of k8s.io/api/core/v1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from gatekeeper.kit.manifest import at, dicts

Room: TypeAlias = Mapping[str, int]
"""Thousandths of cores, bytes and pieces, by resource."""
Taint: TypeAlias = tuple[str, str, str]
"""Key, value and effect."""
HOSTNAME: Final = "kubernetes.io/hostname"
_OF_THE_SYSTEM: Final = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ToBeDeletedByClusterAutoscaler")
_KEEPS_AWAY: Final = ("NoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What a pod asks of its node; pods that are alike share it."""

    needs: Room
    selector: Mapping[str, str]
    terms: Sequence[Mapping[str, Any]] | None
    """Of its node affinity: one of them has to be met. None asks for nothing."""
    tolerations: Sequence[Mapping[str, Any]]

    @property
    def is_tied(self) -> bool:
        """Whether it asks for a node by name."""
        return HOSTNAME in self.selector or (bool(self.terms) and all(map(_names_a_node, self.terms or ())))

    def may_be_on(self, place: Place) -> bool:
        """Whether labels and taints of a node let it be there."""
        labels = place.labels
        if any(labels.get(key) != value for key, value in self.selector.items()):
            return False
        if self.terms is not None and not any(_term_met(term, place) for term in self.terms):
            return False
        return all(any(_tolerates(each, taint) for each in self.tolerations) for taint in place.taints)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A node with the room that is left on it."""

    name: str
    labels: Mapping[str, Any]
    taints: tuple[Taint, ...]
    left: Room


def taints_of(node: object) -> tuple[Taint, ...]:
    """The taints of a node that keep pods away."""
    taints = dicts(at(node, "spec", "taints"), "spec.taints")
    kept = [(str(each.get("key")), str(each.get("value") or ""), str(each.get("effect"))) for each in taints]
    return tuple(each for each in kept if each[2] in _KEEPS_AWAY)


def of_the_system(taint: Taint) -> bool:
    """Whether Kubernetes or the autoscaler has set a taint for a while, because of the state of the node."""
    return taint[0].startswith(_OF_THE_SYSTEM)


def taints_of_pool(nodes: Iterable[tuple[Taint, ...]]) -> frozenset[Taint]:
    """The taints that all nodes of a pool have: those of the pool, which a new node would have too."""
    several = [frozenset(taint for taint in taints if not of_the_system(taint)) for taints in nodes]
    return frozenset.intersection(*several) if several else frozenset()


def _tolerates(toleration: Mapping[str, Any], taint: Taint) -> bool:
    """``ToleratesTaint`` of k8s.io/api/core/v1; an operator that is not known tolerates nothing."""
    key, value, effect = taint
    if (toleration.get("effect") or effect) != effect or (toleration.get("key") or key) != key:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    return bool(toleration.get("key")) and operator == "Equal" and (toleration.get("value") or "") == value


def _term_met(term: Mapping[str, Any], place: Place) -> bool:
    """All of its expressions; a term without any is never met."""
    expressions = dicts(term.get("matchExpressions"), "matchExpressions")
    fields = dicts(term.get("matchFields"), "matchFields")
    met = all(_meets(place.labels, each) for each in expressions)
    return met and bool(expressions or fields) and all(_meets({"metadata.name": place.name}, each) for each in fields)


def _meets(labels: Mapping[str, Any], expression: Mapping[str, Any]) -> bool:
    """One expression; an operator that is not known is not met."""
    value, values = labels.get(str(expression.get("key"))), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _is_beyond(value, [*values], operator)
    return False


def _is_beyond(value: object, bounds: Sequence[object], operator: str) -> bool:
    try:
        mine, bound = (int(str(each)) for each in (value, *bounds))
    except ValueError:  # no numbers, or not two of them
        return False
    return mine > bound if operator == "Gt" else mine < bound


def _names_a_node(term: Mapping[str, Any]) -> bool:
    """Whether a term asks for nodes by their names."""
    expressions = dicts(term.get("matchExpressions"), "matchExpressions")
    by_label = any(each.get("key") == HOSTNAME and each.get("operator") == "In" for each in expressions)
    return by_label or bool(term.get("matchFields"))
