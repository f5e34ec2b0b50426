"""The resources that an API server knows: its own, and those that CustomResourceDefinitions add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from gatekeeper.emulator.kube.manifests import Manifest, ManifestError, at

# group/version plural Kind scope flags short-names
# flags: g = has metadata.generation, d = deprecated without a release that removes it
_BUILT_IN = """
v1 bindings Binding ns -
v1 configmaps ConfigMap ns - cm
v1 endpoints Endpoints ns d ep
v1 events Event ns - ev
v1 limitranges LimitRange ns - limits
v1 namespaces Namespace cluster - ns
v1 nodes Node cluster - no
v1 persistentvolumeclaims PersistentVolumeClaim ns - pvc
v1 persistentvolumes PersistentVolume cluster - pv
v1 pods Pod ns g po
v1 resourcequotas ResourceQuota ns - quota
v1 secrets Secret ns -
v1 serviceaccounts ServiceAccount ns - sa
v1 services Service ns - svc
apps/v1 controllerrevisions ControllerRevision ns -
apps/v1 daemonsets DaemonSet ns g ds
apps/v1 deployments Deployment ns g deploy
apps/v1 replicasets ReplicaSet ns g rs
apps/v1 statefulsets StatefulSet ns g sts
batch/v1 cronjobs CronJob ns g cj
batch/v1 jobs Job ns g
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler ns - hpa
policy/v1 poddisruptionbudgets PodDisruptionBudget ns g pdb
networking.k8s.io/v1 ingresses Ingress ns g ing
networking.k8s.io/v1 ingressclasses IngressClass cluster g
networking.k8s.io/v1 networkpolicies NetworkPolicy ns g netpol
discovery.k8s.io/v1 endpointslices EndpointSlice ns g
coordination.k8s.io/v1 leases Lease ns -
storage.k8s.io/v1 storageclasses StorageClass cluster - sc
storage.k8s.io/v1 csidrivers CSIDriver cluster -
storage.k8s.io/v1 csinodes CSINode cluster -
storage.k8s.io/v1 volumeattachments VolumeAttachment cluster -
scheduling.k8s.io/v1 priorityclasses PriorityClass cluster g pc
rbac.authorization.k8s.io/v1 clusterroles ClusterRole cluster -
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding cluster -
rbac.authorization.k8s.io/v1 roles Role ns -
rbac.authorization.k8s.io/v1 rolebindings RoleBinding ns -
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration cluster g
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration cluster g
apiregistration.k8s.io/v1 apiservices APIService cluster -
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition cluster g crd,crds
"""


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """One of a CRD version's ``additionalPrinterColumns``."""

    name: str
    type: str
    path: str
    format: str = ""
    priority: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the API: where it is served, what its objects are called, how they are printed."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    has_generation: bool = True
    custom: bool = False
    columns: tuple[PrinterColumn, ...] = ()
    removed_in: str | None = None
    """Of a deprecated one: the release that is without it, empty if that is not announced."""

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """``deployments.apps``, as messages of the API server name a resource."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@cache
def built_in() -> tuple[Resource, ...]:
    """Return the resources that every API server serves (those that a health check may want to read)."""
    return tuple(_parse(line) for line in _BUILT_IN.split("\n") if line)


def _parse(line: str) -> Resource:
    api_version, plural, kind, scope, flags, *short = line.split()
    group, _, version = api_version.rpartition("/")
    return Resource(
        group=group,
        version=version,
        plural=plural,
        kind=kind,
        namespaced=scope == "ns",
        short_names=tuple(short[0].split(",")) if short else (),
        has_generation="g" in flags,
        removed_in="" if "d" in flags else None,
    )


def from_definition(definition: Manifest) -> list[Resource]:
    """Return what a CustomResourceDefinition adds: one resource for each served version."""
    spec = definition.get("spec")
    names = at(spec, "names")
    if not isinstance(spec, dict) or not isinstance(names, dict) or "plural" not in names or "kind" not in names:
        raise ManifestError("a CustomResourceDefinition needs spec.group, spec.names.plural and spec.names.kind")
    return [
        Resource(
            group=str(spec["group"]),
            version=str(version["name"]),
            plural=str(names["plural"]),
            kind=str(names["kind"]),
            namespaced=spec.get("scope", "Namespaced") == "Namespaced",
            short_names=tuple(names.get("shortNames", ())),
            custom=True,
            columns=tuple(_column(column) for column in version.get("additionalPrinterColumns", ())),
        )
        for version in spec.get("versions", ())
        if version.get("served", True)
    ]


def _column(column: Manifest) -> PrinterColumn:
    return PrinterColumn(
        name=str(column["name"]),
        type=str(column.get("type", "string")),
        path=str(column["jsonPath"]),
        format=str(column.get("format", "")),
        priority=int(column.get("priority", 0)),
        description=str(column.get("description", "")),
    )


class Catalogue:
    """What one cluster serves: the built-in resources and those of its CustomResourceDefinitions."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Resource] = {(r.api_version, r.plural): r for r in built_in()}

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._all.values())

    def add(self, resources: list[Resource]) -> None:
        """Add or replace resources."""
        self._all.update({(r.api_version, r.plural): r for r in resources})

    def remove(self, resources: list[Resource]) -> None:
        """Forget resources; unknown ones are ignored."""
        for resource in resources:
            self._all.pop((resource.api_version, resource.plural), None)

    def find(self, api_version: str, plural: str) -> Resource | None:
        """Return the resource served at a path, if any."""
        return self._all.get((api_version, plural))

    def of(self, kind: str, api_version: str | None = None) -> Resource:
        """Return the resource of a kind. Raises ManifestError when the cluster does not know it."""
        for resource in self._all.values():
            if resource.kind == kind and api_version in (None, resource.api_version):
                return resource
        named = f"{kind} of {api_version}" if api_version else kind
        raise ManifestError(f"{named} is unknown here; apply its CustomResourceDefinition first")
