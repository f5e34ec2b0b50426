"""What stands in every cluster before anyone applies anything."""

from __future__ import annotations

from gatekeeper.emulator.kube.kinds import built_in
from gatekeeper.emulator.kube.manifests import Manifest

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def of_every_cluster() -> list[Manifest]:
    """Return the first namespaces, an APIService per group and version, and the API server's own Service."""
    versions = sorted({(resource.group, resource.version) for resource in built_in()})
    return [
        *(namespace(name) for name in NAMESPACES),
        *(api_service(group, version) for group, version in versions),
        *_api_server_service(),
    ]


def namespace(name: str) -> Manifest:
    """Return an active Namespace."""
    labels = {"kubernetes.io/metadata.name": name}
    return {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": labels},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def api_service(group: str, version: str) -> Manifest:
    """Return the APIService of a group that the API server itself serves."""
    return {
        "kind": "APIService",
        "apiVersion": "apiregistration.k8s.io/v1",
        "metadata": {
            "name": f"{version}.{group}",
            "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"},
        },
        "spec": {"group": group, "version": version, "groupPriorityMinimum": 17_500, "versionPriority": 15},
        "status": {
            "conditions": [
                {
                    "type": "Available",
                    "status": "True",
                    "reason": "Local",
                    "message": "Local APIServices are always available",
                }
            ]
        },
    }


def _api_server_service() -> list[Manifest]:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    service = {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.0.0.1",
            "clusterIPs": ["10.0.0.1"],
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 443}],
        },
        "status": {"loadBalancer": {}},
    }
    endpoints = {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.2"], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "protocol": "TCP", "port": 443}],
    }
    return [service, endpoints]
