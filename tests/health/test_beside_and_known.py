"""The health of custom resources: what stands beside Ready, and kinds that speak in words of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.kit.health import Health, Status, judge_object
from tests.health.objects import conditions, thing

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def widget(told: str = "Ready=True", spec: Any = None, **status: Any) -> dict[str, Any]:
    return thing("example.com/v1 Widget", told, spec, **status)


def assert_health(health: Health, status: str, words: str = "") -> None:
    assert health.status == Status(status), health
    assert words in health.message, health


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (widget(), "Healthy", "Ready is True"),
        # Trouble
        (widget("Ready=True Synced=False/ReconcileError"), "Degraded", "Synced is False: ReconcileError"),
        (widget("Ready=True LastAsyncOperation=False"), "Degraded", "LastAsyncOperation"),
        (widget("Available=True Reconciled=False"), "Degraded", "Reconciled"),
        (widget("Ready=True Fallback=True"), "Degraded", "Fallback"),
        (widget("Ready=True Fallback=False Paused=Unknown"), "Healthy", ""),
        (widget("SubmissionError=True"), "Degraded", "SubmissionError"),
        (widget("SubmissionError=False"), "Unknown", "does not say"),
        (widget("BackupFailed=True Ready=True"), "Degraded", "BackupFailed"),
        (
            widget("Available=True Progressing=False/ProgressDeadlineExceeded"),
            "Degraded",
            "Progressing is False: ProgressDeadlineExceeded",
        ),
        (widget("Available=True Progressing=False/NewReplicaSetAvailable"), "Healthy", ""),
        (widget(failureMessage="quota exceeded"), "Degraded", "its failureMessage is quota exceeded"),
        (widget(failureReason=None), "Healthy", ""),
        (widget("Ready=True FailedCreatePod=True"), "Degraded", "FailedCreatePod"),
        (widget("Ready=True FailoverReady=True"), "Healthy", ""),
        (widget("", phase="walArchivingFailing"), "Degraded", "walArchivingFailing"),
        (widget("NotReady=True/TimeoutException"), "Degraded", "TimeoutException"),
        (widget(phase="Failed"), "Degraded", "its phase is Failed"),
        (widget(state="PartiallyFailed"), "Degraded", "its state is PartiallyFailed"),
        (widget("", phase="Unhealthy"), "Degraded", "its phase is Unhealthy"),
        (widget("Ready=True NoPodsMatched=True"), "Degraded", "NoPodsMatched"),
        (widget("Ready=True ACK.Terminal=True"), "Degraded", "ACK.Terminal"),
        (widget("Ready=True CatalogSourcesUnhealthy=True"), "Degraded", "CatalogSourcesUnhealthy"),
        (widget("Ready=True UpgradeSucceeded=False"), "Degraded", "UpgradeSucceeded is False"),
        (widget("Ready=True UpgradeSucceeded=Unknown"), "Healthy", ""),
        (widget("Ready=True HasErrors=True"), "Degraded", "HasErrors"),
        (widget("Ready=True PartiallyReady=True"), "Degraded", "PartiallyReady"),
        (widget("Ready=True InvalidRequest=True"), "Degraded", "InvalidRequest"),
        (widget("Ready=True NoMatchingInstance=True"), "Degraded", "NoMatchingInstance"),
        (widget("Ready=True FolderUIDMismatch=True"), "Degraded", "FolderUIDMismatch"),
        (widget("Ready=True HasErrors=False PartiallyReady=False InvalidRequest=False"), "Healthy", ""),
        (widget("Ready=True EtcdClusterHealthy=False"), "Degraded", "EtcdClusterHealthy is False"),
        (widget("Ready=True ValidMachineConfig=False"), "Degraded", "ValidMachineConfig is False"),
        (widget("Ready=True EtcdClusterHealthy=Unknown ValidMachineConfig=Unknown"), "Healthy", ""),
        (widget("Available=True Failing=True Progressing=False"), "Degraded", "Failing is True"),
        (widget(phase="InvalidSpec"), "Degraded", "its phase is InvalidSpec"),
        (widget(healthStatus="red"), "Degraded", "its healthStatus is red"),
        (widget(healthStatus="green"), "Healthy", ""),
        (
            widget(modelStatus={"transitionStatus": "BlockedByFailedLoad"}),
            "Degraded",
            "its modelStatus is BlockedByFailedLoad",
        ),
        (widget(modelStatus={"transitionStatus": "UpToDate"}), "Healthy", ""),
        # Of an older generation
        (widget(lastEvaluatedGeneration=2), "Progressing", "generation 3, observed 2"),
        (widget(lastEvaluatedGeneration=3), "Healthy", ""),
        # A pause
        (widget("Ready=True Cordoned=True"), "Suspended", "Cordoned"),
        (widget(spec={"managementState": "Unmanaged"}), "Suspended", "unmanaged"),
        (widget(spec={"managementState": "Managed"}), "Healthy", ""),
        (widget(spec={"cordoned": True}), "Suspended", "its spec says cordoned"),
        (widget(phase="Paused"), "Suspended", "its phase is Paused"),
        (widget(spec={"suspend": True}), "Suspended", "its spec says suspend"),
        (widget(spec={"paused": True}), "Suspended", "its spec says paused"),
        (widget(spec={"paused": False}), "Healthy", ""),
        (widget("Ready=True Paused=True"), "Suspended", "Paused"),
        (widget(annotations={"crossplane.io/paused": "true"}), "Suspended", "annotation crossplane.io/paused"),
        (widget(annotations={"crossplane.io/paused": "false"}), "Healthy", ""),
        (widget(annotations={"cluster.x-k8s.io/paused": ""}), "Suspended", "cluster.x-k8s.io/paused"),
        (widget(annotations={"cnpg.io/reconciliation": "disabled"}), "Suspended", "cnpg.io"),
        # A change
        (widget("Available=True RollingOut=True"), "Progressing", "RollingOut"),
        (widget("Ready=True EKSControlPlaneUpdating=True"), "Progressing", "EKSControlPlaneUpdating"),
        (widget("Available=True RollingOut=False ScalingUp=False Deleting=False"), "Healthy", ""),
        (widget("Ready=True Issuing=True/Renewing"), "Progressing", "Issuing is True: Renewing"),
        (widget("Ready=True Issuing=False/Failed"), "Healthy", ""),
        (widget("Ready=True UpdatingVersion=True"), "Progressing", "UpdatingVersion"),
        (widget("Ready=True HasErrors=False RollingUpdate=True"), "Progressing", "RollingUpdate"),
        (widget("Ready=True RollingUpdate=False UpdatingVersion=False"), "Healthy", ""),
        (widget("Ready=True/Creating"), "Progressing", "Ready is True: Creating"),
        (widget("Ready=True Available=True/Pending"), "Progressing", "Available is True: Pending"),
        (widget("Ready=True/Created"), "Healthy", ""),
        (widget("Ready=True/Reconciling Other=True/Creating"), "Healthy", ""),
        (widget("Ready=True Disrupting=True/Expired"), "Progressing", "Disrupting is True: Expired"),
        (widget("Ready=True TopologyReconciled=False"), "Progressing", "TopologyReconciled"),
        (widget("Available=True RolloutComplete=False"), "Progressing", "RolloutComplete is False"),
        (widget("Ready=True MachinesUpToDate=False"), "Progressing", "MachinesUpToDate is False"),
        (widget("Ready=True Bound=False/Unbound"), "Progressing", "Bound is False: Unbound"),
        (widget("Available=True RolloutComplete=True MachinesUpToDate=True Bound=True"), "Healthy", ""),
        (widget("Ready=True Synced=Unknown"), "Progressing", "Synced is Unknown"),
        (widget("Available=True ReplicasAllAvailable=False"), "Progressing", "ReplicasAllAvailable is False"),
        (widget("Ready=True cnpg.io/hibernation=False/WaitingPods"), "Progressing", "WaitingPods"),
        (widget(healthStatus="yellow"), "Progressing", "its healthStatus is yellow"),
        (widget(modelStatus={"transitionStatus": "InProgress"}), "Progressing", "its modelStatus is InProgress"),
        (widget("Ready=True Synced=True@2"), "Progressing", "Synced is Stale"),
        (widget("Available=True Progressing=Unknown"), "Progressing", "Progressing is Unknown"),
        (widget("Available=True Progressing=True/Rolling"), "Progressing", "Progressing is True: Rolling"),
        (widget("Available=True Progressing=True/NewReplicaSetAvailable"), "Healthy", ""),
        (widget("Available=True Progressing=True/NewReplicaSetAvailable@2"), "Progressing", "Progressing is Stale"),
        (widget("Ready=True Available=True Progressing=True/OSDsRunning"), "Healthy", ""),
        (widget(phase="Scaling Up"), "Progressing", "its phase is Scaling Up"),
        (widget(state="IN_PROGRESS"), "Progressing", "its state is IN_PROGRESS"),
        (widget(phase="Unknown"), "Progressing", "its phase is Unknown"),
        (widget(phase="Running", state={"odd": 1}), "Healthy", ""),
        (widget(v1beta2={"conditions": conditions("RollingOut=True@3")}), "Progressing", "RollingOut"),
        (widget(v1beta2={"conditions": conditions("Ready=False@3")}), "Progressing", "Ready is Unknown"),
        (widget(v1beta2={"conditions": conditions("Ready=True@3 Paused=False@3")}), "Healthy", ""),
        (widget(spec={"replicas": 3}, readyReplicas=2), "Progressing", "2 of 3 replicas ready"),
        (widget(spec={"replicas": 3}, readyReplicas=3, updatedReplicas=1), "Progressing", "1 of 3 replicas updated"),
        (widget(spec={"replicas": 3}, upToDateReplicas=2), "Progressing", "2 of 3 replicas up to date"),
        (widget(spec={"replicas": 3}, readyReplicas="2/3"), "Healthy", ""),
        # What is worse comes first
        (widget("Ready=False Paused=True"), "Degraded", "Ready is False"),
        (widget("Ready=Unknown Paused=True"), "Progressing", "Ready is Unknown"),
        (widget("Ready=Unknown Fallback=True"), "Degraded", "Fallback"),
        (widget("", spec={"suspend": True}), "Suspended", "its spec says suspend"),
        (widget("Ready=True Fallback=True Paused=True"), "Degraded", "Fallback"),
        (widget("Ready=True Paused=True RollingOut=True"), "Suspended", "Paused"),
    ],
)
def test_what_stands_beside_ready_takes_health_away(manifest: Any, status: str, words: str) -> None:
    assert_health(judge_object(manifest), status, words)


def kyverno(told: str, *, ready: bool = True) -> dict[str, Any]:
    summary = {"ready": ready, "conditions": conditions(told)}
    return thing("policies.kyverno.io/v1 ValidatingPolicy", conditionStatus=summary)


ROLLOUT = "argoproj.io/v1alpha1 Rollout"
GENERATIONS = {"annotations": {"rollout.argoproj.io/workload-generation": "2"}, "phase": "Healthy"}


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (thing(ROLLOUT, "Available=True", observedGeneration="3", phase="Healthy"), "Healthy", "Available is True"),
        (thing(ROLLOUT, "Available=True", observedGeneration="3", phase="Paused"), "Suspended", "its phase is Paused"),
        (thing(ROLLOUT, "", {"replicas": 5}, phase="Paused", updatedReplicas=2), "Suspended", "its phase is Paused"),
        (thing(ROLLOUT, "Available=True", phase="Progressing"), "Progressing", "its phase is Progressing"),
        (thing(ROLLOUT, "Available=True", phase="Degraded"), "Degraded", "its phase is Degraded"),
        (thing(ROLLOUT, "Available=True"), "Progressing", "does not say yet what its phase is"),
        (thing(ROLLOUT, "", phase="Healthy"), "Progressing", "no condition Available"),
        (thing(ROLLOUT, "Available=True", workloadObservedGeneration="1", **GENERATIONS), "Progressing", "stale"),
        (thing(ROLLOUT, "Available=True", workloadObservedGeneration="2", **GENERATIONS), "Healthy", ""),
        (thing("argoproj.io/v1alpha1 Workflow", phase="Succeeded"), "Healthy", "its phase"),
        (thing("argoproj.io/v1alpha1 Workflow", phase="Running"), "Progressing", "Running"),
        (thing("argoproj.io/v1alpha1 AnalysisRun", phase="Inconclusive"), "Progressing", "Inconclusive"),
        (thing("argoproj.io/v1alpha1 AnalysisRun", phase="Error"), "Degraded", "Error"),
        (thing("argoproj.io/v1alpha1 Application", health={"status": "Healthy"}), "Healthy", "health.status"),
        (thing("argoproj.io/v1alpha1 Application", health={"status": "Missing"}), "Progressing", "Missing"),
        (thing("argoproj.io/v1alpha1 ApplicationSet", "ResourcesUpToDate=True"), "Healthy", ""),
        (
            thing("argoproj.io/v1alpha1 ApplicationSet", "ResourcesUpToDate=True RolloutProgressing=True"),
            "Progressing",
            "RolloutProgressing",
        ),
        (thing("argoproj.io/v1alpha1 EventBus", "Configured=True Deployed=True"), "Healthy", "Deployed is True"),
        (thing("argoproj.io/v1alpha1 EventBus", "Configured=True"), "Progressing", "no condition Deployed"),
        (thing("autoscaling.k8s.io/v1 VerticalPodAutoscaler", "RecommendationProvided=True"), "Healthy", ""),
        (
            thing("autoscaling.k8s.io/v1 VerticalPodAutoscaler", "RecommendationProvided=False NoPodsMatched=True"),
            "Degraded",
            "RecommendationProvided is False",
        ),
        (thing("kibana.k8s.elastic.co/v1 Kibana", health="green"), "Healthy", ""),
        (thing("kibana.k8s.elastic.co/v1 Kibana", health="red"), "Progressing", "its health is red"),
        (thing("ceph.rook.io/v1 CephBlockPool", phase="Ready"), "Healthy", ""),
        (thing("ceph.rook.io/v1 CephObjectStore", phase="Failure"), "Degraded", "its phase is Failure"),
        (thing("addons.cluster.x-k8s.io/v1beta1 ClusterResourceSet", "ResourcesApplied=False"), "Degraded", ""),
        (thing("clickhouse.altinity.com/v1 ClickHouseInstallation", status="InProgress"), "Progressing", "InProgress"),
        (thing("policies.kyverno.io/v1 ValidatingPolicy", conditionStatus={"ready": True}), "Healthy", ""),
        (thing("policies.kyverno.io/v1 NamespacedMutatingPolicy", conditionStatus={"ready": False}), "Progressing", ""),
        (thing("policies.kyverno.io/v1 ValidatingPolicy"), "Progressing", "conditionStatus.ready is not told yet"),
        (kyverno("WebhookConfigured=True@3 PolicyCached=True"), "Healthy", "WebhookConfigured is True"),
        (kyverno("WebhookConfigured=True@2"), "Progressing", "WebhookConfigured is Stale"),
        (kyverno("WebhookConfigured=False/Refused", ready=False), "Degraded", "Refused"),
        (kyverno("WebhookConfigured=True", ready=False), "Progressing", "conditionStatus.ready is False"),
        (thing("operators.coreos.com/v1alpha1 Subscription", state="AtLatestKnown"), "Healthy", "its state"),
        (thing("operators.coreos.com/v1alpha1 Subscription", state="UpgradePending"), "Progressing", "UpgradePending"),
        (thing("projectcontour.io/v1 HTTPProxy", "Valid=False"), "Degraded", "Valid is False"),
        (thing("psmdb.percona.com/v1 PerconaServerMongoDB", state="paused"), "Suspended", "its state is paused"),
        (thing("longhorn.io/v1beta2 Volume", robustness="degraded"), "Progressing", "its robustness is degraded"),
        (thing("longhorn.io/v1beta2 Volume", robustness="healthy", state="attached"), "Healthy", ""),
        (thing("longhorn.io/v1beta2 Volume", robustness="healthy", state="detaching"), "Progressing", "detaching"),
        (thing("objectbucket.io/v1alpha1 ObjectBucketClaim", phase="Bound"), "Healthy", ""),
        (thing("objectbucket.io/v1alpha1 ObjectBucketClaim", phase="Failed"), "Degraded", "Failed"),
        (thing("trident.netapp.io/v1 TridentOrchestrator", status="Installed"), "Healthy", ""),
        (
            thing("trident.netapp.io/v1 TridentBackendConfig", phase="Bound", lastOperationStatus="Failed"),
            "Progressing",
            "its lastOperationStatus is Failed",
        ),
        (thing("tekton.dev/v1 PipelineRun", "Succeeded=True/Completed"), "Healthy", "Succeeded is True"),
        (thing("tekton.dev/v1 PipelineRun", "Succeeded=Unknown/Running"), "Progressing", "Running"),
        (thing("tekton.dev/v1 TaskRun", "Succeeded=False/TaskRunTimeout"), "Degraded", "TaskRunTimeout"),
        (thing("trust.cert-manager.io/v1alpha1 Bundle", "Synced=True@3"), "Healthy", "Synced is True"),
        (thing("trust.cert-manager.io/v1alpha1 Bundle", "Synced=False/SourceNotFound@3"), "Degraded", "SourceNotFound"),
        (
            thing(
                "rollouts.kruise.io/v1beta1 Rollout", phase="Healthy", canaryStatus={"currentStepState": "Completed"}
            ),
            "Healthy",
            "",
        ),
        (thing("rollouts.kruise.io/v1beta1 Rollout", phase="Disabled"), "Progressing", "its phase is Disabled"),
        (
            thing("sparkoperator.k8s.io/v1beta2 SparkApplication", applicationState={"state": "COMPLETED"}),
            "Healthy",
            "",
        ),
        (
            thing("sparkoperator.k8s.io/v1beta2 SparkApplication", applicationState={"state": "RUNNING"}),
            "Progressing",
            "its applicationState.state is RUNNING",
        ),
        (thing("operator.victoriametrics.com/v1beta1 VMRule", updateStatus="failed"), "Progressing", "failed"),
        (thing("postgresql.cnpg.io/v1 Database", applied=True, observedGeneration=3), "Healthy", ""),
        (thing("postgresql.cnpg.io/v1 Database", applied=True), "Progressing", "observed none"),
        (thing("postgresql.cnpg.io/v1 Database", applied=False, observedGeneration=3), "Progressing", "applied"),
        (thing("operator.victoriametrics.com/v1beta1 VMAgent", updateStatus="operational"), "Healthy", ""),
        (thing("policy.open-cluster-management.io/v1 Policy", compliant="NonCompliant"), "Progressing", "NonCompliant"),
        (thing("acme.cert-manager.io/v1 Order", state="valid"), "Healthy", ""),
        (thing("acme.cert-manager.io/v1 Order", state="errored"), "Degraded", "errored"),
        (thing("acme.cert-manager.io/v1 Challenge", state="pending"), "Progressing", "pending"),
        (thing("acme.cert-manager.io/v1 Challenge"), "Progressing", "does not say yet what its state is"),
        (thing("gateway.networking.k8s.io/v1 GatewayClass", "Accepted=True@3"), "Healthy", ""),
        (thing("gateway.networking.k8s.io/v1 GatewayClass", "Accepted=True@2"), "Progressing", "Stale"),
        (thing("cluster.x-k8s.io/v1beta1 MachineDeployment", phase="Running"), "Healthy", ""),
        (thing("cluster.x-k8s.io/v1beta1 MachineDeployment", phase="ScalingUp"), "Progressing", "ScalingUp"),
        (thing("cluster.x-k8s.io/v1beta1 Machine", "Ready=True", phase="Running"), "Healthy", "Ready is True"),
        (thing("cluster.x-k8s.io/v1beta1 Machine", "Ready=True", phase="Provisioned"), "Progressing", "Provisioned"),
        (thing("cluster.x-k8s.io/v1beta1 MachinePool", "Ready=True", phase="Unknown"), "Progressing", "Unknown"),
        (thing("datadoghq.com/v1alpha1 DatadogMetric", "Active=False Valid=True Error=False"), "Healthy", ""),
        (thing("datadoghq.com/v1alpha1 DatadogMetric", "Valid=True Error=True"), "Degraded", "Error is True"),
        (thing("grafana.integreatly.org/v1beta1 Grafana", stage="complete", stageStatus="success"), "Healthy", ""),
        (thing("grafana.integreatly.org/v1beta1 Grafana", stage="complete"), "Progressing", "stageStatus"),
        (thing("grafana.integreatly.org/v1beta1 GrafanaDashboard", "DashboardSynchronized=True@3"), "Healthy", ""),
        (thing("grafana.integreatly.org/v1beta1 GrafanaFolder", "FolderSynchronized=False@3"), "Degraded", "Folder"),
        (thing("grafana.integreatly.org/v1beta1 GrafanaDatasource"), "Progressing", "no condition Datasource"),
        (thing("jaegertracing.io/v1 Jaeger", phase="Running"), "Healthy", ""),
        (thing("kiali.io/v1alpha1 Kiali", "Running=True/Successful Successful=True Failure=False"), "Healthy", ""),
        (thing("kiali.io/v1alpha1 Kiali", "Running=True/Running Successful=False"), "Progressing", "Running"),
        (thing("kiali.io/v1alpha1 Kiali", "Running=True/Running Failure=True"), "Degraded", "Failure"),
        (thing("kiali.io/v1alpha1 Kiali", "Successful=False"), "Degraded", "Successful is False"),
        (
            thing("flink.apache.org/v1beta1 FlinkDeployment", lifecycleState="STABLE", jobStatus={"state": "RUNNING"}),
            "Healthy",
            "",
        ),
        (
            thing("flink.apache.org/v1beta1 FlinkDeployment", lifecycleState="STABLE", jobStatus={"state": "FAILING"}),
            "Progressing",
            "jobStatus.state is FAILING",
        ),
        (thing("flink.apache.org/v1beta1 FlinkDeployment", lifecycleState="SUSPENDED"), "Suspended", "SUSPENDED"),
        (thing("install.istio.io/v1alpha1 IstioOperator", status="HEALTHY"), "Healthy", ""),
        (thing("source.toolkit.fluxcd.io/v1 HelmRepository"), "Unknown", "does not say how it is"),
        (
            {**thing("source.toolkit.fluxcd.io/v1 HelmRepository"), "spec": {"type": "oci"}},
            "Healthy",
            "names an OCI registry",
        ),
        (
            {**thing("source.toolkit.fluxcd.io/v1 HelmRepository"), "spec": {"type": "oci", "suspend": True}},
            "Suspended",
            "suspend",
        ),
        (
            {**thing("source.toolkit.fluxcd.io/v1beta2 HelmRepository", "Ready=False"), "spec": {"type": "oci"}},
            "Degraded",
            "Ready is False",
        ),
        (thing("install.istio.io/v1alpha1 IstioOperator", status="ERROR"), "Progressing", "ERROR"),
        (
            thing("clickhouse-keeper.altinity.com/v1 ClickHouseKeeperInstallation", status="Completed"),
            "Healthy",
            "its status",
        ),
        (thing("gateway.envoyproxy.io/v1alpha1 Backend", "Accepted=True@3"), "Healthy", "Accepted is True"),
        (thing("gateway.envoyproxy.io/v1alpha1 Backend", "Accepted=True@2"), "Progressing", "Accepted is Stale"),
        (thing("apiextensions.crossplane.io/v1 CompositeResourceDefinition", "Established=True"), "Healthy", ""),
        (thing("pkg.crossplane.io/v1 Provider", "Installed=True Healthy=False"), "Degraded", "Healthy is False"),
        (thing("pkg.crossplane.io/v1 Provider", "Healthy=True"), "Progressing", "no condition Installed"),
        (thing("postgresql.cnpg.io/v1 Cluster", "Ready=True", phase="Cluster in healthy state"), "Healthy", ""),
        (thing("postgresql.cnpg.io/v1 Cluster", "Ready=True", phase="Failing over"), "Degraded", "Failing over"),
        (
            thing("postgresql.cnpg.io/v1 Cluster", "Ready=True", phase="Waiting for user action"),
            "Progressing",
            "Waiting for user action",
        ),
        (
            thing(
                "postgresql.cnpg.io/v1 Cluster",
                "Ready=True cnpg.io/hibernation=True/Hibernated",
                phase="Cluster in healthy state",
            ),
            "Suspended",
            "Hibernated",
        ),
        (thing("ceph.rook.io/v1 CephCluster", "Ready=True", ceph={"health": "HEALTH_OK"}), "Healthy", ""),
        (thing("ceph.rook.io/v1 CephCluster", "Ready=True", ceph={"health": "HEALTH_WARN"}), "Progressing", "WARN"),
        (thing("ceph.rook.io/v1 CephCluster", ceph={"health": "HEALTH_OK"}, state="Connecting"), "Progressing", "Conn"),
        (thing("ceph.rook.io/v1 CephCluster", "Ready=False", ceph={"health": "HEALTH_OK"}), "Degraded", "Ready"),
        (thing("velero.io/v1 Backup", "Ready=Unknown", phase="Completed"), "Progressing", "Ready is Unknown"),
        (thing("acid.zalan.do/v1 postgresql", PostgresClusterStatus="Running"), "Healthy", ""),
        (thing("elasticsearch.k8s.elastic.co/v1 Elasticsearch", phase="Ready", health="green"), "Healthy", ""),
        (
            thing(
                "elasticsearch.k8s.elastic.co/v1 Elasticsearch",
                spec={"nodeSets": [{"count": 3}, {"count": 2}]},
                phase="Ready",
                health="green",
                availableNodes=3,
            ),
            "Progressing",
            "3 of 5 nodes",
        ),
        (
            thing(
                "elasticsearch.k8s.elastic.co/v1 Elasticsearch",
                spec={"nodeSets": [{"count": 3}]},
                phase="Ready",
                health="green",
                availableNodes=3,
            ),
            "Healthy",
            "",
        ),
        (
            thing("elasticsearch.k8s.elastic.co/v1 Elasticsearch", phase="Ready", health="yellow"),
            "Progressing",
            "yellow",
        ),
        (
            thing(
                "rabbitmq.com/v1beta1 RabbitmqCluster",
                "AllReplicasReady=True ClusterAvailable=True ReconcileSuccess=True",
            ),
            "Healthy",
            "",
        ),
        (
            thing(
                "rabbitmq.com/v1beta1 RabbitmqCluster",
                "AllReplicasReady=False ClusterAvailable=True ReconcileSuccess=True",
            ),
            "Degraded",
            "AllReplicasReady",
        ),
        (thing("flagger.app/v1beta1 Canary", phase="Succeeded"), "Healthy", ""),
        (thing("flagger.app/v1beta1 Canary", phase="Promoting"), "Progressing", "Promoting"),
        (thing("bitnami.com/v1alpha1 SealedSecret", "Synced=True", observedGeneration=3), "Healthy", ""),
        (thing("bitnami.com/v1alpha1 SealedSecret", "Synced=True"), "Progressing", "observed none"),
        (thing("velero.io/v1 Backup", phase="Completed"), "Healthy", ""),
        (thing("velero.io/v1 Backup", phase="PartiallyFailed"), "Degraded", "PartiallyFailed"),
        (thing("velero.io/v1 Schedule", phase="Enabled"), "Healthy", ""),
        (thing("velero.io/v1 Schedule", spec={"paused": True}, phase="Enabled"), "Suspended", "paused"),
        (thing("snapshot.storage.k8s.io/v1 VolumeSnapshot", readyToUse=True), "Healthy", ""),
        (thing("snapshot.storage.k8s.io/v1 VolumeSnapshot", readyToUse=False), "Progressing", "readyToUse is False"),
        (
            thing("snapshot.storage.k8s.io/v1 VolumeSnapshot", readyToUse=False, error={"message": "no such disk"}),
            "Degraded",
            "no such disk",
        ),
    ],
)
def test_widespread_kinds_are_judged_by_their_own_words(manifest: Any, status: str, words: str) -> None:
    assert_health(judge_object(manifest), status, words)


def stage(active: str, proposed: str) -> dict[str, Any]:
    return {"branch": "dev", "active": {"dry": {"sha": active}}, "proposed": {"dry": {"sha": proposed}}}


def promoter(kind: str, told: str = "Ready=True@3", **status: Any) -> dict[str, Any]:
    return thing(f"promoter.argoproj.io/v1alpha1 {kind}", told, **status)


def collector(replicas: str | None, mode: str = "deployment", **spec: str) -> dict[str, Any]:
    about = {"mode": mode, **spec}
    return thing("opentelemetry.io/v1beta1 OpenTelemetryCollector", spec=about, scale={"statusReplicas": replicas})


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (promoter("PromotionStrategy", environments=[stage("abc", "abc"), stage("abc", "abc")]), "Healthy", ""),
        (
            promoter("PromotionStrategy", environments=[stage("abc", "abc"), stage("abc", "def")]),
            "Progressing",
            "dev runs abc, and def is proposed",
        ),
        (promoter("PromotionStrategy", environments=[stage("", "")]), "Progressing", "dev runs nothing"),
        (promoter("PromotionStrategy", environments=[]), "Progressing", "no environment"),
        (promoter("PromotionStrategy"), "Progressing", "it runs nothing"),
        (promoter("PromotionStrategy", "Ready=False@3", environments=[stage("a", "b")]), "Degraded", "Ready is False"),
        (promoter("ChangeTransferPolicy", **stage("abc", "abc")), "Healthy", ""),
        (promoter("ChangeTransferPolicy", **stage("abc", "def")), "Progressing", "dev runs abc, and def is proposed"),
        (promoter("CommitStatus", phase="pending"), "Progressing", "its phase is pending"),
        (promoter("GitCommitStatus", environments=[{"branch": "dev", "phase": "success"}]), "Healthy", ""),
        (promoter("GitCommitStatus", environments=[]), "Healthy", ""),
        (
            promoter("TimedCommitStatus", environments=[{"branch": "dev", "phase": "pending"}]),
            "Progressing",
            "dev has the phase pending",
        ),
        (
            promoter(
                "WebRequestCommitStatus",
                environments=[{"branch": "dev", "phase": "pending"}, {"branch": "live", "phase": "failure"}],
            ),
            "Degraded",
            "live has the phase failure",
        ),
        (promoter("GitCommitStatus", environments=[{"branch": "dev"}]), "Progressing", "dev has the phase pending"),
        (promoter("GitCommitStatus", "Ready=Unknown", environments=[{"phase": "failure"}]), "Progressing", "Unknown"),
        (promoter("ArgoCDCommitStatus", applicationsSelected=[{"name": "web", "phase": "success"}]), "Healthy", ""),
        (promoter("ArgoCDCommitStatus"), "Progressing", "its applicationsSelected are none"),
        (collector("2/2"), "Healthy", "2/2 replicas ready"),
        (collector("1/2"), "Progressing", "1/2 replicas ready"),
        (collector("3/2"), "Progressing", "3/2 replicas ready"),
        (collector("0/0"), "Progressing", "has no replicas yet"),
        (collector("0/0", "daemonset"), "Healthy", ""),
        (collector("2/2", managementState="unmanaged"), "Suspended", "unmanaged"),
        (collector(None, "sidecar"), "Unknown", "does not say"),
        (collector("many"), "Unknown", "does not say"),
    ],
)
def test_what_is_ready_is_as_its_parts_say(manifest: Any, status: str, words: str) -> None:
    assert_health(judge_object(manifest), status, words)


GOOD = "Accepted=True@3 Programmed=True@3 ResolvedRefs=True@3"


def gateway(
    told: str = GOOD, listener: str = GOOD + " Conflicted=False@3", names: Any = ("http", "tls")
) -> dict[str, Any]:
    listeners = [{"name": "http", "conditions": conditions(GOOD)}, {"name": "tls", "conditions": conditions(listener)}]
    spec = {"listeners": [{"name": name} for name in names]}
    return thing("gateway.networking.k8s.io/v1 Gateway", told, spec, listeners=listeners)


def route(*answers: tuple[Any, str], names: Any = ("front",)) -> dict[str, Any]:
    told = [{"parentRef": {"namespace": "shop", **ref}, "conditions": conditions(text)} for ref, text in answers]
    refs = [{"name": name} for name in names]
    return thing("gateway.networking.k8s.io/v1 HTTPRoute", spec={"parentRefs": refs}, parents=told)


def policy(*answers: str, kind: str = "gateway.networking.k8s.io/v1 BackendTLSPolicy") -> dict[str, Any]:
    named = zip(("front", "back"), answers, strict=False)
    told = [{"ancestorRef": {"name": name}, "conditions": conditions(text)} for name, text in named]
    return thing(kind, ancestors=told)


FRONT = {"name": "front"}


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        (gateway(), "Healthy", "Accepted"),
        (gateway(names=("http",)), "Healthy", ""),
        (gateway(names=("http", "tls", "grpc")), "Progressing", "listener grpc is not there yet"),
        (gateway("Accepted=True@3"), "Progressing", "no condition Programmed"),
        (gateway("Accepted=True@3 Programmed=False@3"), "Degraded", "Programmed is False"),
        (gateway("Accepted=True@3 Programmed=True@3 ResolvedRefs=False@3"), "Degraded", "ResolvedRefs"),
        (gateway(listener="Accepted=False@3"), "Degraded", "listener tls: Accepted is False"),
        (gateway(listener=f"{GOOD} Conflicted=True@3"), "Degraded", "listener tls: Conflicted is True"),
        (gateway(listener="Accepted=True@2"), "Progressing", "listener tls: Accepted is Stale"),
        (route((FRONT, "Accepted=True@3")), "Healthy", "its 1 parents accepted it"),
        (route((FRONT, GOOD)), "Healthy", ""),
        (
            route((FRONT, "Accepted=True@3 ResolvedRefs=False/BackendNotFound@3")),
            "Degraded",
            "parent front: ResolvedRefs",
        ),
        (route((FRONT, "Accepted=True@3 Reconciled=False@3")), "Degraded", "parent front: Reconciled"),
        (route((FRONT, "Accepted=True@2")), "Progressing", "Stale"),
        (route((FRONT, "Programmed=True@3")), "Progressing", "no condition Accepted"),
        (route(), "Progressing", "parent front has not answered"),
        (route((FRONT, GOOD), names=("front", "back")), "Progressing", "parent back has not answered"),
        (route((FRONT, GOOD), ({"name": "old"}, "Accepted=False@1")), "Healthy", ""),
        (route((FRONT, GOOD), (FRONT, "Accepted=False@3")), "Degraded", "Accepted is False"),
        (route(({"name": "front", "namespace": "other"}, GOOD)), "Progressing", "not answered"),
        (route(({"name": "front", "sectionName": "http"}, GOOD)), "Progressing", "not answered"),
        (route(names=()), "Progressing", "it names no parent"),
        (policy("Accepted=True@3", "Accepted=True@3 ResolvedRefs=True@3"), "Healthy", "its 2 ancestors accepted it"),
        (policy("Accepted=True@3", "Accepted=False@3"), "Degraded", "ancestor back: Accepted is False"),
        (policy("Accepted=True@3 ResolvedRefs=False@3"), "Degraded", "ancestor front: ResolvedRefs is False"),
        (policy("Accepted=True@3", "Accepted=True@2"), "Progressing", "ancestor back: Accepted is Stale"),
        (policy(""), "Progressing", "ancestor front: it has no condition Accepted"),
        (policy(), "Progressing", "no Gateway has answered"),
        (
            policy("Accepted=True@3 Programmed=False@3", kind="gateway.envoyproxy.io/v1alpha1 EnvoyPatchPolicy"),
            "Degraded",
            "Programmed is False",
        ),
        (policy("Accepted=True@3", kind="gateway.envoyproxy.io/v1alpha1 SecurityPolicy"), "Healthy", ""),
    ],
)
def test_gateways_routes_and_policies_are_as_their_listeners_parents_and_ancestors_say(
    manifest: Any, status: str, words: str
) -> None:
    assert_health(judge_object(manifest), status, words)


def never_ran(schedule: str, age: timedelta) -> dict[str, Any]:
    made = (NOW - age).isoformat(timespec="seconds")
    about = {"name": "it", "namespace": "shop", "creationTimestamp": made}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": about, "spec": {"schedule": schedule}}


@pytest.mark.parametrize(
    ("schedule", "young", "old"),
    [
        ("*/5 * * * *", timedelta(hours=1), timedelta(hours=3)),
        ("0 3 * * *", timedelta(hours=30), timedelta(days=3)),
        ("0 3 ? * *", timedelta(hours=30), timedelta(days=3)),
        ("0 3 * * 1", timedelta(days=7), timedelta(days=9)),
        ("0 3 1 * *", timedelta(days=31), timedelta(days=64)),
        ("0 3 1 1 *", timedelta(days=365), timedelta(days=368)),
        ("@weekly", timedelta(days=7), timedelta(days=9)),
    ],
)
def test_a_cron_job_that_never_ran_is_healthy_only_while_it_may_not_have_been_due(
    schedule: str, young: timedelta, old: timedelta
) -> None:
    assert_health(judge_object(never_ran(schedule, young), now=NOW), "Healthy", "too young")
    assert_health(judge_object(never_ran(schedule, old), now=NOW), "Unknown", "never run")
    assert_health(judge_object(never_ran(schedule, young)), "Unknown", "never run")


def test_a_schedule_that_is_not_understood_is_not_waited_for() -> None:
    assert_health(judge_object(never_ran("whenever", timedelta(0)), now=NOW), "Unknown", "whenever")


texts = st.text("abcFAILDfailed Paused", max_size=12)
more = st.dictionaries(
    st.sampled_from(["Synced", "Paused", "RollingOut", "Fallback", "TopologyReconciled", "Other"]),
    st.sampled_from(["True", "False", "Unknown"]),
)


@given(st.sampled_from(["True", "False", "Unknown"]), more, st.none() | texts)
def test_what_stands_beside_ready_never_makes_anything_healthy(ready: str, beside: dict[str, str], phase: Any) -> None:
    alone = judge_object(widget(f"Ready={ready}"))
    both = judge_object(widget(" ".join(f"{k}={v}" for k, v in {"Ready": ready, **beside}.items()), phase=phase))

    assert alone.status is Status.HEALTHY or both.status is not Status.HEALTHY
