"""What checks of nodes share: pools, subjects and versions."""

from __future__ import annotations

import pytest

from gatekeeper.check import node_subject, pool_of, version_of


@pytest.mark.parametrize(
    ("label", "pool"), [("user", "user"), (None, ""), (7, ""), ("a\x1b[31m\nb", "a[31m b"), ("x" * 99, "x" * 63)]
)
def test_the_pool_of_a_node_is_its_label(label: object, pool: str) -> None:
    assert pool_of({"metadata": {"labels": {"kubernetes.azure.com/agentpool": label}}}) == pool


@pytest.mark.parametrize("node", [{}, {"metadata": None}, {"metadata": {"labels": []}}, None])
def test_a_node_without_the_label_has_no_pool(node: object) -> None:
    assert pool_of(node) == ""


def test_a_node_is_named_with_its_pool() -> None:
    assert node_subject("a", "user") == "Node a (pool user)"
    assert node_subject("a", "") == "Node a"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v1.34.2", (1, 34, 2)),
        ("1.34", (1, 34)),
        ("v1.27.100-akslts", (1, 27, 100)),
        ("v1.35.0-alpha.1+6aa8ad8", (1, 35, 0)),
        ("v1", None),
        ("1.34.2.1", None),
        ("one", None),
        ("1.34 ", None),
        ("", None),
        (None, None),
        (1.34, None),
    ],
)
def test_a_version_is_numbers(text: object, version: tuple[int, ...] | None) -> None:
    assert version_of(text) == version
