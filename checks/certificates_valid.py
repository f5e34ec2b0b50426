"""cert-manager's Certificates are issued, last long enough, and are renewed in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal

from gatekeeper.check import (
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Finding,
    Namespaces,
    NotFound,
    Resource,
    at,
    bounded,
    conditions,
    format_duration,
    numbered,
    place_of,
    say,
    some,
    time_of,
)

CERTIFICATES: Final = Resource("cert-manager.io", "v1", "certificates")
NAMESPACES: Final = Resource("", "v1", "namespaces")


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    place: str
    words: str
    expected: str
    certain: bool = True

    def evidence(self) -> Evidence:
        namespace, _, name = self.place.rpartition("/")
        hint = f"cmctl status certificate {name} -n {namespace}"
        return Evidence(self.code, f"Certificate {self.place}", self.words, self.expected, hint)


class CertificatesValid(ClusterCheck):
    """Every Certificate of cert-manager is Ready, valid for some time to come, and renewed in time.

    Failed is one whose condition ``Ready`` is False, that ends in less than ``minRemaining``, or whose
    ``status.renewalTime`` passed longer than ``gracePeriod`` ago without a new certificate. Of a certificate that lives
    for less than four times ``minRemaining`` only a quarter of its life must remain: cert-manager renews at a third by
    default. Inconclusive is one that is being issued for the first time (``Issuing``) or being deleted, whose condition
    is not about its newest generation, or that does not say when it ends. Source: cert-manager's API,
    CertificateStatus.

    No certificate at all is inconclusive unless ``expect`` says ``any``; without cert-manager it always is.

    Example:
        - check: certificates-valid
          minRemaining: 14d
          namespaces:
            exclude: [dev-*]
    """

    name: ClassVar[str] = "certificates-valid"
    claim: ClassVar[str] = "all certificates of cert-manager are valid"
    area: ClassVar[str] = "Any object"
    reads: ClassVar[tuple[Resource, ...]] = (CERTIFICATES, NAMESPACES)

    namespaces: Namespaces = Namespaces()
    """Whose certificates; those of all namespaces unless given."""
    label_selector: str = ""
    """Only certificates with these labels."""
    min_remaining: Duration = timedelta(days=7)
    """A certificate must be valid for so long from now on."""
    grace_period: Duration = timedelta(hours=1)
    """A renewal may be late by so much."""
    expect: Literal["some", "any"] = "some"
    """``some``: no certificate at all is inconclusive; ``any``: it is well."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Read the certificates whole: their rows do not show when they end."""
        found: list[Mapping[str, Any]] = []
        for namespace, selector in await self.namespaces.queries(ctx.cluster):
            try:
                found += await ctx.cluster.objects(
                    CERTIFICATES, namespace=namespace, label_selector=self.label_selector, field_selector=selector
                )
            except NotFound:
                return Finding.inconclusive(f"cert-manager is not here: the server knows no {CERTIFICATES}/v1")
        if not found:
            judge = Finding.passed if self.expect == "any" else Finding.inconclusive
            return judge("there are no Certificates here")
        now = await ctx.cluster.now()
        faults = [fault for each in found if (fault := next(self._judge(each, now), None)) is not None]
        ends = [end for each in found if (end := time_of(at(each, "status", "notAfter"))) is not None]
        return _answer(len(found), faults, min(ends, default=now) - now)

    def _judge(self, item: Mapping[str, Any], now: datetime) -> Iterator[_Fault]:
        place, told = place_of(item, "a Certificate"), conditions(item)
        ready, issuing = told.get("Ready", {}), at(told.get("Issuing"), "status") == "True"
        status, generation = at(item, "status"), at(item, "metadata", "generation")
        words = say(f"Ready is {ready.get('status') or 'missing'}: {ready.get('reason')} {ready.get('message')}")
        ends, renewal = time_of(at(status, "notAfter")), time_of(at(status, "renewalTime"))
        if at(item, "metadata", "deletionTimestamp") is not None:
            yield _Fault("CertificateTerminating", place, "is being deleted", "there", certain=False)
        if ends is not None and ends <= now:
            yield _Fault("CertificateExpired", place, f"ended {format_duration(now - ends)} ago", "valid")
        observed = ready.get("observedGeneration")
        if ready and generation is not None and observed != generation:
            stale = f"has a stale status: Ready is about generation {say(observed, 20)} of {say(generation, 20)}"
            # cert-manager says it since 1.3; without it nobody knows whether a change has been seen.
            stale = "does not say which generation it is Ready in" if observed is None else stale
            yield _Fault("CertificateStale", place, stale, "of its newest generation", certain=False)
        if ready.get("status") != "True":
            # A first issuance is on its way; one that has failed before is not.
            failed = at(status, "lastFailureTime") is not None
            certain = ready.get("status") == "False" and not (issuing and not failed)
            yield _Fault("CertificateNotReady", place, words, "Ready is True", certain)
        if ends is None:
            yield _Fault("CertificateUnclear", place, "does not say when it ends", "a time", certain=False)
            return
        least = self._least(time_of(at(status, "notBefore")), ends)
        if ends - now < least:
            soon = f", and is to be renewed in {format_duration(renewal - now)}" if renewal and renewal > now else ""
            left = f"ends in {format_duration(ends - now)}" + (", and is being renewed" if issuing else soon)
            yield _Fault("CertificateEnds", place, left, f"valid for {format_duration(least)} (minRemaining)")
        if renewal is not None and now - renewal > self.grace_period:
            late = f"should have been renewed {format_duration(now - renewal)} ago"
            failed = at(status, "lastFailureTime") is not None
            yield _Fault("CertificateRenewalLate", place, late, "renewed in time", certain=failed or not issuing)

    def _least(self, begins: datetime | None, ends: datetime) -> timedelta:
        return self.min_remaining if begins is None else min(self.min_remaining, (ends - begins) / 4)


def _answer(total: int, faults: list[_Fault], soonest: timedelta) -> Finding:
    if not faults:
        return Finding.passed(
            f"{numbered(total, 'Certificate')}, all valid; the first ends in {format_duration(soonest)}"
        )
    faults.sort(key=lambda fault: not fault.certain)
    bad = sum(fault.certain for fault in faults)
    evidence = bounded([fault.evidence() for fault in faults])
    few, of = some([f"{fault.place} {fault.words}" for fault in faults]), f"of {numbered(total, 'Certificate')}"
    if bad:
        also = f", {len(faults) - bad} not settled" if len(faults) > bad else ""
        return Finding.failed(f"{bad} {of} {'is' if bad == 1 else 'are'} not well{also}: {few}", evidence)
    return Finding.inconclusive(f"{len(faults)} {of} not settled: {few}", evidence)
