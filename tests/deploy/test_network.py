from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Render = Callable[[str], dict[str, dict[str, Any]]]


def test_the_service_leads_to_the_pod(render: Render) -> None:
    manifests = render("base")

    service = manifests["Service/fleet-gatekeeper"]["spec"]
    assert service == {
        "type": "ClusterIP",
        "selector": {"app.kubernetes.io/name": "fleet-gatekeeper"},
        "ports": [{"name": "http-metrics", "port": 8080, "targetPort": "http-metrics"}],
    }
    assert service["selector"] == manifests["Deployment/fleet-gatekeeper"]["spec"]["selector"]["matchLabels"]


def test_the_network_policy_lets_names_and_https_out_and_metrics_in(render: Render) -> None:
    policy = render("overlays/example")["NetworkPolicy/fleet-gatekeeper"]["spec"]

    assert policy["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "fleet-gatekeeper"}}
    assert policy["policyTypes"] == ["Egress", "Ingress"]
    assert policy["egress"] == [
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}, {"port": 443, "protocol": "TCP"}]}
    ]
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"port": 8080, "protocol": "TCP"}]]


def test_the_prometheus_component_scrapes_the_service(render: Render, root: Path, tmp_path: Path) -> None:
    folders = [root / "deploy" / "kustomize" / name for name in ("base", "components/prometheus")]
    base, component = (os.path.relpath(folder, tmp_path.resolve()) for folder in folders)
    (tmp_path / "kustomization.yaml").write_text(
        f"namespace: fleet-gatekeeper\nresources: [{base}]\ncomponents: [{component}]\n"
    )

    manifests = render(str(tmp_path.resolve()))

    monitor = manifests["ServiceMonitor/fleet-gatekeeper"]["spec"]
    service = manifests["Service/fleet-gatekeeper"]
    assert monitor["selector"]["matchLabels"] == service["metadata"]["labels"]
    assert [(endpoint["port"], endpoint["path"]) for endpoint in monitor["endpoints"]] == [("http-metrics", "/metrics")]
