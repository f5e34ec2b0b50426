"""Counts how far our judgement of objects agrees with the published tests of kstatus and of Argo CD.

    python -m tests.health.agreement --kstatus ../cli-utils --argo-cd ../argo-cd --gitops-engine ../gitops-engine

What counts is healthy or not: the words differ (kstatus knows no Suspended), and only Healthy lets a gate open. It ends
with 1 where we call healthy what they do not, unless the difference is explained in ``OPENS``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.health import Health, Status, judge_object
from tests.health.published import Case, argo_cd, gitops_engine, kstatus

_SILENT: Final = "nothing is healthy because it does not say how it is; an expression in the policy can tell"
_NEVER_RAN: Final = "a CronJob that never ran, or never with success, is only healthy while it is too young"
_NO_GENERATION: Final = "it has no generation, which an API server always gives"
OPENS: Final = {
    "kstatus/hpaScalingLimitedStatus": "an autoscaler at its limit works as it was told",
    "*/pod-running-restart-*": "Argo CD waits for hook pods to end; one that runs and is Ready harms no cluster",
    "*/CassandraDatacenter/testdata/datacenter-*.yaml": "it is Ready and nothing is under way, whatever changed last",
    "*/ResourcePool/testdata/degraded_exhausted.yaml": "a quota that is used up works; claims that wait for it say so",
    "*/kro.run/*/testdata/missing_generation.yaml": "kro names a generation in each; most controllers never do",
    "*/SpinApp/testdata/progressing.yaml": "a finished rollout says NewReplicaSetAvailable for ever; all are ready",
    "*/ExternalSecret/testdata/progressing_onchange.yaml": "lastTransitionTime only moves when the status does",
}
"""Where we say healthy and they do not, by pattern, and why ours is right."""
HOLDS: Final = {
    "kstatus/cronjob*": _NEVER_RAN,
    "kstatus/jobInProgress": "a Job that runs has not succeeded",
    "kstatus/podCompletedFailed": "a failed pod is not like one that succeeded",
    "kstatus/serviceLBok": "a clusterIP is not the address of a load balancer",
    "*/*-nonemptylist.yaml": "an entry without IP and name is no address",
    "*/daemonset-ondelete.yaml": _NO_GENERATION,
    "*/hpa-v1-*": "its conditions stand in an annotation there; the message says to ask for autoscaling/v2",
    "*/pvc-pending-wait-*": "a claim alone cannot tell waiting for a pod from a fault; volumes-bound can",
    "*/CloneSet/testdata/healthy.yaml": "it says itself that scaling failed",
    "*/CronJob/testdata/active.yaml": "a run that has not ended may fail; the next look will tell",
    "*/CronJob/testdata/[hos]*.yaml": "it has not run for years, and its schedule wants it to",
    "*/CronJob/testdata/never-s[cu]*.yaml": _NEVER_RAN,
    "*/BackendTLSPolicy/testdata/healthy_multi_controller.yaml": "a controller that reads it refuses it",
    "*/gateway.envoyproxy.io/*/healthy_with_stale_ancestor.yaml": "one that it reaches spoke of an older generation",
    "*/FlinkDeployment/testdata/healthy_*": "a suspended job runs nothing; before 1.0 none says that it is stable",
    "*/GrafanaDatasource/testdata/healthy.yaml": "it does not say whether Grafana took it, as newer ones do",
    "*/MachinePool/testdata/scaling_provisioned.yaml": "it scales, and two of its three machines are ready",
    "*/DeploymentConfig/testdata/healthy_zero_replicas.yaml": "its spec asks for three, and it has none",
    "*/Exchange/testdata/healthy.yaml": "its status is about generation 1 of 3",
    "*/HTTPProxy/testdata/parent_child.yaml": "it says that it is not valid; Argo CD skips whatever has includes",
    "*/Policy/testdata/disabled_root.yaml": "it is applied to no cluster, so it says nothing of compliance",
    "*/Policy/testdata/healthy_with_placement_empty_compliant.yaml": "it is applied to no cluster",
    "*/SparkApplication/testdata/healthy*.yaml": "a job that runs may fail; the next look will tell",
    "*/Subscription/testdata/install_plan_manual_upgrade_pending.yaml": "an upgrade waits for a person's approval",
    "*/Volume/testdata/detached.yaml": "a detached volume does not know whether its replicas are sound",
    "*/numaflow.numaproj.io/*/testdata/paused.yaml": "it is paused",
    "*/KafkaConnect*/testdata/healthy.yaml": "it is being deleted",
    "*/VirtualMachine/testdata/healthy_*": "a machine that is halted is not Ready; an expression can allow it",
    "*/promoter.argoproj.io/*": "an API server gives the status of a condition as text",
    "*/PodDisruptionBudget/testdata/healthy.yaml": _NO_GENERATION,
    "*/ReplicaSet/testdata/healthy.yaml": "it says nothing of ready replicas, which a controller always does",
    "*/Rollout/testdata/*": "before version 1.1 of 2021 a Rollout did not say which generation it saw, nor its phase",
    "*/GRPCRoute/testdata/healthy.yaml": "an API server would not serve a parent without parentRef",
    "*/*Route/testdata/healthy_empty_parents.yaml": "no Gateway has accepted it",
    "*/*Route/testdata/healthy_multiple_generations.yaml": "the parent that it names spoke of an older generation",
}
"""Where they say healthy and we do not: no gate opens by that, but it should be meant. Unknown always is."""
_READERS: Final = {"kstatus": kstatus, "argo-cd": argo_cd, "gitops-engine": gitops_engine}


@dataclass(frozen=True, slots=True)
class Difference:
    """A case on which we do not agree whether it is healthy."""

    case: Case
    ours: Health

    @property
    def opens(self) -> bool:
        """We would open where they would not."""
        return self.ours.status is Status.HEALTHY

    @property
    def why(self) -> str | None:
        """Its explanation, if there is one; one for holding never excuses opening."""
        known = OPENS if self.opens else HOLDS
        silent = None if self.opens or self.ours.status is not Status.UNKNOWN else _SILENT
        return next((why for pattern, why in known.items() if fnmatchcase(self.case.name, pattern)), silent)

    def __str__(self) -> str:
        sides = f"{self.case.name}: they say {self.case.expected}, we say {self.ours.status} ({self.ours.message})"
        return sides + (f"; {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was counted."""

    cases: int
    same_word: int
    differences: Sequence[Difference]

    @property
    def agreed(self) -> int:
        """Cases on which both say healthy, or both do not."""
        return self.cases - len(self.differences)

    @property
    def unexplained(self) -> Sequence[Difference]:
        """Where we would open, they would not, and nobody has said why."""
        return [each for each in self.differences if each.opens and each.why is None]


def compare(cases: Iterable[Case]) -> Agreement:
    """Judge each case and count."""
    found = [(case, _judge(case)) for case in cases]
    differences = [
        Difference(case, ours)
        for case, ours in found
        if (ours.status is Status.HEALTHY) != (case.expected is Status.HEALTHY)
    ]
    return Agreement(len(found), sum(ours.status is case.expected for case, ours in found), differences)


def _judge(case: Case) -> Health:
    try:
        return judge_object(case.manifest, now=datetime.now(UTC))
    except BadAnswer as error:
        return Health(Status.UNKNOWN, str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the count; 1 where we would open unexplained."""
    parser = argparse.ArgumentParser(description="Agreement of our health rules with published ones.")
    for name in _READERS:
        parser.add_argument(f"--{name}", type=Path, metavar="CLONE", dest=name)
    given = {name: clone for name, clone in vars(parser.parse_args(arguments)).items() if clone is not None}
    bad = 0
    for name, clone in given.items():
        found = compare(_READERS[name](clone))
        bad += len(found.unexplained) + (found.cases == 0)
        lines = [
            f"{name}: {found.agreed} of {found.cases} agree on healthy or not, {found.same_word} say the same word",
            *(f"  {'OPENS ' if each in found.unexplained else ''}{each}" for each in found.differences),
        ]
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if bad or not given else 0


if __name__ == "__main__":
    sys.exit(main())
