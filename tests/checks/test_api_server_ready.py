"""api-server-ready: answers of /readyz and /livez -> finding."""

from __future__ import annotations

import pytest

from checks.api_server_ready import ApiServerReady
from gatekeeper.check import Forbidden, Resource, Text
from gatekeeper.testing import FakeCluster, ask, assert_finding

NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "aks-user-1"}}
READY = Text(200, "[+]ping ok\n[+]log ok\n[+]shutdown ok\nreadyz check passed\n")
SICK = Text(500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n")


async def test_a_healthy_api_server_passes() -> None:
    finding = await ask(ApiServerReady(), FakeCluster([NODE], texts={"/readyz?verbose": READY}))

    assert_finding(finding, "passed", "ready and alive", codes=[])


async def test_what_is_not_ok_is_named() -> None:
    finding = await ask(ApiServerReady(), FakeCluster([NODE], texts={"/readyz?verbose": SICK}))

    assert_finding(
        finding,
        "failed",
        "1 health check of the API server is not ok",
        codes=["HealthCheckFailed"],
        subjects=["/readyz etcd"],
    )


async def test_a_server_that_lives_no_more_fails_even_if_it_is_ready() -> None:
    dead = Text(500, "[-]ping failed: reason withheld\nlivez check failed\n")

    finding = await ask(ApiServerReady(), FakeCluster([NODE], texts={"/livez?verbose": dead}))

    assert_finding(finding, "failed", subjects=["/livez ping"])


async def test_the_short_form_of_the_answer_passes_too() -> None:
    finding = await ask(ApiServerReady(), FakeCluster([NODE], texts={"/readyz?verbose": Text(200, "ok")}))

    assert_finding(finding, "passed")


@pytest.mark.parametrize(
    "answer",
    [
        Text(200, ""),
        Text(200, "<html>Sign in</html>"),
        Text(200, "readyz check passed\n"),
        Text(200, "[+]ping ok\n"),
        Text(200, "[+]ping ok\nlivez check passed\n"),
        Text(200, "[+]ping ok\nsurprise\nreadyz check passed\n"),
        Text(200, "ok\nreadyz check failed\n"),
        Text(404, "404 page not found"),
        Text(500, "readyz check failed\n"),
        Text(503, "ok"),
        Text(302, ""),
    ],
)
async def test_any_other_answer_is_inconclusive(answer: Text) -> None:
    finding = await ask(ApiServerReady(), FakeCluster([NODE], texts={"/readyz?verbose": answer}))

    assert_finding(finding, "inconclusive", f"/readyz answered {answer.status}", codes=["HealthUnclear"])


async def test_a_line_that_says_failed_outweighs_the_status() -> None:
    lies = Text(200, "[-]etcd failed: reason withheld\nreadyz check passed\n")

    assert_finding(await ask(ApiServerReady(), FakeCluster([NODE], texts={"/readyz?verbose": lies})), "failed")


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([NODE])
    cluster.fail(Resource.path("/livez"), Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(ApiServerReady(), cluster)


async def test_without_a_node_nothing_is_proven() -> None:
    assert_finding(await ask(ApiServerReady(), FakeCluster()), "inconclusive", "but the cluster has no nodes")
