"""A number that Prometheus knows of the member keeps its limits."""

from __future__ import annotations

from typing import ClassVar

from gatekeeper.check import ClusterCheck, ClusterContext, Finding, Measurement


class PrometheusQuery(Measurement, ClusterCheck):
    """Every sample that Prometheus answers to a query about the member keeps the limits.

    The query is asked as an instant query (``/api/v1/query``), of Prometheus itself or of what speaks its API: Thanos,
    Mimir, VictoriaMetrics, an Azure Monitor workspace. ``{member}`` is the member's name in the fleet, ``{cluster}``
    the name of its AKS cluster, ``{label.KEY}`` a label of the member. One sample beyond a limit fails. No data is
    never silently good: an empty answer and NaN mean what ``noData`` says, by default that nothing can be said. What
    has not happened yet has no series: where that means zero, the query says so with ``or vector(0)``. Azure Monitor
    takes Entra tokens of the scope ``https://prometheus.monitor.azure.com/.default``.

    Example:
        - check: prometheus-query
          title: ratio of failed requests
          url: https://prometheus-{label.region}.example.com
          query: >-
            (sum(rate(http_requests_total{cluster="{cluster}", code=~"5.."}[5m])) or vector(0))
            / sum(rate(http_requests_total{cluster="{cluster}"}[5m]))
          max: 0.01
        - check: prometheus-query
          url: https://metrics-abcd.westeurope.prometheus.monitor.azure.com
          auth: {entraScope: https://prometheus.monitor.azure.com/.default}
          query: min(up{cluster="{cluster}", job="kube-apiserver"})
          equals: 1
          timeout: 10s
        - check: prometheus-query
          title: seconds in which the API server answers 99 of 100 requests
          url: https://prometheus-{label.region}.example.com
          query: >-
            histogram_quantile(0.99, sum by (le) (rate(apiserver_request_duration_seconds_bucket{cluster="{cluster}",
            verb!~"WATCH|CONNECT", subresource!~"proxy|exec|attach|portforward|log"}[5m])))
          max: 1
    """

    name: ClassVar[str] = "prometheus-query"
    claim: ClassVar[str] = "what Prometheus measures of the cluster keeps its limits"
    area: ClassVar[str] = "Signals"

    async def run(self, ctx: ClusterContext) -> Finding:
        """Ask for this member."""
        return await self.measure(ctx.tools.http, ctx.member)
