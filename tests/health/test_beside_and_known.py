"""The health of custom resources: what stands beside Ready, and kinds that speak in words of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.kit.health import Health, Status, judge_object

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def conditions(text: str) -> list[dict[str, Any]]:
    """``Ready=True Synced=False/ReconcileError@3``: type, status, reason and observed generation."""
    told = []
    for each in text.split():
        kind, _, rest = each.partition("=")
        rest, _, generation = rest.partition("@")
        status, _, reason = rest.partition("/")
        told.append({"type": kind, "status": status, "reason": reason} | (_observed(generation)))
    return told


def _observed(generation: str) -> dict[str, Any]:
    return {"observedGeneration": int(generation)} if generation else {}


def thing(kind: str, told: str = "", spec: Any = None, **status: Any) -> dict[str, Any]:
    """``example.com/v1 Widget`` of generation 3."""
    api_version, _, name = kind.rpartition(" ")
    about = {"name": "it", "namespace": "shop", "generation": 3, "annotations": status.pop("annotations", None)}
    listed = {"conditions": conditions(told)} if told else {}
    return {"apiVersion": api_version, "kind": name, "metadata": about, "spec": spec or {}, "status": listed | status}


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
        # Of an older generation
        (widget(lastEvaluatedGeneration=2), "Progressing", "generation 3, observed 2"),
        (widget(lastEvaluatedGeneration=3), "Healthy", ""),
        # A pause
        (widget("Ready=True Cordoned=True"), "Suspended", "Cordoned"),
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
        (widget("Ready=True Disrupting=True/Expired"), "Progressing", "Disrupting is True: Expired"),
        (widget("Ready=True TopologyReconciled=False"), "Progressing", "TopologyReconciled"),
        (widget("Ready=True Synced=Unknown"), "Progressing", "Synced is Unknown"),
        (widget("Ready=True Synced=True@2"), "Progressing", "Synced is Stale"),
        (widget("Available=True Progressing=Unknown"), "Progressing", "Progressing is Unknown"),
        (widget("Available=True Progressing=True/Rolling"), "Progressing", "Progressing is True: Rolling"),
        (widget("Available=True Progressing=True/NewReplicaSetAvailable"), "Healthy", ""),
        (widget("Available=True Progressing=True/NewReplicaSetAvailable@2"), "Progressing", "Progressing is Stale"),
        (widget("Ready=True Available=True Progressing=True/OSDsRunning"), "Healthy", ""),
        (widget(phase="Scaling Up"), "Progressing", "its phase is Scaling Up"),
        (widget(phase="Running", state={"odd": 1}), "Healthy", ""),
        (widget(spec={"replicas": 3}, readyReplicas=2), "Progressing", "2 of 3 replicas ready"),
        (widget(spec={"replicas": 3}, readyReplicas=3, updatedReplicas=1), "Progressing", "1 of 3 replicas updated"),
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
        (thing("operators.coreos.com/v1alpha1 Subscription", state="AtLatestKnown"), "Healthy", "its state"),
        (thing("operators.coreos.com/v1alpha1 Subscription", state="UpgradePending"), "Progressing", "UpgradePending"),
        (thing("projectcontour.io/v1 HTTPProxy", "Valid=False"), "Degraded", "Valid is False"),
        (thing("psmdb.percona.com/v1 PerconaServerMongoDB", state="paused"), "Suspended", "its state is paused"),
        (thing("longhorn.io/v1beta2 Volume", robustness="degraded"), "Progressing", "its robustness is degraded"),
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
        (thing("ceph.rook.io/v1 CephCluster", "Ready=False", ceph={"health": "HEALTH_OK"}), "Degraded", "Ready"),
        (thing("velero.io/v1 Backup", "Ready=Unknown", phase="Completed"), "Progressing", "Ready is Unknown"),
        (thing("acid.zalan.do/v1 postgresql", PostgresClusterStatus="Running"), "Healthy", ""),
        (thing("elasticsearch.k8s.elastic.co/v1 Elasticsearch", phase="Ready", health="green"), "Healthy", ""),
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
    ],
)
def test_gateways_and_routes_are_as_their_listeners_and_parents_say(manifest: Any, status: str, words: str) -> None:
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
