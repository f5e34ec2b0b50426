"""Readers of rows, conditions and controllers: what a cluster says -> what a check may rely on."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.check import BadAnswer, MissingColumn, Table, cells, conditions, controller_of

TABLE = Table(("Name", "Age", "Status"), (("a", "1d", "Ready"), ("b", "2d", "NotReady")))


def pod(owner: str = "", template: str = "") -> Any:
    kind, _, name = owner.partition(" ")
    owners = [{"kind": kind, "name": name, "controller": True}] if owner else []
    labels = {"pod-template-hash": template} if template else {}
    return {"metadata": {"name": "web-1", "namespace": "shop", "labels": labels, "ownerReferences": owners}}


def test_cells_are_found_by_the_names_of_their_columns() -> None:
    assert list(cells(TABLE, "Status", "Name")) == [("Ready", "a"), ("NotReady", "b")]


def test_a_column_that_is_not_there_is_said_to_be_missing_even_without_rows() -> None:
    with pytest.raises(MissingColumn):
        list(cells(Table(("Name",), ()), "Status"))


@pytest.mark.parametrize("row", [("a",), (), None, 3])
def test_a_row_of_another_shape_is_no_answer(row: Any) -> None:
    with pytest.raises(BadAnswer):
        list(cells(Table(("Name", "Status"), (row,)), "Status"))


def test_conditions_are_found_by_type() -> None:
    ready = {"type": "Ready", "status": "True"}

    assert conditions({"status": {"conditions": [ready]}}) == {"Ready": ready}
    assert conditions({}) == {}


@pytest.mark.parametrize("odd", ["none", [1], {"type": "Ready"}])
def test_conditions_of_another_shape_are_no_answer(odd: Any) -> None:
    with pytest.raises(BadAnswer):
        conditions({"status": {"conditions": odd}})


@pytest.mark.parametrize(
    ("kept", "subject"),
    [
        (pod(), "Pod shop/web-1"),
        (pod("StatefulSet web"), "StatefulSet shop/web"),
        (pod("ReplicaSet web-7c9d", "7c9d"), "Deployment shop/web"),
        (pod("ReplicaSet web-7c9d"), "ReplicaSet shop/web-7c9d"),
        (pod("ReplicaSet web-7c9d", "9d"), "ReplicaSet shop/web-7c9d"),
        (pod("DaemonSet agent-7c9d", "7c9d"), "DaemonSet shop/agent-7c9d"),
        (pod("Node n1"), "Pod shop/web-1"),
        ({"metadata": {"name": "a", "namespace": "b", "ownerReferences": [{"kind": "Job", "name": "j"}]}}, "Pod b/a"),
    ],
)
def test_a_pod_is_known_by_who_keeps_it(kept: Any, subject: str) -> None:
    assert controller_of(kept) == subject


@pytest.mark.parametrize("odd", [pod("ReplicaSet $(reboot)"), {"metadata": {"ownerReferences": "none"}}, {}])
def test_a_controller_without_a_proper_name_is_no_answer(odd: Any) -> None:
    with pytest.raises(BadAnswer):
        controller_of(odd)
