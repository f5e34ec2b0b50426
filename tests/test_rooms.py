"""Which pods fit where, and what is worked out once for all that are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.check import Alike, BadAnswer, rooms
from gatekeeper.projection import Projection


def place(name: str, cpu: int, **more: Any) -> rooms.Place:
    return rooms.Place(name, more.get("labels", {}), tuple(more.get("taints", ())), {"cpu": cpu})


def wish(cpu: int, **more: Any) -> rooms.Wish:
    return rooms.Wish({"cpu": cpu}, more.get("selector", {}), None, ())


@dataclass(frozen=True)
class Pod:
    wish: rooms.Wish


def test_places_are_not_changed_by_what_is_tried_on_them() -> None:
    places, pods = rooms.Places([place("a", 2), place("b", 2)]), [Pod(wish(2)), Pod(wish(2))]

    assert places.homeless(pods, "") == []
    assert places.homeless(pods, "a") == [pods[1]]
    assert places.homeless(pods, "a", [place("", 2)]) == []
    assert places.homeless(pods, "") == []


def test_an_extra_place_is_used_though_the_node_that_is_gone_has_its_name() -> None:
    pods = [Pod(wish(1))]

    assert rooms.Places([place("a", 1)]).homeless(pods, "a", [place("a", 1)]) == []


def test_nothing_fits_nowhere() -> None:
    pods = [Pod(wish(1))]

    assert rooms.Places([]).homeless(pods, "a") == pods
    assert rooms.Places([]).homeless([], "a") == []


def test_a_pod_that_asks_for_nothing_still_needs_a_place_that_lets_it_in() -> None:
    pods = [Pod(rooms.Wish({}, {"disk": "fast"}, None, ()))]

    assert rooms.Places([place("a", 0)]).homeless(pods, "") == pods
    assert rooms.Places([place("a", 0, labels={"disk": "fast"})]).homeless(pods, "") == []


@given(
    st.lists(st.integers(0, 9), max_size=4),
    st.lists(st.integers(0, 9), max_size=3),
    st.lists(st.integers(1, 9), max_size=6),
)
def test_what_is_remembered_between_pods_that_are_alike_changes_nothing(
    left: list[int], extra: list[int], wanted: list[int]
) -> None:
    """Pods that share a wish, against pods that each have one of their own."""
    wishes = {each: wish(each) for each in wanted}
    places = rooms.Places(place(f"n{i}", each) for i, each in enumerate(left))
    more = [place("", each) for each in extra]

    for gone in ("n0", "n1", ""):
        shared = places.homeless([Pod(wishes[each]) for each in wanted], gone, more)
        single = places.homeless([Pod(wish(each)) for each in wanted], gone, more)
        assert [each.wish.needs for each in shared] == [each.wish.needs for each in single]


def test_what_all_nodes_of_a_pool_are_tainted_with_is_the_pools_unless_the_system_did_it() -> None:
    spot, mine = ("spot", "", "NoSchedule"), ("mine", "", "NoExecute")
    sick = ("node.kubernetes.io/disk-pressure", "", "NoSchedule")

    assert rooms.taints_of_pool([(spot, sick), (spot, mine, sick)]) == {spot}
    assert rooms.taints_of_pool([]) == frozenset()


@pytest.mark.parametrize(
    "allocatable", [None, [], {"cpu": "1", "memory": "1"}, {"cpu": "1", "memory": "-1", "pods": "1"}]
)
def test_a_node_that_does_not_say_its_room_is_no_answer(allocatable: Any) -> None:
    with pytest.raises(BadAnswer):
        rooms.room_of({"metadata": {"name": "a"}, "status": {"allocatable": allocatable}})


def test_what_is_asked_of_pods_is_kept_of_them() -> None:
    """A wish read from what a list keeps is the wish of the whole pod."""
    container = {"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}
    pod = {
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {
            "containers": [container],
            "initContainers": [{**container, "name": "i", "restartPolicy": "Always"}],
            "resources": {"requests": {"memory": "1Gi"}},
            "overhead": {"cpu": "250m"},
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"operator": "Exists"}],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        },
        "status": {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "3"}}]},
    }

    kept = rooms.wishes(["cpu", "memory", "pods"])(Projection(rooms.POD_FIELDS)(pod))
    whole = rooms.wishes(["cpu", "memory", "pods"])(pod)

    assert dict(kept.needs) == dict(whole.needs) == {"cpu": 4250, "memory": 2**30 * 1000, "pods": 1000}
    assert (kept.selector, kept.terms, kept.tolerations) == (whole.selector, whole.terms, whole.tolerations)
    assert rooms.requests(["cpu"])(Projection(rooms.POD_FIELDS)(pod)) == rooms.requests(["cpu"])(pod)


def test_what_shares_all_parts_is_worked_out_once() -> None:
    asked: list[Any] = []

    def work(item: Any) -> int:
        asked.append(item)
        return len(asked)

    part, twin = ["x"], ["x"]
    number = Alike((("spec", "a"), ("spec", "b")), work)

    assert [number({"spec": {"a": part, "b": None, "c": i}}) for i in range(3)] == [1, 1, 1]
    assert number({"spec": {"a": twin}}) == 2
    assert number({"spec": {"a": part, "b": part}}) == 3
    assert number({}) == 4


def test_parts_that_have_gone_do_not_lend_their_identity_to_others() -> None:
    first = Alike((("a",),), lambda item: item["a"][0])  # type: ignore[index]

    assert [first({"a": [number]}) for number in range(1_000)] == list(range(1_000))
