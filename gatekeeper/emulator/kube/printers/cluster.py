"""The rows of what belongs to the cluster's own machinery: EndpointSlices, Leases, APIServices, webhooks, classes."""

from __future__ import annotations

from gatekeeper.emulator.kube.manifests import Manifest, at, condition
from gatekeeper.emulator.kube.printers.cells import NONE, UNSET, Cell, Printer, age, columns, name_of, some


def endpoint_slice(item: Manifest) -> list[Cell]:
    """Ports and addresses, three at most; readiness is not shown."""
    ports = [str(port.get("port") or "*") for port in item.get("ports") or ()]
    addresses = [address for endpoint in item.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    return [name_of(item), item.get("addressType", ""), some(ports) or UNSET, some(addresses) or UNSET, age(item)]


def lease(item: Manifest) -> list[Cell]:
    """The holder; how fresh the lease is, the row does not say."""
    return [name_of(item), str(at(item, "spec", "holderIdentity") or ""), age(item)]


def api_service(item: Manifest) -> list[Cell]:
    """Available is True, or False with its reason in brackets."""
    service = at(item, "spec", "service")
    backend = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    found = condition(item, "Available")
    available = "Unknown" if found is None else str(found.get("status"))
    if found is not None and available != "True" and found.get("reason"):
        available = f"{available} ({found['reason']})"
    return [name_of(item), backend, available, age(item)]


def webhooks(item: Manifest) -> list[Cell]:
    """The number of webhooks."""
    return [name_of(item), len(item.get("webhooks") or ()), age(item)]


def storage_class(item: Manifest) -> list[Cell]:
    """The default class has ``(default)`` behind its name."""
    notes = at(item, "metadata", "annotations") or {}
    default = " (default)" if notes.get("storageclass.kubernetes.io/is-default-class") == "true" else ""
    return [
        name_of(item) + default,
        item.get("provisioner", ""),
        item.get("reclaimPolicy", "Delete"),
        item.get("volumeBindingMode", "Immediate"),
        bool(item.get("allowVolumeExpansion")),
        age(item),
    ]


def priority_class(item: Manifest) -> list[Cell]:
    """The value and whether it is the default."""
    policy = item.get("preemptionPolicy", "PreemptLowerPriority")
    return [name_of(item), item.get("value", 0), bool(item.get("globalDefault")), age(item), policy]


def ingress(item: Manifest) -> list[Cell]:
    """Hosts, the load balancer's address and the ports."""
    spec = item.get("spec", {})
    hosts = [str(rule.get("host") or "*") for rule in spec.get("rules") or ()]
    entries = at(item, "status", "loadBalancer", "ingress") or ()
    address = ",".join(entry.get("ip") or entry.get("hostname", "") for entry in entries)
    ports = "80, 443" if spec.get("tls") else "80"
    return [name_of(item), spec.get("ingressClassName") or NONE, some(hosts) or "*", address, ports, age(item)]


def created_at(item: Manifest) -> list[Cell]:
    """Show the name and the time of creation: what the server says of kinds that have no printer."""
    return [name_of(item), str(at(item, "metadata", "creationTimestamp"))]


_WEBHOOKS = Printer(columns("Name", "Webhooks#", "Age"), webhooks)

PRINTERS = {
    "endpointslices.discovery.k8s.io": Printer(
        columns("Name", "AddressType", "Ports", "Endpoints", "Age"), endpoint_slice
    ),
    "leases.coordination.k8s.io": Printer(columns("Name", "Holder", "Age"), lease),
    "apiservices.apiregistration.k8s.io": Printer(columns("Name", "Service", "Available", "Age"), api_service),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "storageclasses.storage.k8s.io": Printer(
        columns("Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"),
        storage_class,
    ),
    "priorityclasses.scheduling.k8s.io": Printer(
        columns("Name", "Value", "Global-Default", "Age", "PreemptionPolicy+"), priority_class
    ),
    "ingresses.networking.k8s.io": Printer(columns("Name", "Class", "Hosts", "Address", "Ports", "Age"), ingress),
}
