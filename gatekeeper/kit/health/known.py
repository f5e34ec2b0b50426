"""Widespread kinds that say in words of their own how they are; the rules are a table.

Source of the words: the API documentation of each project, and Argo CD's health rules, which were written by its users.
What a line of a table cannot say stands in parts.py and single.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gatekeeper.kit.health import parts, single
from gatekeeper.kit.health.gateway import gateway, policy, route
from gatekeeper.kit.health.verdict import Rule
from gatekeeper.kit.health.words import Known, any_of, needs, phase

_ACTIVE: Final = needs("Active")
_APPLIED: Final = Known({"applied": ("True",)})
_GREEN: Final = Known({"health": ("green",)})
_COMPLIANT: Final = Known({"compliant": ("Compliant",)})
_OPERATIONAL: Final = Known({"updateStatus": ("operational",)})
_RAN: Final = needs("Initialized", "Succeeded")
_RUNNING: Final = phase("RUNNING")
_READY: Final = Known({"state": ("ready",)})
_COMPLETED: Final = Known({"status": ("Completed",)})
_CEPH: Final = (
    "blockpoolradosnamespaces", "blockpools", "clients", "filesystems", "filesystemsubvolumegroups", "nfses",
    "objectstores", "objectstoreusers",
)  # fmt: skip
_CONFLUENT: Final = ("connects", "controlcenters", "kafkas", "ksqldbs", "schemaregistries", "zookeepers")
_VALID: Final = Known({"state": ("Valid",)})
_ENVOY: Final = ("backendtraffic", "clienttraffic", "envoyextension", "envoypatch", "security")
_CHECKS: Final = ("git", "timed", "webrequest")
_FLEET: Final = ("Scheduled", "RolloutStarted", "WorkSynchronized", "Applied", "Available")
_GRAFANA: Final = {
    "alertrulegroups": "AlertGroup",
    "contactpoints": "ContactPoint",
    "dashboards": "Dashboard",
    "datasources": "Datasource",
    "folders": "Folder",
    "notificationpolicies": "NotificationPolicy",
}
_KYVERNO: Final = ("deleting", "generating", "imagevalidating", "mutating", "validating")
_VICTORIA: Final = (
    "vlagents", "vlclusters", "vlsingles", "vmagents", "vmalertmanagers", "vmalerts", "vmauths", "vmclusters",
    "vmnodescrapes", "vmpodscrapes", "vmprobes", "vmrules", "vmscrapeconfigs", "vmservicescrapes", "vmsingles",
    "vmstaticscrapes", "vmusers", "vtclusters", "vtsingles",
)  # fmt: skip

KNOWN: Final[Mapping[str, Rule]] = {
    # Argo. The phase of a Rollout is Paused, Progressing or Degraded while it is Available all the time.
    "analysisruns.argoproj.io": phase("Successful"),
    "applications.argoproj.io": single.application,
    "applicationsets.argoproj.io": needs("ResourcesUpToDate"),
    "eventbus.argoproj.io": needs("Deployed"),
    "experiments.argoproj.io": phase("Successful"),
    "rollouts.argoproj.io": single.rollout,
    "workflows.argoproj.io": phase("Succeeded"),
    # The GitOps Promoter: Ready only says that it has looked
    "argocdcommitstatuses.promoter.argoproj.io": parts.all_succeeded("applicationsSelected", needed=True),
    "changetransferpolicies.promoter.argoproj.io": parts.promotion,
    "promotionstrategies.promoter.argoproj.io": parts.promotion,
    **{f"{check}commitstatuses.promoter.argoproj.io": parts.all_succeeded("environments") for check in _CHECKS},
    # Certificates of ACME issuers (RFC 8555, section 7.1.6)
    "challenges.acme.cert-manager.io": Known({"state": ("valid",)}),
    "orders.acme.cert-manager.io": Known({"state": ("valid",)}),
    # Gateway API and Envoy Gateway
    "backends.gateway.envoyproxy.io": needs("Accepted"),
    **{f"{prefix}policies.gateway.envoyproxy.io": policy for prefix in _ENVOY},
    "backendtlspolicies.gateway.networking.k8s.io": policy,
    "gatewayclasses.gateway.networking.k8s.io": needs("Accepted"),
    "gateways.gateway.networking.k8s.io": gateway,
    "grpcroutes.gateway.networking.k8s.io": route,
    "httproutes.gateway.networking.k8s.io": route,
    "listenersets.gateway.networking.k8s.io": gateway,
    "tcproutes.gateway.networking.k8s.io": route,
    "tlsroutes.gateway.networking.k8s.io": route,
    "udproutes.gateway.networking.k8s.io": route,
    "grpcroutes.policy.linkerd.io": route,  # Linkerd's own, with its Servers as parents
    "httproutes.policy.linkerd.io": route,
    # Cluster API. A Machine that is Provisioned and Ready is no node yet.
    "clusterresourcesets.addons.cluster.x-k8s.io": needs("ResourcesApplied"),
    "machinehealthchecks.cluster.x-k8s.io": single.machine_health_check,
    "machinedeployments.cluster.x-k8s.io": phase("Running"),
    "machinepools.cluster.x-k8s.io": phase("Running"),
    "machines.cluster.x-k8s.io": phase("Running"),
    # Crossplane
    "compositeresourcedefinitions.apiextensions.crossplane.io": needs("Established"),
    "configurations.pkg.crossplane.io": needs("Installed", "Healthy"),
    "functions.pkg.crossplane.io": needs("Installed", "Healthy"),
    "providers.pkg.crossplane.io": needs("Installed", "Healthy"),
    "configurationrevisions.pkg.crossplane.io": any_of("RevisionHealthy"),
    "functionrevisions.pkg.crossplane.io": single.revision,
    "providerrevisions.pkg.crossplane.io": single.revision,
    # Azure: its fleets, the App Gateway for Containers, Azure CNI, KAITO
    "applicationloadbalancers.alb.networking.azure.io": single.load_balancer,
    "clusterresourceplacements.placement.kubernetes-fleet.io": needs(*(f"ClusterResourcePlacement{k}" for k in _FLEET)),
    "clusterstagedupdateruns.placement.kubernetes-fleet.io": _RAN,
    "memberclusters.cluster.kubernetes-fleet.io": parts.member_cluster,
    "overlayextensionconfigs.acn.azure.com": Known({"state": ("Succeeded",)}),
    "resourceplacements.placement.kubernetes-fleet.io": needs(*(f"ResourcePlacement{k}" for k in _FLEET)),
    "serviceexports.networking.fleet.azure.com": needs("Valid"),
    "stagedupdateruns.placement.kubernetes-fleet.io": _RAN,
    "trafficmanagerbackends.networking.fleet.azure.com": needs("Accepted"),
    "trafficmanagerprofiles.networking.fleet.azure.com": needs("Programmed"),
    "works.placement.kubernetes-fleet.io": needs("Applied", "Available"),
    "workspaces.kaito.sh": needs("WorkspaceSucceeded"),
    # Databases and queues
    "clickhouseinstallations.clickhouse.altinity.com": _COMPLETED,
    "clickhousekeeperinstallations.clickhouse-keeper.altinity.com": _COMPLETED,
    "backups.postgresql.cnpg.io": phase("completed"),
    "databases.postgresql.cnpg.io": _APPLIED,
    "publications.postgresql.cnpg.io": _APPLIED,
    "subscriptions.postgresql.cnpg.io": _APPLIED,
    "clusters.postgresql.cnpg.io": phase("Cluster in healthy state", conditions=("Ready",)),
    "elasticsearches.elasticsearch.k8s.elastic.co": single.elasticsearch,
    "agents.agent.k8s.elastic.co": _GREEN,
    "apmservers.apm.k8s.elastic.co": _GREEN,
    "beats.beat.k8s.elastic.co": _GREEN,
    "kibanas.kibana.k8s.elastic.co": _GREEN,
    "logstashes.logstash.k8s.elastic.co": _GREEN,
    "mongodb.mongodb.com": phase("Running"),
    "mongodbcommunity.mongodbcommunity.mongodb.com": phase("Running"),
    "perconapgclusters.pgv2.percona.com": _READY,
    "perconaservermongodbs.psmdb.percona.com": _READY,
    "perconaxtradbclusters.pxc.percona.com": _READY,
    "redisclusters.redis.redis.opstreelabs.in": Known({"state": ("Ready",)}),
    "postgresqls.acid.zalan.do": Known({"PostgresClusterStatus": ("Running",)}),
    "rabbitmqclusters.rabbitmq.com": needs("AllReplicasReady", "ClusterAvailable", "ReconcileSuccess"),
    "tenants.minio.min.io": Known({"currentState": ("Initialized",)}),
    **{f"{plural}.platform.confluent.io": _RUNNING for plural in _CONFLUENT},
    # Storage. A Ceph cluster is Ready while its data is at risk.
    "cephclusters.ceph.rook.io": Known({"ceph.health": ("HEALTH_OK",)}),
    **{f"ceph{plural}.ceph.rook.io": phase("Ready", "Connected") for plural in _CEPH},
    "objectbucketclaims.objectbucket.io": phase("Bound"),
    "tridentbackendconfigs.trident.netapp.io": Known({"phase": ("Bound",), "lastOperationStatus": ("Success",)}),
    "tridentorchestrators.trident.netapp.io": Known({"status": ("Installed",)}),
    "volumes.longhorn.io": Known({"robustness": ("healthy",), "state": ("attached",)}),
    # What watches. Grafana's parts do not say Ready, but that it took them over.
    "datadogmetrics.datadoghq.com": needs("Valid"),
    **{f"grafana{plural}.grafana.integreatly.org": needs(f"{part}Synchronized") for plural, part in _GRAFANA.items()},
    "grafanas.grafana.integreatly.org": Known({"stage": ("complete",), "stageStatus": ("success",)}),
    "jaegers.jaegertracing.io": phase("Running"),
    "kialis.kiali.io": single.playbook,
    # Policies
    "*.constraints.gatekeeper.sh": parts.constraint,
    "*.mutations.gatekeeper.sh": parts.constraint,
    "*.config.ratify.deislabs.io": Known({"issuccess": ("True",)}),
    "ciliumnetworkpolicies.cilium.io": any_of("Valid"),
    "ciliumclusterwidenetworkpolicies.cilium.io": any_of("Valid"),
    "constrainttemplates.templates.gatekeeper.sh": parts.template,
    "certificatepolicies.policy.open-cluster-management.io": _COMPLIANT,
    "configurationpolicies.policy.open-cluster-management.io": _COMPLIANT,
    "operatorpolicies.policy.open-cluster-management.io": Known({"compliant": ("Compliant",)}, ("Compliant",)),
    "policies.policy.open-cluster-management.io": _COMPLIANT,
    **{
        f"{scope}{plural}policies.policies.kyverno.io": parts.kyverno
        for scope in ("", "namespaced")
        for plural in _KYVERNO
    },
    # Queues of jobs
    "admissionchecks.kueue.x-k8s.io": _ACTIVE,
    "clusterqueues.kueue.x-k8s.io": _ACTIVE,
    "localqueues.kueue.x-k8s.io": _ACTIVE,
    # Others
    "bundles.trust.cert-manager.io": needs("Synced"),
    "extensionservices.projectcontour.io": needs("Valid"),
    "httpproxies.projectcontour.io": needs("Valid"),
    "subscriptions.operators.coreos.com": Known({"state": ("AtLatestKnown",)}),
    **{f"{plural}.operator.victoriametrics.com": _OPERATIONAL for plural in _VICTORIA},
    "canaries.flagger.app": phase("Initialized", "Succeeded"),
    "helmrepositories.source.toolkit.fluxcd.io": single.helm_repository,
    "flinkdeployments.flink.apache.org": Known({"lifecycleState": ("STABLE",), "jobStatus.state": ("RUNNING",)}),
    "istiorevisiontags.sailoperator.io": needs("Reconciled"),
    "istiooperators.install.istio.io": Known({"status": ("HEALTHY",)}),
    "opentelemetrycollectors.opentelemetry.io": parts.collector,
    "pipelineruns.tekton.dev": needs("Succeeded"),
    "rollouts.rollouts.kruise.io": Known({"phase": ("Healthy",), "canaryStatus.currentStepState": ("Completed",)}),
    "policies.k8s.nginx.org": _VALID,
    "sealedsecrets.bitnami.com": needs("Synced"),
    "sparkapplications.sparkoperator.k8s.io": Known({"applicationState.state": ("COMPLETED",)}),
    "taskruns.tekton.dev": needs("Succeeded"),
    "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io": Known({"mounted": ("True",)}),
    "tigerastatuses.operator.tigera.io": single.tigera_status,
    "transportservers.k8s.nginx.org": _VALID,
    "virtualserverroutes.k8s.nginx.org": _VALID,
    "virtualservers.k8s.nginx.org": _VALID,
    "verticalpodautoscalers.autoscaling.k8s.io": needs("RecommendationProvided"),
    # Snapshots and backups
    "backups.velero.io": phase("Completed"),
    "backuprepositories.velero.io": phase("Ready"),
    "backupstoragelocations.velero.io": phase("Available"),
    "restores.velero.io": phase("Completed"),
    "schedules.velero.io": phase("Enabled"),
    "volumesnapshotcontents.snapshot.storage.k8s.io": Known({"readyToUse": ("True",)}),
    "volumesnapshots.snapshot.storage.k8s.io": Known({"readyToUse": ("True",)}),
}
"""Kinds by plural and group."""
