"""The maintenance window of the cluster is open, so that its update begins when the gate is approved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Literal

from gatekeeper.check import (
    AKS_API,
    AKS_READ,
    AksCluster,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Span,
    aks_cluster,
    at,
    format_duration,
    maintenance_windows,
    say,
)

_KUBERNETES: Final = "aksManagedAutoUpgradeSchedule"
_IMAGES: Final = "aksManagedNodeOSUpgradeSchedule"
_SCHEDULES: Final = {"Full": _KUBERNETES, "ControlPlaneOnly": _KUBERNETES, "NodeImageOnly": _IMAGES}
_NAMES: Final = {name.lower() for name in (_KUBERNETES, _IMAGES, "default")}
"""All that AKS takes; one that is not known may bar updates too."""
_YEAR: Final = timedelta(days=365)


class MaintenanceWindow(ClusterCheck):
    """The planned maintenance window of the cluster is open now, or it has none.

    Update runs honour planned maintenance: a member whose window is closed stays *Pending* after its gate was approved,
    perhaps for weeks, and what the other checks have seen is old when its update begins at last. With this check a
    gate before an update opens when the update can begin. A run that brings Kubernetes (Full, ControlPlaneOnly) goes by
    the configuration ``aksManagedAutoUpgradeSchedule``, and one that is NodeImageOnly by
    ``aksManagedNodeOSUpgradeSchedule`` (Microsoft's documentation of update runs); ``default`` is about AKS's own
    weekly releases, and counts only if named here. Without its configuration a cluster may be updated at any time,
    which passes; a closed window fails, and the message tells when it opens next.

    All windows in scope must be open at once: put clusters with the same window into one group, or make the check
    advisory. An update that has begun goes on when the window closes; one that has not, waits.

    The rules are those of ``maintenanceConfigurations`` (Microsoft.ContainerService, api-version 2025-05-01), and where
    they say nothing, the window is closed: ``notAllowedDates`` are barred from the first day to the end of the last, by
    the clock of ``utcOffset``, and with them a window that begins on such a day; so is all before ``startDate``; the
    31st is no day of a shorter month. Every n-th week is counted from the one (Sunday to Saturday) of ``startDate``,
    and every n-th month from its month; if the window of that month was over by then, it is not known which months
    count, and that is an error until ``startDate`` is a day on which the window opens. It is judged by the API server's
    clock, which Azure keeps.

    Example:
        - check: maintenance-window

        - check: maintenance-window
          configuration: default
          remaining: 2h
    """

    name: ClassVar[str] = "maintenance-window"
    claim: ClassVar[str] = "the cluster's maintenance window is open"
    area: ClassVar[str] = "The run and Azure"
    azure_actions: ClassVar[tuple[str, ...]] = (
        AKS_READ,
        "Microsoft.ContainerService/managedClusters/maintenanceConfigurations/read",
    )

    configuration: Literal["aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule", "default"] | None = None
    """Which maintenance configuration; that of the run's type of upgrade unless given."""
    remaining: Duration = timedelta(0)
    """So much of the window must be left."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Read the configurations, and hold the API server's clock against the one that counts."""
        kind = ctx.scope.target.upgrade_type
        wanted = self.configuration or _SCHEDULES.get(kind or "")
        if wanted is None:
            words = f"the run's upgrade type is {say(kind, 40) or 'not given'}, so its maintenance window is not known"
            return Finding.inconclusive(f"{words}; name a configuration")
        cluster = await aks_cluster(ctx.tools.azure, ctx.member)
        listed = await ctx.tools.azure.list(f"{ctx.member.cluster_resource_id}/maintenanceConfigurations", AKS_API)
        found = _by_name(listed).get(wanted.lower())
        if found is None:
            words = f"{cluster.id.name} has no maintenance window {wanted}"
            return Finding.passed(f"{words}, so its update may begin at any time")
        now = await ctx.cluster.now()
        return self._answer(cluster, wanted, maintenance_windows(at(found, "properties"), now), now)

    def _answer(self, cluster: AksCluster, wanted: str, windows: Iterable[Span], now: datetime) -> Finding:
        words, state = f"the maintenance window {wanted} of {cluster.id.name}", "is closed"
        for each in windows:
            if each.begin <= now and each.end - now >= self.remaining:
                until = f"until {_utc(each.end)}" if each.end - now < _YEAR else "for more than a year"
                return Finding.passed(f"{words} is open {until}")
            if each.begin <= now:
                state = f"closes too soon, at {_utc(each.end)}"
            elif each.end - each.begin >= self.remaining:
                state += f"; it opens at {_utc(each.begin)}"
                break
        else:
            long = f" for {format_duration(self.remaining)}" if self.remaining else ""
            state += f", and does not open{long} within a year"
        flags = f"--subscription {cluster.id.subscription} -g {cluster.id.resource_group}"
        hint = f"az aks maintenanceconfiguration show {flags} --cluster-name {cluster.id.name} -n {wanted}"
        fact = Evidence("MaintenanceWindowClosed", f"cluster {cluster.id.name}", state, "open", hint)
        return Finding.failed(f"{words} {state}", [fact])


def _by_name(listed: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """The configurations by their name in lower case."""
    found = {str(each.get("name")).lower(): each for each in listed}
    strange = found.keys() - _NAMES
    if strange or len(found) < len(listed):
        names = ", ".join(say(each.get("name"), 60) or "none" for each in listed)
        raise BadAnswer(f"the maintenance configurations {names:.200} are not those that are known")
    return found


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%a %Y-%m-%d %H:%MZ}"
