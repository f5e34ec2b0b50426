"""gitops-synced: Argo CD's and Flux' objects -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from checks.gitops_synced import APPLICATIONS, HELM_RELEASES, KUSTOMIZATIONS, GitopsSynced
from gatekeeper.check import Finding, Forbidden, Note, NotFound, Resource
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding, member


def definition(resource: Resource, kind: str, version: str = "") -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": str(resource)},
        "spec": {
            "group": resource.group,
            "scope": "Namespaced",
            "names": {"plural": resource.plural, "kind": kind},
            "versions": [{"name": version or resource.version, "served": True}],
        },
    }


ARGO = [definition(APPLICATIONS, "Application")]
FLUX = [definition(KUSTOMIZATIONS, "Kustomization"), definition(HELM_RELEASES, "HelmRelease")]
SOURCE = {"repoURL": "https://git.example.com/shop", "targetRevision": "main"}


def application(health: Any = "Healthy", sync: Any = "Synced", **more: Any) -> dict[str, Any]:
    status = {
        "health": {"status": health},
        "sync": {"status": sync, "comparedTo": {"source": more.pop("compared", SOURCE)}},
        "operationState": {"phase": more.pop("phase", "Succeeded"), "message": "told"},
        "conditions": more.pop("conditions", []),
    }
    metadata = {"name": more.pop("name", "web"), "namespace": "argocd", **more.pop("metadata", {})}
    spec = {"project": more.pop("project", "shop"), "source": SOURCE}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": spec,
        "status": status,
        **more,
    }


def flux(
    kind: str = "Kustomization", ready: str | None = "True", observed: int | None = 2, **more: Any
) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "reason": "Because"}] if ready else []
    conditions += more.pop("conditions", [])
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1" if kind == "Kustomization" else "helm.toolkit.fluxcd.io/v2",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "flux-system", "generation": 2, **more.pop("metadata", {})},
        "spec": more.pop("spec", {}),
        "status": {"conditions": conditions, "observedGeneration": observed},
    }


def undated() -> dict[str, Any]:
    item = application()
    del item["status"]["sync"]["comparedTo"]
    return item


def moved() -> dict[str, Any]:
    """Its destination was changed after it had been compared."""
    item = application()
    item["spec"]["destination"] = {"name": "in-cluster", "namespace": "shop-2"}
    item["status"]["sync"]["comparedTo"]["destination"] = {"name": "in-cluster", "namespace": "shop"}
    return item


@pytest.mark.parametrize(
    ("manifest", "outcome", "code", "words"),
    [
        (application("Degraded"), "failed", "ApplicationDegraded", "its health is Degraded"),
        (application("Missing"), "failed", "ApplicationMissing", "its health is Missing"),
        (application("Suspended"), "failed", "ApplicationSuspended", "its health is Suspended"),
        (application("Progressing"), "inconclusive", "ApplicationProgressing", "its health is Progressing"),
        (application("Unknown"), "inconclusive", "ApplicationUnknown", "its health is Unknown"),
        (application(None), "inconclusive", "ApplicationUnknown", "its health is None"),
        (application(["Healthy"]), "inconclusive", "ApplicationUnknown", "its health is"),
        (application("Good"), "inconclusive", "ApplicationUnknown", "its health is Good"),
        (application(sync="OutOfSync"), "failed", "ApplicationDegraded", "OutOfSync"),
        (application(sync="Unknown"), "inconclusive", "ApplicationUnknown", "its sync status is Unknown"),
        (application(sync=None), "inconclusive", "ApplicationUnknown", "its sync status is missing"),
        (undated(), "inconclusive", "ApplicationProgressing", "does not say what it was compared with"),
        (moved(), "inconclusive", "ApplicationProgressing", "its present destination"),
        (application(compared={}), "inconclusive", "ApplicationProgressing", "its present source"),
        (application(phase="Failed"), "failed", "ApplicationDegraded", "its last operation: Failed told"),
        (application(phase="Error"), "failed", "ApplicationDegraded", "its last operation: Error"),
        (application(phase="Running"), "inconclusive", "ApplicationProgressing", "its last operation: Running"),
        (application(operation={"sync": {}}), "inconclusive", "ApplicationProgressing", "an operation is asked for"),
        (application("Degraded", phase="Running"), "failed", "ApplicationDegraded", "its health is Degraded"),
        (
            application(conditions=[{"type": "ComparisonError", "message": "no repository"}]),
            "failed",
            "ApplicationDegraded",
            "ComparisonError: no repository",
        ),
        (
            application(metadata={"deletionTimestamp": "2026-11-23T09:00:00Z"}),
            "inconclusive",
            "ApplicationProgressing",
            "",
        ),
        (flux(ready="False"), "failed", "KustomizationDegraded", "Ready is False: Because"),
        (flux("HelmRelease", "False"), "failed", "HelmReleaseDegraded", "Ready is False"),
        (flux(ready="Unknown"), "inconclusive", "KustomizationProgressing", "Ready is Unknown"),
        (flux(ready=None), "inconclusive", "KustomizationUnknown", "does not say"),
        (flux(observed=1), "inconclusive", "KustomizationProgressing", "stale"),
        (flux(observed=None), "inconclusive", "KustomizationProgressing", "not seen"),
        (flux(spec={"suspend": True}), "failed", "KustomizationSuspended", "nobody keeps it in sync"),
        (flux(conditions=[{"type": "Stalled", "status": "True"}]), "failed", "KustomizationDegraded", "Stalled"),
        (flux(conditions=[{"type": "Reconciling", "status": "True"}]), "inconclusive", "KustomizationProgressing", ""),
    ],
)
async def test_what_is_not_well_is_named(manifest: Any, outcome: str, code: str, words: str) -> None:
    other = application(name="other")

    finding = await ask(GitopsSynced(), FakeCluster([*ARGO, *FLUX, manifest, other]))

    assert_finding(finding, outcome, words, codes=[code])


HELM = {"repoURL": "https://charts.example.com", "chart": "shop", "targetRevision": "1.2.3"}
VALUES = {"repoURL": "https://git.example.com/shop", "targetRevision": "main", "ref": "values"}
NAMED = {"name": "west", "namespace": "shop"}
SERVER = {"server": "https://west.example.com", "namespace": "shop"}


@pytest.mark.parametrize(
    ("spec", "compared"),
    [
        # Argo CD's own words: the one source beside several is written without a repository.
        ({"sources": [HELM, VALUES]}, {"source": {"repoURL": ""}, "sources": [HELM, VALUES]}),
        # A source is a struct of Go there, and what is empty is left out, or written where it was not.
        (
            {"source": SOURCE | {"directory": {"recurse": True}}},
            {"source": SOURCE | {"directory": {"recurse": True, "jsonnet": {}}}},
        ),
        ({"source": SOURCE | {"path": "", "directory": {"recurse": False}}}, {"source": SOURCE}),
        ({"sourceHydrator": {"drySource": SOURCE}}, {"source": SOURCE | {"path": "hydrated"}}),
    ],
)
async def test_sources_are_compared_as_argo_cd_compares_them(spec: Any, compared: Any) -> None:
    same = application()
    same["spec"] = {"project": "shop", **spec}
    same["status"]["sync"]["comparedTo"] = compared

    assert_finding(await ask(GitopsSynced(), FakeCluster([*ARGO, same])), "passed", "1 Application")


@pytest.mark.parametrize(
    ("spec", "compared"),
    [
        (
            {"sources": [HELM | {"targetRevision": "1.2.4"}, VALUES]},
            {"source": {"repoURL": ""}, "sources": [HELM, VALUES]},
        ),
        ({"source": SOURCE}, {"source": {"repoURL": ""}, "sources": [HELM, VALUES]}),
        ({"source": SOURCE | {"directory": {"recurse": True}}}, {"source": SOURCE}),
        ({"source": SOURCE | {"helm": {"parameters": [{}]}}}, {"source": SOURCE}),
    ],
)
async def test_a_source_that_was_changed_meanwhile_is_not_settled(spec: Any, compared: Any) -> None:
    changed = application()
    changed["spec"] = {"project": "shop", **spec}
    changed["status"]["sync"]["comparedTo"] = compared

    assert_finding(await ask(GitopsSynced(), FakeCluster([*ARGO, changed])), "inconclusive", "its present source")


@pytest.mark.parametrize(
    ("wanted", "compared", "outcome"),
    [
        (NAMED, NAMED, "passed"),
        # Some versions write the server that they found for a name, or the name of a server, beside what was asked for.
        (NAMED, NAMED | SERVER, "passed"),
        (SERVER, NAMED | SERVER, "passed"),
        (NAMED, SERVER, "inconclusive"),
        (SERVER, NAMED, "inconclusive"),
        (NAMED, NAMED | SERVER | {"name": "east"}, "inconclusive"),
        ({"name": "west"}, NAMED, "inconclusive"),
        ({"name": "west"}, NAMED | SERVER, "inconclusive"),
        (None, NAMED, "inconclusive"),
        ({"namespace": "shop"}, NAMED, "inconclusive"),
    ],
)
async def test_the_destination_is_the_one_that_was_compared(wanted: Any, compared: Any, outcome: str) -> None:
    item = application()
    item["spec"]["destination"] = wanted
    item["status"]["sync"]["comparedTo"]["destination"] = compared

    assert_finding(await ask(GitopsSynced(), FakeCluster([*ARGO, item])), outcome)


class Memory:
    """A notebook that keeps what is written."""

    def __init__(self) -> None:
        self.notes: dict[str, Note] = {}

    def read(self, key: str) -> Note | None:
        return self.notes.get(key)

    def write(self, key: str, value: object) -> None:
        self.notes[key] = Note(value, NOW)


def attempted(revision: str = "main@sha1:a", ready: str = "True", generation: int = 2, **metadata: Any) -> Any:
    item = flux(ready=ready, observed=generation, metadata={"generation": generation, **metadata})
    item["status"]["lastAttemptedRevision"] = revision
    return item


AGAIN = attempted(ready="Unknown")


async def sweeps(*seen: tuple[int, Any], updated: int | None = None) -> Finding:
    """The finding of the last of several sweeps, each so many seconds later."""
    memory, finding = Memory(), Finding.error("none")
    ended = None if updated is None else NOW + timedelta(seconds=updated)
    for seconds, item in seen:
        cluster = FakeCluster([*FLUX, item, flux("HelmRelease")], now=NOW + timedelta(seconds=seconds))
        finding = await ask(GitopsSynced(), cluster, notebook=memory, member=member(completed_at=ended))
    return finding


async def test_what_flux_looks_at_again_is_well_as_long_as_it_was_so_lately() -> None:
    """It says Unknown of each object every few minutes: in a large fleet of one of them at every moment."""
    again = await sweeps((0, attempted()), (30, AGAIN), (120, AGAIN))

    assert_finding(again, "passed", "all in sync and healthy; 1 being looked at again, and well 2m ago or less")
    assert_finding(await sweeps((0, attempted()), (60, AGAIN), (121, AGAIN)), "inconclusive", "1 of 1 Kustomization")


@pytest.mark.parametrize(
    "seen",
    [
        [(0, AGAIN), (30, AGAIN)],
        [(0, attempted(ready="False")), (30, AGAIN)],
        [(0, attempted()), (30, attempted(ready="False")), (60, AGAIN)],
        [(0, attempted()), (30, attempted("main@sha1:b", "Unknown"))],
        [(0, attempted()), (30, attempted(ready="Unknown", generation=3))],
        [(0, attempted()), (30, attempted(deletionTimestamp="2026-11-23T09:00:00Z"))],
        [(0, attempted("")), (30, attempted("", "Unknown"))],
    ],
)
async def test_what_was_not_well_at_the_same_revision_is_not_settled(seen: list[tuple[int, Any]]) -> None:
    assert_finding(await sweeps(*seen), "inconclusive", "not settled")


async def test_what_was_well_before_the_update_says_nothing_after_it() -> None:
    assert_finding(await sweeps((0, attempted()), (30, AGAIN), updated=1), "inconclusive", "not settled")
    assert_finding(await sweeps((0, attempted()), (30, attempted(ready="False"))), "failed")


async def test_an_application_that_progresses_is_never_well() -> None:
    memory, item = Memory(), application()
    item["status"]["lastAttemptedRevision"] = "x"
    await ask(GitopsSynced(), FakeCluster([*ARGO, item]), notebook=memory)
    item["status"]["health"]["status"] = "Progressing"

    assert_finding(await ask(GitopsSynced(), FakeCluster([*ARGO, item]), notebook=memory), "inconclusive")


async def test_what_is_in_sync_and_healthy_passes() -> None:
    both = FakeCluster([*ARGO, *FLUX, application(), flux(), flux("HelmRelease")])

    assert_finding(
        await ask(GitopsSynced(), both), "passed", "1 Application and 1 Kustomization and 1 HelmRelease, all in sync"
    )
    assert_finding(await ask(GitopsSynced(tools=("argocd",)), both), "passed", "1 Application, all in sync")
    assert_finding(await ask(GitopsSynced(), FakeCluster([*ARGO, application()])), "passed", "1 Application")


async def test_out_of_sync_and_suspended_can_be_allowed() -> None:
    out, suspended = application(sync="OutOfSync"), flux(spec={"suspend": True})

    assert_finding(await ask(GitopsSynced(allow_out_of_sync=True), FakeCluster([*ARGO, out])), "passed")
    assert_finding(await ask(GitopsSynced(allow_suspended=True), FakeCluster([*FLUX, suspended])), "passed")


async def test_projects_and_labels_narrow_it() -> None:
    here = FakeCluster([*ARGO, application("Degraded"), application(name="x", project="pay-eu")])

    assert_finding(await ask(GitopsSynced(projects=("pay-*",)), here), "passed", "1 Application")
    assert_finding(await ask(GitopsSynced(label_selector="a=b"), here), "inconclusive", "nothing to be kept in sync")


async def test_tools_that_are_not_there_are_inconclusive() -> None:
    only_argo = FakeCluster([*ARGO, application()])

    assert_finding(await ask(GitopsSynced(), FakeCluster()), "inconclusive", "argocd and flux: not installed here")
    assert_finding(await ask(GitopsSynced(tools=("argocd", "flux")), only_argo), "inconclusive", "flux: not installed")
    assert_finding(await ask(GitopsSynced(tools=("flux",), expect="any"), only_argo), "inconclusive", "flux: not")


async def test_a_kind_that_is_served_in_another_version_only_is_no_answer() -> None:
    old = FakeCluster([FLUX[0], definition(HELM_RELEASES, "HelmRelease", "v2beta1"), flux()])

    with pytest.raises(NotFound, match=r"helmreleases.helm.toolkit.fluxcd.io is installed, but not served as v2"):
        await ask(GitopsSynced(), old)


async def test_nothing_to_sync_is_inconclusive_unless_it_is_expected() -> None:
    assert_finding(await ask(GitopsSynced(), FakeCluster(FLUX)), "inconclusive", "flux: there is nothing")
    assert_finding(await ask(GitopsSynced(expect="any"), FakeCluster(FLUX)), "passed", "flux: there is nothing")


async def test_a_refusal_is_no_answer() -> None:
    here = FakeCluster([*ARGO, *FLUX, application()])
    here.fail(KUSTOMIZATIONS, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(GitopsSynced(), here)


def test_unknown_tools_are_refused() -> None:
    with pytest.raises(ValidationError):
        GitopsSynced.model_validate({"tools": ["spinnaker"]})
