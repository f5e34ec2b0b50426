"""certificates-valid: cert-manager's Certificates -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.certificates_valid import CertificatesValid
from gatekeeper.check import Namespaces, NotFound
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = CertificatesValid()
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "certificates.cert-manager.io"},
    "spec": {
        "group": "cert-manager.io",
        "scope": "Namespaced",
        "names": {"plural": "certificates", "kind": "Certificate"},
        "versions": [{"name": "v1", "served": True}],
    },
}


def at(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def certificate(
    ready: str | None = "True", days: float | None = 60, *, name: str = "web", issuing: bool = False, **more: Any
) -> Any:
    """Valid since 30 days; it is renewed 30 days before its end."""
    conditions = [{"type": "Ready", "status": ready, "observedGeneration": 2, "reason": "Because"}] if ready else []
    conditions += [{"type": "Issuing", "status": "True"}] if issuing else []
    times = {"notBefore": at(-720)}
    if days is not None:
        times |= {"notAfter": at(days * 24), "renewalTime": at((days - 30) * 24)}
    status = {"conditions": conditions, **times, **more.pop("status", {})}
    metadata = {"name": name, "namespace": "shop", "generation": 2, **more}
    return {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": metadata, "status": status}


def cluster(*certificates: Any) -> FakeCluster:
    return FakeCluster([DEFINITION, *certificates])


LATER = {"renewalTime": at(1)}
UNDATED = {"conditions": [{"type": "Ready", "status": "True"}]}
FAILED = {"lastFailureTime": at(-1)}


@pytest.mark.parametrize(
    ("manifest", "outcome", "code", "words"),
    [
        (certificate("False"), "failed", "CertificateNotReady", "Ready is False: Because"),
        (certificate("False", None, issuing=True), "inconclusive", "CertificateNotReady", "Ready is False"),
        (certificate("False", None, issuing=True, status=FAILED), "failed", "CertificateNotReady", "Ready is False"),
        (certificate("Unknown"), "inconclusive", "CertificateNotReady", "Ready is Unknown"),
        (certificate(None), "inconclusive", "CertificateNotReady", "Ready is missing"),
        (certificate(days=3, status=LATER), "failed", "CertificateEnds", "ends in 3d, and is to be renewed in 1h"),
        (certificate(days=-1), "failed", "CertificateExpired", "ended 1d ago"),
        (certificate("False", days=-1), "failed", "CertificateExpired", "ended 1d ago"),
        (certificate(days=29), "failed", "CertificateRenewalLate", "should have been renewed 1d ago"),
        (certificate(days=29, issuing=True), "inconclusive", "CertificateRenewalLate", "1d ago"),
        (certificate(days=29, issuing=True, status=FAILED), "failed", "CertificateRenewalLate", "1d ago"),
        (certificate(days=None), "inconclusive", "CertificateUnclear", "does not say when it ends"),
        (
            certificate(status=UNDATED),
            "inconclusive",
            "CertificateStale",
            "does not say which generation it is Ready in",
        ),
        (
            certificate(generation=3),
            "inconclusive",
            "CertificateStale",
            "stale status: Ready is about generation 2 of 3",
        ),
        (certificate(deletionTimestamp=at(-1)), "inconclusive", "CertificateTerminating", "is being deleted"),
    ],
)
async def test_a_certificate_that_is_not_well_is_named(manifest: Any, outcome: str, code: str, words: str) -> None:
    finding = await ask(CHECK, cluster(manifest, certificate(name="api")))

    assert_finding(finding, outcome, words, codes=[code], subjects=["Certificate shop/web"])
    assert finding.evidence[0].hint == "cmctl status certificate web -n shop"


async def test_valid_certificates_pass_and_the_first_end_is_told() -> None:
    here = cluster(certificate(), certificate(name="api", days=40), certificate(name="new", issuing=True))

    assert_finding(await ask(CHECK, here), "passed", "3 Certificates, all valid; the first ends in 40d", codes=[])


async def test_a_certificate_with_a_short_life_must_keep_a_quarter_of_it() -> None:
    short = {"notBefore": at(-12), "renewalTime": at(4)}

    assert_finding(await ask(CHECK, cluster(certificate(days=0.5, status=short))), "passed")
    assert_finding(await ask(CHECK, cluster(certificate(days=0.15, status=short))), "failed", "ends in 3h")


async def test_a_renewal_may_be_a_little_late() -> None:
    assert_finding(await ask(CHECK, cluster(certificate(status={"renewalTime": at(-0.5)}))), "passed")


async def test_no_certificates_are_inconclusive_unless_none_are_expected() -> None:
    assert_finding(await ask(CHECK, cluster()), "inconclusive", "there are no Certificates")
    assert_finding(await ask(CertificatesValid(expect="any"), cluster()), "passed", "there are no Certificates")


async def test_without_cert_manager_nothing_can_be_said() -> None:
    assert_finding(
        await ask(CertificatesValid(expect="any"), FakeCluster()), "inconclusive", "cert-manager is not here"
    )


async def test_a_misspelt_namespace_is_no_answer() -> None:
    with pytest.raises(NotFound):
        await ask(CertificatesValid(namespaces=Namespaces(include=("shpo",))), cluster(certificate()))


@given(st.floats(-100, 100), st.sampled_from(["True", "False", "Unknown"]))
async def test_it_passes_only_if_ready_and_long_from_its_end(days: float, ready: str) -> None:
    finding = await ask(CHECK, cluster(certificate(ready, days, status={"renewalTime": at(1), "notBefore": at(-9999)})))

    assert (finding.outcome == "passed") == (ready == "True" and days >= 7)
