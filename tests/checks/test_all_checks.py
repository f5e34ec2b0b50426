"""What holds for every check: its documented examples load, and a strange cluster never passes."""

from __future__ import annotations

import importlib
import pkgutil
import re
import textwrap
from datetime import UTC, datetime
from inspect import cleandoc, isabstract
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

import checks
from gatekeeper.check import (
    Check,
    ClusterCheck,
    ClusterContext,
    CouldNotLook,
    GateCheck,
    Namespaces,
    NotFound,
    Outcome,
    Table,
    Target,
    Text,
)
from gatekeeper.errors import BadAnswer, TimedOut, Unreachable
from gatekeeper.policy_file import compile_policy
from gatekeeper.registry import Registry
from gatekeeper.schemas import schema_of
from gatekeeper.testing import FakeCluster, OddCluster, ask, assert_never_passes, bare_cluster, member, scope
from gatekeeper.yamlfile import parse_yaml

UPDATED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TARGET = Target("Full", "1.34.2", "Latest")


def all_checks() -> list[type[Check]]:
    """Every check in the package: one in each module."""
    found: list[type[Check]] = []
    for module in pkgutil.iter_modules(checks.__path__):
        loaded = importlib.import_module(f"checks.{module.name}")
        mine = [each for each in vars(loaded).values() if isinstance(each, type) and each.__module__ == loaded.__name__]
        concrete = [each for each in mine if issubclass(each, Check) and not isabstract(each)]
        assert len(concrete) == 1, f"{module.name} has {len(concrete)} checks"
        found += concrete
    return found


def examples(check: type[Check]) -> list[dict[str, Any]]:
    """The documented entries of a policy's ``checks``: the YAML list below ``Example:``."""
    _, _, example = cleandoc(check.__doc__ or "").partition("Example:\n")
    entries: list[dict[str, Any]] = YAML(typ="safe").load(example)
    return entries


def load(check: type[Check], entry: dict[str, Any]) -> Check:
    assert entry["check"] == check.name
    return check.model_validate(
        {key: value for key, value in entry.items() if key not in ("check", "severity", "timeout")}
    )


def asks_by_default(check: type[Check]) -> bool:
    """Whether it can be asked without any parameter."""
    try:
        check()
    except ValueError:
        return False
    return True


ALL = all_checks()
REGISTRY = Registry.discover()
CLUSTER_CHECKS = [load(check, entry) for check in ALL if issubclass(check, ClusterCheck) for entry in examples(check)]
CLUSTER_CHECKS += [check() for check in ALL if issubclass(check, ClusterCheck) and asks_by_default(check)]


def test_the_checks_are_the_documented_ones() -> None:
    assert {check.name for check in ALL} == {
        "admission-webhooks",
        "alerts-quiet",
        "api-server-ready",
        "api-services",
        "autoscalers-active",
        "azure-monitor-alerts",
        "capacity-headroom",
        "certificates-valid",
        "clusters-operable",
        "crds-established",
        "csi-drivers",
        "deprecated-apis",
        "disruption-budgets",
        "dns-resolves",
        "drainable",
        "gitops-synced",
        "http-probe",
        "job-succeeds",
        "jobs-succeeded",
        "maintenance-window",
        "members-updated",
        "namespaces-terminating",
        "node-images-current",
        "nodes-at-target-version",
        "nodes-ready",
        "nodes-schedulable",
        "objects-healthy",
        "pods-healthy",
        "prometheus-query",
        "prometheus-query-once",
        "quota-headroom",
        "resource-health",
        "restarts-since-update",
        "services-have-endpoints",
        "system-pods-healthy",
        "table-column",
        "target-version-available",
        "time-window",
        "version-skew",
        "volume-attachments",
        "volumes-bound",
        "warning-events",
        "webhook",
        "workloads-rolled-out",
    }


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_a_check_is_documented(check: type[Check]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", check.name)
    assert check.claim
    assert cleandoc(check.__doc__ or "").splitlines()[0].endswith((".", ","))
    assert all(field.description for name, field in check.model_fields.items())
    assert issubclass(check, ClusterCheck) or not check.reads


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_the_documented_examples_load(check: type[Check]) -> None:
    loaded = [load(check, entry) for entry in examples(check)]

    assert loaded


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_the_documented_examples_are_a_policy(check: type[Check]) -> None:
    _, _, example = cleandoc(check.__doc__ or "").partition("Example:\n")
    head = "apiVersion: gatekeeper/v1\nkind: GatePolicy\nmetadata: {name: p}\nmatch: {displayName: d}\nchecks:\n"
    required = "- check: webhook\n  url: https://example.com\n"  # an example may be advisory alone
    (document,) = parse_yaml(
        (head + textwrap.dedent(example).rstrip() + "\n" + ("" if check.name == "webhook" else required)).encode(),
        check.name,
    )

    policy = compile_policy(document, REGISTRY)

    assert check in {type(spec.check) for spec in policy.checks}


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_every_parameter_has_a_type_and_a_description_in_the_schema(check: type[Check]) -> None:
    schema = schema_of(check)

    for model in (schema, *schema.get("$defs", {}).values()):
        for name, spec in model.get("properties", {}).items():
            assert spec.get("description"), f"{name} has no description"
            assert {"type", "anyOf", "$ref", "enum", "const", "oneOf"} & spec.keys(), f"{name} has no type"


@pytest.mark.parametrize("check", CLUSTER_CHECKS, ids=lambda check: check.name)
async def test_what_is_odd_never_passes(check: ClusterCheck) -> None:
    here = member("odd", started_at=UPDATED, completed_at=UPDATED)

    await assert_never_passes(check, target=TARGET, member=here)


@pytest.mark.parametrize(
    "check",
    [each for each in CLUSTER_CHECKS if isinstance(getattr(each, "namespaces", None), Namespaces)],
    ids=lambda check: check.name,
)
async def test_where_no_namespace_is_left_to_look_at_nothing_is_said(check: ClusterCheck) -> None:
    nowhere = check.model_copy(update={"namespaces": Namespaces(exclude=("*",))})

    with pytest.raises(NotFound, match="exclude leaves all of them out"):
        await ask(nowhere, bare_cluster(), TARGET, member=member(started_at=UPDATED, completed_at=UPDATED))


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_a_misspelt_parameter_is_refused(check: type[Check]) -> None:
    entry = examples(check)[0]

    with pytest.raises(ValueError, match="xtra"):
        load(check, {**entry, "xtra": 1})


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.name)
def test_an_example_survives_being_written_and_read_again(check: type[Check]) -> None:
    for entry in examples(check):
        loaded = load(check, entry)
        given = loaded.model_dump(mode="json", by_alias=True, exclude_unset=True)

        assert check.model_validate(given) == loaded


@pytest.mark.parametrize(
    ("check", "target"),
    [
        *((check, TARGET) for check in CLUSTER_CHECKS),
        # Those that ask Azure alone have nothing to ask for some runs, whatever the cluster.
        *((check, Target("NodeImageOnly", None, "Latest")) for check in CLUSTER_CHECKS if check.reads),
        *((check, Target("ControlPlaneOnly", "1.34.2")) for check in CLUSTER_CHECKS if check.reads),
    ],
    ids=lambda value: value.name if isinstance(value, ClusterCheck) else value.upgrade_type,
)
async def test_an_api_server_without_a_cluster_never_passes(check: ClusterCheck, target: Target) -> None:
    here = member("empty", started_at=UPDATED, completed_at=UPDATED)
    try:
        finding = await ask(check, bare_cluster(), target, member=here)
    except CouldNotLook:
        return

    assert finding.outcome is not Outcome.PASSED


@pytest.mark.parametrize("check", CLUSTER_CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize(
    "error", [Unreachable("gone"), TimedOut("late"), BadAnswer("odd")], ids=lambda e: type(e).__name__
)
async def test_what_cannot_be_looked_at_is_said_to_be_so(check: ClusterCheck, error: CouldNotLook) -> None:
    for resource in check.reads:
        cluster = FakeCluster()
        cluster.fail(resource, error)
        try:
            finding = await ask(check, cluster, TARGET)
        except CouldNotLook:
            continue
        assert finding.outcome is not Outcome.PASSED


COLUMNS = ("Name", "Ready", "Status", "Restarts", "Readiness Gates", "Node", "Version")
words = (
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.sampled_from(["", "a b", "True", "Running", "1/2", "0/0", "Ready"])
)
values = st.recursive(
    words, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("type"), inner), max_leaves=5
)
keys = st.sampled_from(
    [
        "name",
        "namespace",
        "generation",
        "labels",
        "conditions",
        "replicas",
        "observedGeneration",
        "phase",
        "type",
        "status",
    ]
)
parts = st.dictionaries(keys, values, max_size=4)
odd_objects = st.lists(
    st.fixed_dictionaries({}, optional={"metadata": parts, "spec": parts, "status": parts}), min_size=1, max_size=3
)
odd_rows = st.lists(st.tuples(*[words] * len(COLUMNS)), min_size=1, max_size=3)
odd_texts = st.builds(
    Text, st.sampled_from([200, 302, 500]), st.sampled_from(["", "{}", "[1]", "null", "[+]", "okay", "{" * 999])
)


@pytest.mark.parametrize("check", CLUSTER_CHECKS, ids=lambda check: check.name)
@settings(max_examples=60)
@given(odd_rows, odd_objects, odd_texts)
async def test_answers_of_another_shape_never_pass(
    check: ClusterCheck, rows: list[tuple[Any, ...]], objects: list[Any], text: Text
) -> None:
    here = member("odd", started_at=UPDATED, completed_at=UPDATED)
    context = ClusterContext(
        OddCluster(Table(COLUMNS, tuple(rows)), objects, text), here, scope(TARGET, members=[here])
    )

    try:
        finding = await check.run(context)
    except CouldNotLook:
        return

    assert finding.outcome is not Outcome.PASSED


@pytest.mark.parametrize("check", CLUSTER_CHECKS, ids=lambda check: check.name)
async def test_a_table_without_the_columns_is_no_answer(check: ClusterCheck) -> None:
    odd = OddCluster(Table(("Name",), (("a",),)), [], Text(200, ""))
    here = member("odd", started_at=UPDATED, completed_at=UPDATED)

    try:
        finding = await check.run(ClusterContext(odd, here, scope(TARGET, members=[here])))
    except CouldNotLook:
        return

    assert finding.outcome is not Outcome.PASSED


def test_only_gate_checks_need_no_cluster() -> None:
    assert [check.name for check in ALL if issubclass(check, GateCheck)] == [
        "prometheus-query-once",
        "time-window",
        "webhook",
    ]
