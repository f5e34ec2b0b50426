"""warning-events: kept events, the update's times and a notebook -> finding."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from checks.warning_events import EVENTS, WarningEvents
from gatekeeper.check import NODES, BadAnswer, Forbidden, Note
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding, member

CHECK = WarningEvents()
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
STARTED, COMPLETED = 1800, 1200  # seconds ago
UPDATED = member(started_at=NOW - timedelta(seconds=STARTED), completed_at=NOW - timedelta(seconds=COMPLETED))
WAITING = member(state="NotStarted")
numbers = count()


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def event(
    last: float | None = 60, first: float | None = None, *, name: str = "web-1", reason: str = "BackOff", **more: Any
) -> Any:
    """A kept event; its times in seconds ago."""
    stamps = {"lastTimestamp": last, "firstTimestamp": last if first is None else first}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"e.{next(numbers)}", "namespace": "shop", "creationTimestamp": ago(first or last or 0)},
        "type": "Warning",
        "reason": reason,
        "message": "Back-off restarting failed container",
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": name},
        "count": 3,
        **{key: ago(value) for key, value in stamps.items() if value is not None},
        **more,
    }


class Memory:
    """A notebook of one page."""

    def __init__(self, value: object = None, seconds_ago: float = 0) -> None:
        self.note = Note(value, NOW - timedelta(seconds=seconds_ago)) if value is not None else None

    def read(self, key: str) -> Note | None:
        assert key
        return self.note

    def write(self, key: str, value: object) -> None:
        assert key
        self.note = Note(value, NOW)


async def test_a_cluster_without_warnings_passes() -> None:
    assert_finding(
        await ask(CHECK, FakeCluster([NODE]), member=UPDATED), "passed", "no reason of Warning events", codes=[]
    )


async def test_warnings_of_an_object_that_had_none_before_the_update_fail() -> None:
    finding = await ask(CHECK, FakeCluster([event()]), member=UPDATED)

    assert_finding(
        finding, "failed", "1 reason of Warning events rose", codes=["WarningsRose"], subjects=["Pod shop/web-1"]
    )
    assert "BackOff of 1 object (0 before)" in finding.message
    assert finding.evidence[0].observed == "BackOff 3 times, last at 09:59:00Z: Back-off restarting failed container"
    assert finding.evidence[0].hint == "kubectl -n shop events --for pod/web-1"


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([event(601)], "passed"),
        ([event(600)], "failed"),
        ([event(60, 1801)], "passed"),
        ([event(60, 1800)], "failed"),
        ([event(60), event(1900, name="web-old")], "passed"),
        ([event(60), event(2400, name="web-old")], "passed"),
        ([event(60), event(2401, name="web-old")], "failed"),
        ([event(60), event(1900, name="web-old", reason="FailedMount")], "failed"),
        ([event(60), event(60, name="web-2"), event(1900, name="web-old")], "failed"),
        ([event(60), event(60, 90), event(1900, name="web-old")], "passed"),
        ([event(60), event(60, name="web-2"), event(60, 1900, name="web-3"), event(1900)], "failed"),
        ([event(-30)], "failed"),
        ([event(type="Normal")], "passed"),
    ],
)
async def test_only_a_rise_in_the_number_of_objects_counts(events: list[Any], outcome: str) -> None:
    assert_finding(await ask(CHECK, FakeCluster([NODE, *events]), member=UPDATED), outcome)


async def test_new_objects_are_shown_first_and_known_ones_are_called_so() -> None:
    events = [event(60, 1900, name="a"), event(name="b"), event(name="c", reason="Other"), event(name="d")]

    finding = await ask(WarningEvents(max_rise=1), FakeCluster(events), member=UPDATED)

    assert_finding(finding, "failed", "BackOff of 3 objects (1 before)")
    assert [each.subject for each in finding.evidence] == ["Pod shop/b", "Pod shop/d", "Pod shop/a"]
    assert "before the update too" in finding.evidence[-1].observed


@pytest.mark.parametrize(("allowed", "outcome"), [(0, "failed"), (2, "failed"), (3, "passed")])
async def test_so_many_more_objects_are_tolerated(allowed: int, outcome: str) -> None:
    cluster = FakeCluster([event(name=f"web-{i}") for i in range(3)])

    assert_finding(await ask(WarningEvents(max_rise=allowed), cluster, member=UPDATED), outcome, "BackOff of 3 objects")


async def test_reasons_can_be_ignored() -> None:
    cluster = FakeCluster([NODE, event(reason="DNSConfigForming")])

    assert_finding(await ask(WarningEvents(ignore_reasons=("DNS*",)), cluster, member=UPDATED), "passed")


async def test_the_window_and_the_end_of_before_are_parameters() -> None:
    early, during = FakeCluster([event(1700)]), FakeCluster([event(60, 1500)])

    assert_finding(await ask(WarningEvents.model_validate({"window": "29m"}), early, member=UPDATED), "failed")
    assert_finding(await ask(CHECK, during, member=UPDATED), "failed")
    assert_finding(await ask(WarningEvents(since="completed"), during, member=UPDATED), "passed")


@pytest.mark.parametrize(
    "times",
    [
        {"lastTimestamp": None, "firstTimestamp": None, "eventTime": ago(60)},
        {
            "lastTimestamp": None,
            "firstTimestamp": None,
            "eventTime": ago(900),
            "series": {"count": 7, "lastObservedTime": ago(60)},
        },
        {"lastTimestamp": None, "firstTimestamp": None},
        {"lastTimestamp": "soon", "firstTimestamp": "never", "metadata": {"name": "e", "creationTimestamp": "x"}},
    ],
)
async def test_events_of_any_form_count(times: Any) -> None:
    assert_finding(await ask(CHECK, FakeCluster([event(**times)]), member=UPDATED), "failed")


async def test_an_event_of_a_node_names_the_node() -> None:
    finding = await ask(CHECK, FakeCluster([event(involvedObject={"kind": "Node", "name": "n1"})]), member=UPDATED)

    assert_finding(finding, "failed", subjects=["Node n1"])
    assert finding.evidence[0].hint == "kubectl -n default events --for node/n1"


async def test_a_name_that_is_none_stands_in_no_command() -> None:
    finding = await ask(CHECK, FakeCluster([event(name="$(reboot)")]), member=UPDATED)

    assert_finding(finding, "failed")
    assert finding.evidence[0].hint == ""


@pytest.mark.parametrize(("first", "outcome"), [(590, "failed"), (610, "passed")])
async def test_before_an_update_it_compares_with_the_window_before(first: float, outcome: str) -> None:
    assert_finding(await ask(CHECK, FakeCluster([event(60, first)]), member=WAITING), outcome)


async def test_what_was_counted_before_the_update_is_remembered() -> None:
    notebook, check = Memory(), WarningEvents(max_rise=5)
    chronic = FakeCluster([event(60, 700, name=f"web-{i}") for i in range(3)])

    await ask(check, chronic, member=WAITING, notebook=notebook)

    assert notebook.note is not None
    assert notebook.note.value == {"BackOff": 3}


@pytest.mark.parametrize(
    ("noted", "seconds_ago", "outcome"),
    [
        ({"BackOff": 2}, 1900, "passed"),
        ({"BackOff": 1}, 1900, "failed"),
        ({"Other": 9}, 1900, "failed"),
        ({"BackOff": 2}, 1700, "failed"),
        ({"BackOff": 2}, 90_000, "failed"),
        ("odd", 1900, "failed"),
    ],
)
async def test_a_note_from_before_the_update_is_used_if_it_is_fresh(
    noted: Any, seconds_ago: float, outcome: str
) -> None:
    cluster = FakeCluster([event(), event(name="web-2")])

    assert_finding(await ask(CHECK, cluster, member=UPDATED, notebook=Memory(noted, seconds_ago)), outcome)


async def test_it_says_when_the_events_of_before_are_gone() -> None:
    long_ago = member(started_at=NOW - timedelta(hours=3))

    finding = await ask(CHECK, FakeCluster([event()]), member=long_ago)

    assert_finding(finding, "failed", "events from before the update are not kept any more")


@pytest.mark.parametrize(
    ("check", "about", "words"),
    [
        (CHECK, member(started_at=NOW + timedelta(seconds=5)), "in the future"),
        (WarningEvents(since="completed"), member(started_at=NOW - timedelta(seconds=5)), "not completed yet"),
    ],
)
async def test_an_update_that_is_not_there_yet_is_inconclusive(check: Any, about: Any, words: str) -> None:
    assert_finding(await ask(check, FakeCluster([NODE]), member=about), "inconclusive", words)


async def test_a_cluster_without_events_and_nodes_is_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster(), member=UPDATED), "inconclusive", "no node either")


async def test_only_the_chosen_namespaces_count() -> None:
    check = WarningEvents.model_validate({"namespaces": {"exclude": ["shop"]}})
    pay = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pay"}}

    assert_finding(await ask(check, FakeCluster([NODE, pay, event()]), member=UPDATED), "passed")


@pytest.mark.parametrize("given_", [{"window": "31m"}, {"window": "0s"}, {"maxRise": -1}])
def test_what_cannot_be_meant_is_refused(given_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WarningEvents.model_validate(given_)


@pytest.mark.parametrize("odd", [{"count": "many"}, {"involvedObject": None}, {"series": {"count": -1}}])
async def test_an_event_of_another_shape_is_no_answer(odd: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([event(**odd)]), member=UPDATED)


@pytest.mark.parametrize("resource", [EVENTS, NODES])
async def test_a_refusal_is_no_answer(resource: Any) -> None:
    cluster = FakeCluster()
    cluster.fail(resource, Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster, member=UPDATED)


spans = st.tuples(st.integers(0, 3600), st.integers(0, 3600)).map(lambda span: (min(span), max(span)))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), spans), max_size=8))
async def test_it_passes_only_if_no_reason_hits_more_objects_than_before(found: list[tuple[str, str, Any]]) -> None:
    events = [event(*span, name=name, reason=reason) for reason, name, span in found]

    finding = await ask(CHECK, FakeCluster([NODE, *events]), member=UPDATED)

    def objects(reason: str, *, before: bool) -> int:
        return len(
            {
                name
                for each, name, (last, first) in found
                if each == reason and (first > STARTED and last <= STARTED + 600 if before else last <= 600)
            }
        )

    assert (finding.outcome == "passed") == all(objects(r, before=False) <= objects(r, before=True) for r in "ab")


async def test_an_event_of_which_only_the_read_fields_are_kept_is_understood() -> None:
    """In its new form, as the events API writes it and the core API shows it."""
    new = event(None, eventTime=ago(60), count=None, firstTimestamp=None, lastTimestamp=None)
    new |= {"series": {"count": 7, "lastObservedTime": ago(30)}, "reportingComponent": "kubelet"}

    finding = await ask(CHECK, FakeCluster([new]), member=UPDATED)

    assert_finding(finding, "failed", codes=["WarningsRose"])
    assert finding.evidence[0].observed.startswith("BackOff 7 times, last at 09:59:30Z: Back-off")


async def test_an_update_that_was_completed_and_of_which_nobody_says_when_it_started_is_inconclusive() -> None:
    """To compare the window with the one before it would take the update's faults for old ones."""
    half_said = member(completed_at=NOW - timedelta(seconds=COMPLETED))

    finding = await ask(CHECK, FakeCluster([event(60, 900)]), member=half_said)

    assert_finding(finding, "inconclusive", "the run does not say when the update of c1 was started")
