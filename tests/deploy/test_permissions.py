from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatekeeper.registry import Registry

Render = Callable[[str], dict[str, dict[str, Any]]]
PROVIDER = "Microsoft.ContainerService"


def rules(render: Render) -> list[dict[str, list[str]]]:
    found: list[dict[str, list[str]]] = render("member")["ClusterRole/fleet-gatekeeper-reader"]["rules"]
    return found


def role(root: Path, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((root / "deploy" / "azure" / name).read_text())
    return loaded


def test_a_member_is_read_and_never_written_to(render: Render) -> None:
    resources = [rule for rule in rules(render) if "resources" in rule]
    paths = [rule for rule in rules(render) if "resources" not in rule]

    assert all(rule["verbs"] == ["get", "list"] for rule in resources)
    assert paths == [{"nonResourceURLs": ["/livez", "/metrics", "/readyz", "/version"], "verbs": ["get"]}]
    assert not {"*", "secrets", "configmaps"} & {plural for rule in resources for plural in rule["resources"]}
    assert "*" not in {group for rule in resources for group in rule["apiGroups"]}


def test_the_cluster_role_allows_all_that_the_shipped_checks_read(render: Render) -> None:
    allowed = {
        (group, plural)
        for rule in rules(render)
        for group in rule.get("apiGroups", [""])
        for plural in [*rule.get("resources", []), *rule.get("nonResourceURLs", [])]
    }
    registry = Registry.discover()
    checks = [check for check in map(registry.get, registry.names()) if check is not None]

    wanted = {(resource.group, resource.plural) for check in checks for resource in check.reads}
    assert wanted <= allowed


def test_the_binding_names_one_subject_by_its_entra_object_id(render: Render) -> None:
    binding = render("member")["ClusterRoleBinding/fleet-gatekeeper-reader"]

    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "fleet-gatekeeper-reader",
    }
    assert binding["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "00000000-0000-0000-0000-000000000000"}
    ]


def test_the_fleet_role_reads_and_its_one_write_is_to_gates(root: Path) -> None:
    definition = role(root, "role.json")

    assert definition["Actions"] == [
        f"{PROVIDER}/fleets/read",
        f"{PROVIDER}/fleets/members/read",
        f"{PROVIDER}/fleets/updateRuns/read",
        f"{PROVIDER}/fleets/gates/read",
        f"{PROVIDER}/fleets/gates/write",
    ]
    assert definition["DataActions"] == []


def test_the_member_role_connects_and_reads_what_the_cluster_role_reads(render: Render, root: Path) -> None:
    definition = role(root, "member-role.json")

    names = {
        "/".join(part for part in (group, plural.removeprefix("/")) if part)
        for rule in rules(render)
        for group in rule.get("apiGroups", [""])
        # Custom resources have no data action of their own.
        if "." not in group or group.endswith(".k8s.io")
        for plural in [*rule.get("resources", []), *rule.get("nonResourceURLs", [])]
    }
    assert set(definition["DataActions"]) == {f"{PROVIDER}/managedClusters/{name}/read" for name in names}
    assert definition["Actions"][:2] == [
        f"{PROVIDER}/managedClusters/read",
        f"{PROVIDER}/managedClusters/listClusterUserCredential/action",
    ]
    assert all(action.endswith("/read") for action in definition["Actions"][2:])


def test_the_azure_roles_are_custom_roles_as_az_takes_them(root: Path) -> None:
    for name in ("role.json", "member-role.json"):
        definition = role(root, name)

        assert list(definition) == [
            "Name",
            "IsCustom",
            "Description",
            "Actions",
            "NotActions",
            "DataActions",
            "NotDataActions",
            "AssignableScopes",
        ]
        assert definition["IsCustom"] is True
        assert definition["AssignableScopes"] == ["/subscriptions/00000000-0000-0000-0000-000000000000"]


def test_the_guide_names_every_file_and_role_as_they_are(root: Path) -> None:
    guide = (root / "docs" / "azure.md").read_text()

    for path in (
        "deploy/azure/role.json",
        "deploy/azure/member-role.json",
        "deploy/kustomize/member",
        "deploy/kustomize/overlays/example",
    ):
        assert (root / path).exists()
        assert path in guide
    for name in ("role.json", "member-role.json"):
        assert f'--role "{role(root, name)["Name"]}"' in guide
    assert "system:serviceaccount:fleet-gatekeeper:fleet-gatekeeper" in guide
