from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.settings import load_settings

Render = Callable[[str], dict[str, dict[str, Any]]]

SETTINGS = sorted(Path(__file__).parents[2].glob("deploy/kustomize/**/gatekeeper.yaml"))
LAYERS = ["base", "overlays/example"]


def deployment(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = manifests["Deployment/fleet-gatekeeper"]["spec"]
    return spec


def pod(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment(manifests)["template"]["spec"]
    return spec


def container(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    [only] = pod(manifests)["containers"]
    assert isinstance(only, dict)
    return only


def settings_map(manifests: dict[str, dict[str, Any]]) -> tuple[str, dict[str, str]]:
    [(name, data)] = [
        (manifest["metadata"]["name"], manifest["data"])
        for key, manifest in manifests.items()
        if key.startswith("ConfigMap/fleet-gatekeeper-settings")
    ]
    return name, data


def test_the_base_holds_just_what_one_daemon_needs(render: Render) -> None:
    kinds = sorted(manifest["kind"] for manifest in render("base").values())

    assert kinds == [
        "ConfigMap",
        "ConfigMap",
        "Deployment",
        "Namespace",
        "PersistentVolumeClaim",
        "Service",
        "ServiceAccount",
    ]


@pytest.mark.parametrize("layer", LAYERS)
def test_everything_stands_in_one_namespace_that_takes_restricted_pods_only(render: Render, layer: str) -> None:
    manifests = render(layer)

    namespaces = {
        manifest["metadata"].get("namespace") for key, manifest in manifests.items() if "Namespace/" not in key
    }
    assert namespaces == {"fleet-gatekeeper"}
    labels = manifests["Namespace/fleet-gatekeeper"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_two_daemons_never_run_side_by_side(render: Render) -> None:
    spec = deployment(render("base"))

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_pod_meets_the_restricted_pod_security_standard(render: Render) -> None:
    spec = pod(render("base"))

    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(render("base"))["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()


def test_the_pod_is_the_managed_identity_and_nobody_in_its_own_cluster(render: Render) -> None:
    manifests = render("overlays/example")

    account = manifests["ServiceAccount/fleet-gatekeeper"]
    assert account["metadata"]["annotations"] == {
        "azure.workload.identity/client-id": "11111111-1111-1111-1111-111111111111"
    }
    assert deployment(manifests)["template"]["metadata"]["labels"] == {
        "app.kubernetes.io/name": "fleet-gatekeeper",
        "azure.workload.identity/use": "true",
    }
    assert pod(manifests)["serviceAccountName"] == "fleet-gatekeeper"
    assert (account["automountServiceAccountToken"], pod(manifests)["automountServiceAccountToken"]) == (False, False)


def test_the_probes_ask_the_web_server(render: Render) -> None:
    daemon = container(render("base"))

    probes = {kind: daemon[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {
        "startupProbe": {"path": "/healthz", "port": "http-metrics"},
        "livenessProbe": {"path": "/healthz", "port": "http-metrics"},
        "readinessProbe": {"path": "/readyz", "port": "http-metrics"},
    }
    assert daemon["ports"] == [{"name": "http-metrics", "containerPort": 8080}]


def test_memory_is_bounded_and_cpu_is_not(render: Render) -> None:
    assert container(render("base"))["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "512Mi"},
    }


def test_only_the_store_and_a_little_memory_can_be_written_to(render: Render) -> None:
    manifests = render("base")

    mounts = {
        mount["mountPath"]: (mount["name"], mount.get("readOnly", False))
        for mount in container(manifests)["volumeMounts"]
    }
    assert mounts == {
        "/etc/gatekeeper/settings": ("settings", True),
        "/etc/gatekeeper/policies": ("policies", True),
        "/var/lib/gatekeeper": ("store", False),
        "/tmp": ("tmp", False),
    }
    assert pod(manifests)["volumes"] == [
        {"name": "settings", "configMap": {"name": settings_map(manifests)[0]}},
        {"name": "policies", "configMap": {"name": "fleet-gatekeeper-policies"}},
        {"name": "store", "persistentVolumeClaim": {"claimName": "fleet-gatekeeper"}},
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
    ]


@pytest.mark.parametrize("layer", LAYERS)
def test_configmaps_are_mounted_as_folders_so_that_changes_arrive(render: Render, layer: str) -> None:
    assert all("subPath" not in mount for mount in container(render(layer))["volumeMounts"])


@pytest.mark.parametrize("layer", LAYERS)
def test_a_change_of_settings_restarts_the_pod_and_a_change_of_policies_does_not(render: Render, layer: str) -> None:
    manifests = render(layer)

    assert settings_map(manifests)[0] != "fleet-gatekeeper-settings"
    assert "ConfigMap/fleet-gatekeeper-policies" in manifests


@pytest.mark.parametrize("layer", LAYERS)
def test_the_settings_fit_the_pod_in_which_they_are_read(render: Render, layer: str, tmp_path: Path) -> None:
    manifests = render(layer)
    for name, content in settings_map(manifests)[1].items():
        (tmp_path / name).write_text(content)

    settings = load_settings(tmp_path / "gatekeeper.yaml", env={})

    mounts = [mount["mountPath"] for mount in container(manifests)["volumeMounts"]]
    assert container(manifests)["args"] == ["run", "-c", "/etc/gatekeeper/settings/gatekeeper.yaml"]
    assert [str(path) for path in settings.policies] == ["/etc/gatekeeper/policies"]
    assert {"/etc/gatekeeper/settings", "/etc/gatekeeper/policies", str(settings.store.path.parent)} <= set(mounts)
    assert settings.azure.credential == "workload-identity"
    assert (settings.web.host, settings.web.port) == ("0.0.0.0", container(manifests)["ports"][0]["containerPort"])
    grace = timedelta(seconds=pod(manifests)["terminationGracePeriodSeconds"])
    assert settings.shutdown.deadline + timedelta(seconds=5) <= grace


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.parent.name)
def test_shipped_settings_load(path: Path) -> None:
    assert load_settings(path, env={}).fleets


def test_the_image_is_that_of_this_version(render: Render, root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]

    assert container(render("base"))["image"] == f"fleet-gatekeeper:{version}"
    assert container(render("overlays/example"))["image"] == f"example.azurecr.io/fleet-gatekeeper:{version}"
