"""api-services: APIServices -> finding."""

from __future__ import annotations

from typing import Any

import pytest

from checks.api_services import API_SERVICES, ApiServices
from gatekeeper.check import NODES, BadAnswer, Forbidden
from gatekeeper.testing import FakeCluster, ask, assert_finding

CHECK = ApiServices()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "aks-user-1"}}


def api_service(
    name: str = "v1beta1.metrics.k8s.io", status: str | None = "True", service: bool = True, reason: str = ""
) -> Any:
    condition = {"type": "Available", "status": status, "reason": reason, "message": "no response\nfrom 10.0.0.1"}
    backend = {"service": {"namespace": "kube-system", "name": "metrics-server"}} if service else {}
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name},
        "spec": backend,
        "status": {"conditions": [condition] if status else []},
    }


LOCAL = [api_service("v1.", service=False), api_service("v1.apps", service=False)]


async def test_available_services_pass_by_their_rows_alone() -> None:
    cluster = FakeCluster([NODE, *LOCAL, api_service()])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "passed", "all 3 APIServices are available, 1 of them by other servers", codes=[])
    assert cluster.asked == [API_SERVICES, NODES]


async def test_one_that_is_not_available_fails_with_its_reason() -> None:
    finding = await ask(CHECK, FakeCluster([NODE, *LOCAL, api_service(status="False", reason="MissingEndpoints")]))

    assert_finding(
        finding,
        "failed",
        "1 of 3 APIServices are not available: v1beta1.metrics.k8s.io False (MissingEndpoints)",
        subjects=["APIService v1beta1.metrics.k8s.io"],
    )
    assert finding.evidence[0].observed == "Available is False: MissingEndpoints no response from 10.0.0.1"
    assert "kubectl -n kube-system get endpointslices" in finding.evidence[0].hint


@pytest.mark.parametrize("status", ["Unknown", "true", "Maybe", None])
async def test_one_that_does_not_say_is_inconclusive(status: str | None) -> None:
    finding = await ask(CHECK, FakeCluster([NODE, *LOCAL, api_service(status=status)]))

    assert_finding(finding, "inconclusive", "1 of 3 APIServices are not known to be available")


async def test_a_local_service_that_fails_is_named_too() -> None:
    finding = await ask(CHECK, FakeCluster([NODE, api_service("v1.", "False", service=False)]))

    assert_finding(finding, "failed", subjects=["APIService v1."])


async def test_what_is_ignored_does_not_count() -> None:
    cluster = FakeCluster([NODE, *LOCAL, api_service(status="False")])

    assert_finding(await ask(ApiServices(ignore=("*.metrics.k8s.io",)), cluster), "passed", "all 2 APIServices")
    assert_finding(await ask(ApiServices(ignore=("*",)), cluster), "inconclusive")


async def test_no_services_at_all_are_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "there is no APIService")


async def test_the_evidence_is_bounded() -> None:
    many = [api_service(f"v1.g{i:02}.example.com", "False") for i in range(30)]

    finding = await ask(CHECK, FakeCluster([NODE, *many]))

    assert_finding(finding, "failed", "30 of 30")
    assert len(finding.evidence) == 21


async def test_a_name_that_is_none_is_no_answer() -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([NODE, api_service("v1; rm -rf", "False")]))


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([NODE, *LOCAL])
    cluster.fail(API_SERVICES, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


async def test_without_a_node_nothing_is_proven() -> None:
    assert_finding(await ask(CHECK, FakeCluster(LOCAL)), "inconclusive", "but the cluster has no nodes")
