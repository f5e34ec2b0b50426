"""Widespread kinds that say in words of their own how they are; the rules are a table.

Source of the words: the API documentation of each project, and Argo CD's health rules, which were written by its users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatekeeper.kit.health import parts
from gatekeeper.kit.health.beside import unless_beside
from gatekeeper.kit.health.gateway import gateway, policy, route
from gatekeeper.kit.health.generic import all_true, ready
from gatekeeper.kit.health.verdict import (
    GOOD,
    Conditions,
    Health,
    Manifest,
    Rule,
    degraded,
    healthy,
    number,
    progressing,
    short,
    suspended,
)
from gatekeeper.kit.manifest import at, count, dicts, say

_PAUSED: Final = frozenset({"paused", "suspended"})


@dataclass(frozen=True, slots=True)
class _Known:
    """What a kind must say to be healthy: words at places of its status, and conditions that are True.

    What every kind can say with Ready, Available and Healthy must be True too, where it is there.
    """

    words: Mapping[str, tuple[str, ...]]
    """Place in the status, with dots, to what it may be there."""
    conditions: tuple[str, ...] = ()

    def __call__(self, item: Manifest, _now: datetime | None = None) -> Health:
        return unless_beside(item, self._verdict(item))

    def _verdict(self, item: Manifest) -> Health:
        # Snapshots keep their last error here, with readyToUse still false.
        if problem := say(at(item, "status", "error", "message")):
            return degraded(problem)
        for place, good in self.words.items():
            word = at(item, "status", *place.split("."))
            if word is None:
                return progressing(f"it does not say yet what its {place} is")
            if str(word) not in good:
                return (suspended if str(word).lower() in _PAUSED else progressing)(f"its {place} is {say(word, 60)}")
        if needed := (*self.conditions, *(kind for kind in GOOD if kind in Conditions(item))):
            return all_true(item, needed)
        return healthy(" and ".join(f"its {place} is as it should be" for place in self.words))


def _phase(*good: str, conditions: tuple[str, ...] = ()) -> _Known:
    return _Known({"phase": good}, conditions)


def _needs(*conditions: str) -> _Known:
    return _Known({}, conditions)


def _rollout(item: Manifest, now: datetime | None = None) -> Health:
    """A Rollout of a Deployment that it refers to has also seen that one's newest generation."""
    wanted = at(item, "metadata", "annotations", "rollout.argoproj.io/workload-generation")
    seen = at(item, "status", "workloadObservedGeneration")
    if wanted is not None and str(wanted) != str(seen):
        return progressing(f"has a stale status (generation {say(wanted, 20)} of its workload, seen {say(seen, 20)})")
    return _phase("Healthy", conditions=("Available",))(item, now)


def _elasticsearch(item: Manifest, now: datetime | None = None) -> Health:
    """A cluster whose data is all there is green, while it lacks nodes that it should have."""
    sets = dicts(at(item, "spec", "nodeSets"), "spec.nodeSets")
    wanted = sum(count(each.get("count"), 0, "spec.nodeSets.count") for each in sets)
    if lack := short({"nodes": number(item, "status", "availableNodes")}, wanted):
        return unless_beside(item, progressing(f"has {lack}"))
    return _Known({"phase": ("Ready",), "health": ("green",)})(item, now)


def _playbook(item: Manifest, now: datetime | None = None) -> Health:
    """The last playbook of an Ansible operator succeeded; while the next one runs, that is False as well."""
    if (told := Conditions(item)).reason("Running") == "Running":
        return unless_beside(item, progressing(told.words("Running")))
    return _needs("Successful")(item, now)


def _helm_repository(item: Manifest, now: datetime | None = None) -> Health:
    """One of type ``oci`` only names a registry: since Flux 2.3 its controller has nothing to say of it."""
    silent = not any(kind in Conditions(item) for kind in GOOD)
    if silent and at(item, "spec", "type") == "oci":
        return unless_beside(item, healthy("it names an OCI registry, and has no state of its own"))
    return ready(item, now)


_GREEN: Final = _Known({"health": ("green",)})
_COMPLIANT: Final = _Known({"compliant": ("Compliant",)})
_OPERATIONAL: Final = _Known({"updateStatus": ("operational",)})
_RUNNING: Final = _phase("RUNNING")
_COMPLETED: Final = _Known({"status": ("Completed",)})
_CONFLUENT: Final = ("connects", "controlcenters", "kafkas", "ksqldbs", "schemaregistries", "zookeepers")
_ENVOY: Final = ("backendtraffic", "clienttraffic", "envoyextension", "envoypatch", "security")
_CHECKS: Final = ("git", "timed", "webrequest")
_KYVERNO: Final = ("deleting", "generating", "imagevalidating", "mutating", "validating")
_VICTORIA: Final = (
    "vlagents", "vlclusters", "vlsingles", "vmagents", "vmalertmanagers", "vmalerts", "vmauths", "vmclusters",
    "vmnodescrapes", "vmpodscrapes", "vmprobes", "vmrules", "vmscrapeconfigs", "vmservicescrapes", "vmsingles",
    "vmstaticscrapes", "vmusers", "vtclusters", "vtsingles",
)  # fmt: skip

KNOWN: Final[Mapping[str, Rule]] = {
    # Argo. The phase of a Rollout is Paused, Progressing or Degraded while it is Available all the time.
    "analysisruns.argoproj.io": _phase("Successful"),
    "applications.argoproj.io": _Known({"health.status": ("Healthy",)}),
    "applicationsets.argoproj.io": _needs("ResourcesUpToDate"),
    "eventbus.argoproj.io": _needs("Deployed"),
    "experiments.argoproj.io": _phase("Successful"),
    "rollouts.argoproj.io": _rollout,
    "workflows.argoproj.io": _phase("Succeeded"),
    # The GitOps Promoter: Ready only says that it has looked
    "argocdcommitstatuses.promoter.argoproj.io": parts.all_succeeded("applicationsSelected", needed=True),
    "changetransferpolicies.promoter.argoproj.io": parts.promotion,
    "promotionstrategies.promoter.argoproj.io": parts.promotion,
    **{f"{check}commitstatuses.promoter.argoproj.io": parts.all_succeeded("environments") for check in _CHECKS},
    # Certificates of ACME issuers (RFC 8555, section 7.1.6)
    "challenges.acme.cert-manager.io": _Known({"state": ("valid",)}),
    "orders.acme.cert-manager.io": _Known({"state": ("valid",)}),
    # Gateway API and Envoy Gateway
    "backends.gateway.envoyproxy.io": _needs("Accepted"),
    **{f"{prefix}policies.gateway.envoyproxy.io": policy for prefix in _ENVOY},
    "backendtlspolicies.gateway.networking.k8s.io": policy,
    "gatewayclasses.gateway.networking.k8s.io": _needs("Accepted"),
    "gateways.gateway.networking.k8s.io": gateway,
    "grpcroutes.gateway.networking.k8s.io": route,
    "httproutes.gateway.networking.k8s.io": route,
    "listenersets.gateway.networking.k8s.io": gateway,
    "tcproutes.gateway.networking.k8s.io": route,
    "tlsroutes.gateway.networking.k8s.io": route,
    "udproutes.gateway.networking.k8s.io": route,
    # Cluster API. A Machine that is Provisioned and Ready is no node yet.
    "clusterresourcesets.addons.cluster.x-k8s.io": _needs("ResourcesApplied"),
    "machinedeployments.cluster.x-k8s.io": _phase("Running"),
    "machinepools.cluster.x-k8s.io": _phase("Running"),
    "machines.cluster.x-k8s.io": _phase("Running"),
    # Crossplane
    "compositeresourcedefinitions.apiextensions.crossplane.io": _needs("Established"),
    "configurations.pkg.crossplane.io": _needs("Installed", "Healthy"),
    "functions.pkg.crossplane.io": _needs("Installed", "Healthy"),
    "providers.pkg.crossplane.io": _needs("Installed", "Healthy"),
    # Databases and queues
    "clickhouseinstallations.clickhouse.altinity.com": _COMPLETED,
    "clickhousekeeperinstallations.clickhouse-keeper.altinity.com": _COMPLETED,
    "backups.postgresql.cnpg.io": _phase("completed"),
    "databases.postgresql.cnpg.io": _Known({"applied": ("True",)}),
    "clusters.postgresql.cnpg.io": _phase("Cluster in healthy state", conditions=("Ready",)),
    "elasticsearches.elasticsearch.k8s.elastic.co": _elasticsearch,
    "agents.agent.k8s.elastic.co": _GREEN,
    "apmservers.apm.k8s.elastic.co": _GREEN,
    "beats.beat.k8s.elastic.co": _GREEN,
    "kibanas.kibana.k8s.elastic.co": _GREEN,
    "logstashes.logstash.k8s.elastic.co": _GREEN,
    "perconaservermongodbs.psmdb.percona.com": _Known({"state": ("ready",)}),
    "perconaxtradbclusters.pxc.percona.com": _Known({"state": ("ready",)}),
    "postgresqls.acid.zalan.do": _Known({"PostgresClusterStatus": ("Running",)}),
    "rabbitmqclusters.rabbitmq.com": _needs("AllReplicasReady", "ClusterAvailable", "ReconcileSuccess"),
    "tenants.minio.min.io": _Known({"currentState": ("Initialized",)}),
    **{f"{plural}.platform.confluent.io": _RUNNING for plural in _CONFLUENT},
    # Storage. A Ceph cluster is Ready while its data is at risk.
    "cephclusters.ceph.rook.io": _Known({"ceph.health": ("HEALTH_OK",)}),
    "cephblockpools.ceph.rook.io": _phase("Ready", "Connected"),
    "cephfilesystems.ceph.rook.io": _phase("Ready", "Connected"),
    "cephobjectstores.ceph.rook.io": _phase("Ready", "Connected"),
    "objectbucketclaims.objectbucket.io": _phase("Bound"),
    "tridentbackendconfigs.trident.netapp.io": _Known({"phase": ("Bound",), "lastOperationStatus": ("Success",)}),
    "tridentorchestrators.trident.netapp.io": _Known({"status": ("Installed",)}),
    "volumes.longhorn.io": _Known({"robustness": ("healthy",), "state": ("attached",)}),
    # What watches. Grafana's parts do not say Ready, but that it took them over.
    "datadogmetrics.datadoghq.com": _needs("Valid"),
    "grafanadashboards.grafana.integreatly.org": _needs("DashboardSynchronized"),
    "grafanadatasources.grafana.integreatly.org": _needs("DatasourceSynchronized"),
    "grafanafolders.grafana.integreatly.org": _needs("FolderSynchronized"),
    "grafanas.grafana.integreatly.org": _Known({"stage": ("complete",), "stageStatus": ("success",)}),
    "jaegers.jaegertracing.io": _phase("Running"),
    "kialis.kiali.io": _playbook,
    # Policies
    "certificatepolicies.policy.open-cluster-management.io": _COMPLIANT,
    "configurationpolicies.policy.open-cluster-management.io": _COMPLIANT,
    "operatorpolicies.policy.open-cluster-management.io": _Known({"compliant": ("Compliant",)}, ("Compliant",)),
    "policies.policy.open-cluster-management.io": _COMPLIANT,
    **{
        f"{scope}{plural}policies.policies.kyverno.io": parts.kyverno
        for scope in ("", "namespaced")
        for plural in _KYVERNO
    },
    # Others
    "bundles.trust.cert-manager.io": _needs("Synced"),
    "extensionservices.projectcontour.io": _needs("Valid"),
    "httpproxies.projectcontour.io": _needs("Valid"),
    "subscriptions.operators.coreos.com": _Known({"state": ("AtLatestKnown",)}),
    **{f"{plural}.operator.victoriametrics.com": _OPERATIONAL for plural in _VICTORIA},
    "canaries.flagger.app": _phase("Initialized", "Succeeded"),
    "helmrepositories.source.toolkit.fluxcd.io": _helm_repository,
    "flinkdeployments.flink.apache.org": _Known({"lifecycleState": ("STABLE",), "jobStatus.state": ("RUNNING",)}),
    "istiooperators.install.istio.io": _Known({"status": ("HEALTHY",)}),
    "opentelemetrycollectors.opentelemetry.io": parts.collector,
    "pipelineruns.tekton.dev": _needs("Succeeded"),
    "rollouts.rollouts.kruise.io": _Known({"phase": ("Healthy",), "canaryStatus.currentStepState": ("Completed",)}),
    "sealedsecrets.bitnami.com": _needs("Synced"),
    "sparkapplications.sparkoperator.k8s.io": _Known({"applicationState.state": ("COMPLETED",)}),
    "taskruns.tekton.dev": _needs("Succeeded"),
    "verticalpodautoscalers.autoscaling.k8s.io": _needs("RecommendationProvided"),
    # Snapshots and backups
    "backups.velero.io": _phase("Completed"),
    "backupstoragelocations.velero.io": _phase("Available"),
    "restores.velero.io": _phase("Completed"),
    "schedules.velero.io": _phase("Enabled"),
    "volumesnapshotcontents.snapshot.storage.k8s.io": _Known({"readyToUse": ("True",)}),
    "volumesnapshots.snapshot.storage.k8s.io": _Known({"readyToUse": ("True",)}),
}
"""Kinds by plural and group."""
