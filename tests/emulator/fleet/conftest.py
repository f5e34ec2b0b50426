"""One fleet on a driven clock, and the official SDK clients in front of it over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservicefleet.aio import ContainerServiceFleetMgmtClient

from gatekeeper.emulator.clock import DrivenClock
from gatekeeper.emulator.fleet import Fleet, FleetEmulator, MemberRef

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
START = datetime(2026, 7, 1, 12, tzinfo=UTC)

NewRun = Callable[..., dict[str, Any]]


class _Credential:
    """A credential whose token never changes."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("a-token", 2**31)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None: ...


class _PlainBearer(SansIOHTTPPolicy[Any, Any]):
    """Sends the token over plain HTTP, which the SDK's own policy refuses to do."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = "Bearer a-token"


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock(START)


@pytest.fixture
def emulator(clock: DrivenClock) -> FleetEmulator:
    def kubeconfig_of(member: MemberRef) -> str:
        return f"# kubeconfig of {member.name}"

    return FleetEmulator(clock, kubeconfig_of)


@pytest.fixture
def fleet(emulator: FleetEmulator) -> Fleet:
    """A fleet with members a1 and a2 in group a, b1 in group b, c1 in group c."""
    fleet = emulator.put_fleet(SUBSCRIPTION, "rg-fleet", "prod")
    for name in ("a1", "a2", "b1", "c1"):
        fleet.put_member(name, group=name[0], labels={"tier": "gold"})
    return fleet


@pytest.fixture
def new_run(fleet: Fleet) -> NewRun:
    """Create and start a run of the stages given; return it as ARM shows it."""

    def create(*stages: Mapping[str, Any], name: str = "run-1", start: bool = True) -> dict[str, Any]:
        upgrade = {"upgrade": {"type": "Full", "kubernetesVersion": "1.33.0"}, "nodeImageSelection": {"type": "Latest"}}
        strategy = {"strategy": {"stages": list(stages)}} if stages else {}
        fleet.create_run(name, {"managedClusterUpdate": upgrade, **strategy})
        if start:
            fleet.runs.start(name)
        return fleet.run(name)

    return create


@pytest.fixture
async def server(emulator: FleetEmulator) -> AsyncIterator[TestServer]:
    server = TestServer(emulator.app())
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def http(server: TestServer) -> AsyncIterator[ClientSession]:
    async with ClientSession(server.make_url("/"), headers={"Authorization": "Bearer a-token"}) as session:
        yield session


@pytest.fixture
async def sdk(server: TestServer) -> AsyncIterator[ContainerServiceFleetMgmtClient]:
    async with ContainerServiceFleetMgmtClient(
        _Credential(),
        SUBSCRIPTION,
        base_url=str(server.make_url("/")).rstrip("/"),
        authentication_policy=_PlainBearer(),
        polling_interval=0.001,
        retry_total=0,
    ) as client:
        yield client


@pytest.fixture
async def aks(server: TestServer) -> AsyncIterator[ContainerServiceClient]:
    async with ContainerServiceClient(
        _Credential(),
        SUBSCRIPTION,
        base_url=str(server.make_url("/")).rstrip("/"),
        authentication_policy=_PlainBearer(),
        retry_total=0,
    ) as client:
        yield client
