"""From a gate to its clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from checks.prometheus_query import PrometheusQuery
from gatekeeper.decision import Hold, Reason
from gatekeeper.model import GateStatus, Group, Member, Scope, Stage, UpdateRun
from gatekeeper.policy import ScopeSpec
from gatekeeper.scope import needs_fleet_members, resolve
from tests.builders import NOW, gate, member, policy, run, spec


def scope(of: ScopeSpec, the_run: UpdateRun | None = None, fleet: Sequence[Member] = ()) -> Scope | Hold:
    return resolve(gate(), the_run or run(), of, fleet, NOW)


def names(found: Scope | Hold) -> list[str]:
    assert isinstance(found, Scope), found
    return [each.name for each in found.members]


def test_a_groups_gate_is_about_its_group_alone() -> None:
    found = scope(ScopeSpec())

    assert names(found) == ["aks-1"]
    assert isinstance(found, Scope)
    assert found.gated == found.members
    assert found.target.kubernetes_version == "1.33.2"
    assert found.opened_at == NOW - timedelta(minutes=5)


def test_a_stages_gate_is_about_all_its_groups() -> None:
    stage_gate = gate(group=None)
    the_run = run(stage_gate, (member("aks-1"), member("aks-2")))

    found = resolve(stage_gate, the_run, ScopeSpec(), (), NOW)

    assert names(found) == ["aks-1", "aks-2"]


def test_without_a_start_time_in_the_run_the_gate_opened_when_it_was_first_seen() -> None:
    the_run = run()
    status = replace(the_run.stages[1].groups[0].gates[0], started_at=None)

    found = scope(ScopeSpec(), _with_gates(the_run, status))

    assert isinstance(found, Scope)
    assert found.opened_at == NOW


def test_updated_means_every_member_that_the_run_has_changed_so_far() -> None:
    the_run = run(members=(member("aks-1"), member("aks-2", "Failed"), member("aks-3", "Skipped")))

    assert names(scope(ScopeSpec("updated"), the_run)) == ["aks-canary", "aks-1", "aks-2"]


def test_next_means_the_members_of_the_next_stage() -> None:
    assert names(scope(ScopeSpec("next"))) == ["aks-last"]


def test_after_the_last_stage_there_is_no_next_one() -> None:
    the_run = run()

    assert names(scope(ScopeSpec("next"), replace(the_run, stages=the_run.stages[:2]))) == []


def test_fleet_means_all_members_with_what_the_run_knows_of_them() -> None:
    fleet = [member("aks-1", "NotStarted"), member("aks-elsewhere", "NotStarted")]

    found = scope(ScopeSpec("fleet"), fleet=fleet)

    assert isinstance(found, Scope)
    assert [(each.name, each.state) for each in found.members] == [
        ("aks-1", "Completed"),
        ("aks-elsewhere", "NotStarted"),
    ]


def test_labels_narrow_any_scope_and_never_what_the_gate_stands_for() -> None:
    the_run = run(members=(member("aks-1"), member("aks-2")))
    fleet = [member("aks-1", labels={"tier": "gold", "x": "y"}), member("aks-2", labels={"tier": "tin"})]

    found = scope(ScopeSpec("target", {"tier": "gold"}), the_run, fleet)

    assert names(found) == ["aks-1"]
    assert isinstance(found, Scope)
    assert [each.name for each in found.gated] == ["aks-1", "aks-2"]


def test_a_member_that_the_fleet_does_not_list_has_no_labels() -> None:
    assert names(scope(ScopeSpec("target", {"tier": "gold"}))) == []


def test_a_cluster_is_asked_once_however_its_id_is_written() -> None:
    shouting = replace(member(), cluster_resource_id=member().cluster_resource_id.upper())
    the_run = run(members=(member(), shouting))

    assert len(names(scope(ScopeSpec(), the_run))) == 1


def test_only_fleet_and_labels_need_the_members_of_the_fleet() -> None:
    asked = [policy(scope=ScopeSpec(of)) for of in ("target", "updated", "next", "fleet")]

    assert [needs_fleet_members(each) for each in asked] == [False] * 3 + [True]
    assert needs_fleet_members(policy(scope=ScopeSpec("target", {"a": "b"})))


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({"query": 'up{cluster="{member}"}'}, False),
        ({"query": 'up{cluster="{label.dns}"}'}, True),
        ({"query": "up", "url": "https://prometheus-{label.region}.example.com"}, True),
        ({"query": "up", "headers": {"X-Scope-OrgID": "{ label.team }"}}, True),
    ],
)
def test_a_check_that_names_a_label_needs_the_members_of_the_fleet(given: dict[str, object], needed: bool) -> None:
    check = PrometheusQuery.model_validate({"url": "https://prometheus.example.com", "max": 1, **given})

    assert needs_fleet_members(policy(replace(spec(), check=check))) == needed


def test_members_have_the_labels_that_the_fleet_has_for_them() -> None:
    found = scope(ScopeSpec(), fleet=[member(labels={"region": "weu"})])

    assert isinstance(found, Scope)
    assert [each.labels for each in found.members] == [{"region": "weu"}]


def _with_gates(the_run: UpdateRun, *gates: GateStatus) -> UpdateRun:
    canary, prod, last = the_run.stages
    groups = (replace(prod.groups[0], gates=gates), *prod.groups[1:])
    return replace(the_run, stages=(canary, replace(prod, groups=groups), last))


_NAMED = run().stages[1].groups[0].gates[0]


@pytest.mark.parametrize(
    ("the_run", "words"),
    [
        (run(stages=()), "no stage 'prod'"),
        (run(stages=(Stage("prod", "Running"),)), "no group 'prod-eu'"),
        (_with_gates(run()), "does not name this gate"),
        (_with_gates(run(), replace(_NAMED, gate_id=None)), "does not name this gate"),
        (
            _with_gates(run(), replace(_NAMED, gate_id=_NAMED.gate_id and _NAMED.gate_id + "0")),
            "does not name this gate",
        ),
        (_with_gates(run(), replace(_NAMED, timing="Before")), "names this gate as Before, the gate says After"),
        (_with_gates(run(), replace(_NAMED, timing="")), "names this gate as nothing"),
    ],
)
def test_a_gate_that_its_run_does_not_name_at_its_place_is_held(the_run: UpdateRun, words: str) -> None:
    found = scope(ScopeSpec(), the_run)

    assert isinstance(found, Hold)
    assert found.reason is Reason.GATE_NOT_IN_RUN
    assert words in found.message


def test_a_gate_named_in_another_group_of_the_run_is_held() -> None:
    canary, prod, last = run().stages
    moved = replace(prod, groups=(replace(prod.groups[0], gates=()), Group("prod-us", "Running", (), (_NAMED,))))

    found = scope(ScopeSpec(), replace(run(), stages=(canary, moved, last)))

    assert isinstance(found, Hold)
    assert found.reason is Reason.GATE_NOT_IN_RUN


@pytest.mark.parametrize("state", ["NotStarted", "Completed", "Skipped", "Failed", "unheard-of", ""])
def test_a_gate_that_its_run_does_not_call_pending_is_held(state: str) -> None:
    found = scope(ScopeSpec(), _with_gates(run(), replace(_NAMED, state=state)))

    assert isinstance(found, Hold)
    assert found.reason is Reason.NOT_PENDING
