"""admission-webhooks: webhook configurations, Services, EndpointSlices and certificates -> finding."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from checks.admission_webhooks import MUTATING, VALIDATING, AdmissionWebhooks
from gatekeeper.check import METRICS, REQUESTS, SERVICES, SLICES, BadAnswer, Finding, Forbidden, Text
from gatekeeper.notebook import Notebooks
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding
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

    assert cluster.asked == [MUTATING, VALIDATING, SERVICES, SLICES, METRICS]


@pytest.mark.parametrize("client", [{}, {"url": 1}, {"service": {"name": "a b", "namespace": "x"}}, {"service": {}}])
async def test_a_webhook_that_leads_nowhere_is_no_answer(client: Any) -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([configuration(client=client)]))


@pytest.mark.parametrize("resource", [MUTATING, VALIDATING, SERVICES, SLICES, METRICS])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster([configuration(), service(), endpoints(True)])
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


def refused(
    count: float, name: str = "a.example.com", step: str = "validating", why: str = "calling_webhook_error"
) -> str:
    labels = f'error_type="{why}",name="{name}",operation="CREATE",rejection_code="0",type="{step}"'
    return f"apiserver_admission_webhook_rejection_count{{{labels}}} {count}"


class Story:
    """Looks at one member, minutes apart, with one notebook."""

    def __init__(self, check: AdmissionWebhooks = CHECK, *objects: Any) -> None:
        self.check = check
        self.objects = objects or (configuration(), service(), endpoints(True, True))
        self.page = Notebooks(lambda: NOW).of(check, "c1")

    async def look(self, minute: float, *lines: str, started: int = 7) -> Finding:
        always = (f"{REQUESTS} 1", "apiserver_admission_webhook_rejection_count_other 9")
        body = "\n".join([*always, *lines, f"process_start_time_seconds {started}", ""])
        now = NOW + timedelta(minutes=minute)
        cluster = FakeCluster([NODE, *self.objects], texts={"/metrics": Text(200, body)}, now=now)
        return await ask(self.check, cluster, notebook=self.page)


async def test_calls_that_are_seen_to_fail_fail_however_well_the_webhook_looks() -> None:
    story = Story()

    begun = await story.look(0)
    rose = await story.look(1, refused(2), refused(1, why="calling_webhook_error", step="admit"))
    still = await story.look(5, refused(2))
    quiet = await story.look(6, refused(2))

    assert_finding(begun, "passed", codes=[])
    assert_finding(rose, "failed", "policy: calls to it fail", codes=["WebhookCallsFail"])
    assert_finding(still, "failed", "more refused writes were seen 4m ago", codes=["WebhookCallsFail"])
    assert_finding(quiet, "passed", "1 note", codes=["WebhookCallsFailed"])
    assert "2 writes were refused since the API server started" in quiet.evidence[0].observed
    assert "; none for 5m" in quiet.evidence[0].observed


async def test_at_the_first_look_after_a_failure_it_is_not_known_whether_calls_still_fail() -> None:
    story = Story()

    first, second, third = [await story.look(minute, refused(3)) for minute in (0, 4, 5)]

    assert_finding(
        first, "inconclusive", "1 admission webhook still fail is not known yet", codes=["WebhookCallsFailed"]
    )
    assert_finding(second, "inconclusive", "watched for only 4m of 5m", codes=["WebhookCallsFailed"])
    assert_finding(third, "passed", "1 note", codes=["WebhookCallsFailed"])


async def test_a_webhook_that_is_called_where_nobody_looks_is_told_by_its_calls() -> None:
    story = Story(CHECK, configuration(kind="Mutating", client={"url": "https://hooks.example.com"}, ca=None))

    await story.look(0, refused(3, step="admit"))
    finding = await story.look(1, refused(4, step="admit"))

    assert_finding(finding, "failed", codes=["WebhookCallsFail", "WebhookNotSeen"])


@pytest.mark.parametrize(
    "line",
    [
        refused(9, why="no_error"),
        refused(9, why="apiserver_internal_error"),
        refused(9, name="gone.example.com"),
        refused(9, step="admit"),
    ],
)
async def test_what_a_webhook_refuses_itself_and_the_calls_of_others_do_not_count(line: str) -> None:
    story = Story()
    await story.look(0)

    assert_finding(await story.look(1, line), "passed", codes=[])


async def test_refusals_are_compared_with_those_of_the_same_replica_and_count_on_all() -> None:
    story = Story()
    await story.look(0, refused(2))
    await story.look(6, refused(2))

    other = await story.look(7, refused(1), started=8)
    rose = await story.look(8, refused(3))
    meanwhile = await story.look(9, started=9)
    fallen = await story.look(14, refused(1))

    assert_finding(other, "inconclusive", codes=["WebhookCallsFailed"])
    assert_finding(rose, "failed", codes=["WebhookCallsFail"])
    assert_finding(meanwhile, "failed", codes=["WebhookCallsFail"])
    assert_finding(fallen, "inconclusive", codes=["WebhookCallsFailed"])


async def test_what_one_replica_said_lately_is_not_undone_by_another_that_has_refused_nothing() -> None:
    """A sweep reaches any of the replicas."""
    story = Story()

    first = await story.look(0, refused(3))
    other = await story.look(1, started=8)
    later = await story.look(5, started=8)

    assert_finding(first, "inconclusive", codes=["WebhookCallsFailed"])
    assert_finding(other, "inconclusive", "watched for only 1m of 5m", codes=["WebhookCallsFailed"])
    assert_finding(later, "passed", codes=[])


async def test_a_write_that_was_refused_while_nobody_looked_does_not_say_that_calls_fail_now() -> None:
    """The last gate was last week, or before the update, which moved the webhook's own pod."""
    story = Story()
    await story.look(0, refused(3))

    again = await story.look(9000, refused(4))
    new = await story.look(9001, refused(4), refused(1, name="b.example.com"))
    later = await story.look(9005, refused(4))

    assert_finding(again, "inconclusive", "4 writes were refused", codes=["WebhookCallsFailed"])
    assert_finding(new, "inconclusive", "watched for only 1m of 5m", codes=["WebhookCallsFailed"])
    assert_finding(later, "passed", "1 note", codes=["WebhookCallsFailed"])


async def test_where_metrics_are_forbidden_it_says_what_can_be_done() -> None:
    cluster = FakeCluster([configuration(), service(), endpoints(True)])
    cluster.fail(METRICS, Forbidden("c1: GET /metrics: 403"))

    with pytest.raises(Forbidden, match="GET /metrics: 403; without that right, say refusals: ignored"):
        await ask(CHECK, cluster)


async def test_refused_writes_can_be_reported_or_ignored() -> None:
    reported, ignored = Story(AdmissionWebhooks(refusals="reported")), Story(AdmissionWebhooks(refusals="ignored"))
    for story in (reported, ignored):
        await story.look(0, refused(1))

    assert_finding(await reported.look(1, refused(2)), "passed", codes=["WebhookCallsFail"])
    assert_finding(await ignored.look(1, refused(2)), "passed", codes=[])


async def test_metrics_are_read_only_where_a_webhook_fails_closed() -> None:
    cluster = FakeCluster([configuration(failurePolicy="Ignore"), service(), endpoints(True, True)])

    assert_finding(await ask(CHECK, cluster), "passed")
    assert METRICS not in cluster.asked


@pytest.mark.parametrize(
    "body",
    [
        "",
        "up 1\n",
        f"{REQUESTS} 1\napiserver_admission_webhook_rejection_count 1\n",
        f"{REQUESTS} 1\n{refused(float('nan'))}\n",
    ],
)
async def test_metrics_of_another_shape_are_no_answer(body: str) -> None:
    here = [configuration(), service(), endpoints(True, True)]

    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster(here, texts={"/metrics": Text(200, body)}))
