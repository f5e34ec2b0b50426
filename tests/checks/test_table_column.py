"""table-column: the cells of a column -> finding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.table_column import TableColumn
from gatekeeper.check import NODES, BadAnswer, Forbidden, NotFound, Resource, Table
from gatekeeper.testing import FakeCluster, ask, assert_finding, context
from gatekeeper.testing.careful import bare_cluster

NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
WIDGETS = Resource("example.com", "v1", "widgets")
COLUMNS = (
    ("Phase", "string", ".status.phase"),
    ("Size", "integer", ".status.size"),
    ("Space", "string", ".status.space"),
)
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "additionalPrinterColumns": [
                    {"name": name, "type": kind, "jsonPath": path} for name, kind, path in COLUMNS
                ],
            }
        ],
    },
}


def cluster(*statuses: dict[str, Any]) -> FakeCluster:
    widgets = [
        {
            "apiVersion": "example.com/v1",
            "kind": "Widget",
            "metadata": {"name": f"w{index}", "namespace": "shop", "labels": {"n": str(index)}},
            "status": status,
        }
        for index, status in enumerate(statuses)
    ]
    return FakeCluster([NODE, DEFINITION, *widgets])


def check(column: str = "Phase", **given: Any) -> TableColumn:
    return TableColumn.model_validate({"resource": "widgets.example.com/v1", "column": column, **given})


@pytest.mark.parametrize(
    ("column", "condition", "status", "outcome"),
    [
        ("Phase", {"equals": "Up"}, {"phase": "Up"}, "passed"),
        ("Phase", {"equals": "Up"}, {"phase": "up"}, "failed"),
        ("Phase", {"equals": "Up"}, {}, "inconclusive"),
        ("Phase", {"equals": ""}, {}, "passed"),
        ("Phase", {"equals": ""}, {"phase": "Up"}, "failed"),
        ("Phase", {"oneOf": ["Up", "Idle"]}, {"phase": "Idle"}, "passed"),
        ("Phase", {"oneOf": ["Up", "Idle"]}, {"phase": "Down"}, "failed"),
        ("Phase", {"oneOf": ["Up", ""]}, {}, "passed"),
        ("Phase", {"noneOf": ["Down"]}, {"phase": "Up"}, "passed"),
        ("Phase", {"noneOf": ["Down"]}, {"phase": "Down"}, "failed"),
        ("Phase", {"noneOf": ["Down"]}, {}, "inconclusive"),
        ("Phase", {"matches": "U.*"}, {"phase": "Up"}, "passed"),
        ("Phase", {"matches": "U"}, {"phase": "Up"}, "failed"),
        ("Phase", {"notMatches": ".*Error"}, {"phase": "Up"}, "passed"),
        ("Phase", {"notMatches": ".*Error"}, {"phase": "BigError"}, "failed"),
        ("Phase", {"oneOf": ["Up", "Idle"], "noneOf": ["Idle"]}, {"phase": "Idle"}, "failed"),
        ("Size", {"equals": 3}, {"size": 3}, "passed"),
        ("Size", {"lessThan": 4}, {"size": 3}, "passed"),
        ("Size", {"lessThan": 3}, {"size": 3}, "failed"),
        ("Size", {"moreThan": 2.5}, {"size": 3}, "passed"),
        ("Size", {"moreThan": 3}, {"size": 3}, "failed"),
        ("Size", {"moreThan": 2}, {}, "inconclusive"),
        ("Phase", {"moreThan": 2}, {"phase": "many"}, "inconclusive"),
        ("Space", {"moreThan": "1Gi"}, {"space": "2048Mi"}, "passed"),
        ("Space", {"lessThan": "1Gi", "moreThan": 0}, {"space": "2048Mi"}, "failed"),
    ],
)
async def test_a_cell_meets_the_conditions_or_not(column: str, condition: Any, status: Any, outcome: str) -> None:
    assert_finding(await ask(check(column, **condition), cluster(status)), outcome)


async def test_what_is_odd_is_named_with_what_was_expected() -> None:
    finding = await ask(check(oneOf=["Up", "Idle"]), cluster({"phase": "Up"}, {"phase": "Down"}, {}))

    assert_finding(
        finding, "failed", "Phase of 1 of 3 widgets.example.com is not as it should be, unclear of 1, 0 allowed"
    )
    assert [(each.code, each.subject, each.observed) for each in finding.evidence] == [
        ("ColumnDiffers", "widgets.example.com shop/w1", "Phase is Down"),
        ("ColumnUnclear", "widgets.example.com shop/w2", "Phase is empty"),
    ]
    assert finding.evidence[0].expected == "one of Up, Idle"
    assert finding.evidence[0].hint == "kubectl -n shop describe widgets.example.com w1"


async def test_healthy_rows_are_read_once_and_without_names() -> None:
    here = cluster({"phase": "Up"})

    assert_finding(await ask(check(equals="Up"), here), "passed", "Phase of all 1 widgets.example.com")
    assert here.asked == [WIDGETS, NODES]


async def test_some_may_differ() -> None:
    here = cluster({"phase": "Up"}, {"phase": "Down"}, {})

    assert_finding(await ask(check(equals="Up", maxOther=2), here), "passed", "2 allowed")
    assert_finding(await ask(check(equals="Up", maxOther=1), here), "inconclusive", "1 allowed")


async def test_no_row_is_inconclusive_unless_none_is_expected() -> None:
    assert_finding(await ask(check(equals="Up"), cluster()), "inconclusive", "there are no")
    assert_finding(await ask(check(equals="Up", expect="any"), cluster()), "passed", "there are no")


async def test_a_missing_column_is_inconclusive_and_those_that_are_there_are_named() -> None:
    finding = await ask(check("Status", equals="Up"), cluster({"phase": "Up"}))

    assert_finding(finding, "inconclusive", "no column 'Status' (it has: Name, Phase, Size, Space")


async def test_labels_and_namespaces_narrow_it() -> None:
    here = cluster({"phase": "Up"}, {"phase": "Down"})

    assert_finding(await ask(check(equals="Up", labelSelector="n=0"), here), "passed", "all 1")
    with pytest.raises(NotFound):
        await ask(check(equals="Up", namespaces={"exclude": ["shop"]}), here)


async def test_a_refusal_is_no_answer() -> None:
    here = cluster({"phase": "Up"})
    here.fail(WIDGETS, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(check(equals="Up"), here)


@pytest.mark.parametrize("cell", [[1], {"a": 1}])
async def test_a_cell_of_another_shape_is_no_answer(cell: object) -> None:
    here = cluster()

    async def table(*_: Any, **__: Any) -> Table:
        return Table(("Name", "Phase"), (("a", cell),), ({"name": "a"},))

    here.table = table  # type: ignore[method-assign]

    with pytest.raises(BadAnswer):
        await check(noneOf=["Down"]).run(context(here))


@pytest.mark.parametrize(
    "given",
    [{}, {"oneOf": []}, {"equals": None}, {"matches": "("}, {"lessThan": "many"}, {"lessThan": True}, {"column": ""}],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TableColumn.model_validate({"resource": "widgets.example.com/v1", "column": "Phase", **given})


words = st.sampled_from(["", "a", "b", "c"])


@for_all(st.lists(words, min_size=1, max_size=4), st.lists(words, min_size=1, max_size=3))
async def test_it_passes_only_if_every_row_is_among_the_wanted(phases: list[str], wanted: list[str]) -> None:
    finding = await ask(check(oneOf=wanted), cluster(*({"phase": phase} for phase in phases)))

    assert (finding.outcome == "passed") == all(phase in wanted for phase in phases)


async def test_what_every_api_server_has_proves_nothing_without_nodes() -> None:
    given: dict[str, Any] = {"resource": "namespaces/v1", "column": "Status", "equals": "Active"}

    assert_finding(await ask(TableColumn.model_validate(given), bare_cluster()), "inconclusive", "has no nodes")
    assert_finding(await ask(check(equals="Up", expect="any"), FakeCluster([DEFINITION])), "inconclusive", "no nodes")
