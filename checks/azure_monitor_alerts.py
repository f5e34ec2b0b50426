"""No Azure Monitor alert is firing for the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from gatekeeper.check import (
    AKS_READ,
    AksCluster,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    aks_cluster,
    at,
    bounded,
    numbered,
    say,
    some,
)

Severity = Literal["Sev0", "Sev1", "Sev2", "Sev3", "Sev4"]
_ALL: Final[tuple[Severity, ...]] = ("Sev0", "Sev1", "Sev2", "Sev3", "Sev4")
_API: Final = "2019-03-01"
# Without a time range Azure shows the last day only; 30 days is the most that it shows. 250 is its largest page.
_QUERY: Final = {"monitorCondition": "Fired", "timeRange": "30d", "pageCount": "250"}


class AzureMonitorAlerts(ClusterCheck):
    """No alert of Azure Monitor is firing that targets the cluster or anything in its node resource group.

    An alert counts when its monitor condition is ``Fired`` and nobody has closed it (``alertState`` New, Acknowledged,
    or a word that is not known), whatever its severity unless ``severities`` says otherwise. Log alerts target their
    Log Analytics workspace, and Prometheus alerts their Azure Monitor workspace: name these under ``alsoTargets``, and
    narrow them by ``include``. One that counts, and of which Azure does not say the target, is inconclusive, and so is
    a cluster whose node resource group it does not name. Azure shows alerts of the last 30 days
    (Microsoft.AlertsManagement, api-version 2019-03-01). No alert passes: the subscription's list was read to its end,
    and the cluster was seen in Azure.

    Example:
        - check: azure-monitor-alerts
          severities: [Sev0, Sev1, Sev2]
          exclude: ["*cost*"]
          alsoTargets: ["*/workspaces/logs-prod"]
    """

    name: ClassVar[str] = "azure-monitor-alerts"
    claim: ClassVar[str] = "no Azure Monitor alert is firing for the cluster"
    area: ClassVar[str] = "Signals"
    azure_actions: ClassVar[tuple[str, ...]] = (AKS_READ, "Microsoft.AlertsManagement/alerts/read")

    severities: tuple[Severity, ...] = Field(default=_ALL, min_length=1)
    """Only alerts of these severities; ``Sev0`` is critical, ``Sev4`` verbose."""
    include: tuple[str, ...] = Field(default=(), min_length=1)
    """Only alerts whose name, or whose rule's name, matches one of these; in any case, may hold ``*`` and ``?``."""
    exclude: tuple[str, ...] = Field(default=(), min_length=1)
    """Not alerts whose name, or whose rule's name, matches one of these, even if included."""
    also_targets: tuple[str, ...] = Field(default=(), min_length=1)
    """Also alerts in the cluster's subscription that target one of these ARM ids; in any case, may hold ``*``."""
    ignore_suppressed: bool = False
    """Whether alerts whose notifications an alert processing rule suppresses do not count."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """List the fired alerts of the subscription, and keep those about this cluster."""
        cluster = await aks_cluster(ctx.tools.azure, ctx.member)
        path = f"/subscriptions/{cluster.id.subscription}/providers/Microsoft.AlertsManagement/alerts"
        alerts = [_essentials(each) for each in await ctx.tools.azure.list(path, _API, **_QUERY)]
        targets = self._targets(cluster, ctx.member.key)
        counting = [alert for alert in alerts if self._counts(alert)]
        firing = [alert for alert in counting if _matches(alert["targetResource"], targets)]
        adrift = [alert for alert in counting if not alert["targetResource"].startswith("/")]
        if not firing and adrift:
            says = (
                f"{numbered(len(adrift), 'alert')} of the subscription, of which Azure does not say what is the target"
            )
            words = f"it is not known whether {cluster.id.name} is meant by {says}"
            return Finding.inconclusive(
                f"{words}: {some([alert['name'] for alert in adrift])}", bounded(map(_fact, adrift))
            )
        if not firing and not cluster.node_resource_group:
            words = f"Azure does not name the node resource group of {cluster.id.name}"
            return Finding.inconclusive(f"{words}, so an alert about its nodes would not be known as one")
        if not firing:
            return Finding.passed(f"no alert of Azure Monitor is firing for {cluster.id.name}")
        names = sorted({f"{alert['name']} ({alert['severity']})" for alert in firing})
        are = "is" if len(firing) == 1 else "are"
        words = f"{numbered(len(firing), 'alert')} of Azure Monitor {are} firing for {cluster.id.name}: {some(names)}"
        return Finding.failed(words, bounded(map(_fact, firing)))

    def _targets(self, cluster: AksCluster, key: str) -> list[str]:
        own = [key, f"{key}/*"]
        if cluster.node_resource_group:
            group = f"/subscriptions/{cluster.id.subscription}/resourcegroups/{cluster.node_resource_group}".lower()
            own += [group, f"{group}/*"]
        return [*own, *(pattern.lower() for pattern in self.also_targets)]

    def _counts(self, alert: Mapping[str, Any]) -> bool:
        names = (alert["name"], alert["rule"])
        return (
            alert["monitorCondition"] != "Resolved"
            and alert["alertState"] != "Closed"
            and (alert["severity"] in self.severities or alert["severity"] not in _ALL)
            and not (self.ignore_suppressed and alert["suppressed"])
            and (not self.include or any(_matches(name, self.include) for name in names))
            and not any(_matches(name, self.exclude) for name in names)
        )


def _essentials(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is judged of an alert; one that is about no single resource has no target.

    Raises:
        BadAnswer: it has another shape, so it cannot be left out.
    """
    found = at(entry, "properties", "essentials")
    if not isinstance(found, Mapping) or not isinstance(found.get("targetResource", ""), str | None):
        raise BadAnswer(f"the alert {say(entry.get('name'), 80)!r} does not say what it targets")
    words = ("severity", "alertState", "monitorCondition", "targetResource", "startDateTime", "description")
    return {
        **{word: say(at(found, word), 1000) for word in words},
        "name": say(entry.get("name"), 120) or "an alert without a name",
        "rule": say(at(found, "alertRule"), 300).rpartition("/")[2],
        "suppressed": at(found, "actionStatus", "isSuppressed") is True,
    }


def _matches(text: str, patterns: tuple[str, ...] | list[str]) -> bool:
    return any(fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)


def _fact(alert: Mapping[str, Any]) -> Evidence:
    said = f": {alert['description']}" if alert["description"] else ""
    seen = (
        f"{alert['severity']}, {alert['alertState'] or 'no state'}, since {alert['startDateTime'] or 'unknown'}{said}"
    )
    known, harmless = alert["targetResource"], "this alert (leave it out by its name with exclude, if it is harmless)"
    where = known if known.startswith("/") else harmless
    hint = f"look at {where} in Azure Monitor; close the alert there if it is dealt with"
    return Evidence("AlertFiring", f"alert {alert['name']}", seen, "not fired", hint)
