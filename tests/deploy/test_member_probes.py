from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatekeeper.permissions import probe_role
from gatekeeper.registry import Registry

Render = Callable[[str], dict[str, dict[str, Any]]]
NAMESPACE = "fleet-gatekeeper-probes"


def test_all_of_it_stands_in_one_namespace_and_nothing_counts_beyond(render: Render) -> None:
    manifests = render("member-probes")

    assert sorted(manifests) == [
        f"Namespace/{NAMESPACE}",
        "Role/fleet-gatekeeper-prober",
        "RoleBinding/fleet-gatekeeper-prober",
    ]
    assert {each["metadata"].get("namespace", NAMESPACE) for each in manifests.values()} == {NAMESPACE}


def test_the_namespace_takes_restricted_pods_only(render: Render) -> None:
    labels = render("member-probes")[f"Namespace/{NAMESPACE}"]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_jobs_may_be_run_and_deleted_and_nothing_else_be_changed(render: Render) -> None:
    rules = render("member-probes")["Role/fleet-gatekeeper-prober"]["rules"]

    changing = [rule for rule in rules if set(rule["verbs"]) - {"get", "list"}]
    assert changing == [{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list"]}]


def test_the_role_is_the_generated_one(root: Path) -> None:
    role = root / "deploy" / "kustomize" / "member-probes" / "role.yaml"

    assert role.read_text() == probe_role(Registry.discover())


def test_both_roles_are_bound_to_the_same_subject(render: Render) -> None:
    probing = render("member-probes")["RoleBinding/fleet-gatekeeper-prober"]
    reading = render("member")["ClusterRoleBinding/fleet-gatekeeper-reader"]

    assert probing["subjects"] == reading["subjects"]
    assert probing["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "fleet-gatekeeper-prober",
    }


def test_the_guide_and_the_readme_say_what_is_written_and_when(root: Path) -> None:
    guide, readme = ((root / path).read_text() for path in ("docs/azure.md", "README.md"))

    assert "kubectl kustomize deploy/kustomize/member-probes" in guide
    assert "unless you install the prober role" in readme
