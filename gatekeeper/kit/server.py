"""What an API server says of itself."""

from __future__ import annotations

from gatekeeper.answers import json_of
from gatekeeper.cluster import Cluster
from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import at, say


async def server_version(cluster: Cluster) -> str:
    """The ``gitVersion`` that ``/version`` tells, such as ``v1.34.2``; declare ``Resource.path("/version")``.

    Raises:
        CouldNotLook: it does not tell it.
    """
    answer = await cluster.text("/version")
    version = at(json_of(answer.body, "/version"), "gitVersion") if answer.status == 200 else None
    if not isinstance(version, str):
        raise BadAnswer(f"/version answered {answer.status} without a gitVersion")
    return say(version, 80)
