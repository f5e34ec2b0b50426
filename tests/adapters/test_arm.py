"""The door to Resource Manager: where requests go, as whom, how often, and how much is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from aiohttp import web

from gatekeeper import __version__
from gatekeeper.adapters import arm_pipeline
from gatekeeper.adapters.arm import Arm
from gatekeeper.adapters.credentials import TokenFileCredential
from gatekeeper.errors import BadAnswer, ConfigError, CouldNotLook, Forbidden, ServerFault, Unauthorized
from gatekeeper.model import Gate
from tests.adapters.arm_scripts import (
    GUID,
    REF,
    SUBSCRIPTION,
    TOKEN,
    StaticCredential,
    answering,
    door_to,
    gate_body,
)
from tests.adapters.kube_scripts import served

GATE = Gate(REF, GUID, "check", "Approval", "Pending", "run-1", "stage1", None, "Before", '"e-1"')


def nobody(_operation: str, _reason: str) -> None: ...


@pytest.mark.parametrize(
    ("cloud", "endpoint", "scope"),
    [
        ("AzurePublic", "https://management.azure.com", "https://management.azure.com/.default"),
        (
            "AzureUSGovernment",
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net/.default",
        ),
        ("AzureChina", "https://management.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"),
    ],
)
async def test_a_cloud_has_its_endpoint_and_scope(cloud: str, endpoint: str, scope: str) -> None:
    arm = Arm(cloud, None, StaticCredential(), nobody)

    assert arm.endpoint == endpoint
    assert arm.options()["credential_scopes"] == [scope]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://management.example",
        "http://10.0.0.1",
        "http://localhost.example",
        "http://127.0.0.1@evil.example",
        "https://user:secret@arm.example",
        "https://arm.example/?a=b",
        "https://arm.example/#x",
        "https://arm.example/{subscription}",
        "ftp://127.0.0.1",
        "arm.example",
        "https://",
        "https://arm.example:port",
        "https://arm.example\n",
    ],
)
async def test_an_endpoint_that_could_lose_the_token_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError, match=r"^azure\.endpoint"):
        Arm("AzurePublic", endpoint, StaticCredential(), nobody)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:1", "http://localhost", "http://[::1]:80/", "HTTPS://arm.example"]
)
async def test_plain_http_on_loopback_and_https_anywhere_are_accepted(endpoint: str) -> None:
    assert Arm("AzurePublic", endpoint, StaticCredential(), nobody).endpoint == endpoint.rstrip("/")


async def test_an_unknown_cloud_is_refused() -> None:
    with pytest.raises(ConfigError, match="AzureMoon"):
        Arm("AzureMoon", None, StaticCredential(), nobody)


async def test_a_request_carries_the_token_and_our_name() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response(gate_body())

    async with door_to(answer) as door:
        await door.fleet.gate(GUID)

    assert seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen[0].headers["User-Agent"] == f"gatekeeper/{__version__}"
    assert seen[0].query["api-version"] == "2026-06-01"


async def test_clients_are_made_once_per_subscription_whatever_its_case() -> None:
    arm = Arm("AzurePublic", "http://127.0.0.1:1", StaticCredential(), nobody)

    assert arm.fleets("AB") is arm.fleets("ab")
    assert arm.fleets("AB") is not arm.fleets("cd")
    assert arm.clusters("AB") is arm.clusters("ab")
    await arm.close()


async def test_the_managed_clusters_client_goes_through_the_same_door() -> None:
    async with door_to(answering({"error": {"code": "AuthorizationFailed", "message": "no"}}, 403)) as door:
        clusters = door.arm.clusters(SUBSCRIPTION).managed_clusters
        with pytest.raises(Forbidden, match=r"^clusters\.credential: HTTP 403 AuthorizationFailed: no$"):
            async with door.arm.translate("clusters.credential"):
                await clusters.list_cluster_user_credentials("rg", "aks-1", format="exec")

    assert door.errors == [("clusters.credential", "forbidden")]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}])
async def test_no_status_makes_a_request_go_out_twice(status: int, headers: dict[str, str]) -> None:
    methods: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        methods.append(request.method)
        return web.json_response({}, status=status, headers=headers)

    async with door_to(answer) as door:
        with pytest.raises(CouldNotLook):
            await door.fleet.gate(GUID)
        with pytest.raises(CouldNotLook):
            await door.fleet.complete_gate(GATE)

    assert methods == ["GET", "PATCH"]


async def test_a_read_is_repeated_once_after_a_broken_connection() -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            assert request.transport is not None
            request.transport.close()
        return web.json_response(gate_body())

    async with door_to(answer) as door:
        gate = await door.fleet.gate(GUID)

    assert (gate, asked, door.errors) == (GATE, 2, [])


async def test_an_approval_is_not_repeated_after_a_broken_connection() -> None:
    methods: list[str] = []

    async def hang_up(request: web.Request) -> web.Response:
        methods.append(request.method)
        if request.method == "PATCH":
            assert request.transport is not None
            request.transport.close()
        return web.json_response(gate_body())

    async with door_to(hang_up) as door:
        await door.fleet.gate(GUID)  # so that the PATCH travels on a connection that was used before
        with pytest.raises(CouldNotLook):
            await door.fleet.complete_gate(GATE)

    assert methods == ["GET", "PATCH"]


async def test_a_claims_challenge_is_answered_for_reads_only() -> None:
    methods: list[str] = []

    async def challenge(request: web.Request) -> web.Response:
        methods.append(request.method)
        claims = 'Bearer error="insufficient_claims", claims="e30="'
        return web.json_response({}, status=401, headers={"WWW-Authenticate": claims})

    async with door_to(challenge) as door:
        with pytest.raises(Unauthorized):
            await door.fleet.gate(GUID)
        with pytest.raises(Unauthorized):
            await door.fleet.complete_gate(GATE)

    assert methods == ["GET", "GET", "PATCH"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.json_response({}, status=status, headers={"Location": "/elsewhere"})

    async with door_to(answer) as door:
        with pytest.raises(ServerFault, match="redirects are not followed"):
            await door.fleet.gate(GUID)
        with pytest.raises(ServerFault, match="redirects are not followed"):
            await door.fleet.complete_gate(GATE)

    assert len(paths) == 2
    assert "/elsewhere" not in paths


async def test_the_token_goes_to_no_other_server_than_the_endpoint() -> None:
    visits: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        visits.append(request.headers.get("Authorization", ""))
        return web.json_response({"value": []})

    async with served(elsewhere) as other, door_to(answering({"value": [], "nextLink": f"{other}/more"})) as door:
        with pytest.raises(BadAnswer, match="points to another server"):
            await door.fleet.pending_gates()

    assert visits == []


async def test_a_server_of_this_machine_may_call_itself_by_its_other_name() -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        if request.path.startswith("/more"):
            return web.json_response({"value": []})
        return web.json_response({"value": [], "nextLink": f"http://localhost:{request.url.port}/more"})

    async with door_to(answer) as door:
        await door.fleet.pending_gates()

    assert paths[1:] == ["/more"]


@pytest.mark.parametrize("compressed", [False, True])
async def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, *, compressed: bool
) -> None:
    monkeypatch.setattr(arm_pipeline, "LARGEST_ANSWER", 10_000)
    body = b'{"value": ["' + b"x" * 1_000_000 + b'"]}'

    async def answer(_request: web.Request) -> web.Response:
        if compressed:
            return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        return web.Response(body=body)

    async with door_to(answer) as door:
        with pytest.raises(BadAnswer, match="larger than 10,000 bytes"):
            await door.fleet.pending_gates()


async def test_a_compressed_answer_is_read() -> None:
    async def answer(_request: web.Request) -> web.Response:
        response = web.json_response(gate_body())
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with door_to(answer) as door:
        assert await door.fleet.gate(GUID) == GATE


async def test_without_a_token_nothing_is_sent(tmp_path: Path) -> None:
    visits: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        visits.append(request.path)
        return web.json_response({})

    async with served(answer) as url:
        arm = Arm("AzurePublic", url, TokenFileCredential(tmp_path / "token"), nobody)
        with pytest.raises(Unauthorized, match=r"^gates\.get: no token could be had: the token file .* cannot be read"):
            async with arm.translate("gates.get"):
                await arm.fleets(SUBSCRIPTION).gates.get("rg", "prod", GUID)
        await arm.close()

    assert visits == []
