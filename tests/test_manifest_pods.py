"""What a selector takes, what a pod requests, and when certificates end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gatekeeper.check import BadAnswer, certificate_ends, pod_requests, selects


def expression(operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "app", "operator": operator} | ({"values": list(values)} if values else {})]}


@pytest.mark.parametrize(
    ("selector", "web", "bare"),
    [
        (None, False, False),
        ({}, True, True),
        ({"matchLabels": {"app": "web"}}, True, False),
        ({"matchLabels": {"app": "web", "tier": "front"}}, False, False),
        (expression("In", "web", "api"), True, False),
        (expression("NotIn", "web"), False, True),
        (expression("Exists"), True, False),
        (expression("DoesNotExist"), False, True),
        ({"matchLabels": {"app": "web"}, **expression("NotIn", "api")}, True, False),
    ],
)
def test_a_selector_takes_what_the_api_server_would(selector: Any, web: bool, bare: bool) -> None:
    takes = selects(selector, "it")

    assert takes({"app": "web"}) is web
    assert takes({}) is bare
    assert takes(None) is bare


@pytest.mark.parametrize(
    "selector", ["app=web", {"matchLabels": {"app": "a,b"}}, {"matchLabels": {"app": 1}}, expression("Like", "w")]
)
def test_a_selector_that_is_none_is_no_answer(selector: Any) -> None:
    with pytest.raises(BadAnswer):
        selects(selector, "it")


def container(cpu: str, name: str = "c", **more: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [container("500m"), container("1")]}, "1.5"),
        ({"containers": [container("1")], "initContainers": [container("3")]}, "3"),
        ({"containers": [container("1")], "initContainers": [container("500m", restartPolicy="Always")]}, "1.5"),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("500m", restartPolicy="Always"), container("2")],
            },
            "2.5",
        ),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, "1.25"),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "4"}}}, "4"),
        ({"containers": [{"name": "c"}]}, "0"),
    ],
)
def test_a_pod_requests_what_the_scheduler_reserves(spec: Any, cpu: str) -> None:
    assert pod_requests({"spec": spec}, ["cpu", "pods"]) == {"cpu": Decimal(cpu), "pods": Decimal(1)}


def test_a_pod_that_is_resized_requests_the_larger_value() -> None:
    status = {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "2"}, "resources": {}}]}

    assert pod_requests({"spec": {"containers": [container("1")]}, "status": status}, ["cpu"])["cpu"] == 2


@pytest.mark.parametrize("requests", [{"cpu": "lots"}, {"cpu": True}, ["cpu"], "1"])
def test_requests_of_another_shape_are_no_answer(requests: Any) -> None:
    with pytest.raises(BadAnswer):
        pod_requests({"spec": {"containers": [{"name": "c", "resources": {"requests": requests}}]}}, ["cpu"])


@pytest.mark.parametrize("pem", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_holds_no_certificate_is_no_answer(pem: bytes) -> None:
    with pytest.raises(BadAnswer, match="it is no bundle of certificates"):
        certificate_ends(pem, "it")
