"""Rows of all other kinds: from our own manifests to the cells that a real server prints for such objects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.kinds import Catalogue, PrinterColumn, Resource, built_in
from gatekeeper.emulator.kube.manifests import ManifestError, clean_copy, load_manifests
from gatekeeper.emulator.kube.printers import printer_of

BORN = "creationTimestamp: 2026-03-02T11:59:30Z"  # 30 seconds before the clock of these tests
CONTAINERS = "containers: [{name: a, image: x:1}, {name: b, image: y:2}]"

CASES: dict[str, tuple[str, list[Any]]] = {
    "Node ready": (
        """spec: {}
status:
  conditions: [{type: Ready, status: "True"}]
  addresses: [{type: InternalIP, address: 10.0.0.4}]
  nodeInfo: {kubeletVersion: v1.34.2, osImage: Ubuntu, kernelVersion: "5.15", architecture: amd64,
             containerRuntimeVersion: containerd://1}""",
        ["x", "Ready", "<none>", "30s", "v1.34.2", "10.0.0.4", "<none>", "Ubuntu", "5.15 (amd64)", "containerd://1"],
    ),
    "Node unknown and cordoned": (
        'spec: {unschedulable: true}\nstatus: {conditions: [{type: Ready, status: "Unknown"}]}',
        ["x", "NotReady,SchedulingDisabled", "<none>", "30s", "", "<none>", "<none>", *["<unknown>"] * 3],
    ),
    "Deployment": (
        (
            f"spec: {{replicas: 3, selector: {{matchLabels: {{app: w}}}}, template: {{spec: {{{CONTAINERS}}}}}}}\n"
            "status: {readyReplicas: 1, updatedReplicas: 3, availableReplicas: 1}"
        ),
        ["x", "1/3", 3, 1, "30s", "a,b", "x:1,y:2", "app=w"],
    ),
    "Deployment without status": ("spec: {replicas: 2}", ["x", "0/2", 0, 0, "30s", "", "", "<none>"]),
    "ReplicaSet": (
        (
            "spec: {replicas: 2, selector: {matchExpressions: [{key: k, operator: In, values: [b, a]}]}}\n"
            "status: {replicas: 2, readyReplicas: 1}"
        ),
        ["x", 2, 2, 1, "30s", "", "", "k in (a,b)"],
    ),
    "StatefulSet": ("spec: {replicas: 3}\nstatus: {readyReplicas: 2}", ["x", "2/3", "30s", "", ""]),
    "DaemonSet": (
        (
            "spec: {template: {spec: {nodeSelector: {b: '2', a: '1'}}}}\n"
            "status: {desiredNumberScheduled: 9, currentNumberScheduled: 8, numberReady: 7, updatedNumberScheduled: 6,"
            " numberAvailable: 5}"
        ),
        ["x", 9, 8, 7, 6, 5, "a=1,b=2", "30s", "", "", "<none>"],
    ),
    "Job complete": (
        (
            "spec: {completions: 1}\nstatus: {succeeded: 1, startTime: 2026-03-02T11:00:00Z,"
            " completionTime: 2026-03-02T11:05:00Z, conditions: [{type: Complete, status: 'True'}]}"
        ),
        ["x", "Complete", "1/1", "5m", "30s", "", "", "<none>"],
    ),
    "Job failed": (
        (
            "spec: {parallelism: 4}\nstatus: {startTime: 2026-03-02T03:00:00Z,"
            " conditions: [{type: FailureTarget, status: 'True'}, {type: Failed, status: 'True'}]}"
        ),
        ["x", "Failed", "0/1 of 4", "9h", "30s", "", "", "<none>"],
    ),
    "Job suspended": (
        "spec: {completions: 2}\nstatus: {conditions: [{type: Suspended, status: 'True'}]}",
        ["x", "Suspended", "0/2", "", "30s", "", "", "<none>"],
    ),
    "CronJob": (
        "spec: {schedule: 0 3 * * *, suspend: true}\nstatus: {lastScheduleTime: 2026-03-02T03:00:00Z}",
        ["x", "0 3 * * *", "<none>", "True", 0, "9h", "30s", "", "", "<none>"],
    ),
    "PodDisruptionBudget": (
        "spec: {minAvailable: 50%}\nstatus: {disruptionsAllowed: 1}",
        ["x", "50%", "N/A", 1, "30s"],
    ),
    "PodDisruptionBudget of zero": ("spec: {maxUnavailable: 0}", ["x", "N/A", "0", 0, "30s"]),
    "PersistentVolumeClaim bound": (
        (
            "spec: {volumeName: pv, storageClassName: managed-csi, volumeMode: Filesystem}\n"
            "status: {phase: Bound, accessModes: [ReadWriteOnce], capacity: {storage: 8Gi}}"
        ),
        ["x", "Bound", "pv", "8Gi", "RWO", "managed-csi", "<unset>", "30s", "Filesystem"],
    ),
    "PersistentVolumeClaim lost": (
        "spec: {volumeName: pv}\nstatus: {phase: Lost}",
        ["x", "Lost", "pv", "0", "", "", "<unset>", "30s", "<unset>"],
    ),
    "PersistentVolume": (
        (
            "spec: {capacity: {storage: 8Gi}, accessModes: [ReadWriteMany], persistentVolumeReclaimPolicy: Delete,"
            " claimRef: {namespace: shop, name: data}}\nstatus: {phase: Bound}"
        ),
        ["x", "8Gi", "RWX", "Delete", "Bound", "shop/data", "", "<unset>", "", "30s", "<unset>"],
    ),
    "Service waiting for its address": (
        (
            "spec: {type: LoadBalancer, clusterIP: 10.0.0.9, ports: [{port: 80, nodePort: 31000, protocol: TCP}],"
            " selector: {app: w}}"
        ),
        ["x", "LoadBalancer", "10.0.0.9", "<pending>", "80:31000/TCP", "30s", "app=w"],
    ),
    "Service with an address": (
        "spec: {type: LoadBalancer, clusterIP: 10.0.0.9}\nstatus: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}",
        ["x", "LoadBalancer", "10.0.0.9", "1.2.3.4", "<none>", "30s", "<none>"],
    ),
    "Service elsewhere": (
        "spec: {type: ExternalName, externalName: example.com}",
        ["x", "ExternalName", "<none>", "example.com", "<none>", "30s", "<none>"],
    ),
    "EndpointSlice": (
        (
            "addressType: IPv4\nports: [{port: 80}]\nendpoints: [{addresses: [1.1.1.1, 1.1.1.2]},"
            " {addresses: [1.1.1.3, 1.1.1.4]}]"
        ),
        ["x", "IPv4", "80", "1.1.1.1,1.1.1.2,1.1.1.3 + 1 more...", "30s"],
    ),
    "EndpointSlice without endpoints": ("addressType: IPv4", ["x", "IPv4", "<unset>", "<unset>", "30s"]),
    "Event": (
        (
            "involvedObject: {kind: Pod, name: p}\ntype: Warning\nreason: BackOff\nmessage: 'no '\n"
            "source: {component: kubelet, host: n}\nfirstTimestamp: 2026-03-02T03:00:00Z\n"
            "lastTimestamp: 2026-03-02T11:58:00Z\ncount: 41"
        ),
        ["2m", "Warning", "BackOff", "pod/p", "", "kubelet, n", "no", "9h", 41, "x"],
    ),
    "HorizontalPodAutoscaler": (
        (
            "spec: {scaleTargetRef: {kind: Deployment, name: w}, minReplicas: 2, maxReplicas: 6, metrics:"
            " [{type: Resource, resource: {name: cpu, target: {averageUtilization: 70}}}]}\n"
            "status: {currentReplicas: 3}"
        ),
        ["x", "Deployment/w", "cpu: <unknown>/70%", "2", 6, 3, "30s"],
    ),
    "Namespace": ("status: {phase: Terminating}", ["x", "Terminating", "30s"]),
    "APIService of its own": (
        "spec: {}\nstatus: {conditions: [{type: Available, status: 'True', reason: Local}]}",
        ["x", "Local", "True", "30s"],
    ),
    "APIService whose backend is gone": (
        (
            "spec: {service: {namespace: kube-system, name: metrics-server}}\n"
            "status: {conditions: [{type: Available, status: 'False', reason: MissingEndpoints}]}"
        ),
        ["x", "kube-system/metrics-server", "False (MissingEndpoints)", "30s"],
    ),
    "ValidatingWebhookConfiguration": ("webhooks: [{name: a}, {name: b}]", ["x", 2, "30s"]),
    "Lease": ("spec: {holderIdentity: n}", ["x", "n", "30s"]),
    "ConfigMap": ("data: {a: '1', b: '2'}", ["x", 2, "30s"]),
    "StorageClass": (
        "provisioner: disk.csi.azure.com\nallowVolumeExpansion: true",
        ["x", "disk.csi.azure.com", "Delete", "Immediate", True, "30s"],
    ),
    "CustomResourceDefinition": ("spec: {}", ["x", "2026-03-02T11:59:30Z"]),
}


@pytest.mark.parametrize("case", CASES)
def test_an_object_reads_as_kubectl_prints_it(case: str, now: datetime) -> None:
    body, expected = CASES[case]
    resource = Catalogue().of(case.split(maxsplit=1)[0])
    [manifest] = load_manifests(
        f"apiVersion: {resource.api_version}\nkind: {resource.kind}\nmetadata: {{name: x, {BORN}}}\n{body}\n"
    )
    printer = printer_of(resource)

    cells = [cell.text(now) if isinstance(cell, Since) else cell for cell in printer.cells(clean_copy(manifest))]

    assert cells == expected
    assert len(cells) == len(printer.columns)


@pytest.mark.parametrize("resource", built_in(), ids=lambda resource: resource.qualified)
def test_every_kind_prints_even_an_empty_object(resource: Resource) -> None:
    printer = printer_of(resource)

    cells = printer.cells({"metadata": {"name": "x"}})

    assert len(cells) == len(printer.columns)
    assert [column.name for column in printer.columns if column.format == "name"] == ["Name"]


def certificate(*columns: PrinterColumn) -> Resource:
    return Resource("cert-manager.io", "v1", "certificates", "Certificate", True, custom=True, columns=columns)


ITEM = {
    "metadata": {"name": "tls", "creationTimestamp": "2026-03-02T11:59:30Z", "annotations": {"a.b/c": "note"}},
    "spec": {"names": ["one", "two"], "size": 3, "ratio": 0.5, "on": True},
    "status": {"conditions": [{"type": "Issuing", "status": "False"}, {"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ('.status.conditions[?(@.type=="Ready")].status', "string", "True"),
        ("status.conditions[?(@.type=='Gone')].status", "string", None),
        (".spec.names[1]", "string", "two"),
        (".spec.names[9]", "string", None),
        (".spec.names[*]", "string", "one"),
        (".spec.names", "string", '["one","two"]'),
        (r".metadata.annotations['a\.b/c']", "string", "note"),
        (".spec.size", "integer", 3),
        (".spec.ratio", "number", 0.5),
        (".spec.on", "boolean", True),
        (".spec.on", "string", "true"),
        (".metadata.creationTimestamp", "date", "30s"),
        (".spec.names[0]", "date", "<invalid>"),
        (".nothing.here", "string", None),
    ],
)
def test_a_printer_column_finds_its_value(path: str, kind: str, expected: object, now: datetime) -> None:
    _, cell = printer_of(certificate(PrinterColumn("C", kind, path))).cells(ITEM)

    assert (cell.text(now) if isinstance(cell, Since) else cell) == expected


def test_a_custom_resource_without_printer_columns_has_a_name_and_an_age() -> None:
    assert [(c.name, c.type) for c in printer_of(certificate()).columns] == [("Name", "string"), ("Age", "date")]


def test_a_json_path_that_printer_columns_may_not_use_is_refused() -> None:
    with pytest.raises(ManifestError, match="simple forms"):
        printer_of(certificate(PrinterColumn("C", "string", ".a..b[1:2]")))
