"""No alert of Prometheus or Alertmanager is firing for the member, and the alerts are known to arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from gatekeeper.check import (
    Alert,
    ClusterCheck,
    ClusterContext,
    Endpoint,
    Evidence,
    Finding,
    Matcher,
    Member,
    Selector,
    alerts_of_alertmanager,
    alerts_of_series,
    bounded,
    dated,
    instant_query,
    numbered,
    silenced,
    silences_of,
    some,
)


class AlertsQuiet(ClusterCheck):
    """No alert is firing for the member, but for those that are left out, silenced or inhibited.

    Asked is Prometheus, for ``ALERTS{alertstate="firing"}``, or Alertmanager, for its ``/api/v2/alerts``. With both,
    Prometheus says what fires and Alertmanager (``/api/v2/silences``) what is silenced; a silence that names a label
    which ALERTS does not show, such as an external label, silences nothing here. With Prometheus alone there are no
    silences. Pending alerts do not count: an alert with ``for: 15m`` says nothing about the first quarter of an hour.

    No alert at all is also what a broken pipeline looks like. So one that always fires must be seen to fire: Watchdog,
    as the rules of kube-prometheus have it. If it does not, the check is inconclusive.

    Matchers are written as in Prometheus. One entry may hold several with commas between them, which must all match.

    Example:
        - check: alerts-quiet
          alertmanager: {url: https://alertmanager.example.com}
          selector: cluster="{member}"
          include: ['severity=~"critical|warning"']
          exclude: ['alertname="InfoInhibitor"', 'alertname="CPUThrottlingHigh", namespace="batch"']
        - check: alerts-quiet
          prometheus:
            url: https://metrics-abcd.westeurope.prometheus.monitor.azure.com
            auth: {entraScope: https://prometheus.monitor.azure.com/.default}
          selector: cluster="{cluster}"
          expect: AlwaysFiring
    """

    name: ClassVar[str] = "alerts-quiet"
    claim: ClassVar[str] = "no alert is firing for the cluster"
    area: ClassVar[str] = "Signals"

    prometheus: Endpoint | None = None
    """A server that speaks the API of Prometheus."""
    alertmanager: Endpoint | None = None
    """An Alertmanager, with its path prefix if it has one."""
    selector: Selector | None = None
    """Which alerts are the member's: ``cluster="{member}"``; without it, all that the server shows."""
    include: tuple[Selector, ...] = Field(default=(), min_length=1)
    """Only alerts that one of these matches; without it, all."""
    exclude: tuple[Selector, ...] = Field(default=(), min_length=1)
    """Not alerts that one of these matches, even if included."""
    expect: str | None = "Watchdog"
    """An alert of the member that must be firing: its name, or matchers that replace ``selector`` for it. With ``null``
    none must, and alerts that cannot arrive look like none.
    """

    @model_validator(mode="after")
    def _someone_to_ask(self) -> Self:
        if self.prometheus is None and self.alertmanager is None:
            raise ValueError("give prometheus or alertmanager, or both")
        return self

    @field_validator("expect")
    @classmethod
    def _readable(cls, expect: str | None) -> str | None:
        if expect is not None and "=" in expect:
            Selector.parse(expect)
        elif expect is not None and not expect.strip():
            raise ValueError("give the name of an alert, or null")
        return expect

    async def run(self, ctx: ClusterContext) -> Finding:
        """Look at what fires, and whether it would be seen."""
        own = self.selector.of_member(ctx.member).matchers if self.selector else ()
        sign = self._sign(own, ctx.member)
        alerts, remarks = await self._look(ctx, own)
        wanted = self._wanted(ctx.member)
        here = [each for each in alerts if not (sign and each.meets(sign)) and wanted(each)]
        if self.prometheus is not None and here:
            here = await self._told_more(ctx, own, here)
        alive = not sign or bool((await self._look(ctx, sign))[0])
        return self._finding(ctx.member.name, here, remarks, alive)

    def _finding(self, member: str, alerts: Sequence[Alert], remarks: Sequence[str], alive: bool) -> Finding:
        firing = [alert for alert in alerts if not alert.hushed]
        silence = f"{self.expect}, which always fires, is not firing"
        facts = [alert.fact() for alert in firing]
        if not alive:
            hint = "see that it carries the labels of the selector; look at what evaluates the rules"
            facts.append(Evidence("PipelineSilent", f"alert {self.expect}", "not firing", "firing", hint))
        if firing:
            are = "is" if len(firing) == 1 else "are"
            names = some(sorted({alert.title for alert in firing}))
            return Finding.failed(
                f"{numbered(len(firing), 'alert')} {are} firing for {member}: {names}", bounded(facts)
            )
        if not alive:
            return Finding.inconclusive(f"{silence}: it is not known whether an alert of {member} would be seen", facts)
        if remarks:
            facts = [Evidence("AnswerInDoubt", f"alerts of {member}", remark) for remark in remarks]
            return Finding.inconclusive(f"there may be more alerts of {member} than are seen: {remarks[0]}", facts)
        hushed = f"; {numbered(len(alerts), 'alert')} silenced or inhibited" if alerts else ""
        proof = f"; {self.expect} is firing, so alerts arrive" if self.expect else ""
        return Finding.passed(
            f"no alert is firing for {member}{hushed}{proof}", bounded(each.fact() for each in alerts)
        )

    def _sign(self, own: Sequence[Matcher], member: Member) -> Sequence[Matcher]:
        """What the alert that always fires is known by."""
        if self.expect is None:
            return ()
        if "=" in self.expect:
            return Selector.parse(self.expect).of_member(member).matchers
        return (*own, Matcher.of("alertname", "=", self.expect))

    def _wanted(self, member: Member) -> Callable[[Alert], bool]:
        """Which alerts count; made once, as it takes milliseconds, and there may be hundreds of alerts."""
        include, exclude = ([each.of_member(member) for each in given] for given in (self.include, self.exclude))

        def wants(alert: Alert) -> bool:
            included = not include or any(each.matches(alert.labels) for each in include)
            return included and not any(each.matches(alert.labels) for each in exclude)

        return wants

    async def _look(self, ctx: ClusterContext, matchers: Sequence[Matcher]) -> tuple[list[Alert], Sequence[str]]:
        """The alerts that match, and the reasons why there may be more."""
        if self.prometheus is not None:
            query = _series("ALERTS", matchers, 'alertstate="firing"')
            vector = await instant_query(ctx.tools.http, self.prometheus, ctx.member, query)
            return alerts_of_series(vector), vector.remarks
        assert self.alertmanager is not None  # noqa: S101 - one of the two is given
        filters = [("filter", str(matcher)) for matcher in matchers]
        said = await self.alertmanager.get(ctx.tools.http, ctx.member, "/api/v2/alerts", filters)
        return alerts_of_alertmanager(said), ()

    async def _told_more(self, ctx: ClusterContext, own: Sequence[Matcher], alerts: Sequence[Alert]) -> list[Alert]:
        """Alerts of Prometheus, with what their series does not tell: since when, and whether they are silenced."""
        assert self.prometheus is not None  # noqa: S101 - the caller knows
        times = await instant_query(ctx.tools.http, self.prometheus, ctx.member, _series("ALERTS_FOR_STATE", own))
        told = dated(alerts, times)
        if self.alertmanager is None:
            return told
        silences = silences_of(await self.alertmanager.get(ctx.tools.http, ctx.member, "/api/v2/silences"))
        return [silenced(alert, silences) for alert in told]


def _series(name: str, matchers: Sequence[Matcher], *also: str) -> str:
    return f"{name}{{{','.join([*also, *map(str, matchers)])}}}"
