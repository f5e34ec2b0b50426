"""Widespread kinds that say in words of their own how they are; the rules are a table.

Source of the words: the API documentation of each project, and Argo CD's health rules, which were written by its users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatekeeper.kit.health.beside import unless_beside
from gatekeeper.kit.health.gateway import gateway, route
from gatekeeper.kit.health.generic import GOOD, all_true
from gatekeeper.kit.health.verdict import Conditions, Health, Manifest, Rule, degraded, healthy, progressing, suspended
from gatekeeper.kit.manifest import at, say

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


_GREEN: Final = _Known({"health": ("green",)})
_COMPLIANT: Final = _Known({"compliant": ("Compliant",)})
_OPERATIONAL: Final = _Known({"updateStatus": ("operational",)})
_RUNNING: Final = _phase("RUNNING")
_CONFLUENT: Final = ("connects", "controlcenters", "kafkas", "ksqldbs", "schemaregistries", "zookeepers")
_KYVERNO: Final = ("deleting", "generating", "imagevalidating", "mutating", "validating")
_VICTORIA: Final = ("vlclusters", "vmagents", "vmalertmanagers", "vmalerts", "vmauths", "vmclusters", "vmsingles")

KNOWN: Final[Mapping[str, Rule]] = {
    # Argo. The phase of a Rollout is Paused, Progressing or Degraded while it is Available all the time.
    "analysisruns.argoproj.io": _phase("Successful"),
    "applications.argoproj.io": _Known({"health.status": ("Healthy",)}),
    "applicationsets.argoproj.io": _needs("ResourcesUpToDate"),
    "eventbus.argoproj.io": _needs("Deployed"),
    "experiments.argoproj.io": _phase("Successful"),
    "rollouts.argoproj.io": _rollout,
    "workflows.argoproj.io": _phase("Succeeded"),
    # Certificates of ACME issuers (RFC 8555, section 7.1.6)
    "challenges.acme.cert-manager.io": _Known({"state": ("valid",)}),
    "orders.acme.cert-manager.io": _Known({"state": ("valid",)}),
    # Gateway API
    "gatewayclasses.gateway.networking.k8s.io": _needs("Accepted"),
    "gateways.gateway.networking.k8s.io": gateway,
    "grpcroutes.gateway.networking.k8s.io": route,
    "httproutes.gateway.networking.k8s.io": route,
    "listenersets.gateway.networking.k8s.io": gateway,
    "tcproutes.gateway.networking.k8s.io": route,
    "tlsroutes.gateway.networking.k8s.io": route,
    "udproutes.gateway.networking.k8s.io": route,
    # Cluster API
    "clusterresourcesets.addons.cluster.x-k8s.io": _needs("ResourcesApplied"),
    "machinedeployments.cluster.x-k8s.io": _phase("Running"),
    # Crossplane
    "compositeresourcedefinitions.apiextensions.crossplane.io": _needs("Established"),
    "configurations.pkg.crossplane.io": _needs("Installed", "Healthy"),
    "functions.pkg.crossplane.io": _needs("Installed", "Healthy"),
    "providers.pkg.crossplane.io": _needs("Installed", "Healthy"),
    # Databases and queues
    "clickhouseinstallations.clickhouse.altinity.com": _Known({"status": ("Completed",)}),
    "backups.postgresql.cnpg.io": _phase("completed"),
    "databases.postgresql.cnpg.io": _Known({"applied": ("True",)}),
    "clusters.postgresql.cnpg.io": _phase("Cluster in healthy state", conditions=("Ready",)),
    "elasticsearches.elasticsearch.k8s.elastic.co": _Known({"phase": ("Ready",), "health": ("green",)}),
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
    "volumes.longhorn.io": _Known({"robustness": ("healthy",)}),
    # Policies
    "certificatepolicies.policy.open-cluster-management.io": _COMPLIANT,
    "configurationpolicies.policy.open-cluster-management.io": _COMPLIANT,
    "operatorpolicies.policy.open-cluster-management.io": _Known({"compliant": ("Compliant",)}, ("Compliant",)),
    "policies.policy.open-cluster-management.io": _COMPLIANT,
    **{
        f"{scope}{plural}policies.policies.kyverno.io": _Known({"conditionStatus.ready": ("True",)})
        for scope in ("", "namespaced")
        for plural in _KYVERNO
    },
    # Others
    "extensionservices.projectcontour.io": _needs("Valid"),
    "httpproxies.projectcontour.io": _needs("Valid"),
    "subscriptions.operators.coreos.com": _Known({"state": ("AtLatestKnown",)}),
    **{f"{plural}.operator.victoriametrics.com": _OPERATIONAL for plural in _VICTORIA},
    "canaries.flagger.app": _phase("Initialized", "Succeeded"),
    "sealedsecrets.bitnami.com": _needs("Synced"),
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
