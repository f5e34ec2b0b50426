"""The Kubernetes version that the run brings is offered to the cluster, in its region and from its version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic import Field

from gatekeeper.check import (
    AKS_API,
    AKS_READ,
    AksCluster,
    Azure,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Target,
    aks_cluster,
    at,
    dicts,
    say,
    some,
    version_of,
)

_PROFILE: Final = "/upgradeProfiles/default"
Version = tuple[int, ...]


class TargetVersionAvailable(ClusterCheck):
    """AKS offers the run's Kubernetes version to this cluster: a version that is not in a region yet blocks the run.

    The control plane's offered upgrades (``upgradeProfiles/default``, api-version 2025-05-01) know the region, the
    version from which the cluster comes, and its support plan. A target of two numbers ("1.33") is met by any of its
    patches, one of three by just that one. Versions in preview do not count unless allowed. A cluster that has the
    target already is fine; one that is beyond it fails, for AKS does not go back. When the version is not offered, the
    region's list (``locations/.../kubernetesVersions``) tells whether it is missing there, or only too far a step.

    A NodeImageOnly run brings no Kubernetes version, and passes. A type that is not known, or a run that names no
    version, is inconclusive.

    Example:
        - check: target-version-available

        - check: target-version-available
          version: "1.34"
          allowPreview: true
    """

    name: ClassVar[str] = "target-version-available"
    claim: ClassVar[str] = "the run's Kubernetes version is offered to the cluster"
    area: ClassVar[str] = "The run and Azure"
    azure_actions: ClassVar[tuple[str, ...]] = (
        AKS_READ,
        "Microsoft.ContainerService/managedClusters/upgradeProfiles/read",
        "Microsoft.ContainerService/locations/kubernetesVersions/read",
    )

    version: str | None = Field(default=None, pattern=r"^v?\d{1,4}\.\d{1,4}(\.\d{1,6})?$")
    """This version instead of the run's: ``1.33`` or ``1.33.2``."""
    allow_preview: bool = False
    """Whether a version in preview counts as offered."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Compare the target with what is offered."""
        wanted = (self.version or ctx.scope.target.kubernetes_version or "").removeprefix("v")
        goal = version_of(wanted)
        if self.version is None and (early := _nothing_to_look_for(ctx.scope.target)) is not None:
            return early
        if goal is None:
            said = say(wanted, 60) or "none"
            return Finding.inconclusive(f"the run names no Kubernetes version to look for ({said})")
        return await self._look(ctx, wanted, goal)

    async def _look(self, ctx: ClusterContext, wanted: str, goal: Version) -> Finding:
        azure, cluster = ctx.tools.azure, await aks_cluster(ctx.tools.azure, ctx.member)
        current = version_of(cluster.version)
        if current is None:
            raise BadAnswer(f"Azure shows {cluster.id.name} with the version {cluster.version!r:.60}")
        if current[: len(goal)] == goal:
            return Finding.passed(f"{cluster.id.name} is at {cluster.version} already; the run brings {wanted}")
        if current > goal:
            hint = "take the member out of the run, or let the run bring a later version"
            fact = Evidence("BeyondTarget", f"cluster {cluster.id.name}", cluster.version, f"before {wanted}", hint)
            return Finding.failed(f"{cluster.id.name} is at {cluster.version}, beyond the run's {wanted}", [fact])
        profile = await azure.get(f"{ctx.member.cluster_resource_id}{_PROFILE}", AKS_API)
        offered = self._offered(at(profile, "properties", "controlPlaneProfile"))
        found = [version for version in offered if (version_of(version) or ())[: len(goal)] == goal]
        if found:
            return Finding.passed(f"{wanted} is offered to {cluster.id.name} in {cluster.location}: {some(found)}")
        return await self._not_offered(azure, cluster, wanted, offered)

    def _offered(self, profile: object) -> list[str]:
        if not isinstance(profile, Mapping):
            raise BadAnswer("the upgrade profile has no controlPlaneProfile")
        upgrades = dicts(profile.get("upgrades"), "the offered upgrades")
        return [
            say(each.get("kubernetesVersion"), 60)
            for each in upgrades
            if self.allow_preview or each.get("isPreview") in (None, False)
        ]

    async def _not_offered(self, azure: Azure, cluster: AksCluster, wanted: str, offered: Sequence[str]) -> Finding:
        where = f"/subscriptions/{cluster.id.subscription}/providers/Microsoft.ContainerService/locations"
        listed = await azure.get(f"{where}/{cluster.location}/kubernetesVersions", AKS_API)
        why = _in_region(listed, wanted, allow_preview=self.allow_preview)
        words = f"{wanted} is not offered to {cluster.id.name} at {cluster.version} in {cluster.location}: {why}"
        hint = f"az aks get-upgrades {cluster.id.flags} -o table; az aks get-versions -l {cluster.location} -o table"
        seen = f"offered from {cluster.version}: {some(offered, 8) or 'nothing'}"
        return Finding.failed(words, [Evidence("VersionNotOffered", f"cluster {cluster.id.name}", seen, wanted, hint)])


def _nothing_to_look_for(target: Target) -> Finding | None:
    """What can be said of a run that brings no Kubernetes version."""
    kind = target.upgrade_type
    if kind == "NodeImageOnly":
        return Finding.passed("the run is NodeImageOnly: there is no Kubernetes version to look for")
    if kind not in ("Full", "ControlPlaneOnly"):
        said = say(kind, 60) or "not given"
        return Finding.inconclusive(f"the run's upgrade type is {said}, so there is no version to look for")
    return None


def _in_region(listed: Mapping[str, Any], wanted: str, *, allow_preview: bool) -> str:
    """Why it is not offered, as far as the region's list tells."""
    goal = version_of(wanted) or ()
    for minor in dicts(listed.get("values"), "the versions of the region"):
        if version_of(minor.get("version")) != goal[:2]:
            continue
        patches = at(minor, "patchVersions")
        there = isinstance(patches, Mapping) and any(
            (version_of(patch) or ())[: len(goal)] == goal for patch in patches
        )
        if not there:
            break
        if minor.get("isPreview") is True and not allow_preview:
            return "it is in preview there"
        return "it is there, but not from this version or not for the cluster's support plan"
    return "it is not in that region yet, or not any more"
