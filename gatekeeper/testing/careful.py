"""Asserts that a check never says that all is well where it has not seen that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gatekeeper.check import (
    BadAnswer,
    Cluster,
    ClusterCheck,
    ClusterContext,
    CouldNotLook,
    Forbidden,
    Outcome,
    Resource,
    Table,
    Target,
    Text,
)
from gatekeeper.errors import TimedOut, Unreachable
from gatekeeper.testing.asking import context
from gatekeeper.testing.clusters import NOW, FakeCluster

_ERRORS: Final = (Unreachable("gone"), TimedOut("late"), Forbidden("forbidden"), BadAnswer("odd"))
_NOTHING: Final = {path: Text(200, "") for path in ("/version", "/readyz?verbose", "/livez?verbose")}
_METRICS: Final = 'apiserver_request_total{group="",resource="pods",verb="LIST",version="v1"} 1\n'
_ACTIVE: Final = {"phase": "Active"}
_ODD_VALUES: Final[tuple[Any, ...]] = (None, True, -1, "", "a b", "../a", [], {}, [None], [{}], ["a"], {"a": {}})
_ODD_TEXTS: Final = (Text(200, ""), Text(200, "null"), Text(200, "{" * 999), Text(302, "{}"), Text(500, "[+]"))


def bare_cluster(now: datetime = NOW) -> FakeCluster:
    """A cluster of which there is but a healthy API server, with all that it makes by itself, and no node."""
    spaces = ("default", "kube-node-lease", "kube-public", "kube-system")
    parts = ("v1.", "v1.apps", "v1.batch", "v1.policy")
    kubernetes = {"name": "kubernetes", "namespace": "default"}
    slice_of = {**kubernetes, "labels": {"kubernetes.io/service-name": "kubernetes"}}
    made: list[Mapping[str, Any]] = [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "status": _ACTIVE} for name in spaces),
        *(
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": part},
                "status": {"conditions": [{"type": "Available", "status": "True", "reason": "Local"}]},
            }
            for part in parts
        ),
        {"apiVersion": "v1", "kind": "Service", "metadata": kubernetes, "spec": {"clusterIP": "10.0.0.1"}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": slice_of,
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["192.0.2.2"], "conditions": {"ready": True}}],
        },
    ]
    return FakeCluster(made, texts={"/metrics": Text(200, _METRICS)}, now=now)


class OddCluster:
    """A :class:`gatekeeper.check.Cluster` that answers every question alike, whatever is asked."""

    name = "odd"

    def __init__(self, table: Table, objects: Sequence[Any], text: Text) -> None:
        self._table, self._objects, self._text = table, objects, text

    async def table(self, *_: Any, **__: Any) -> Table:
        """The rows."""
        return self._table

    async def objects(self, *_: Any, **__: Any) -> Sequence[Any]:
        """The objects."""
        return self._objects

    async def object(self, *_: Any, **__: Any) -> Any:
        """The first of the objects."""
        return self._objects[0] if self._objects else {}

    async def text(self, *_: Any, **__: Any) -> Text:
        """The text."""
        return self._text

    async def now(self) -> datetime:
        """The time of all fakes."""
        return NOW


async def assert_never_passes(
    check: ClusterCheck,
    healthy: Iterable[Mapping[str, Any]] = (),
    target: Target | None = None,
    *,
    now: datetime = NOW,
    **around: Any,
) -> None:
    """Assert that a check passes on no empty cluster, on none that cannot be read, and on no answer of another shape.

    Args:
        check: the check.
        healthy: manifests on which it passes (this is asserted too); then each of its reads fails in turn. Without
            them all that it declares fails on an empty cluster, which says less.
        target: what the run updates to.
        now: the API server's clock.
        around: any other field of the context, as in :func:`context`.
    """
    manifests, reads = list(healthy), set(check.reads)
    if manifests:
        cluster = FakeCluster(manifests, now=now)
        outcome = await _outcome(check, cluster, target, around)
        assert outcome is Outcome.PASSED, f"{check.name} does not pass on what is healthy: {outcome}"
        reads = set(cluster.asked)  # what else it may read depends on its parameters
    for what, bad in _bad_clusters(reads, manifests, now):
        outcome = await _outcome(check, bad, target, around)
        assert outcome is not Outcome.PASSED, f"{check.name} passes {what}"


def _bad_clusters(
    reads: Iterable[Resource], manifests: Sequence[Mapping[str, Any]], now: datetime
) -> Iterator[tuple[str, Cluster]]:
    yield "on an empty cluster", FakeCluster(texts=_NOTHING)
    yield "on an API server without a cluster", bare_cluster(now)
    for resource in reads:
        for error in _ERRORS:
            cluster = FakeCluster(manifests, now=now)
            cluster.fail(resource, error)
            yield f"although {resource} cannot be read ({type(error).__name__})", cluster
    nothing = Table(("Name",), ())
    for text in _ODD_TEXTS:
        yield f"where the answer is {text}", OddCluster(nothing, [], text)
    for odd in _odd_objects():
        yield f"where an object is {odd}", OddCluster(Table(("Name",), ((odd,),)), [odd], _ODD_TEXTS[0])


def _odd_objects() -> Iterator[Mapping[str, Any]]:
    """Objects that cannot be told apart; one with a name and no more may be healthy."""
    yield {}
    for value in _ODD_VALUES:
        yield {"metadata": value}
        yield {"metadata": {"name": value, "namespace": "odd"}, "status": {"phase": "Running"}}


async def _outcome(check: ClusterCheck, cluster: Cluster, target: Target | None, around: Mapping[str, Any]) -> Outcome:
    """What the runner would make of the answer: an error is an outcome too."""
    given: ClusterContext = context(cluster, target, **around)
    try:
        return (await check.run(given)).outcome
    except CouldNotLook:
        return Outcome.ERROR
