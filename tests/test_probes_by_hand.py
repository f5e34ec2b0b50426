"""Checks that do more than read, by hand, over real HTTP: kubeconfig, adapters, runner and all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.app import open_kubeconfig
from gatekeeper.by_hand import ask, policy_of_check
from gatekeeper.emulator.kube import KubeCluster, KubeServer
from gatekeeper.findings import Finding
from gatekeeper.model import Target
from gatekeeper.registry import Registry
from gatekeeper.testing import assert_finding

OWN = "kubernetes.default.svc.cluster.local"


@pytest.fixture
def cluster() -> KubeCluster:
    made = KubeCluster("c1")
    made.apply({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "fleet-gatekeeper-probes"}})
    return made


@pytest.fixture
async def server(cluster: KubeCluster) -> AsyncIterator[KubeServer]:
    async with KubeServer([cluster]) as running:
        yield running


@pytest.fixture
def kubeconfig(server: KubeServer, tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(server.kubeconfig())
    return path


async def asked(kubeconfig: Path, check: str, *params: str) -> Finding:
    policy = policy_of_check(check, params, Registry.discover())
    async with open_kubeconfig(kubeconfig) as (members, toolbox):
        (result,) = await ask(policy, members, "c1", Target(), lambda: datetime.now(UTC), toolbox)
    return result.finding


async def test_names_are_resolved_by_a_job_of_which_nothing_is_left(kubeconfig: Path, cluster: KubeCluster) -> None:
    cluster.jobs.expect("complete", "dns-resolves-*", after=0.1, log=f"resolved {OWN}\nresolved shop.test\n")

    finding = await asked(kubeconfig, "dns-resolves", "image=probe:1", "names=[shop.test]")

    assert_finding(finding, "passed", "2 names resolve")
    assert (len(cluster.jobs.created), cluster.all_of("Job"), cluster.all_of("Pod")) == (1, [], [])


async def test_without_the_role_it_is_an_error_that_says_what_to_install(
    kubeconfig: Path, cluster: KubeCluster
) -> None:
    cluster.access.denied.update({("*", "batch", "jobs")})

    finding = await asked(kubeconfig, "dns-resolves", "image=probe:1")

    assert_finding(finding, "error", "install the Role fleet-gatekeeper-prober: deploy/kustomize/member-probes")


async def test_without_the_namespace_it_is_an_error_that_says_what_to_install(
    kubeconfig: Path, cluster: KubeCluster
) -> None:
    cluster.delete("Namespace", "fleet-gatekeeper-probes")

    finding = await asked(kubeconfig, "dns-resolves", "image=probe:1")

    assert_finding(finding, "error", 'namespaces "fleet-gatekeeper-probes" not found')
    assert "member-probes" in finding.message


async def test_a_job_of_ones_own_fails_with_its_log(kubeconfig: Path, cluster: KubeCluster) -> None:
    cluster.jobs.expect("fail", log="no route to the database\n")
    template = '{"spec": {"containers": [{"name": "a", "image": "a:1"}]}}'

    finding = await asked(kubeconfig, "job-succeeds", f"template={template}")

    assert_finding(finding, "failed", "BackoffLimitExceeded", codes=["JobFailed", "JobLog"])
    assert finding.evidence[1].observed == "no route to the database"


async def test_a_service_is_asked_through_the_api_server(kubeconfig: Path, cluster: KubeCluster) -> None:
    cluster.apply({"kind": "Service", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "shop"}})
    cluster.proxied["shop/web:80/healthz"] = (200, "all is well")

    well = await asked(kubeconfig, "http-probe", "service=shop/web:80", "path=/healthz", "bodyContains=is well")
    nobody = await asked(kubeconfig, "http-probe", "service=shop/web:80")

    assert_finding(well, "passed")
    assert_finding(nobody, "failed", "no endpoints available")


async def test_a_url_is_asked_over_https_with_its_own_authority(
    kubeconfig: Path, server: KubeServer, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_bytes(server.ca_pem or b"")
    (tmp_path / "token").write_text("sesame")
    probe = [f"url={server.url}/members/{{member}}/version", f"caFile={tmp_path}/ca.crt"]
    token = f"auth={{bearerTokenFile: {tmp_path}/token}}"

    well = await asked(kubeconfig, "http-probe", *probe, token, "expression=object.major == '1'")
    soon = await asked(kubeconfig, "http-probe", *probe, token, "certificateRemains=9000d")
    stranger = await asked(kubeconfig, "http-probe", *probe)
    untrusted = await asked(kubeconfig, "http-probe", probe[0], token)

    assert_finding(well, "passed")
    assert_finding(soon, "failed", "has a certificate that ends in")
    assert_finding(stranger, "failed", "answered 401")
    assert_finding(untrusted, "error", "certificate is not trusted")
