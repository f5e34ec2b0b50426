"""ARM ids, GUIDs, ETags and timestamps, in the spelling that the service uses."""

from __future__ import annotations

import random
import uuid
from copy import deepcopy
from datetime import datetime
from typing import Any

from gatekeeper.emulator.clock import Clock

PROVIDER = "Microsoft.ContainerService"


def fleet_id(subscription: str, resource_group: str, name: str) -> str:
    """Return a fleet's id."""
    return f"/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{PROVIDER}/fleets/{name}"


def cluster_id(subscription: str, resource_group: str, name: str) -> str:
    """Return a managed cluster's id; AKS spells `resourcegroups` in lower case (recorded)."""
    return f"/subscriptions/{subscription}/resourcegroups/{resource_group}/providers/{PROVIDER}/managedClusters/{name}"


def operation_id(subscription: str, location: str, name: str) -> str:
    """Return the id of a long-running operation."""
    return f"/subscriptions/{subscription}/providers/{PROVIDER}/locations/{location}/operations/{name}"


def timestamp(at: datetime) -> str:
    """Return RFC 3339 as Go writes it: UTC, and no zeros at the end of the fraction."""
    fraction = f"{at.microsecond:06d}".rstrip("0")
    return f"{at:%Y-%m-%dT%H:%M:%S}{'.' + fraction if fraction else ''}Z"


class Guids:
    """Lowercase GUIDs, the same row of them for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - names, not secrets

    def new(self) -> str:
        """Return the next one."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


class Etags:
    """Gives every resource an ETag that changes whenever what is shown of the resource changes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0
        self._seen: dict[str, tuple[dict[str, Any], str]] = {}

    def stamp(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return `body` (it must have an `id`) with its `eTag`, quotes inside the string (recorded)."""
        key = body["id"].lower()
        known = self._seen.get(key)
        if known is None or known[0] != body:
            self._count += 1
            seconds = int(self._clock.now().timestamp())
            known = (deepcopy(body), f'"{0x32000000 + self._count:08x}-0000-0700-0000-{seconds:08x}0000"')
            self._seen[key] = known
        return {"eTag": known[1], **body}
