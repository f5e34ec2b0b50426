"""crds-established: CustomResourceDefinitions -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.crds_established import CRDS, CrdsEstablished
from gatekeeper.check import BadAnswer, Forbidden
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding
from tests.checks.webhook_builders import bundle, endpoints, service

CHECK = CrdsEstablished()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}


def crd(
    plural: str = "widgets", stored: Any = ("v1",), served: str = "v1", deleted: float | None = None, **states: Any
) -> Any:
    """Versions v1alpha1 and v1, of which some are served; ``Established="False"``, None for a missing condition."""
    conditions = {"NamesAccepted": "True", "Established": "True", **states}
    metadata: dict[str, Any] = {"name": f"{plural}.example.com"}
    if deleted is not None:
        metadata["deletionTimestamp"] = (NOW - timedelta(minutes=deleted)).isoformat()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": plural.title()},
            "versions": [{"name": each, "served": each in served.split()} for each in ("v1alpha1", "v1")],
        },
        "status": {
            "conditions": [
                {"type": kind, "status": state, "reason": "R", "message": "m"}
                for kind, state in conditions.items()
                if state
            ],
            "storedVersions": list(stored) if isinstance(stored, tuple) else stored,
        },
    }


async def test_established_definitions_pass() -> None:
    finding = await ask(CHECK, FakeCluster([crd(), crd("gadgets")]))

    assert_finding(finding, "passed", "2 CustomResourceDefinitions looked at, all established", codes=[])


@pytest.mark.parametrize("kind", ["Established", "NamesAccepted"])
async def test_one_that_is_not_established_fails(kind: str) -> None:
    finding = await ask(CHECK, FakeCluster([crd(), crd("gadgets", deleted=None, **{kind: "False"})]))

    assert_finding(
        finding,
        "failed",
        f"1 is not in force, of 2 CustomResourceDefinitions: gadgets.example.com {kind} is False: R m",
        codes=[f"CrdNot{kind}"],
    )


@pytest.mark.parametrize("state", ["Unknown", "yes", None])
async def test_one_that_does_not_say_is_inconclusive(state: str | None) -> None:
    assert_finding(await ask(CHECK, FakeCluster([crd(Established=state)])), "inconclusive", "1 is not settled")


@pytest.mark.parametrize(("minutes", "outcome"), [(5, "inconclusive"), (30, "failed")])
async def test_one_in_deletion_is_not_settled_and_then_fails(minutes: float, outcome: str) -> None:
    finding = await ask(CHECK, FakeCluster([crd(deleted=minutes)]))

    assert_finding(finding, outcome, f"being deleted for {minutes}m", codes=["CrdTerminating"])


async def test_a_stored_version_that_is_not_defined_fails() -> None:
    finding = await ask(CHECK, FakeCluster([crd(stored=("v1beta1", "v1"))]))

    assert_finding(finding, "failed", "stores v1beta1, which it does not define", codes=["CrdStoredUnknown"])


@pytest.mark.parametrize(
    ("observed", "outcome"), [(None, "passed"), (2, "passed"), (1, "inconclusive"), ("2", "inconclusive")]
)
async def test_a_status_about_an_older_generation_settles_nothing(observed: Any, outcome: str) -> None:
    made = crd()
    made["metadata"]["generation"] = 2
    made["status"] |= {} if observed is None else {"observedGeneration": observed}

    finding = await ask(CHECK, FakeCluster([made]))

    assert_finding(finding, outcome, codes=[] if outcome == "passed" else ["CrdStale"])


async def test_a_stored_version_that_is_not_served_is_reported() -> None:
    finding = await ask(CHECK, FakeCluster([crd(stored=("v1alpha1", "v1"))]))

    assert_finding(finding, "passed", codes=["CrdStoredUnserved"])
    assert_finding(await ask(CHECK, FakeCluster([crd(stored=("v1alpha1",), served="v1alpha1 v1")])), "passed", codes=[])


async def test_what_fails_and_what_is_not_settled_are_counted_apart() -> None:
    cluster = FakeCluster([crd(), crd("gadgets", Established="False"), crd("gizmos", deleted=5), crd("a", deleted=5)])

    finding = await ask(CHECK, cluster)

    assert_finding(finding, "failed", "1 is not in force, of 4 CustomResourceDefinitions: gadgets.example.com Est")
    assert finding.message.endswith("; 2 are not settled")


async def test_stored_versions_of_another_shape_are_no_answer() -> None:
    with pytest.raises(BadAnswer, match="storedVersions"):
        await ask(CHECK, FakeCluster([crd(stored="v1beta1")]))


async def test_a_required_one_that_is_not_there_fails() -> None:
    check = CrdsEstablished(required=("gadgets.example.com",))

    assert_finding(await ask(check, FakeCluster([crd()])), "failed", "gadgets.example.com is not there")
    assert_finding(await ask(check, FakeCluster([crd("gadgets")])), "passed")
    assert_finding(await ask(check, FakeCluster([NODE])), "failed", codes=["CrdMissing"])


async def test_what_is_ignored_does_not_count() -> None:
    cluster = FakeCluster([crd(), crd("gadgets", Established="False")])

    assert_finding(
        await ask(CrdsEstablished(ignore=("gadgets.*",)), cluster), "passed", "1 CustomResourceDefinition looked at"
    )


async def test_a_cluster_without_any_passes_if_it_has_nodes() -> None:
    assert_finding(await ask(CHECK, FakeCluster([NODE])), "passed", "there is no CustomResourceDefinition")
    assert_finding(await ask(CHECK, FakeCluster()), "inconclusive", "no nodes either")


def converted(served: str = "v1alpha1 v1", ca: str | None = None, **client: Any) -> Any:
    """Two versions, converted by the Service shop/policy."""
    made = crd(served=served)
    config = client or {"service": {"namespace": "shop", "name": "policy"}}
    webhook = {"clientConfig": {"caBundle": ca or bundle(100), **config}, "conversionReviewVersions": ["v1"]}
    made["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    return made


async def test_a_conversion_that_can_be_called_passes() -> None:
    cluster = FakeCluster([NODE, converted(), service(), endpoints(True)])

    assert_finding(await ask(CHECK, cluster), "passed", "1 CustomResourceDefinition looked at", codes=[])


@pytest.mark.parametrize(
    ("definition", "around", "code"),
    [
        (converted(), [], "WebhookServiceMissing"),
        (converted(), [service(8443), endpoints(True)], "WebhookPortMissing"),
        (converted(), [service(), endpoints(False)], "WebhookWithoutEndpoints"),
        (converted(ca=bundle(-1)), [service(), endpoints(True)], "WebhookCaExpired"),
        (converted(ca="?"), [service(), endpoints(True)], "WebhookCaUnreadable"),
    ],
)
async def test_a_conversion_that_cannot_be_called_fails_unless_it_is_only_reported(
    definition: Any, around: list[Any], code: str
) -> None:
    cluster = FakeCluster([NODE, definition, *around])

    finding = await ask(CHECK, cluster)
    told = await ask(CrdsEstablished(conversion="reported"), cluster)

    subjects = ["CustomResourceDefinition widgets.example.com"]
    assert_finding(finding, "failed", "widgets.example.com cannot be converted: ", codes=[code], subjects=subjects)
    assert_finding(told, "passed", codes=[code])


async def test_a_conversion_that_ends_soon_or_is_called_by_url_is_reported() -> None:
    around = [service(), endpoints(True)]

    soon = await ask(CHECK, FakeCluster([NODE, converted(ca=bundle(3)), *around]))
    far = await ask(CHECK, FakeCluster([NODE, converted(url="https://convert.example.com/")]))

    assert_finding(soon, "passed", codes=["WebhookCaEndsSoon"])
    assert_finding(far, "passed", codes=["WebhookNotSeen"])


async def test_a_definition_of_one_version_asks_for_no_conversion() -> None:
    cluster = FakeCluster([NODE, converted(served="v1")])

    assert_finding(await ask(CHECK, cluster), "passed", codes=[])
    assert [each.plural for each in cluster.asked] == ["customresourcedefinitions"]


async def test_objects_that_may_be_stored_in_an_older_version_need_their_conversion() -> None:
    old = converted(served="v1")
    old["status"]["storedVersions"] = ["v1alpha1", "v1"]

    assert_finding(await ask(CHECK, FakeCluster([NODE, old])), "failed", "cannot be converted")


async def test_a_service_is_looked_up_once_for_all_definitions_that_it_converts() -> None:
    more = converted()
    more["metadata"]["name"] = "gadgets.example.com"
    cluster = FakeCluster([NODE, converted(), more, service(), endpoints(True)])

    assert_finding(await ask(CHECK, cluster), "passed")
    assert [each.plural for each in cluster.asked] == ["customresourcedefinitions", "services", "endpointslices"]


async def test_more_services_than_can_be_asked_about_are_no_answer() -> None:
    many = []
    for number in range(101):
        each = converted(service={"namespace": "shop", "name": f"policy-{number}"})
        each["metadata"]["name"] = f"widgets.example{number}.com"
        many.append(each)

    with pytest.raises(BadAnswer, match="more than 100 Services"):
        await ask(CHECK, FakeCluster([NODE, *many]))


async def test_a_conversion_without_a_place_is_no_answer() -> None:
    with pytest.raises(BadAnswer, match="neither a Service nor a URL"):
        await ask(CHECK, FakeCluster([NODE, converted(other=1)]))


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([crd()])
    cluster.fail(CRDS, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster)


async def test_versions_of_another_shape_are_no_answer() -> None:
    odd = crd()
    cluster = FakeCluster([odd])
    cluster._of(cluster._kinds.of("CustomResourceDefinition"))["widgets.example.com"]["spec"]["versions"] = ["v1"]

    with pytest.raises(BadAnswer):
        await ask(CHECK, cluster)
