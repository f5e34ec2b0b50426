"""What the eviction API would say to a pod, by its PodDisruptionBudgets.

The rules: k8s.io/kubernetes, pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import at, numbered, place_of
from gatekeeper.kit.selectors import selects
from gatekeeper.kit.subjects import Placed

_NONE_UNAVAILABLE: Final = (0, "0%")


class Refusal(NamedTuple):
    """Why a budget would not let a pod go now."""

    is_certain: bool
    """If not, the budget does not know itself, as its status is old."""
    words: str
    hint: str


@dataclass(frozen=True, slots=True)
class Budget(Placed):
    """A PodDisruptionBudget."""

    takes: Callable[[object], bool] = field(compare=False, repr=False)
    """Whether it is for pods with these labels."""
    body: Mapping[str, Any] = field(compare=False, repr=False)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Read one. Raises BadAnswer when it has no name and namespace, or its selector is none."""
        place = place_of(body, "a PodDisruptionBudget")
        if "/" not in place:
            raise BadAnswer(f"PodDisruptionBudget {place} has no namespace")
        return cls(place, selects(at(body, "spec", "selector"), f"PodDisruptionBudget {place}"), body)

    @property
    def subject(self) -> str:
        """As the subject of evidence."""
        return f"PodDisruptionBudget {self.place}"

    @property
    def allowed(self) -> int:
        """How many of its pods may go now. Raises BadAnswer when that is no count."""
        return self.status("disruptionsAllowed")

    @property
    def is_stale(self) -> bool:
        """Whether its status is older than its spec, or nobody has looked yet."""
        generation, observed = at(self.body, "metadata", "generation"), at(self.body, "status", "observedGeneration")
        return not isinstance(generation, int) or generation != observed

    @property
    def never_allows(self) -> bool:
        """Whether it lets no pod go for good, however many it has to spare while a rollout surges."""
        expected = self.status("expectedPods")
        return expected > 0 and (
            self.status("desiredHealthy") >= expected or self.spec("maxUnavailable") in _NONE_UNAVAILABLE
        )

    def spec(self, key: str) -> Any:  # noqa: ANN401 - what a cluster says has any type
        """A field of its spec."""
        return at(self.body, "spec", key)

    def status(self, key: str) -> int:
        """A count of its status. Raises BadAnswer when it is none."""
        value = at(self.body, "status", key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise BadAnswer(f"status.{key} of {self.subject} is {value!r:.50}, which is no count")
        return value

    def refusal(self, *, is_ready: bool) -> Refusal | None:
        """Why it would not let a pod go now that is Ready, or is not; None if it would.

        Raises:
            BadAnswer: its status is of another shape.
        """
        healthy, desired = self.status("currentHealthy"), self.status("desiredHealthy")
        allowed, expected = self.allowed, self.status("expectedPods")
        always = self.spec("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if not is_ready and (always or healthy >= desired > 0):
            return None
        if self.is_stale:
            words = "has a status that is older than its spec"
            return Refusal(False, words, "is kube-controller-manager running?")
        if allowed > 0 and not self.never_allows:
            return None
        spare = f" but for {numbered(allowed, 'pod')} to spare" if allowed > 0 else ""
        pods = f"{healthy} of {expected} pods are healthy"
        if healthy > expected:
            pods = f"{numbered(healthy, 'pod is', 'pods are')} healthy where {expected} are expected"
        words = f"allows no disruption{spare}: {pods}, {desired} must stay so"
        never = "run one more replica than must be available, or set maxUnavailable: 1"
        mend = never if self.never_allows or desired >= expected else "mend its pods"
        return Refusal(True, words, f"{mend}; kubectl -n {self.namespace} describe pdb {self.name}")


class Budgets:
    """All budgets of a cluster. Which take a pod is found once for all pods that share their labels."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        # A budget can only take pods with the first of the labels that it wants.
        self._by_label: dict[tuple[str, object], list[Budget]] = defaultdict(list)
        for each in budgets:
            first = next(iter((at(each.body, "spec", "selector", "matchLabels") or {}).items()), None)
            self._by_label[each.namespace, first].append(each)
        self._known: dict[tuple[str, int], tuple[list[Budget], object]] = {}

    def of(self, namespace: str, labels: object) -> list[Budget]:
        """Those that take a pod of a namespace with these labels, by name."""
        key = namespace, id(labels)
        if key not in self._known:  # the labels are held, so that no others can come to their identity
            mine = labels.items() if isinstance(labels, Mapping) else ()
            ways = [None, *(pair for pair in mine if isinstance(pair[1], str))]
            likely = [each for way in ways for each in self._by_label.get((namespace, way), ())]
            self._known[key] = sorted((each for each in likely if each.takes(labels)), key=lambda it: it.place), labels
        return self._known[key][0]
