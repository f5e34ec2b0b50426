"""Azure Resource Health says that the cluster is available."""

from __future__ import annotations

from typing import ClassVar, Final

from gatekeeper.check import AksId, ClusterCheck, ClusterContext, Evidence, Finding, at, say

_API: Final = "2024-02-01"
_STATUS: Final = "/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
_HINT: Final = "https://learn.microsoft.com/azure/aks/aks-resource-health"


class ResourceHealth(ClusterCheck):
    """Azure Resource Health shows the cluster as Available.

    This is what Azure itself sees of the managed parts: the API server's availability, and platform incidents
    (``Microsoft.ResourceHealth``, api-version 2024-02-01). ``Unavailable`` and ``Degraded`` are failed; ``Unknown`` (no
    signal for a while) and every word that is not known are inconclusive. Azure's view trails the truth by some
    minutes: use this beside the checks that look into the cluster, not instead of them.

    Example:
        - check: resource-health

        - check: resource-health
          allowDegraded: true
    """

    name: ClassVar[str] = "resource-health"
    claim: ClassVar[str] = "Azure Resource Health shows the cluster as available"
    area: ClassVar[str] = "Signals"
    azure_actions: ClassVar[tuple[str, ...]] = ("Microsoft.ResourceHealth/availabilityStatuses/read",)

    allow_degraded: bool = False
    """Whether Degraded passes; it is reported then."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Ask for the current status."""
        cluster = AksId.parse(ctx.member.cluster_resource_id)
        answer = await ctx.tools.azure.get(f"{ctx.member.cluster_resource_id}{_STATUS}", _API)
        state = at(answer, "properties", "availabilityState")
        if state == "Available":
            return Finding.passed(f"Azure Resource Health shows {cluster.name} as Available")
        said = say(at(answer, "properties", "summary") or at(answer, "properties", "title"), 300)
        reason = say(at(answer, "properties", "reasonType"), 60)
        words = f"Azure Resource Health shows {cluster.name} as {say(state, 40) or 'nothing'}"
        observed = ": ".join(filter(None, (say(state, 40) or "no state", reason, said)))
        fact = Evidence("NotAvailable", f"cluster {cluster.name}", observed, "Available", _HINT)
        if state == "Degraded" and self.allow_degraded:
            return Finding.passed(f"{words}, which is allowed", [fact])
        if state in ("Degraded", "Unavailable"):
            return Finding.failed(words, [fact])
        return Finding.inconclusive(f"{words}, which allows no answer", [fact])
