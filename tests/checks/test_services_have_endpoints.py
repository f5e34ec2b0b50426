"""services-have-endpoints: Services and EndpointSlices -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.services_have_endpoints import SERVICES, SLICES, ServicesHaveEndpoints
from gatekeeper.check import BadAnswer, Forbidden, NotFound
from gatekeeper.testing import FakeCluster, ask, assert_finding

CHECK = ServicesHaveEndpoints()


def service(
    name: str = "web", namespace: str = "shop", ingress: Any = None, *, leaving: bool = False, **spec: Any
) -> Any:
    stamp = {"deletionTimestamp": "2026-11-23T09:00:00Z"} if leaving else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, **stamp},
        "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": [{"port": 80}], **spec},
        "status": {"loadBalancer": {"ingress": ingress} if ingress else {}},
    }


def endpoint(pod: str | None = "web-1", address: str = "10.0.0.1", **conditions: bool) -> Any:
    target = {"targetRef": {"kind": "Pod", "name": pod}} if pod else {}
    return {"addresses": [address], "conditions": {"ready": True, "serving": True, **conditions}, **target}


def endpoints(*found: Any, service: str = "web", name: str = "web-abc", namespace: str = "shop", **more: Any) -> Any:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": list(found) or None,
        "ports": [{"port": 80}],
        **more,
    }


IP, HOST = [{"ip": "20.0.0.1"}], [{"hostname": "lb.example.com"}]


@pytest.mark.parametrize(
    "manifests",
    [
        [service(), endpoints(endpoint())],
        [service(), endpoints(endpoint(), endpoint("web-2", ready=False))],
        [service(), endpoints(), endpoints(endpoint(), name="web-def")],
        [service(), endpoints({"addresses": ["10.0.0.1"]})],
        [service(clusterIP="None"), endpoints(endpoint())],
        [service(clusterIP="None", ports=None), endpoints(endpoint(), ports=None)],
        [service(type="LoadBalancer", ingress=IP), endpoints(endpoint())],
        [service(type="LoadBalancer", ingress=HOST), endpoints(endpoint())],
    ],
)
async def test_a_service_that_someone_answers_for_passes(manifests: list[Any]) -> None:
    assert_finding(await ask(CHECK, FakeCluster(manifests)), "passed", "all of 1 Service can be reached", codes=[])


@pytest.mark.parametrize(
    "slices",
    [
        [endpoints()],
        [endpoints(endpoint(ready=False))],
        [endpoints(endpoint(serving=False))],
        [endpoints(endpoint(terminating=True))],
        [endpoints({"addresses": []})],
        [endpoints({"conditions": {"ready": True}})],
        [endpoints({"addresses": ["10.0.0.1"], "conditions": {"ready": "yes"}})],
        [endpoints(endpoint(), ports=None)],
    ],
)
async def test_a_service_that_nobody_answers_for_fails(slices: list[Any]) -> None:
    finding = await ask(
        CHECK, FakeCluster([service("ok"), endpoints(endpoint(), service="ok", name="ok"), service(), *slices])
    )

    assert_finding(finding, "failed", "1 of 2 Services cannot be reached, 0 allowed: shop/web has 0 ready of")
    assert [each.code for each in finding.evidence] == ["ServiceNotReady"]
    look = "kubectl -n shop get endpointslices -l kubernetes.io/service-name=web -o yaml"
    assert finding.evidence[0].hint.startswith(look)


@pytest.mark.parametrize("ingress", [None, [{}]])
async def test_a_load_balancer_without_an_address_fails(ingress: Any) -> None:
    pending = service(type="LoadBalancer", ingress=ingress)

    finding = await ask(CHECK, FakeCluster([pending, endpoints(endpoint())]))

    assert_finding(finding, "failed", "no address of a load balancer", codes=["LoadBalancerPending"])


@pytest.mark.parametrize(
    ("manifests", "code"),
    [
        ([service()], "EndpointSliceMissing"),
        ([service(), endpoints(endpoint(), service="other")], "EndpointSliceMissing"),
        ([service(), endpoints(endpoint(), namespace="pay")], "EndpointSliceMissing"),
        ([service(leaving=True), endpoints(endpoint())], "ServiceTerminating"),
    ],
)
async def test_what_cannot_be_told_is_inconclusive(manifests: list[Any], code: str) -> None:
    assert_finding(await ask(CHECK, FakeCluster(manifests)), "inconclusive", "0 of 1 Service cannot", codes=[code])


async def test_so_many_endpoints_must_be_ready_and_a_pod_counts_once() -> None:
    two = ServicesHaveEndpoints(min_ready=2)
    both_families = endpoints(endpoint(address="fd00::1"), name="web-v6", addressType="IPv6")

    once = await ask(two, FakeCluster([service(), endpoints(endpoint()), both_families]))
    twice = await ask(two, FakeCluster([service(), endpoints(endpoint(), endpoint("web-2")), both_families]))
    bare = await ask(two, FakeCluster([service(), endpoints(endpoint(None), endpoint(None, "10.0.0.2"))]))

    assert_finding(once, "failed", "has 1 ready of 2 endpoints, 2 needed")
    assert_finding(twice, "passed")
    assert_finding(bare, "passed")


async def test_services_without_a_selector_and_external_names_are_left_out_and_counted() -> None:
    outside = [service("a", selector=None), service("b", selector={}), service("c", type="ExternalName")]

    assert_finding(await ask(CHECK, FakeCluster([service(), endpoints(endpoint()), *outside])), "passed", "3 without")
    assert_finding(await ask(CHECK, FakeCluster(outside)), "inconclusive", "none of 3 Services selects pods")
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "none of 0 Services")


async def test_what_is_scaled_to_zero_on_purpose_may_be_allowed() -> None:
    cluster = FakeCluster([service(), endpoints()])

    assert_finding(await ask(ServicesHaveEndpoints(allow=("shop/w*",)), cluster), "passed", "1 allowed to be without")
    assert_finding(await ask(ServicesHaveEndpoints(allow=("pay/*",)), cluster), "failed")


@pytest.mark.parametrize(
    ("allowed", "outcome"), [(0, "failed"), (1, "inconclusive"), (2, "passed"), ("66%", "inconclusive")]
)
async def test_so_many_services_may_be_without(allowed: object, outcome: str) -> None:
    cluster = FakeCluster(
        [service(), endpoints(), service("b"), service("c"), endpoints(endpoint(), service="c", name="c")]
    )

    finding = await ask(ServicesHaveEndpoints.model_validate({"maxWithout": allowed}), cluster)

    assert_finding(finding, outcome, "1 of 3 Services cannot be reached, 1 unclear")


async def test_only_the_chosen_namespaces_are_judged() -> None:
    there = [service(namespace="pay"), endpoints(endpoint(), namespace="pay")]
    cluster = FakeCluster([service(), endpoints(), *there])

    assert_finding(
        await ask(ServicesHaveEndpoints.model_validate({"namespaces": {"include": ["pay"]}}), cluster), "passed"
    )
    with pytest.raises(NotFound):
        await ask(ServicesHaveEndpoints.model_validate({"namespaces": {"include": ["pya"]}}), cluster)


def test_no_ready_endpoint_at_all_cannot_be_asked_for() -> None:
    with pytest.raises(ValidationError):
        ServicesHaveEndpoints(min_ready=0)


@pytest.mark.parametrize("odd", ["none", [1], {"a": 1}])
async def test_endpoints_of_another_shape_are_no_answer(odd: Any) -> None:
    class Odd(FakeCluster):
        async def objects(self, resource: Any, **kwargs: Any) -> Any:
            found = await super().objects(resource, **kwargs)
            return [{**each, "endpoints": odd} for each in found] if resource == SLICES else found

    with pytest.raises(BadAnswer):
        await ask(CHECK, Odd([service(), endpoints(endpoint())]))


@pytest.mark.parametrize("resource", [SERVICES, SLICES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster([service(), endpoints(endpoint())])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


flags = st.sampled_from([True, False, None])


@given(st.lists(st.tuples(flags, flags, flags), max_size=4), st.integers(1, 3))
async def test_it_passes_only_if_enough_endpoints_are_ready(found: list[tuple[Any, Any, Any]], needed: int) -> None:
    slices = endpoints(*(endpoint(f"p{i}", ready=a, serving=b, terminating=c) for i, (a, b, c) in enumerate(found)))

    finding = await ask(ServicesHaveEndpoints(min_ready=needed), FakeCluster([service(), slices]))

    ready = sum(a is not False and b is not False and c is not True for a, b, c in found)
    assert (finding.outcome == "passed") == (ready >= needed)


WELL = [service("ok"), endpoints(endpoint(), service="ok", name="ok")]


@pytest.mark.parametrize(("ingress", "outcome"), [(None, "failed"), (IP, "passed")])
async def test_a_load_balancer_without_a_selector_needs_an_address_too(ingress: Any, outcome: str) -> None:
    manual = service("manual", type="LoadBalancer", selector=None, ingress=ingress)

    finding = await ask(CHECK, FakeCluster([*WELL, manual]))

    assert_finding(finding, outcome, codes=["LoadBalancerPending"] if outcome == "failed" else [])


async def test_the_hint_for_a_service_without_any_endpoint_says_how_to_allow_it() -> None:
    finding = await ask(CHECK, FakeCluster([*WELL, service("idle"), endpoints(service="idle", name="idle")]))

    assert_finding(finding, "failed", "shop/idle has 0 ready of 0 endpoints, 1 needed", codes=["ServiceNotReady"])
    assert finding.evidence[0].hint.endswith("; scaled to zero on purpose? put shop/idle into allow")
