"""Member clusters that are not there: a look-alike of kube-apiserver over real HTTP, for the demo and for tests.

Manifests in, server out: what is applied to a KubeCluster is served by a KubeServer as objects, Tables and bare
metadata, with selectors, pages, discovery, health and errors as a real API server gave them. Of writes over HTTP it
takes Jobs and evictions and refuses all else, and it runs no controllers: a status is what a manifest says it is.
"""

from __future__ import annotations

from gatekeeper.emulator.kube.access import Access
from gatekeeper.emulator.kube.aks import aks_cluster, start_kubelet, stop_kubelet
from gatekeeper.emulator.kube.aks_nodes import Pool
from gatekeeper.emulator.kube.cluster import KubeCluster
from gatekeeper.emulator.kube.faults import Fault, FaultKind, Faults
from gatekeeper.emulator.kube.health import Health
from gatekeeper.emulator.kube.jobs import Course, Jobs
from gatekeeper.emulator.kube.journal import Journal
from gatekeeper.emulator.kube.kubeconfig import Auth, kubeconfig
from gatekeeper.emulator.kube.manifests import Manifest, ManifestError, load_manifests
from gatekeeper.emulator.kube.server import KubeServer

__all__ = [
    "Access",
    "Auth",
    "Course",
    "Fault",
    "FaultKind",
    "Faults",
    "Health",
    "Jobs",
    "Journal",
    "KubeCluster",
    "KubeServer",
    "Manifest",
    "ManifestError",
    "Pool",
    "aks_cluster",
    "kubeconfig",
    "load_manifests",
    "start_kubelet",
    "stop_kubelet",
]
