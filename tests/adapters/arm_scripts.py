"""A Resource Manager on loopback that answers just what a test wants, and the JSON of gates and runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web
from azure.core.credentials import AccessToken

from gatekeeper.adapters.arm import Arm
from gatekeeper.adapters.fleet import AzureFleet
from gatekeeper.model import FleetRef
from tests.adapters.kube_scripts import Handler, served

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
REF = FleetRef(SUBSCRIPTION, "rg-fleet", "prod")
FLEET_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-fleet/providers/Microsoft.ContainerService/fleets/prod"
GUID = "6d8270cb-0000-4000-8000-000000000001"
TOKEN = "a-secret-token"


class StaticCredential:
    """Gives one token, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        self.asked += 1
        return AccessToken(TOKEN, 2**31)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None: ...


@dataclass
class Door:
    """A fleet behind a door, and what was reported of failures."""

    arm: Arm
    fleet: AzureFleet
    errors: list[tuple[str, str]] = field(default_factory=list)


@asynccontextmanager
async def door_at(url: str) -> AsyncIterator[Door]:
    """A door to a server that is there already."""
    errors: list[tuple[str, str]] = []
    arm = Arm("AzurePublic", url, StaticCredential(), lambda operation, reason: errors.append((operation, reason)))
    try:
        yield Door(arm, AzureFleet(REF, arm), errors)
    finally:
        await arm.close()


@asynccontextmanager
async def door_to(handler: Handler) -> AsyncIterator[Door]:
    """A door to a server that answers every request with one handler."""
    async with served(handler) as url, door_at(url) as door:
        yield door


def answering(body: object, status: int = 200, **headers: str) -> Handler:
    """A handler with always the same answer; text is sent as it is, everything else as JSON."""

    async def answer(_request: web.Request) -> web.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, str):
            return web.Response(text=body, status=status, headers=names, content_type="text/html")
        return web.json_response(body, status=status, headers=names)

    return answer


def gate_body(name: str = GUID, **properties: Any) -> dict[str, Any]:
    """A Pending gate before stage1 of run-1; further properties replace its own, None takes one away."""
    own = {
        "displayName": "check",
        "gateType": "Approval",
        "provisioningState": "Succeeded",
        "state": "Pending",
        "target": target_body(),
    }
    return {
        "eTag": '"e-1"',
        "id": f"{FLEET_ID}/gates/{name}",
        "name": name,
        "properties": {key: value for key, value in (own | properties).items() if value is not None},
        "type": "Microsoft.ContainerService/fleets/gates",
    }


def target_body(run: str = "run-1", **stands: Any) -> dict[str, Any]:
    """What a gate stands before or after."""
    own = {"name": run, "stage": "stage1", "timing": "Before"} | stands
    return {
        "id": f"{FLEET_ID}/updateRuns/{run}",
        "updateRunProperties": {key: value for key, value in own.items() if value is not None},
    }


def run_body(name: str = "run-1", status: object = None, **properties: Any) -> dict[str, Any]:
    """An update run with a status."""
    return {
        "eTag": '"r-1"',
        "id": f"{FLEET_ID}/updateRuns/{name}",
        "name": name,
        "properties": {"status": status, **properties},
        "type": "Microsoft.ContainerService/fleets/updateRuns",
    }
