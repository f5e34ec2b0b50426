"""What objects say of themselves that are common in clusters, well and sick, so that no general word misjudges them.

Each row is a kind, the little of it that decides, and how it is. The words are those of the projects' API types,
written down anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper.cluster import Resource
from gatekeeper.kit.health import Status, judge_object
from tests.health.objects import conditions, thing

HEALTHY, PROGRESSING, DEGRADED = Status.HEALTHY, Status.PROGRESSING, Status.DEGRADED
SUSPENDED, UNKNOWN = Status.SUSPENDED, Status.UNKNOWN
Row = tuple[dict[str, Any], Status]


def names(row: object) -> str:
    return f"{row['kind']}" if isinstance(row, dict) else ""


def check(manifest: dict[str, Any], status: Status) -> None:
    health = judge_object(manifest)

    assert health.status is status, health


NODES_AND_SCALING: list[Row] = [
    (
        thing(
            "karpenter.sh/v1 NodePool",
            "ValidationSucceeded=True@3 NodeClassReady=True@3 NodeRegistrationHealthy=True@2 Ready=True@3",
        ),
        HEALTHY,
    ),
    (thing("karpenter.sh/v1 NodePool", "Ready=True NodeRegistrationHealthy=Unknown"), HEALTHY),
    (thing("karpenter.sh/v1 NodePool", "Ready=True NodeRegistrationHealthy=False/RegistrationFailed"), DEGRADED),
    (thing("karpenter.sh/v1 NodePool", "Ready=False/UnhealthyDependents NodeClassReady=False"), DEGRADED),
    (
        thing(
            "karpenter.sh/v1 NodeClaim",
            "Launched=True Registered=True Initialized=True Ready=True Consolidatable=True Drifted=True",
        ),
        HEALTHY,
    ),
    (thing("karpenter.sh/v1 NodeClaim", "Ready=True DisruptionReason=True/Drifted"), PROGRESSING),
    (thing("karpenter.sh/v1 NodeClaim", "Ready=True Drained=Unknown InstanceTerminating=True"), PROGRESSING),
    (thing("karpenter.sh/v1 NodeClaim", "Launched=True Registered=Unknown Ready=Unknown"), PROGRESSING),
    (
        thing(
            "karpenter.azure.com/v1beta1 AKSNodeClass",
            "ImagesReady=True KubernetesVersionReady=True SubnetsReady=True ValidationSucceeded=True Ready=True",
        ),
        HEALTHY,
    ),
    (thing("karpenter.azure.com/v1beta1 AKSNodeClass", "Ready=False SubnetsReady=False"), DEGRADED),
    (thing("keda.sh/v1alpha1 ScaledObject", "Ready=True Active=False Fallback=False Paused=Unknown"), HEALTHY),
    (thing("keda.sh/v1alpha1 ScaledObject", "Ready=True Active=True Fallback=True"), DEGRADED),
    (thing("keda.sh/v1alpha1 ScaledObject", "Ready=True Active=False Paused=True"), SUSPENDED),
    (thing("keda.sh/v1alpha1 ScaledJob", "Ready=True Active=Unknown Paused=False"), HEALTHY),
    (thing("keda.sh/v1alpha1 TriggerAuthentication", scaledobjects="web"), UNKNOWN),
    (thing("autoscaling.k8s.io/v1 VerticalPodAutoscaler", "RecommendationProvided=True LowConfidence=True"), HEALTHY),
    (
        thing("autoscaling.k8s.io/v1 VerticalPodAutoscaler", "RecommendationProvided=True ConfigUnsupported=True"),
        DEGRADED,
    ),
    (thing("kueue.x-k8s.io/v1beta1 ClusterQueue", "Active=True/Ready"), HEALTHY),
    (thing("kueue.x-k8s.io/v1beta1 ClusterQueue", "Active=False/FlavorNotFound"), DEGRADED),
    (thing("kueue.x-k8s.io/v1beta1 LocalQueue", "Active=True/Ready"), HEALTHY),
    (thing("kueue.x-k8s.io/v1beta1 AdmissionCheck", "Active=True/Active"), HEALTHY),
    (thing("kaito.sh/v1beta1 Workspace", "ResourceReady=True InferenceReady=True WorkspaceSucceeded=True"), HEALTHY),
    (thing("kaito.sh/v1beta1 Workspace", "ResourceReady=True WorkspaceSucceeded=False/workspacePending"), DEGRADED),
]

DELIVERY: list[Row] = [
    (
        thing("kustomize.toolkit.fluxcd.io/v1 Kustomization", "Ready=True@3 Healthy=True@3", observedGeneration=3),
        HEALTHY,
    ),
    (thing("kustomize.toolkit.fluxcd.io/v1 Kustomization", "Ready=True@2", observedGeneration=2), PROGRESSING),
    (thing("helm.toolkit.fluxcd.io/v2 HelmRelease", "Ready=True@3 Released=True@3 TestSuccess=True@3"), HEALTHY),
    (thing("helm.toolkit.fluxcd.io/v2 HelmRelease", "Ready=False Released=False Remediated=True"), DEGRADED),
    (thing("source.toolkit.fluxcd.io/v1 GitRepository", "Ready=True@3 ArtifactInStorage=True@3"), HEALTHY),
    (thing("source.toolkit.fluxcd.io/v1 GitRepository", "Ready=True@3 FetchFailed=True@3"), DEGRADED),
    (thing("source.toolkit.fluxcd.io/v1 OCIRepository", "Ready=True@3 SourceVerified=True@3"), HEALTHY),
    (thing("source.toolkit.fluxcd.io/v1 HelmChart", "Ready=True@3 ArtifactInStorage=True@3"), HEALTHY),
    (thing("image.toolkit.fluxcd.io/v1 ImagePolicy", "Ready=True@3", observedGeneration=3), HEALTHY),
    (thing("image.toolkit.fluxcd.io/v1 ImageUpdateAutomation", "Ready=True", {"suspend": True}), SUSPENDED),
    (thing("notification.toolkit.fluxcd.io/v1 Receiver", "Ready=True@3", observedGeneration=3), HEALTHY),
    (thing("notification.toolkit.fluxcd.io/v1beta3 Alert"), UNKNOWN),
    (
        thing(
            "argoproj.io/v1alpha1 Application",
            health={"status": "Healthy"},
            conditions=[{"type": "OrphanedResourceWarning", "message": "1 orphan"}],
        ),
        HEALTHY,
    ),
    (
        thing(
            "argoproj.io/v1alpha1 Application",
            health={"status": "Healthy"},
            conditions=[{"type": "ComparisonError", "message": "no such path"}],
        ),
        DEGRADED,
    ),
    (
        thing(
            "argoproj.io/v1alpha1 Application",
            health={"status": "Healthy"},
            conditions=[{"type": "SyncError", "message": "it was not synced"}],
        ),
        DEGRADED,
    ),
    (thing("argoproj.io/v1alpha1 AppProject"), UNKNOWN),
    (
        thing(
            "argoproj.io/v1alpha1 Rollout",
            "Available=True Progressing=True/NewReplicaSetAvailable Healthy=True Completed=True Paused=False",
            {"replicas": 2},
            phase="Healthy",
            observedGeneration="3",
            availableReplicas=2,
            updatedReplicas=2,
        ),
        HEALTHY,
    ),
    (thing("flagger.app/v1beta1 Canary", "Promoted=True/Initialized", phase="Initialized"), HEALTHY),
    (thing("flagger.app/v1beta1 Canary", "Promoted=False/Failed", phase="Failed"), DEGRADED),
    (
        thing(
            "operator.tekton.dev/v1alpha1 TektonConfig",
            "ComponentsReady=True PostInstall=True PreInstall=True PreUpgrade=True Ready=True",
        ),
        HEALTHY,
    ),
    (
        thing(
            "triggers.tekton.dev/v1beta1 EventListener",
            "Available=True Deployment=True Progressing=True/NewReplicaSetAvailable Ready=True Service=True",
        ),
        HEALTHY,
    ),
    (thing("pkg.crossplane.io/v1 Provider", "Installed=True Healthy=True Verified=True"), HEALTHY),
    (thing("pkg.crossplane.io/v1 ProviderRevision", "Healthy=True"), HEALTHY),
    (thing("pkg.crossplane.io/v1 ProviderRevision", "RevisionHealthy=True RuntimeHealthy=True"), HEALTHY),
    (thing("pkg.crossplane.io/v1 ProviderRevision", "RevisionHealthy=True RuntimeHealthy=False"), DEGRADED),
    (thing("pkg.crossplane.io/v1 FunctionRevision", "RevisionHealthy=True"), PROGRESSING),
    (thing("pkg.crossplane.io/v1 ConfigurationRevision", "RevisionHealthy=True"), HEALTHY),
    (thing("pkg.crossplane.io/v1 ConfigurationRevision"), UNKNOWN),
    # What was changed since its last asynchronous operation needed none
    (
        thing("azure.upbound.io/v1beta1 ResourceGroup", "Ready=True Synced=True@3 LastAsyncOperation=True/Success@1"),
        HEALTHY,
    ),
    (
        thing("azure.upbound.io/v1beta1 ResourceGroup", "Ready=True Synced=True@3 LastAsyncOperation=False@1"),
        PROGRESSING,
    ),
    (thing("azure.upbound.io/v1beta1 ResourceGroup", "Ready=True Synced=True@3 LastAsyncOperation=False@3"), DEGRADED),
    (thing("azure.upbound.io/v1beta1 ResourceGroup", "Ready=True Synced=False/ReconcileError@3"), DEGRADED),
    (thing("example.org/v1 XDatabase", "Ready=True@3 Synced=True@3 Responsive=True@3"), HEALTHY),
    (thing("storage.azure.com/v1api20230101 StorageAccount", "Ready=True@3", provisioningState="Succeeded"), HEALTHY),
    (thing("dbforpostgresql.azure.com/v1 FlexibleServer", "Ready=True@3", state="Ready"), HEALTHY),
    (thing("dbforpostgresql.azure.com/v1 FlexibleServer", "Ready=False/Reconciling@3"), DEGRADED),
]

SECRETS_AND_POLICIES: list[Row] = [
    (thing("cert-manager.io/v1 Certificate", "Ready=True/Ready@3"), HEALTHY),
    (thing("cert-manager.io/v1 Certificate", "Ready=True@3 Issuing=True/Renewing@3"), PROGRESSING),
    (thing("cert-manager.io/v1 Certificate", "Ready=False/Expired@3"), DEGRADED),
    (thing("cert-manager.io/v1 CertificateRequest", "Approved=True Ready=True/Issued"), HEALTHY),
    (thing("cert-manager.io/v1 CertificateRequest", "Denied=True Ready=False/Denied"), DEGRADED),
    (thing("cert-manager.io/v1 ClusterIssuer", "Ready=True/ACMEAccountRegistered@3"), HEALTHY),
    (thing("external-secrets.io/v1 ExternalSecret", "Ready=True/SecretSynced"), HEALTHY),
    (thing("external-secrets.io/v1 ExternalSecret", "Ready=False/SecretSyncedError"), DEGRADED),
    (thing("external-secrets.io/v1 ClusterSecretStore", "Ready=True/Valid", capabilities="ReadWrite"), HEALTHY),
    (thing("external-secrets.io/v1alpha1 PushSecret", "Ready=True/Synced"), HEALTHY),
    (thing("secrets-store.csi.x-k8s.io/v1 SecretProviderClassPodStatus", mounted=True), HEALTHY),
    (thing("secrets-store.csi.x-k8s.io/v1 SecretProviderClassPodStatus", mounted=False), PROGRESSING),
    (thing("kyverno.io/v1 ClusterPolicy", "Ready=True/Succeeded", ready=True), HEALTHY),
    (thing("kyverno.io/v1 Policy", "Ready=False/Failed", ready=False), DEGRADED),
    (thing("kyverno.io/v2 PolicyException"), UNKNOWN),
    (
        thing(
            "templates.gatekeeper.sh/v1 ConstraintTemplate", created=True, byPod=[{"id": "a", "observedGeneration": 3}]
        ),
        HEALTHY,
    ),
    (thing("templates.gatekeeper.sh/v1 ConstraintTemplate", byPod=[{"id": "a", "observedGeneration": 3}]), PROGRESSING),
    (thing("templates.gatekeeper.sh/v1 ConstraintTemplate", created=True), PROGRESSING),
    (
        thing(
            "templates.gatekeeper.sh/v1 ConstraintTemplate",
            created=True,
            byPod=[{"id": "a", "observedGeneration": 2}, {"id": "b", "errors": [{"message": "it does not compile"}]}],
        ),
        DEGRADED,
    ),
    (
        thing(
            "constraints.gatekeeper.sh/v1beta1 K8sRequiredLabels",
            byPod=[{"id": "a", "enforced": True, "observedGeneration": 3}],
            totalViolations=2,
        ),
        HEALTHY,
    ),
    (
        thing(
            "constraints.gatekeeper.sh/v1beta1 K8sRequiredLabels",
            byPod=[{"id": "a", "enforced": True, "observedGeneration": 2}],
        ),
        PROGRESSING,
    ),
    (
        thing("mutations.gatekeeper.sh/v1 Assign", byPod=[{"id": "a", "observedGeneration": 3}]),
        PROGRESSING,
    ),
    (thing("config.ratify.deislabs.io/v1beta1 Store", issuccess=True), HEALTHY),
    (thing("config.ratify.deislabs.io/v1beta1 Verifier", issuccess=False, error="no such plugin"), PROGRESSING),
]

NETWORKS: list[Row] = [
    (thing("networking.istio.io/v1 VirtualService"), UNKNOWN),
    (
        thing("sailoperator.io/v1 Istio", "Reconciled=True Ready=True DependenciesHealthy=True", state="Healthy"),
        HEALTHY,
    ),
    (thing("sailoperator.io/v1 IstioRevision", "Reconciled=True Ready=True InUse=False", state="Healthy"), HEALTHY),
    (thing("sailoperator.io/v1 IstioRevisionTag", "Reconciled=True InUse=False"), HEALTHY),
    (thing("sailoperator.io/v1 IstioCNI", "Reconciled=True Ready=False", state="DaemonSetNotReady"), DEGRADED),
    (
        thing(
            "approuting.kubernetes.azure.com/v1alpha1 NginxIngressController",
            "Available=True@3 IngressClassReady=True@3 ControllerAvailable=True@3 Progressing=False@3",
        ),
        HEALTHY,
    ),
    (thing("alb.networking.azure.io/v1 ApplicationLoadBalancer", "Accepted=True Deployment=True/Ready"), HEALTHY),
    (
        thing("alb.networking.azure.io/v1 ApplicationLoadBalancer", "Accepted=True Deployment=True/InProgress"),
        PROGRESSING,
    ),
    (thing("alb.networking.azure.io/v1 ApplicationLoadBalancer", "Accepted=True Deployment=False"), DEGRADED),
    (thing("k8s.nginx.org/v1 VirtualServer", state="Valid", reason="AddedOrUpdated"), HEALTHY),
    (thing("k8s.nginx.org/v1 VirtualServer", state="Warning"), PROGRESSING),
    (thing("k8s.nginx.org/v1 Policy", state="Invalid"), DEGRADED),
    (thing("traefik.io/v1alpha1 IngressRoute"), UNKNOWN),
    (thing("projectcontour.io/v1 HTTPProxy", "Valid=True@3", currentStatus="valid"), HEALTHY),
    (
        thing(
            "policy.linkerd.io/v1beta3 HTTPRoute",
            spec={"parentRefs": [{"group": "policy.linkerd.io", "kind": "Server", "name": "web"}]},
            parents=[
                {
                    "parentRef": {"group": "policy.linkerd.io", "kind": "Server", "name": "web", "namespace": "shop"},
                    "conditions": conditions("Accepted=True"),
                }
            ],
        ),
        HEALTHY,
    ),
    (thing("cilium.io/v2 CiliumNetworkPolicy", "Valid=True"), HEALTHY),
    (thing("cilium.io/v2 CiliumNetworkPolicy", "Valid=False"), DEGRADED),
    (thing("cilium.io/v2 CiliumNetworkPolicy"), UNKNOWN),
    (thing("cilium.io/v2 CiliumNode"), UNKNOWN),
    # Their generation is that of the Installation
    (thing("operator.tigera.io/v1 TigeraStatus", "Available=True@5 Progressing=False@5 Degraded=False@5"), HEALTHY),
    (thing("operator.tigera.io/v1 TigeraStatus", "Available=False@5 Progressing=True@5 Degraded=False@5"), DEGRADED),
    (thing("operator.tigera.io/v1 TigeraStatus", "Available=True@5 Progressing=False@5 Degraded=True@5"), DEGRADED),
    (thing("operator.tigera.io/v1 TigeraStatus", "Available=True@5 Progressing=True/NotReady@5"), PROGRESSING),
    (thing("operator.tigera.io/v1 Installation", "Ready=True@3 Progressing=False@3 Degraded=False@3"), HEALTHY),
    (thing("acn.azure.com/v1alpha1 OverlayExtensionConfig", state="Succeeded"), HEALTHY),
    (thing("acn.azure.com/v1alpha1 OverlayExtensionConfig", state="None"), PROGRESSING),
    (thing("acn.azure.com/v1alpha NodeNetworkConfig", assignedIPCount=16), UNKNOWN),
    (thing("networking.fleet.azure.com/v1beta1 ServiceExport", "Valid=True Conflict=False"), HEALTHY),
    (thing("networking.fleet.azure.com/v1beta1 ServiceExport", "Valid=True Conflict=True"), DEGRADED),
    (thing("networking.fleet.azure.com/v1beta1 TrafficManagerProfile", "Programmed=True@3"), HEALTHY),
    (thing("networking.fleet.azure.com/v1beta1 TrafficManagerBackend", "Accepted=Unknown/Pending@3"), PROGRESSING),
]

DATA: list[Row] = [
    (thing("kafka.strimzi.io/v1 Kafka", "Warning=True/DeprecatedFields Ready=True", observedGeneration=3), HEALTHY),
    (thing("kafka.strimzi.io/v1 Kafka", "NotReady=True/TimeoutException", observedGeneration=3), DEGRADED),
    (thing("kafka.strimzi.io/v1 KafkaConnect", "Ready=True", {"replicas": 3}, replicas=3), HEALTHY),
    (thing("kafka.strimzi.io/v1 KafkaTopic", "Ready=True", observedGeneration=3), HEALTHY),
    (thing("kafka.strimzi.io/v1 KafkaTopic", "Unmanaged=True"), SUSPENDED),
    (thing("kafka.strimzi.io/v1 KafkaNodePool", replicas=3), UNKNOWN),
    (
        thing(
            "postgresql.cnpg.io/v1 Cluster",
            "Ready=True ContinuousArchiving=True LastBackupSucceeded=True ConsistentSystemID=True",
            phase="Cluster in healthy state",
        ),
        HEALTHY,
    ),
    (
        thing(
            "postgresql.cnpg.io/v1 Cluster",
            "Ready=True LastBackupSucceeded=False/BackupStarted",
            phase="Cluster in healthy state",
        ),
        PROGRESSING,
    ),
    (
        thing(
            "postgresql.cnpg.io/v1 Cluster",
            "Ready=True LastBackupSucceeded=False/LastBackupFailed",
            phase="Cluster in healthy state",
        ),
        DEGRADED,
    ),
    (
        thing(
            "postgresql.cnpg.io/v1 Cluster",
            "Ready=True ContinuousArchiving=False/ContinuousArchivingFailing",
            phase="Cluster in healthy state",
        ),
        DEGRADED,
    ),
    (thing("postgresql.cnpg.io/v1 Publication", applied=True, observedGeneration=3), HEALTHY),
    (thing("postgresql.cnpg.io/v1 Subscription", applied=True, observedGeneration=2), PROGRESSING),
    (thing("postgresql.cnpg.io/v1 ScheduledBackup", lastCheckTime="2026-11-23T10:00:00Z"), UNKNOWN),
    (thing("postgresql.cnpg.io/v1 Pooler", instances=2), UNKNOWN),
    (thing("pgv2.percona.com/v2 PerconaPGCluster", state="ready"), HEALTHY),
    (thing("pgv2.percona.com/v2 PerconaPGCluster", state="initializing"), PROGRESSING),
    # Its conditions are a history
    (
        thing("psmdb.percona.com/v1 PerconaServerMongoDB", "initializing=True error=True ready=True", state="ready"),
        HEALTHY,
    ),
    (thing("mongodbcommunity.mongodb.com/v1 MongoDBCommunity", phase="Running"), HEALTHY),
    (thing("mongodb.com/v1 MongoDB", phase="Reconciling"), PROGRESSING),
    (thing("redis.redis.opstreelabs.in/v1beta2 RedisCluster", state="Ready"), HEALTHY),
    (thing("redis.redis.opstreelabs.in/v1beta2 RedisCluster", state="Bootstrap"), PROGRESSING),
    (
        thing(
            "rabbitmq.com/v1beta1 RabbitmqCluster",
            "AllReplicasReady=True ClusterAvailable=True NoWarnings=False ReconcileSuccess=True",
        ),
        HEALTHY,
    ),
    (thing("rabbitmq.com/v1beta1 Queue", "Ready=True/SuccessfulCreateOrUpdate", observedGeneration=3), HEALTHY),
    (thing("rabbitmq.com/v1beta1 Exchange", "Ready=False/FailedCreateOrUpdate", observedGeneration=3), DEGRADED),
    (
        thing(
            "elasticsearch.k8s.elastic.co/v1 Elasticsearch",
            "ReconciliationComplete=True RunningDesiredVersion=True ResourcesAwareManagement=False",
            {"nodeSets": [{"count": 3}]},
            phase="Ready",
            health="green",
            availableNodes=3,
        ),
        HEALTHY,
    ),
    (
        thing(
            "longhorn.io/v1beta2 Volume",
            "Scheduled=True Restore=False TooManySnapshots=False",
            state="attached",
            robustness="healthy",
        ),
        HEALTHY,
    ),
    (thing("longhorn.io/v1beta2 Node", "Ready=True Schedulable=True MountPropagation=True"), HEALTHY),
    (
        thing(
            "ceph.rook.io/v1 CephCluster", "Ready=True", phase="Ready", state="Created", ceph={"health": "HEALTH_OK"}
        ),
        HEALTHY,
    ),
    (thing("ceph.rook.io/v1 CephNFS", phase="Ready"), HEALTHY),
    (thing("ceph.rook.io/v1 CephObjectStoreUser", phase="ReconcileFailed"), DEGRADED),
    (thing("velero.io/v1 BackupRepository", phase="Ready"), HEALTHY),
    (thing("velero.io/v1 BackupRepository", phase="NotReady"), PROGRESSING),
]

WATCHING_AND_SERVING: list[Row] = [
    (
        thing(
            "monitoring.coreos.com/v1 Prometheus",
            "Available=True@3 Reconciled=True@3",
            {"replicas": 2, "shards": 2},
            availableReplicas=4,
            updatedReplicas=4,
        ),
        HEALTHY,
    ),
    (thing("monitoring.coreos.com/v1 Alertmanager", "Available=True@3 Reconciled=False@3"), DEGRADED),
    (thing("monitoring.coreos.com/v1 ServiceMonitor"), UNKNOWN),
    (thing("grafana.integreatly.org/v1beta1 Grafana", stage="complete", stageStatus="success"), HEALTHY),
    (thing("grafana.integreatly.org/v1beta1 GrafanaAlertRuleGroup", "AlertGroupSynchronized=True@3"), HEALTHY),
    (thing("grafana.integreatly.org/v1beta1 GrafanaContactPoint", "ContactPointSynchronized=False@3"), DEGRADED),
    (
        thing(
            "grafana.integreatly.org/v1beta1 GrafanaNotificationPolicy",
            "NotificationPolicySynchronized=True NoMatchingInstance=True",
        ),
        DEGRADED,
    ),
    (thing("dapr.io/v1alpha1 Component"), UNKNOWN),
    (
        thing(
            "serving.kserve.io/v1beta1 InferenceService",
            "IngressReady=True PredictorReady=True Ready=True Stopped=False",
            modelStatus={"transitionStatus": "UpToDate"},
        ),
        HEALTHY,
    ),
    (thing("serving.knative.dev/v1 Service", "ConfigurationsReady=True Ready=True RoutesReady=True"), HEALTHY),
    # Scaled down to none
    (
        thing(
            "serving.knative.dev/v1 Revision",
            "Active=False/NoTraffic ContainerHealthy=True Ready=True ResourcesAvailable=True",
            actualReplicas=0,
        ),
        HEALTHY,
    ),
    (thing("serving.knative.dev/v1 Revision", "ContainerHealthy=False/ExitCode1 Ready=False"), DEGRADED),
]

QUIET: str = (
    "RollingOut=False@3 ScalingUp=False@3 ScalingDown=False@3 Remediating=False@3 Deleting=False@3 Paused=False@3"
)


def capi_cluster(control_plane: str = "True", workers: str = "True", quiet: str = QUIET) -> dict[str, Any]:
    told = f"Available=True@3 ControlPlaneMachinesUpToDate={control_plane} WorkerMachinesUpToDate={workers} {quiet}"
    newer = {"conditions": conditions(told)}
    return thing("cluster.x-k8s.io/v1beta1 Cluster", "Ready=True", phase="Provisioned", v1beta2=newer)


def placement(told: str) -> dict[str, Any]:
    listed = " ".join(f"ClusterResourcePlacement{each}" for each in told.split())
    return thing("placement.kubernetes-fleet.io/v1 ClusterResourcePlacement", listed)


CLUSTERS: list[Row] = [
    (capi_cluster(), HEALTHY),
    (capi_cluster(workers="Unknown/UpToDateUnknown@3"), HEALTHY),
    (capi_cluster(control_plane="False/NotUpToDate@3"), PROGRESSING),
    (capi_cluster(control_plane="Unknown/UpToDateUnknown@2"), PROGRESSING),
    (capi_cluster(workers="Unknown@3", quiet="RollingOut=True@3"), PROGRESSING),
    (
        thing(
            "cluster.x-k8s.io/v1beta2 MachineDeployment",
            f"Available=True@3 MachinesReady=True@3 MachinesUpToDate=True@3 {QUIET}",
            {"replicas": 2},
            phase="Running",
            readyReplicas=2,
            upToDateReplicas=2,
        ),
        HEALTHY,
    ),
    (
        thing(
            "cluster.x-k8s.io/v1beta2 Machine",
            "Available=True@3 Ready=True@3 UpToDate=True@3 NodeHealthy=True@3 HealthCheckSucceeded=True Updating=False",
            phase="Running",
        ),
        HEALTHY,
    ),
    (
        thing(
            "cluster.x-k8s.io/v1beta1 MachineHealthCheck",
            "RemediationAllowed=True",
            expectedMachines=3,
            currentHealthy=3,
        ),
        HEALTHY,
    ),
    (
        thing(
            "cluster.x-k8s.io/v1beta1 MachineHealthCheck",
            "RemediationAllowed=True",
            expectedMachines=3,
            currentHealthy=2,
        ),
        DEGRADED,
    ),
    (thing("cluster.x-k8s.io/v1beta1 MachineHealthCheck", "RemediationAllowed=False/TooManyUnhealthy"), DEGRADED),
    (
        thing(
            "controlplane.cluster.x-k8s.io/v1beta1 KubeadmControlPlane",
            "Ready=True Available=True ControlPlaneComponentsHealthy=True EtcdClusterHealthy=True Resized=True",
            {"replicas": 3},
            readyReplicas=3,
            updatedReplicas=3,
        ),
        HEALTHY,
    ),
    (
        thing("infrastructure.cluster.x-k8s.io/v1beta1 AzureCluster", "Ready=True NetworkInfrastructureReady=True"),
        HEALTHY,
    ),
    (thing("infrastructure.cluster.x-k8s.io/v1beta1 AzureMachine", "Ready=True VMRunning=True"), HEALTHY),
    (
        thing(
            "infrastructure.cluster.x-k8s.io/v1beta1 AzureManagedControlPlane",
            "Ready=True ManagedClusterRunning=True AgentPoolsReady=True",
        ),
        HEALTHY,
    ),
    (
        placement("Scheduled=True@3 RolloutStarted=True@3 WorkSynchronized=True@3 Applied=True@3 Available=True@3"),
        HEALTHY,
    ),
    (
        placement("Scheduled=True@3 RolloutStarted=True@3 WorkSynchronized=True@3 Applied=True@3 Available=True@2"),
        PROGRESSING,
    ),
    (placement("Scheduled=True@3 RolloutStarted=False@3"), DEGRADED),
    (placement("Scheduled=True@3 RolloutStarted=True@3"), PROGRESSING),
    (thing("placement.kubernetes-fleet.io/v1 Work", "Applied=True@3 Available=True@3"), HEALTHY),
    (
        thing("placement.kubernetes-fleet.io/v1beta1 ClusterStagedUpdateRun", "Initialized=True Succeeded=True"),
        HEALTHY,
    ),
    (
        thing("placement.kubernetes-fleet.io/v1beta1 StagedUpdateRun", "Initialized=True Progressing=True"),
        PROGRESSING,
    ),
]
ROWS = [
    *NODES_AND_SCALING,
    *DELIVERY,
    *SECRETS_AND_POLICIES,
    *NETWORKS,
    *DATA,
    *WATCHING_AND_SERVING,
    *CLUSTERS,
]


@pytest.mark.parametrize(("manifest", "status"), ROWS, ids=names)
def test_a_common_kind_is_as_it_says(manifest: dict[str, Any], status: Status) -> None:
    check(manifest, status)


def member(
    told: str = "Joined=True@1 Healthy=True@1", heard: str | None = "2026-11-23T09:59:00Z", joined: str = "True@3"
) -> dict[str, Any]:
    agent = {"type": "MemberAgent", "conditions": conditions(told)}
    status = [{**agent, "lastReceivedHeartbeat": heard}]
    return thing("cluster.kubernetes-fleet.io/v1 MemberCluster", f"Joined={joined}", agentStatus=status)


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (member(), HEALTHY, "Joined is True"),
        (member(joined="Unknown@3"), PROGRESSING, "Joined is Unknown"),
        (member("Joined=True@1 Healthy=False@1"), DEGRADED, "MemberAgent: Healthy is False"),
        (member(""), PROGRESSING, "MemberAgent: it does not say how it is"),
        (member(heard="2026-11-23T09:54:00Z"), UNKNOWN, "was not heard of since 2026-11-23T09:54:00Z"),
        (member(heard=None), UNKNOWN, "was not heard of since ever"),
        (
            thing("cluster.kubernetes-fleet.io/v1 MemberCluster", "Joined=True@3", agentStatus=[]),
            PROGRESSING,
            "none of its agents",
        ),
    ],
)
def test_a_cluster_of_a_fleet_is_well_while_its_agents_are_heard_of(
    manifest: dict[str, Any], status: Status, words: str
) -> None:
    health = judge_object(manifest, now=datetime(2026, 11, 23, 10, tzinfo=UTC))

    assert health.status is status
    assert words in health.message


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("Ready=True ValidationFailed=False", HEALTHY),
        ("Ready=True ValidationFailed=True", DEGRADED),
        ("Ready=True ValidationSucceeded=False/Pending", PROGRESSING),
        ("Ready=True EtcdClusterHealthy=False/CheckRunning", PROGRESSING),
        ("Ready=True MachinesUpToDate=Unknown", HEALTHY),
        ("Ready=True MachinesUpToDate=True@2", PROGRESSING),
        ("Ready=True Conflict=True", DEGRADED),
    ],
)
def test_words_of_the_same_condition_do_not_contradict(told: str, status: Status) -> None:
    check(thing("example.com/v1 Widget", told), status)


def test_a_rule_for_a_group_is_found_by_what_was_listed() -> None:
    constraint = thing("", byPod=[{"id": "a", "enforced": True, "observedGeneration": 3}])

    health = judge_object(constraint, Resource("constraints.gatekeeper.sh", "v1beta1", "k8sallowedrepos"))

    assert health.status is HEALTHY
