"""A number that Prometheus knows, of no cluster in particular, keeps its limits."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from gatekeeper.check import Finding, GateCheck, GateContext, Measurement


class PrometheusQueryOnce(Measurement, GateCheck):
    """Every sample that Prometheus answers to a query keeps the limits; it is asked once for the gate.

    It is prometheus-query for what no single cluster answers for, such as the errors that users of a service see. No
    member is asked about, so there are no placeholders.

    Example:
        - check: prometheus-query-once
          title: availability of the shop in the last half hour
          url: https://thanos.example.com
          headers: {X-Scope-OrgID: shop}
          auth: {bearerTokenFile: /var/run/secrets/thanos/token}
          query: avg(avg_over_time(probe_success{job="shop"}[30m]))
          min: 0.999
    """

    name: ClassVar[str] = "prometheus-query-once"
    claim: ClassVar[str] = "what Prometheus measures keeps its limits"
    area: ClassVar[str] = "Signals"

    @model_validator(mode="after")
    def _of_no_member(self) -> Self:
        texts = (self.url, self.query, *self.headers.values())
        if words := [word for text in texts for word in text.placeholders]:
            raise ValueError(f"{{{words[0]}}} stands for a member; use prometheus-query, which asks for each member")
        return self

    async def run(self, ctx: GateContext) -> Finding:
        """Ask once."""
        return await self.measure(ctx.tools.http, None)
