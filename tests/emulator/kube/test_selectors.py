from __future__ import annotations

import pytest

from gatekeeper.emulator.kube.selectors import SelectorError, parse_fields, parse_labels, selectable

LABELS = {"app": "web", "tier": "gold", "weight": "7", "kubernetes.azure.com/agentpool": "user"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier=gold", True),
        ("app=api", False),
        ("app!=api", True),
        ("missing!=x", True),
        ("missing=x", False),
        ("app in (web, api)", True),
        ("app in (api,db),tier=gold", False),
        ("app notin (api, db)", True),
        ("missing notin (a)", True),
        ("app", True),
        ("!app", False),
        ("missing", False),
        ("!missing", True),
        ("weight>5", True),
        ("weight<5", False),
        ("tier>5", False),
        ("kubernetes.azure.com/agentpool!=system", True),
    ],
)
def test_a_label_selector_selects(selector: str, expected: bool) -> None:
    assert all(requirement.matches(LABELS) for requirement in parse_labels(selector)) is expected


@pytest.mark.parametrize("selector", ["a=b=c", "a in b", "=b", "a ~ b"])
def test_a_broken_label_selector_is_refused(selector: str) -> None:
    with pytest.raises(SelectorError, match="unable to parse requirement"):
        parse_labels(selector)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=web-0", True),
        ("metadata.namespace!=shop", False),
        ("status.phase!=Running,metadata.namespace==shop", True),
        ("spec.nodeName=", True),
        ("spec.hostNetwork=false", True),
    ],
)
def test_a_field_selector_selects_pods(selector: str, expected: bool) -> None:
    pod = {"metadata": {"name": "web-0", "namespace": "shop"}, "spec": {}, "status": {"phase": "Pending"}}

    fields = selectable(pod, "pods")

    assert all(requirement.matches(fields) for requirement in parse_fields(selector, "pods")) is expected


def test_a_node_that_is_not_cordoned_is_selected_as_schedulable() -> None:
    fields = selectable({"metadata": {"name": "n"}, "spec": {}}, "nodes")

    assert fields["spec.unschedulable"] == "false"


@pytest.mark.parametrize(("field", "plural"), [("spec.replicas=1", "deployments"), ("status.phase=x", "nodes")])
def test_a_field_that_cannot_be_selected_is_refused(field: str, plural: str) -> None:
    with pytest.raises(SelectorError, match="field label not supported"):
        parse_fields(field, plural)
