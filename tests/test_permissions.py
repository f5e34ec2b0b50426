"""The roles that checks need in members."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatekeeper.permissions import cluster_role, probe_role, prober_roles, roles
from gatekeeper.registry import Registry
from gatekeeper.yamlfile import parse_yaml
from tests.commandline import gatekeeper

REGISTRY = Registry.discover()
JOBS = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list"]},
]
PROXY = [{"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get"]}]


def policy(folder: Path, *checks: str) -> list[Path]:
    file = folder / "policy.yaml"
    head = "apiVersion: gatekeeper/v1\nkind: GatePolicy\nmetadata: {name: some}\nmatch: {displayName: Some}\nchecks:\n"
    file.write_text(head + "".join(f"  - {check}\n" for check in checks))
    return [file]


def documents(text: str) -> dict[str, Any]:
    """The rules of each role, by its kind, name and namespace."""
    found = [document.value for document in parse_yaml(text.encode(), "roles")]
    return {
        "/".join([each["kind"], each["metadata"]["name"], each["metadata"].get("namespace", "")]): each["rules"]
        for each in found
    }


def test_what_only_reads_needs_no_more_than_the_role_for_reading(tmp_path: Path) -> None:
    reading = policy(tmp_path, "check: nodes-ready", "{check: http-probe, url: 'https://{member}.example.test/'}")

    assert prober_roles(REGISTRY, reading) == ""
    assert roles(REGISTRY, reading) == cluster_role(REGISTRY, reading)
    assert list(documents(roles(REGISTRY, reading, writes=True))) == ["ClusterRole/fleet-gatekeeper-reader/"]


@pytest.mark.parametrize(
    ("checks", "wanted"),
    [
        (["{check: dns-resolves, image: a}"], {"fleet-gatekeeper-probes": JOBS}),
        (["{check: dns-resolves, image: a, namespace: probes}"], {"probes": JOBS}),
        (["{check: http-probe, service: 'shop/web:80'}"], {"shop": PROXY}),
        (
            ["{check: http-probe, service: 'shop/web:80'}", "{check: dns-resolves, image: a, namespace: shop}"],
            {"shop": [*JOBS[:2], *PROXY, JOBS[2]]},
        ),
        (
            [
                "{check: dns-resolves, image: a}",
                "{check: http-probe, service: 'a/web:80'}",
            ],
            {"a": PROXY, "fleet-gatekeeper-probes": JOBS},
        ),
    ],
)
def test_what_a_policy_does_stands_in_a_role_of_that_namespace(
    tmp_path: Path, checks: list[str], wanted: dict[str, Any]
) -> None:
    found = documents(prober_roles(REGISTRY, policy(tmp_path, *checks)))

    rights = {key.removeprefix("Role/fleet-gatekeeper-prober/"): _flat(rules) for key, rules in found.items()}
    assert rights == {namespace: _flat(rules) for namespace, rules in wanted.items()}


def _flat(rules: list[dict[str, list[str]]]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_roles_for_all_checks_are_printed_on_request_only() -> None:
    reading, all_of_it = gatekeeper("checks", "--rbac"), gatekeeper("checks", "--rbac", "--writes")

    assert reading.out == cluster_role(REGISTRY)
    assert list(documents(all_of_it.out)) == [
        "ClusterRole/fleet-gatekeeper-reader/",
        "ClusterRole/fleet-gatekeeper-prober/",
        "Role/fleet-gatekeeper-prober/fleet-gatekeeper-probes",
    ]


def test_a_policy_that_writes_gets_its_role_without_asking(tmp_path: Path) -> None:
    done = gatekeeper("checks", "--rbac", "--policy", policy(tmp_path, "{check: dns-resolves, image: a}")[0])

    assert list(documents(done.out)) == [
        "ClusterRole/fleet-gatekeeper-reader/",
        "Role/fleet-gatekeeper-prober/fleet-gatekeeper-probes",
    ]
    assert documents(done.out)["ClusterRole/fleet-gatekeeper-reader/"] == []


def test_writes_goes_with_rbac() -> None:
    done = gatekeeper("checks", "--writes")

    assert (done.code, "so does --writes" in done.err) == (2, True)


def test_the_role_for_reading_holds_nothing_of_the_other() -> None:
    (rules,) = documents(cluster_role(REGISTRY)).values()

    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}
    assert not [each for rule in rules for each in rule.get("resources", []) if "/" in each]


def test_the_role_for_probes_is_what_those_checks_say() -> None:
    assert documents(probe_role(REGISTRY)) == {"Role/fleet-gatekeeper-prober/fleet-gatekeeper-probes": JOBS}
