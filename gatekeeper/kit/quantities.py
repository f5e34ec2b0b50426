"""Kubernetes quantities, and what a pod requests by the scheduler's own rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import at, dicts

_QUANTITY: Final = re.compile(
    r"([+-]?\d{1,40}(?:\.\d{0,40})?|[+-]?\.\d{1,40})(?:[eE]([+-]?\d{1,2})|([a-zA-Z]{1,2}))?", re.ASCII
)
REQUEST_FIELDS: Final = (
    "spec.resources.requests",
    "spec.overhead",
    "spec.containers[].name",
    "spec.containers[].resources.requests",
    "spec.initContainers[].name",
    "spec.initContainers[].resources.requests",
    "spec.initContainers[].restartPolicy",
    "status.containerStatuses[].name",
    "status.containerStatuses[].resources.requests",
    "status.containerStatuses[].allocatedResources",
    "status.initContainerStatuses[].name",
    "status.initContainerStatuses[].resources.requests",
    "status.initContainerStatuses[].allocatedResources",
)
"""All that ``pod_requests`` looks at, as the ``keep`` of a list."""
REQUEST_PARTS: Final = tuple(sorted({tuple(field.replace("[]", "").split(".")[:2]) for field in REQUEST_FIELDS}))
"""The same as the parts of an ``Alike``."""


_UNITS: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


def quantity(value: object, what: str) -> Decimal:
    """A Kubernetes quantity (``250m``, ``1.5Gi``, ``2``) as a number of its base unit: cores, bytes, pieces.

    Raises:
        BadAnswer: it is none.
    """
    found = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None or isinstance(value, bool) or (found[3] and found[3] not in _UNITS):
        raise BadAnswer(f"{what} is {value!r:.50}, which is no quantity")
    number = Decimal(found[1])
    return number * (Decimal(10) ** int(found[2]) if found[2] else _UNITS[found[3]] if found[3] else 1)


def amount(value: object, what: str) -> Decimal:
    """A quantity that is none of a debt: what a pod requests, what a node has.

    Raises:
        BadAnswer: it is no quantity, or less than nothing.
    """
    number = quantity(value, what)
    if number < 0:
        raise BadAnswer(f"{what} is {value!r:.50}, which is less than nothing")
    return number


def pod_requests(pod: object, resources: Iterable[str]) -> dict[str, Decimal]:
    """What the scheduler reserves for a pod, of each of these resources; ``pods`` is always 1.

    That is ``PodRequests`` of Kubernetes' component-helpers: the containers and sidecars together, or the largest init
    container with the sidecars before it if that is more; requests of the pod itself go before; its overhead comes on
    top. While a pod is resized in place, the larger of its values counts.

    Raises:
        BadAnswer: a request is no quantity, is negative, or stands where none can.
    """
    spec, keys = at(pod, "spec"), ("containerStatuses", "initContainerStatuses")
    statuses = {str(each.get("name")): each for key in keys for each in dicts(at(pod, "status", key), key)}
    running = [_requested(each, statuses) for each in dicts(at(spec, "containers"), "containers")]
    inits = dicts(at(spec, "initContainers"), "initContainers")
    first = [(_requested(each, statuses), each.get("restartPolicy") == "Always") for each in inits]
    own, overhead = _amounts(at(spec, "resources", "requests")), _amounts(at(spec, "overhead"))
    found = {"pods": Decimal(1)}
    for resource in set(resources) - {"pods"}:
        sidecars = peak = Decimal()
        for amounts, is_sidecar in first:
            amount = sidecars + amounts.get(resource, 0)
            peak, sidecars = max(peak, amount), amount if is_sidecar else sidecars
        total = max(sum((each.get(resource, Decimal()) for each in running), sidecars), peak)
        found[resource] = own.get(resource, total) + overhead.get(resource, 0)
    return found


def _requested(container: Mapping[str, Any], statuses: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Decimal]:
    """As asked for, as in force and as allocated; these differ during a resize only."""
    asked, status = at(container, "resources", "requests"), statuses.get(str(container.get("name")), {})
    lists = [asked, at(status, "resources", "requests"), status.get("allocatedResources")]
    several = [_amounts(each) for number, each in enumerate(lists) if each and each not in lists[:number]]
    if len(several) == 1:
        return several[0]
    names = {name for amounts in several for name in amounts}
    return {name: max(amounts.get(name, Decimal()) for amounts in several) for name in names}


def _amounts(requests: object) -> Mapping[str, Decimal]:
    if requests is None:
        return {}
    if not isinstance(requests, Mapping):
        raise BadAnswer("the requests of a container are no list of resources")
    return {
        name: _request(value) if isinstance(value, str) else amount(value, name) for name, value in requests.items()
    }


@lru_cache(maxsize=4096)
def _request(text: str) -> Decimal:
    """Ten thousand pods share a few hundred quantities."""
    return amount(text, "a request")
