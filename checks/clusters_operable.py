"""Azure says that the cluster runs, and that no operation on it is under way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from gatekeeper.check import (
    AKS_READ,
    AksCluster,
    AksPool,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    aks_cluster,
    bounded,
    numbered,
    some,
)

_ENDED_BADLY: Final = ("Failed", "Canceled")
# The words of AKS for an operation under way; a word that is not here is inconclusive too, and said to be not known.
_UNDER_WAY: Final = frozenset(
    {
        "Accepted",
        "Creating",
        "Deleting",
        "Migrating",
        "Provisioning",
        "ReconcilingClusterCertificates",
        "ReconcilingClusterETCDCertificates",
        "RotatingClusterCertificates",
        "RotatingServiceAccountSigningKeys",
        "Scaling",
        "Starting",
        "Stopping",
        "Updating",
        "Upgrading",
        "UpgradingNodeImageVersion",
    }
)


@dataclass(frozen=True, slots=True)
class _Fault:
    words: str
    evidence: Evidence
    certain: bool = True


class ClustersOperable(ClusterCheck):
    """Azure shows the cluster and all its node pools as Running and Succeeded, so an update can begin.

    A stopped cluster fails an update run (Azure/AKS#5655), and one with an operation under way refuses another
    (Azure/AKS#5733). ``powerState.code`` must be ``Running``, and ``provisioningState`` ``Succeeded``. ``Failed`` and
    ``Canceled`` are failed: the last operation left something behind that the next one may stumble over. An operation
    under way is inconclusive, and so is every word that is not known: the next sweep looks again.

    Example:
        - check: clusters-operable

        - check: clusters-operable
          allowStoppedPools: true
    """

    name: ClassVar[str] = "clusters-operable"
    claim: ClassVar[str] = "the cluster and its pools run, and no operation is under way"
    area: ClassVar[str] = "The run and Azure"
    azure_actions: ClassVar[tuple[str, ...]] = (AKS_READ,)

    allow_stopped_pools: bool = False
    """Whether node pools may be stopped; they are reported then."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Judge the words that Azure says."""
        cluster = await aks_cluster(ctx.tools.azure, ctx.member)
        faults = [*_of_cluster(cluster), *(fault for pool in cluster.pools for fault in self._of_pool(cluster, pool))]
        asleep = [pool.name for pool in cluster.pools if pool.power_state == "Stopped"]
        pools = "pool" if len(asleep) == 1 else "pools"
        notes = f"; stopped: {pools} {', '.join(asleep)}" if asleep and self.allow_stopped_pools else ""
        if not faults:
            pools = numbered(len(cluster.pools), "node pool")
            return Finding.passed(f"{cluster.id.name} and its {pools} run, and no operation is under way{notes}")
        shown = sorted(faults, key=lambda fault: not fault.certain)
        judge = Finding.failed if shown[0].certain else Finding.inconclusive
        return judge(some([fault.words for fault in shown]) + notes, bounded(fault.evidence for fault in shown))

    def _of_pool(self, cluster: AksCluster, pool: AksPool) -> Iterator[_Fault]:
        subject = f"node pool {pool.name} of {cluster.id.name}"
        yield from _state(subject, pool.provisioning_state, cluster)
        if pool.power_state != "Running" and not (pool.power_state == "Stopped" and self.allow_stopped_pools):
            start = f"az aks nodepool start --subscription {cluster.id.subscription} -g {cluster.id.resource_group}"
            yield _power(subject, pool.power_state, f"{start} --cluster-name {cluster.id.name} -n {pool.name}")


def _of_cluster(cluster: AksCluster) -> Iterator[_Fault]:
    subject = f"cluster {cluster.id.name}"
    yield from _state(subject, cluster.provisioning_state, cluster)
    if cluster.power_state != "Running":
        yield _power(subject, cluster.power_state, f"az aks start {cluster.id.flags}")


def _power(subject: str, state: str, start: str) -> _Fault:
    seen = f"its power state is {state or 'not given'}"
    evidence = Evidence("NotRunning", subject, seen, "Running", start)
    return _Fault(f"{subject} is {state or 'without a power state'}", evidence, certain=state == "Stopped")


def _state(subject: str, state: str, cluster: AksCluster) -> Iterator[_Fault]:
    if state == "Succeeded":
        return
    if state in _ENDED_BADLY:
        hint = f"az aks update {cluster.id.flags} (with no change, this reconciles it), or ask Azure's support"
        evidence = Evidence("LastOperationFailed", subject, f"its provisioning state is {state}", "Succeeded", hint)
        yield _Fault(f"the last operation on {subject} {state.lower()}", evidence)
        return
    known = f"an operation is under way on {subject} ({state})"
    words = known if state in _UNDER_WAY else f"the state of {subject} is {state or 'not given'}, which is not known"
    hint = f"az aks show {cluster.id.flags} --query provisioningState"
    code = "OperationUnderWay" if state in _UNDER_WAY else "StateNotKnown"
    yield _Fault(
        words, Evidence(code, subject, f"its provisioning state is {state or 'not given'}", "Succeeded", hint), False
    )
