"""What an API server's answer to an eviction that is only tried means: pure, without any request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatekeeper.errors import BadAnswer, ServerFault, Throttled
from gatekeeper.kit.manifest import at, dicts, say
from gatekeeper.tools import Eviction


def eviction_of(status: Mapping[str, Any], http: int, ask: str) -> Eviction:
    """Read the Status; that of two budgets carries its 500 in the body, whatever the HTTP status is.

    See k8s.io/kubernetes, pkg/registry/core/pod/storage/eviction.go.

    Raises:
        CouldNotLook: it says nothing about the pod.
    """
    message = say(status.get("message"), 300)
    code = status.get("code") if isinstance(status.get("code"), int) else http
    if status.get("kind") != "Status":
        raise BadAnswer(f"{ask}: the answer is no Status")
    if status.get("status") == "Success" and http < 300:
        return Eviction(allowed=True, status=http, message=message)
    causes = dicts(at(status, "details", "causes"), "the causes of a Status")
    budget = next((each for each in causes if each.get("reason") == "DisruptionBudget"), None)
    if code == 429 and budget is not None:
        return Eviction(allowed=False, status=429, message=f"{message} {say(budget.get('message'), 300)}".strip())
    if code == 500 and "PodDisruptionBudget" in message:
        return Eviction(allowed=False, status=500, message=message)
    if code == 429:
        raise Throttled(f"{ask}: 429: {message}")
    raise ServerFault(f"{ask}: {code}: {message}")
