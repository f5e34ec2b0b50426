"""Suspect pods are found in their namespaces without asking the API server to go through all pods for each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.check import BadAnswer, Table, Text, pods_named
from gatekeeper.testing import FakeCluster, OddCluster

RUNNING = "status.phase!=Succeeded"
MANY = "abcdefghijklm"


def pod(name: str, namespace: str = "shop", phase: str = "Running") -> Any:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": phase}}


class Asked(FakeCluster):
    """Remembers the namespace and the selector of every list."""

    def __init__(self, *pods: Any) -> None:
        super().__init__(pods)
        self.lists: list[tuple[str | None, str]] = []

    async def objects(self, *args: Any, **more: Any) -> Any:
        self.lists.append((more["namespace"], more["field_selector"]))
        return await super().objects(*args, **more)


async def read(cluster: Any, *names: str, namespace: str | None = None, fields: str = RUNNING) -> list[str]:
    found = [each async for each in pods_named(cluster, names, namespace, fields)]
    return sorted(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in found)


async def test_a_few_are_looked_for_by_their_names_alone() -> None:
    cluster = Asked(pod("a"), pod("b"), pod("c", "dev"))

    assert await read(cluster, "a", "c") == ["dev/c", "shop/a"]
    assert cluster.lists == [(None, "metadata.name=a,status.phase!=Succeeded"), (None, f"metadata.name=c,{RUNNING}")]


async def test_many_are_found_by_one_table_and_read_where_they_are() -> None:
    cluster = Asked(*(pod(name) for name in MANY), pod("a", "dev"), pod("x"))

    assert await read(cluster, *MANY) == ["dev/a", *(f"shop/{name}" for name in MANY)]
    assert {namespace for namespace, _ in cluster.lists} == {"shop", "dev"}
    assert len(cluster.asked) == 1 + len(MANY) + 1


async def test_in_a_namespace_that_is_known_nothing_is_looked_for() -> None:
    cluster = Asked(*(pod(name) for name in MANY), pod("a", "dev"))

    assert await read(cluster, *MANY, namespace="shop", fields="") == [f"shop/{name}" for name in MANY]
    assert cluster.lists == [("shop", f"metadata.name={name}") for name in MANY]


async def test_those_that_have_gone_or_ended_meanwhile_are_left_out() -> None:
    cluster = Asked(pod("a"), pod("b", phase="Succeeded"), pod("c"))

    assert await read(cluster, *"abcd") == await read(cluster, *MANY) == ["shop/a", "shop/c"]


async def test_none_asks_nothing() -> None:
    cluster = Asked(pod("a"))

    assert await read(cluster) == []
    assert cluster.asked == []


@pytest.mark.parametrize(
    "table",
    [
        Table(("Name",), (("a",),), ()),
        Table(("Name",), (("a",),), ({"name": "a"},)),
        Table(("Name",), (("a",),), ({"name": "a", "namespace": ""},)),
        Table(("Name",), (("a",),), ({"name": 1, "namespace": "shop"},)),
    ],
)
async def test_rows_that_do_not_tell_where_their_pods_are_are_no_answer(table: Table) -> None:
    with pytest.raises(BadAnswer):
        await read(OddCluster(table, [], Text(200, "")), *MANY)


@given(st.lists(st.tuples(st.sampled_from(MANY), st.sampled_from(["shop", "dev", "ops"])), unique=True), st.data())
async def test_every_namesake_is_read_once_however_many_there_are(places: list[tuple[str, str]], data: Any) -> None:
    names = data.draw(st.lists(st.sampled_from(MANY), unique=True))
    cluster = FakeCluster([pod(name, namespace) for name, namespace in places])

    expected = sorted(f"{namespace}/{name}" for name, namespace in places if name in names)
    assert await read(cluster, *names) == expected
