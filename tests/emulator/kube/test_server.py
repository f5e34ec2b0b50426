"""The server over real HTTP: TLS, paths, faults, journal, and the official client."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any

import aiohttp
import pytest
from kubernetes.aio import client, config
from ruamel.yaml import YAML

from gatekeeper.emulator.kube import Auth, KubeCluster, KubeServer, aks_cluster

HEADERS = {"Authorization": "Bearer token"}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def get(server: KubeServer, path: str, base: str | None = None, **headers: str) -> tuple[int, bytes, Any]:
    context = ssl.create_default_context(cadata=server.ca_pem.decode()) if server.ca_pem else True
    url = (base if base is not None else server.url_of("north")) + path
    async with aiohttp.ClientSession(headers={**HEADERS, **headers}) as session, session.get(url, ssl=context) as found:
        return found.status, await found.read(), found.headers


def parsed(server: KubeServer, *names: str, auth: Auth = "token") -> Any:
    return YAML(typ="safe", pure=True).load(server.kubeconfig(*names, auth=auth))


async def official(server: KubeServer) -> client.ApiClient:
    make = config.new_client_from_config_dict  # this part of the client has no types
    made: client.ApiClient = await make(parsed(server), context="north")  # type: ignore[no-untyped-call]
    return made


async def test_a_certificate_of_our_own_authority_is_shown(server: KubeServer) -> None:
    status, body, headers = await get(server, "/readyz")

    assert (status, body) == (200, b"ok")
    assert headers["Date"] == "Mon, 02 Mar 2026 12:00:00 GMT"


async def test_a_client_that_does_not_know_the_authority_refuses(server: KubeServer) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(server.url_of("north") + "/readyz")


async def test_plain_http_and_a_cluster_at_the_root_are_possible(cluster: KubeCluster) -> None:
    async with KubeServer(root=cluster, tls=False) as server:
        status, body, _ = await get(server, "/api/v1/namespaces/shop/pods/db-0", base=server.url)

    assert status == 200
    assert b'"name":"db-0"' in body


async def test_clusters_are_apart(server: KubeServer) -> None:
    server.add(aks_cluster("south", "v1.33.5", pools={"user": (1, "user")}))

    assert b"v1.33.5" in (await get(server, "/version", base=server.url_of("south")))[1]
    assert b"v1.34.2" in (await get(server, "/version"))[1]
    assert (await get(server, "/members/west/version", base=server.url))[0] == 404
    with pytest.raises(ValueError, match="'south' already"):
        server.add(KubeCluster("south"))


async def test_the_official_client_reads_objects_through_the_kubeconfig(server: KubeServer) -> None:
    api_client = await official(server)
    async with api_client:
        core = client.CoreV1Api(api_client)
        nodes = await core.list_node(label_selector="kubernetes.azure.com/mode=user")
        page = await core.list_namespaced_pod("shop", limit=2)
        version = await client.VersionApi(api_client).get_code()
        with pytest.raises(client.ApiException) as missing:
            await core.read_namespaced_pod("nosuch", "shop")

    assert len(nodes.items) == 3
    assert page.metadata is not None
    assert (len(page.items), page.metadata.remaining_item_count) == (2, 6)
    assert version.git_version == "v1.34.2"
    assert missing.value.status == 404


async def test_the_official_client_accepts_every_generated_object(server: KubeServer) -> None:
    api_client = await official(server)
    async with api_client:
        core, apps = client.CoreV1Api(api_client), client.AppsV1Api(api_client)
        lists: list[Any] = [
            await core.list_node(),
            await core.list_pod_for_all_namespaces(),
            await core.list_namespace(),
            await core.list_service_for_all_namespaces(),
            await apps.list_deployment_for_all_namespaces(),
            await apps.list_replica_set_for_all_namespaces(),
            await apps.list_stateful_set_for_all_namespaces(),
            await apps.list_daemon_set_for_all_namespaces(),
            await client.PolicyV1Api(api_client).list_pod_disruption_budget_for_all_namespaces(),
            await client.CoordinationV1Api(api_client).list_lease_for_all_namespaces(),
            await client.DiscoveryV1Api(api_client).list_endpoint_slice_for_all_namespaces(),
            await client.ApiregistrationV1Api(api_client).list_api_service(),
        ]

    assert [found.kind for found in lists if not found.items] == []


async def test_the_official_client_reads_tables(server: KubeServer) -> None:
    api_client = await official(server)
    async with api_client:
        answer = await api_client.call_api(
            "GET",
            f"{server.url_of('north')}/api/v1/nodes?includeObject=None",
            header_params={"Accept": TABLE, **HEADERS},
        )
        body = json.loads(await answer.read())  # type: ignore[no-untyped-call]

    assert [row["cells"][1] for row in body["rows"]] == ["Ready"] * 4


async def test_a_kubeconfig_of_aks_leaves_the_token_to_kubelogin(server: KubeServer) -> None:
    server.add(KubeCluster("south"))
    both, one = parsed(server), parsed(server, "south", auth="exec")
    command = one["users"][0]["user"]["exec"]

    assert [context["name"] for context in both["contexts"]] == ["north", "south"]
    assert one["current-context"] == "south"
    assert one["clusters"][0]["cluster"]["server"] == server.url_of("south")
    assert command["command"] == "kubelogin"
    assert "6dae42f8-4368-4678-94ff-3960e28e3630" in command["args"]
    assert parsed(server, auth="none")["users"][0]["user"] == {}


async def test_every_request_is_in_the_journal(server: KubeServer) -> None:
    await get(server, "/api/v1/pods?limit=2&includeObject=None", Accept=TABLE)
    await get(server, "/nothing")
    first, second = server.journal.of("north")

    assert (first.method, first.path, first.query) == ("GET", "/api/v1/pods", "limit=2&includeObject=None")
    assert (first.accept, first.status) == (TABLE, 200)
    assert first.size > 1_000
    assert second.status == 404


async def test_an_unreachable_cluster_drops_the_connection(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("unreachable")

    with pytest.raises(aiohttp.ClientConnectionError):
        await get(server, "/readyz")

    cluster.faults.clear()

    assert (await get(server, "/readyz"))[0] == 200


async def test_a_hanging_request_ends_with_its_client(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("hang", path="^/api/v1/nodes")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await get(server, "/api/v1/nodes")

    assert (await get(server, "/readyz"))[0] == 200


async def test_a_server_stops_although_a_request_hangs(cluster: KubeCluster) -> None:
    fault = cluster.faults.add("hang", times=1)
    async with KubeServer([cluster]) as server:
        request = asyncio.create_task(get(server, "/readyz"))
        while fault.times:  # noqa: ASYNC110 - the fault is no part of asyncio
            await asyncio.sleep(0.001)

    with pytest.raises(aiohttp.ClientError):
        await request
    assert [entry.status for entry in server.journal] == [0]


async def test_a_fault_of_a_status_is_over_after_its_times(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("status", path="/nodes", status=503, times=2)
    answers = [(await get(server, "/api/v1/nodes"))[0] for _ in range(3)]

    assert answers == [503, 503, 200]


async def test_a_fault_can_say_anything(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("status", path="text", status=502, body="<html>", headers={"Retry-After": "7"})
    cluster.faults.add("status", path="json", status=200, body={"kind": "Surprise"})
    status, body, headers = await get(server, "/text")

    assert (status, body, headers["Retry-After"]) == (502, b"<html>", "7")
    assert (await get(server, "/json"))[1] == b'{"kind":"Surprise"}'


async def test_a_late_answer_is_the_right_one(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("delay", seconds=0.01)

    assert (await get(server, "/readyz"))[:2] == (200, b"ok")


async def test_a_malformed_body_is_no_json(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("malformed")
    status, body, _ = await get(server, "/api/v1/nodes")

    assert status == 200
    assert body.endswith(b"<html>")


async def test_a_truncated_body_is_noticed(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("truncated")

    with pytest.raises(aiohttp.ClientPayloadError):
        await get(server, "/api/v1/nodes")


async def test_a_huge_body_is_as_large_as_asked(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("huge", size=1_000_000)
    status, body, _ = await get(server, "/api/v1/nodes")

    assert status == 200
    assert len(body) > 1_000_000


async def test_a_page_expires_in_the_middle_of_a_list(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.faults.add("expiredPage", times=1)
    api_client = await official(server)
    async with api_client:
        core = client.CoreV1Api(api_client)
        first = await core.list_pod_for_all_namespaces(limit=5)
        assert first.metadata is not None
        token = first.metadata._continue
        with pytest.raises(client.ApiException) as expired:
            await core.list_pod_for_all_namespaces(limit=5, _continue=token)
        second = await core.list_pod_for_all_namespaces(limit=5, _continue=token)

    assert (expired.value.status, expired.value.reason) == (410, "Gone")
    assert '"reason":"Expired"' in str(expired.value.body)
    assert len(second.items) == 5


async def test_a_token_that_is_not_known_is_refused(server: KubeServer, cluster: KubeCluster) -> None:
    cluster.access.tokens = {"other"}

    assert (await get(server, "/api/v1/nodes"))[0] == 401


def test_an_unknown_fault_or_a_broken_pattern_is_an_error(cluster: KubeCluster) -> None:
    with pytest.raises(ValueError, match="earthquake"):
        cluster.faults.add("earthquake")
    with pytest.raises(Exception, match="unterminated"):
        cluster.faults.add("hang", path="[")
