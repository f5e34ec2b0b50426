"""The rows of the core group: nodes, namespaces, services, volumes, events, and what only has a name and an age."""

from __future__ import annotations

from gatekeeper.emulator.kube.ages import Since
from gatekeeper.emulator.kube.manifests import Manifest, at, condition, number, parse_time
from gatekeeper.emulator.kube.printers.cells import NONE, UNSET, Cell, Printer, age, columns, name_of, pairs, some

_ROLE = "node-role.kubernetes.io/"
_MODES = (
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
)


def node(item: Manifest) -> list[Cell]:
    """Status is Ready or NotReady (Unknown reads NotReady too), and SchedulingDisabled when cordoned."""
    ready = condition(item, "Ready")
    words = ["Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"]
    if at(item, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    labels = at(item, "metadata", "labels") or {}
    roles = sorted(key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE) and key != _ROLE)
    info = at(item, "status", "nodeInfo") or {}
    kernel = f"{info['kernelVersion']} ({info['architecture']})" if info.get("kernelVersion") else "<unknown>"
    return [
        name_of(item),
        ",".join(words),
        ",".join(roles) or NONE,
        age(item),
        info.get("kubeletVersion", ""),
        _address(item, "InternalIP"),
        _address(item, "ExternalIP"),
        info.get("osImage") or "<unknown>",
        kernel,
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _address(item: Manifest, kind: str) -> str:
    addresses = at(item, "status", "addresses") or ()
    return next((str(address["address"]) for address in addresses if address.get("type") == kind), NONE)


def namespace(item: Manifest) -> list[Cell]:
    """Active or Terminating."""
    return [name_of(item), str(at(item, "status", "phase") or ""), age(item)]


def service(item: Manifest) -> list[Cell]:
    """A LoadBalancer without an ingress reads ``<pending>``."""
    spec = item.get("spec", {})
    kind = spec.get("type", "ClusterIP")
    address = (spec.get("clusterIPs") or [spec.get("clusterIP") or NONE])[0]
    ports = ",".join(_port(port) for port in spec.get("ports") or ()) or NONE
    return [name_of(item), kind, address, _external(item, kind), ports, age(item), pairs(spec.get("selector"))]


def _external(item: Manifest, kind: str) -> str:
    own = list(at(item, "spec", "externalIPs") or ())
    if kind == "ExternalName":
        return str(at(item, "spec", "externalName") or "")
    if kind != "LoadBalancer":
        return ",".join(own) or NONE
    ingress = at(item, "status", "loadBalancer", "ingress") or ()
    return ",".join([entry.get("ip") or entry.get("hostname", "") for entry in ingress] + own) or "<pending>"


def _port(port: Manifest) -> str:
    at_node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{at_node}/{port.get('protocol', 'TCP')}"


def _modes(values: list[str] | None) -> str:
    return ",".join(short for long, short in _MODES if long in (values or ()))


def claim(item: Manifest) -> list[Cell]:
    """Capacity and access modes are shown once a volume is bound; what is deleted reads Terminating."""
    spec, status = item.get("spec", {}), item.get("status", {})
    volume = spec.get("volumeName", "")
    capacity = str(at(status, "capacity", "storage") or "0") if volume else ""
    return [
        name_of(item),
        "Terminating" if at(item, "metadata", "deletionTimestamp") else status.get("phase", ""),
        volume,
        capacity,
        _modes(status.get("accessModes")) if volume else "",
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or UNSET,
        age(item),
        spec.get("volumeMode") or UNSET,
    ]


def volume(item: Manifest) -> list[Cell]:
    """The claim is written namespace/name."""
    spec, status, claim = item.get("spec", {}), item.get("status", {}), at(item, "spec", "claimRef")
    return [
        name_of(item),
        str(at(spec, "capacity", "storage") or "0"),
        _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        "Terminating" if at(item, "metadata", "deletionTimestamp") else status.get("phase", ""),
        f"{claim.get('namespace')}/{claim.get('name')}" if claim else "",
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason", ""),
        age(item),
        spec.get("volumeMode") or UNSET,
    ]


def event(item: Manifest) -> list[Cell]:
    """Times come from the series, else from the old fields, else from ``eventTime``."""
    first = parse_time(item.get("firstTimestamp")) or parse_time(item.get("eventTime"))
    last = parse_time(at(item, "series", "lastObservedTime")) or parse_time(item.get("lastTimestamp")) or first
    subject, source = item.get("involvedObject") or {}, item.get("source") or {}
    component = source.get("component") or item.get("reportingComponent") or ""
    host = source.get("host") or item.get("reportingInstance") or ""
    return [
        Since(last),
        item.get("type", ""),
        item.get("reason", ""),
        f"{str(subject.get('kind', '')).lower()}/{subject.get('name', '')}",
        subject.get("fieldPath", ""),
        f"{component}, {host}" if host else component,
        str(item.get("message", "")).strip(),
        Since(first),
        number(at(item, "series", "count") or item.get("count"), 1),
        name_of(item),
    ]


def config_map(item: Manifest) -> list[Cell]:
    """Data counts the keys."""
    return [name_of(item), len(item.get("data") or ()) + len(item.get("binaryData") or ()), age(item)]


def secret(item: Manifest) -> list[Cell]:
    """The type and the number of keys."""
    return [name_of(item), item.get("type", "Opaque"), len(item.get("data") or ()), age(item)]


def service_account(item: Manifest) -> list[Cell]:
    """The number of secrets."""
    return [name_of(item), len(item.get("secrets") or ()), age(item)]


def endpoints(item: Manifest) -> list[Cell]:
    """The first ready addresses with ports."""
    found = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in item.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    return [name_of(item), some(found) or NONE, age(item)]


_VOLUME = ("StorageClass", "VolumeAttributesClass")

PRINTERS = {
    "nodes": Printer(
        (
            *columns("Name", "Status", "Roles", "Age", "Version", "Internal-IP+", "External-IP+"),
            *columns("OS-Image+", "Kernel-Version+", "Container-Runtime+"),
        ),
        node,
    ),
    "namespaces": Printer(columns("Name", "Status", "Age"), namespace),
    "services": Printer(columns("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector+"), service),
    "persistentvolumeclaims": Printer(
        columns("Name", "Status", "Volume", "Capacity", "Access Modes", *_VOLUME, "Age", "VolumeMode+"), claim
    ),
    "persistentvolumes": Printer(
        (
            *columns("Name", "Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", *_VOLUME),
            *columns("Reason", "Age", "VolumeMode+"),
        ),
        volume,
    ),
    "events": Printer(
        (
            *columns("Last Seen", "Type", "Reason", "Object", "Subobject+", "Source+", "Message"),
            *columns("First Seen+", "Count+", "Name+"),
        ),
        event,
    ),
    "configmaps": Printer(columns("Name", "Data", "Age"), config_map),
    "secrets": Printer(columns("Name", "Type", "Data", "Age"), secret),
    "serviceaccounts": Printer(columns("Name", "Secrets", "Age"), service_account),
    "endpoints": Printer(columns("Name", "Endpoints", "Age"), endpoints),
}
