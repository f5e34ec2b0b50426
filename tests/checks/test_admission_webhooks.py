"""admission-webhooks: webhook configurations, Services, EndpointSlices and certificates -> finding."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from checks.admission_webhooks import MUTATING, VALIDATING, AdmissionWebhooks
from gatekeeper.check import SERVICES, SLICES, BadAnswer, Forbidden
from gatekeeper.testing import FakeCluster, ask, assert_finding
from tests.checks.webhook_builders import bundle, endpoints, service

CHECK = AdmissionWebhooks()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
PODS = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
DEPLOYMENTS = {**PODS, "apiGroups": ["apps"], "resources": ["deployments"]}
SERVICE = {"namespace": "shop", "name": "policy"}


def configuration(
    name: str = "policy", kind: str = "Validating", rules: Any = (PODS,), ca: str | None = "", **more: Any
) -> Any:
    """One that is called by a Service, with a good certificate; with None without any."""
    client = more.pop("client", {"service": SERVICE}) | ({} if ca is None else {"caBundle": ca or bundle(100)})
    webhook = {"name": "a.example.com", "clientConfig": client, "rules": list(rules), "failurePolicy": "Fail", **more}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }


async def test_a_webhook_with_ready_endpoints_passes() -> None:
    cluster = FakeCluster([configuration(), configuration(kind="Mutating"), service(), endpoints(True, True, False)])

    assert_finding(await ask(CHECK, cluster), "passed", "(2 looked at)", codes=[])


@pytest.mark.parametrize(
    ("around", "code"),
    [
        ([], "WebhookServiceMissing"),
        ([service(), endpoints()], "WebhookWithoutEndpoints"),
        ([service(), endpoints(False, False)], "WebhookWithoutEndpoints"),
        ([service(), endpoints(True, True, name="other")], "WebhookWithoutEndpoints"),
        ([service()], "WebhookWithoutEndpoints"),
        ([service(8443), endpoints(True, True)], "WebhookPortMissing"),
        ([service(), endpoints(True, True, ports=[])], "WebhookWithoutEndpoints"),
        ([service(port_name="https"), endpoints(True, True)], "WebhookWithoutEndpoints"),
    ],
)
@pytest.mark.parametrize("kind", ["Validating", "Mutating"])
async def test_one_that_fails_closed_and_cannot_be_called_fails(around: list[Any], code: str, kind: str) -> None:
    finding = await ask(CHECK, FakeCluster([configuration(kind=kind), *around]))

    assert_finding(
        finding,
        "failed",
        "1 of 1 admission webhook fails closed and cannot be called, 1 of them asked about what an update writes",
        codes=[code],
        subjects=[f"{kind}WebhookConfiguration policy: a.example.com"],
    )
    assert "it fails closed, and is asked about CREATE pods" in finding.evidence[0].observed


async def test_one_that_fails_open_is_reported() -> None:
    finding = await ask(CHECK, FakeCluster([configuration(failurePolicy="Ignore")]))

    assert_finding(finding, "passed", "; 1 note)", codes=["WebhookServiceMissing"])
    assert "it fails open" in finding.evidence[0].observed


@pytest.mark.parametrize("policy", [None, "fail", "Maybe"])
async def test_a_policy_that_is_not_ignore_fails_closed(policy: str | None) -> None:
    assert_finding(await ask(CHECK, FakeCluster([configuration(failurePolicy=policy)])), "failed")


async def test_endpoints_that_do_not_say_count_as_ready() -> None:
    assert_finding(
        await ask(CHECK, FakeCluster([configuration(), service(), endpoints(None, None)])), "passed", codes=[]
    )


async def test_a_named_port_is_found_by_its_name() -> None:
    ports = [{"name": "metrics", "port": 8080}, {"name": "https", "port": 9443}]
    cluster = FakeCluster([configuration(), service(port_name="https"), endpoints(True, True, ports=ports)])

    assert_finding(await ask(CHECK, cluster), "passed", codes=[])


async def test_webhooks_behind_one_dead_service_are_told_once() -> None:
    both = configuration()
    both["webhooks"].append({**both["webhooks"][0], "name": "b.example.com"})

    finding = await ask(CHECK, FakeCluster([both]))

    assert_finding(finding, "failed", "2 of 2 admission webhooks fail closed and cannot be called")
    assert finding.message.count("there is no Service shop/policy") == 1


@pytest.mark.parametrize("rules", [(), None])
async def test_one_without_rules_is_never_called(rules: Any) -> None:
    idle = configuration(rules=rules or ())
    idle["webhooks"][0]["rules"] = rules

    assert_finding(await ask(CHECK, FakeCluster([NODE, idle])), "passed", codes=[])


async def test_a_service_without_an_authority_fails_but_not_the_api_servers_own() -> None:
    own = {"service": {"namespace": "default", "name": "kubernetes"}}
    kubernetes = {**service(), "metadata": {"name": "kubernetes", "namespace": "default"}}
    slices = endpoints(True, True, name="kubernetes")
    slices["metadata"]["namespace"] = "default"

    nobody = await ask(CHECK, FakeCluster([configuration(ca=None), service(), endpoints(True, True)]))
    itself = await ask(CHECK, FakeCluster([configuration(ca=None, client=own), kubernetes, slices]))
    by_url = await ask(CHECK, FakeCluster([configuration(ca=None, client={"url": "https://policy.example.com"})]))

    assert_finding(nobody, "failed", "no public authority vouches for a Service", codes=["WebhookCaMissing"])
    assert_finding(itself, "passed", codes=[])
    assert_finding(by_url, "passed", codes=["WebhookNotSeen"])


async def test_one_ready_endpoint_behind_new_pods_is_reported() -> None:
    single = [service(), endpoints(True, False)]

    pods = await ask(CHECK, FakeCluster([configuration(), *single]))
    others = await ask(CHECK, FakeCluster([configuration(rules=[DEPLOYMENTS]), *single]))

    assert_finding(pods, "passed", codes=["WebhookSingleEndpoint"])
    assert_finding(others, "passed", codes=[])


async def test_what_cannot_be_seen_is_reported() -> None:
    by_url = configuration("far", client={"url": "https://policy.example.com/v"})
    named = configuration("out")

    finding = await ask(CHECK, FakeCluster([by_url, named, service(type="ExternalName")]))

    assert_finding(finding, "passed", codes=["WebhookNotSeen", "WebhookNotSeen"])
    assert_finding(
        await ask(CHECK, FakeCluster([configuration(failurePolicy="Ignore", client={"url": "https://x"})])),
        "passed",
        codes=[],
    )


@pytest.mark.parametrize(
    ("ca", "outcome", "codes"),
    [
        (bundle(100), "passed", []),
        (bundle(-1, 100), "passed", []),
        (bundle(3), "passed", ["WebhookCaEndsSoon"]),
        (bundle(-1), "failed", ["WebhookCaExpired"]),
        (bundle(-1, -9), "failed", ["WebhookCaExpired"]),
        (bundle(-1, begins=100), "failed", ["WebhookCaExpired"]),
        (bundle(begins=1), "failed", ["WebhookCaNotYetValid"]),
        (bundle(3, begins=1), "passed", ["WebhookCaEndsSoon"]),
        (b64encode(b"nothing").decode(), "failed", ["WebhookCaUnreadable"]),
        ("%", "failed", ["WebhookCaUnreadable"]),
        ("ü", "failed", ["WebhookCaUnreadable"]),
    ],
)
async def test_the_authority_must_be_valid(ca: str, outcome: str, codes: list[str]) -> None:
    around = [service(), endpoints(True, True)]

    closed = await ask(CHECK, FakeCluster([configuration(ca=ca), *around]))
    opened = await ask(CHECK, FakeCluster([configuration(ca=ca, failurePolicy="Ignore"), *around]))

    assert_finding(closed, outcome, codes=codes)
    assert_finding(opened, "passed", codes=codes)


async def test_how_soon_is_soon_can_be_said() -> None:
    cluster = FakeCluster([configuration(ca=bundle(3)), service(), endpoints(True, True)])

    assert_finding(await ask(AdmissionWebhooks(ca_ends_within=timedelta(days=1)), cluster), "passed", codes=[])


async def test_a_long_timeout_is_reported() -> None:
    cluster = FakeCluster([configuration(timeoutSeconds=30), service(), endpoints(True, True)])

    assert_finding(await ask(CHECK, cluster), "passed", codes=["WebhookTimeoutLong"])


@pytest.mark.parametrize(
    ("operations", "groups", "resources", "stops"),
    [
        (["*"], ["*"], ["*/*"], ["CREATE pods", "CREATE pods/eviction", "UPDATE nodes/status", "UPDATE leases"]),
        (["CREATE"], [""], ["pods/eviction"], ["CREATE pods/eviction"]),
        (["CREATE"], ["*"], ["*/eviction"], ["CREATE pods/eviction"]),
        (["CREATE"], [""], ["pods/*"], ["CREATE pods", "CREATE pods/eviction"]),
        (["UPDATE"], [""], ["*"], ["UPDATE nodes"]),
        (["UPDATE"], ["apps"], ["*"], []),
        (["CONNECT"], ["*"], ["*/*"], []),
        (["CREATE"], ["*"], ["deployments"], []),
    ],
)
async def test_the_writes_of_an_update_are_told(
    operations: list[str], groups: list[str], resources: list[str], stops: list[str]
) -> None:
    rule = {"operations": operations, "apiGroups": groups, "resources": resources}

    finding = await ask(CHECK, FakeCluster([configuration(rules=[rule])]))

    assert_finding(finding, "failed")
    assert all(each in finding.evidence[0].observed for each in stops)
    assert ("asked about" in finding.evidence[0].observed) == bool(stops)


async def test_what_is_ignored_does_not_count() -> None:
    cluster = FakeCluster([configuration("legacy-1"), NODE])

    assert_finding(await ask(AdmissionWebhooks(ignore=("legacy-*",)), cluster), "passed", "(0 looked at)")


async def test_a_cluster_without_webhooks_passes_if_it_has_nodes() -> None:
    assert_finding(await ask(CHECK, FakeCluster([NODE])), "passed", "(0 looked at)")
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "no nodes either")


async def test_a_service_is_read_once() -> None:
    cluster = FakeCluster([configuration("a"), configuration("b"), service(), endpoints(True, True)])

    await ask(CHECK, cluster)

    assert cluster.asked == [MUTATING, VALIDATING, SERVICES, SLICES]


@pytest.mark.parametrize("client", [{}, {"url": 1}, {"service": {"name": "a b", "namespace": "x"}}, {"service": {}}])
async def test_a_webhook_that_leads_nowhere_is_no_answer(client: Any) -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([configuration(client=client)]))


@pytest.mark.parametrize("resource", [MUTATING, VALIDATING, SERVICES, SLICES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster([configuration(), service(), endpoints(True)])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)
