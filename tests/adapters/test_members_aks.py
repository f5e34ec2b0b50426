from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, Self

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from gatekeeper.adapters.arm import Arm
from gatekeeper.adapters.members_aks import AksMembers
from gatekeeper.adapters.members_doors import Listeners
from gatekeeper.adapters.members_kubeconfigs import AksKubeconfigs, Pace
from gatekeeper.adapters.tokens import AKS_SCOPE, TokenSource
from gatekeeper.cluster import Resource
from gatekeeper.doors import Members
from gatekeeper.emulator.clock import ScaledClock
from gatekeeper.emulator.fleet import FleetEmulator
from gatekeeper.emulator.kube import KubeCluster as Emulated
from gatekeeper.emulator.kube import KubeServer
from gatekeeper.emulator.kube.tls import make_authority
from gatekeeper.errors import BadAnswer, CouldNotLook, Forbidden, NotFound, Throttled, Unauthorized, Unreachable
from gatekeeper.model import Member
from tests.adapters.kube_scripts import certificate_pair, served

NODES = Resource("", "v1", "nodes")
SUBSCRIPTION = "00000000-0000-0000-0000-00000000000A"
EU_1 = Member(
    "eu-1",
    f"/SUBSCRIPTIONS/{SUBSCRIPTION}/resourcegroups/RG-1/providers/Microsoft.ContainerService/ManagedClusters/Aks-1",
)


class Credential:
    """Gives tokens ``t1``, ``t2``, ... that live for so many seconds, or raises."""

    def __init__(self, life: float = 3600) -> None:
        self.life = life
        self.asked: list[tuple[str, ...]] = []
        self.error: Exception | None = None

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked.append(scopes)
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return AccessToken(f"t{len(self.asked)}", int(time.time() + self.life))

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


async def test_a_token_is_shared_by_all_who_ask_at_once() -> None:
    credential = Credential()
    source = TokenSource(credential)

    headers = await asyncio.gather(*(source.header() for _ in range(50)))

    assert set(headers) == {"Bearer t1"}
    assert credential.asked == [("6dae42f8-4368-4678-94ff-3960e28e3630/.default",)]
    assert await source.header() == "Bearer t1"


async def test_a_token_is_renewed_when_it_has_five_minutes_left() -> None:
    source = TokenSource(Credential(life=299))

    assert [await source.header() for _ in range(2)] == ["Bearer t1", "Bearer t2"]


async def test_an_old_token_is_used_while_it_lives_when_no_new_one_can_be_had() -> None:
    credential = Credential(life=120)
    source = TokenSource(credential)
    await source.header()
    credential.error = ServiceRequestError("no route")

    assert await source.header() == "Bearer t1"


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (ClientAuthenticationError("AADSTS700016: no such application"), Unauthorized),
        (ServiceRequestError("no route"), Unreachable),
        (ValueError("no tenant"), Unauthorized),
        (FileNotFoundError("token"), Unauthorized),
        (TimeoutError(), CouldNotLook),
    ],
)
async def test_no_foreign_exception_leaks_from_the_token(foreign: Exception, ours: type[CouldNotLook]) -> None:
    credential = Credential()
    credential.error = foreign

    with pytest.raises(ours):
        await TokenSource(credential).header()


@pytest.fixture
async def server() -> AsyncIterator[KubeServer]:
    async with KubeServer([Emulated("eu-1"), Emulated("eu-2")]) as server:
        yield server


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class Azure:
    """What ``listClusterUserCredential`` gives out: the text of a kubeconfig, or an error."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def __call__(self, _: Member) -> str:
        self.calls += 1
        answer = self.answers[min(self.calls, len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def aks(stack: AsyncExitStack, azure: Azure, warnings: list[Any] | None = None, life: float = 3600) -> Members:
    told: list[Any] = [] if warnings is None else warnings
    listeners = Listeners(on_warning=lambda *each: told.append(each))
    members = AksMembers(TokenSource(Credential(life)), azure, listeners=listeners)
    stack.push_async_callback(members.close)
    return members


async def test_the_plugin_of_an_aks_kubeconfig_is_replaced_by_our_token(
    server: KubeServer, stack: AsyncExitStack
) -> None:
    server.clusters["eu-1"].access.tokens = {"t1"}
    azure = Azure(server.kubeconfig("eu-1", auth="exec"))
    members = aks(stack, azure)

    first, second = await asyncio.gather(members.connect(EU_1), members.connect(EU_1))

    assert first is second
    assert (await first.table(NODES)).rows == ()
    assert azure.calls == 1


async def test_a_token_that_ends_is_renewed_between_two_requests(server: KubeServer, stack: AsyncExitStack) -> None:
    server.clusters["eu-1"].access.tokens = {"t2"}
    cluster = await aks(stack, Azure(server.kubeconfig("eu-1", auth="exec")), life=200).connect(EU_1)

    with pytest.raises(Unauthorized):
        await cluster.table(NODES)

    assert (await cluster.table(NODES)).rows == ()


def config(**cluster: Any) -> str:
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": cluster}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"exec": {"command": "kubelogin"}}}],
        }
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "its kubeconfig is not YAML"),
        ("", "is not a kubeconfig"),
        ("x" * 2_000_000, "more than 1,048,576 characters"),
        ("contexts: []", "has no current context"),
        ("contexts: [{name: a}, {name: b}]", "has no current context"),
        (config(), "not a usable URL"),
        (config(server="https://h"), "names no certificate authority"),
        (config(server="https://h", **{"insecure-skip-tls-verify": True}), "names no certificate authority"),
        (config(server="http://10.0.0.1"), "must be https"),
        (config(server="https://h", **{"certificate-authority": "/etc/passwd"}), "may not name a file"),
    ],
)
async def test_a_kubeconfig_that_leads_nowhere_safe_is_refused(text: str, words: str, stack: AsyncExitStack) -> None:
    with pytest.raises(BadAnswer, match=f"eu-1: .*{words}"):
        await aks(stack, Azure(text)).connect(EU_1)


async def test_a_cluster_without_entra_is_entered_with_its_certificate_and_told(stack: AsyncExitStack) -> None:
    certificate, key = (base64.b64encode(each).decode() for each in certificate_pair())
    document = json.loads(config(server="https://127.0.0.1:1", **{"certificate-authority-data": certificate}))
    document["users"][0]["user"] = {
        "client-certificate-data": certificate,
        "client-key-data": key,
        "token": "an-admin-token",
    }
    warnings: list[Any] = []

    cluster = await aks(stack, Azure(json.dumps(document)), warnings).connect(EU_1)

    assert cluster.name == "eu-1"
    assert [name for name, _ in warnings] == ["eu-1"]
    assert "administrator" in warnings[0][1]


async def test_a_kubeconfig_is_fetched_anew_after_its_cluster_moved(
    server: KubeServer, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.adapters.members_doors._AGAIN", 0.0)
    stranger = base64.b64encode(make_authority().ca_pem).decode()
    before = config(server=server.url_of("eu-1"), **{"certificate-authority-data": stranger})
    azure = Azure(before, server.kubeconfig("eu-1", auth="exec"))
    members = aks(stack, azure)

    with pytest.raises(Unreachable):
        await (await members.connect(EU_1)).table(NODES)

    assert (await (await members.connect(EU_1)).table(NODES)).rows == ()
    assert azure.calls == 2


async def test_a_kubeconfig_is_not_fetched_more_than_once_a_minute(stack: AsyncExitStack) -> None:
    azure = Azure(config(server="http://127.0.0.1:1"))
    members = aks(stack, azure)

    for _ in range(3):
        with pytest.raises(Unreachable):
            await (await members.connect(EU_1)).table(NODES)

    assert azure.calls == 1


async def test_the_same_kubeconfig_keeps_its_connections(
    stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.adapters.members_doors._AGAIN", 0.0)
    azure = Azure(config(server="http://127.0.0.1:1"))
    members = aks(stack, azure)
    before = await members.connect(EU_1)
    with pytest.raises(Unreachable):
        await before.table(NODES)

    assert await members.connect(EU_1) is before
    assert azure.calls == 2


@pytest.mark.parametrize(("error", "kept"), [(Throttled("wait", 9.0), True), (NotFound("deleted"), False)])
async def test_the_old_way_is_kept_only_when_azure_could_not_tell_a_new_one(
    error: Exception, kept: bool, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.adapters.members_doors._AGAIN", 0.0)
    members = aks(stack, Azure(config(server="http://127.0.0.1:1"), error))
    before = await members.connect(EU_1)
    with pytest.raises(Unreachable):
        await before.table(NODES)

    if kept:
        assert await members.connect(EU_1) is before
    else:
        for _ in range(2):
            with pytest.raises(NotFound):
                await members.connect(EU_1)


async def test_the_first_calls_pass_at_once_and_then_one_by_one() -> None:
    pace = Pace(burst=3, interval=100)

    for _ in range(3):
        await pace.turn()
    with pytest.raises(Throttled) as caught:
        await pace.turn()

    assert 99 < (caught.value.retry_after or 0) <= 100


async def test_a_short_queue_is_waited_for() -> None:
    pace = Pace(burst=1, interval=0.02)
    start = time.monotonic()

    await asyncio.gather(pace.turn(), pace.turn(), pace.turn())

    assert time.monotonic() - start >= 0.04


async def test_nobody_passes_while_azure_asks_for_patience() -> None:
    pace = Pace()
    pace.shut(60)

    with pytest.raises(Throttled):
        await pace.turn()


@pytest.fixture
async def fetcher(stack: AsyncExitStack) -> Callable[[Callable[[web.Request], Any]], Any]:
    """Makes a fetcher in front of an Azure that answers just so."""

    async def make(answer: Callable[[web.Request], Any]) -> AksKubeconfigs:
        async def handler(request: web.Request) -> web.Response:
            response: web.Response = answer(request)
            return response

        url = await stack.enter_async_context(served(handler))
        arm = Arm("AzurePublic", url, Credential(), lambda *_: None)
        stack.push_async_callback(arm.close)
        return AksKubeconfigs(arm)

    return make


async def test_a_kubeconfig_is_fetched_from_azure_and_leads_to_the_cluster(
    server: KubeServer, stack: AsyncExitStack, fetcher: Any
) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}?format={request.query['format']}")
        text = base64.b64encode(server.kubeconfig("eu-1", auth="exec").encode()).decode()
        return web.json_response({"kubeconfigs": [{"name": "clusterUser", "value": text}]})

    fetch = await fetcher(answer)
    members = AksMembers(TokenSource(Credential(), AKS_SCOPE), fetch)
    stack.push_async_callback(members.close)
    cluster = await members.connect(EU_1)

    assert (await cluster.table(NODES)).rows == ()
    assert asked == [
        (
            f"POST /subscriptions/{SUBSCRIPTION}/resourceGroups/RG-1/providers/Microsoft.ContainerService"
            "/managedClusters/Aks-1/listClusterUserCredential?format=exec"
        )
    ]


async def test_a_member_of_an_emulated_fleet_is_entered(server: KubeServer, stack: AsyncExitStack) -> None:
    azure = FleetEmulator(ScaledClock(), lambda ref: server.kubeconfig(ref.name, auth="exec"))
    azure.put_fleet(SUBSCRIPTION, "RG-1", "prod").put_member("eu-2", cluster_resource_id=EU_1.cluster_resource_id)
    http = await stack.enter_async_context(TestServer(azure.app()))
    arm = Arm("AzurePublic", str(http.make_url("/")), Credential(), lambda *_: None)
    stack.push_async_callback(arm.close)
    members = AksMembers(TokenSource(Credential()), AksKubeconfigs(arm))
    stack.push_async_callback(members.close)

    cluster = await members.connect(Member("eu-2", EU_1.cluster_resource_id.lower()))

    assert (await cluster.table(NODES)).rows == ()
    assert [entry.path for entry in server.journal] == ["/api/v1/nodes"]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, {}, BadAnswer),
        (200, [], BadAnswer),
        (200, {"kubeconfigs": []}, BadAnswer),
        (200, {"kubeconfigs": [{"name": "x"}]}, BadAnswer),
        (200, {"kubeconfigs": [{"name": "x", "value": "%%%"}]}, CouldNotLook),
        (200, {"kubeconfigs": 7}, BadAnswer),
        (401, {"error": {"code": "AuthenticationFailed", "message": "no"}}, Unauthorized),
        (403, {"error": {"code": "AuthorizationFailed", "message": "no"}}, Forbidden),
        (404, {"error": {"code": "ResourceNotFound", "message": "no"}}, NotFound),
        (500, "oops", CouldNotLook),
    ],
)
async def test_no_foreign_exception_leaks_from_azure(
    status: int, body: Any, error: type[CouldNotLook], fetcher: Any
) -> None:
    fetch = await fetcher(lambda _: web.json_response(body, status=status))

    with pytest.raises(error):
        await fetch(EU_1)


async def test_a_429_keeps_the_whole_subscription_waiting(fetcher: Any) -> None:
    calls = 0

    def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.json_response({}, status=429, headers={"Retry-After": "30"})

    fetch = await fetcher(answer)

    with pytest.raises(Throttled) as first:
        await fetch(EU_1)
    with pytest.raises(Throttled) as second:
        await fetch(Member("eu-2", EU_1.key.replace("aks-1", "aks-2")))

    assert first.value.retry_after == 30.0
    assert 29 < (second.value.retry_after or 0) <= 30
    assert calls == 1


async def test_a_member_that_is_no_aks_cluster_is_named(fetcher: Any) -> None:
    fetch = await fetcher(lambda _: web.json_response({}))

    with pytest.raises(BadAnswer, match="arc-1 is not an AKS cluster"):
        await fetch(
            Member("arc-1", "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Kubernetes/connectedClusters/a")
        )
