"""deprecated-apis: the metrics of an API server, from look to look -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.deprecated_apis import DeprecatedApis
from gatekeeper.check import BadAnswer, Finding, Forbidden, Resource, Target, Text
from gatekeeper.notebook import Notebooks
from gatekeeper.testing import NOW, FakeCluster, ask, assert_finding

CHECK = DeprecatedApis()
TARGET = Target("Full", "1.34.2", "Latest")
FLOW = ("flowcontrol.apiserver.k8s.io", "v1beta3", "flowschemas", "")
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "aks-user-1"}}
STARTED = NOW.timestamp() - 7200


def gauge(api: tuple[str, str, str, str] = FLOW, removed: str = "1.32") -> str:
    group, version, resource, sub = api
    labels = (
        f'group="{group}",removed_release="{removed}",resource="{resource}",subresource="{sub}",version="{version}"'
    )
    return f"apiserver_requested_deprecated_apis{{{labels}}} 1"


def requests(
    count: float, verb: str = "LIST", api: tuple[str, str, str, str] = FLOW, client: str = "", code: str = "200"
) -> str:
    group, version, resource, sub = api
    labels = f'code="{code}",group="{group}",resource="{resource}",subresource="{sub}",system_client="{client}"'
    return f'apiserver_request_total{{{labels},verb="{verb}",version="{version}"}} {count}'


def metrics(*lines: str, started: float | None = STARTED) -> dict[str, Text]:
    more = [] if started is None else [f"process_start_time_seconds {started}"]
    always = "# HELP apiserver_request_total [STABLE] Counter\n# TYPE apiserver_request_total counter"
    mine = requests(1e3, "GET", ("", "v1", "pods", ""))
    return {"/metrics": Text(200, "\n".join([always, mine, *lines, "apiserver_request_total_other 1", *more, ""]))}


class Story:
    """Looks at one member, minutes apart, with one notebook."""

    def __init__(self, check: DeprecatedApis = CHECK) -> None:
        self.check = check
        self.page = Notebooks(lambda: NOW).of(check, "c1")

    async def look(self, minute: float, *lines: str, started: float | None = STARTED) -> Finding:
        cluster = FakeCluster([NODE], texts=metrics(*lines, started=started), now=NOW + timedelta(minutes=minute))
        return await ask(self.check, cluster, TARGET, notebook=self.page)


async def test_no_deprecated_api_passes_and_says_since_when() -> None:
    finding = await Story().look(0)

    assert_finding(
        finding, "passed", "no API that 1.34.2 lacks is in use since the API server started 2h ago", codes=[]
    )


async def test_one_that_goes_later_is_reported() -> None:
    finding = await Story().look(0, gauge(removed="1.35"), gauge(("", "v1", "endpoints", ""), ""))

    assert_finding(finding, "passed", "2 that go later", codes=["ApiDeprecated", "ApiDeprecated"])


@pytest.mark.parametrize(
    ("removed", "goal", "outcome"),
    [
        ("1.9", "1.25", "inconclusive"),
        ("1.25", "1.25", "inconclusive"),
        ("1.25", "v1.25.0", "inconclusive"),
        ("1.25.0", "1.25", "inconclusive"),
        ("1.100", "1.25", "passed"),
        ("2.0", "1.99", "passed"),
    ],
)
async def test_releases_are_compared_as_numbers(removed: str, goal: str, outcome: str) -> None:
    finding = await ask(DeprecatedApis(version=goal), FakeCluster([NODE], texts=metrics(gauge(removed=removed))))

    assert_finding(finding, outcome)


async def test_the_first_look_is_inconclusive_and_a_quiet_while_makes_it_a_note() -> None:
    story, seen = Story(), (gauge(), requests(5), requests(2, "PATCH"))

    first, second, third = [await story.look(minute, *seen) for minute in (0, 5, 15)]

    assert_finding(first, "inconclusive", "whether still in use is not known yet", codes=["ApiUsed"])
    assert_finding(second, "inconclusive", codes=["ApiUsed"])
    assert "watched for 5m of 15m only (2 writes and 5 reads" in second.evidence[0].observed
    assert_finding(third, "passed", "1 used once, quiet for 15m", codes=["ApiUsedOnce"])


@pytest.mark.parametrize(
    ("verb", "code", "how"),
    [("PATCH", "ApiWritten", "1 is written"), ("LIST", "ApiRead", "0 are written, 1 only read")],
)
async def test_one_whose_requests_rise_fails(verb: str, code: str, how: str) -> None:
    story = Story()

    await story.look(0, gauge(), requests(5, verb))
    rose = await story.look(1, gauge(), requests(6, verb))
    still = await story.look(10, gauge(), requests(6, verb))
    quiet = await story.look(17, gauge(), requests(6, verb))

    assert_finding(rose, "failed", how, codes=[code], subjects=[f"API {FLOW[0]}/v1beta3 flowschemas"])
    assert_finding(still, "failed", codes=[code])
    assert_finding(quiet, "passed", codes=["ApiUsedOnce"])


async def test_one_that_is_only_read_can_be_reported() -> None:
    story = Story(DeprecatedApis(reading="reported"))

    await story.look(0, gauge(), requests(5))
    finding = await story.look(1, gauge(), requests(6))

    assert_finding(finding, "passed", "1 only read", codes=["ApiRead"])


async def test_one_that_was_not_there_at_the_last_look_is_in_use() -> None:
    story = Story()

    await story.look(0)
    finding = await story.look(1, gauge(), requests(1, "POST"))

    assert_finding(finding, "failed", codes=["ApiWritten"])


async def test_requests_of_the_api_server_to_itself_do_not_count() -> None:
    story = Story()

    await story.look(0, gauge(), requests(5, client="kube-apiserver"))
    finding = await story.look(15, gauge(), requests(9, client="kube-apiserver"))

    assert_finding(finding, "passed", codes=["ApiUsedOnce"])


async def test_requests_are_summed_over_codes_and_verbs() -> None:
    story = Story()

    await story.look(0, gauge(), requests(5), requests(1, code="404"), requests(1, "WATCH"))
    finding = await story.look(15, gauge(), requests(5), requests(1, code="404"), requests(2, "WATCH"))

    assert_finding(finding, "failed", codes=["ApiRead"])


async def test_counters_are_compared_with_those_of_the_same_replica() -> None:
    story, other = Story(), STARTED + 60

    await story.look(0, gauge(), requests(5))
    second = await story.look(20, gauge(), requests(900), started=other)
    third = await story.look(21, gauge(), requests(5))
    fourth = await story.look(36, gauge(), requests(5))

    assert_finding(second, "inconclusive", "1 API that 1.34.2 lacks was used since")
    assert_finding(third, "inconclusive", codes=["ApiUsed"])
    assert_finding(fourth, "passed", codes=["ApiUsedOnce"])


async def test_what_one_replica_said_lately_is_not_undone_by_another_that_was_not_asked() -> None:
    """A sweep reaches any of the replicas."""
    story, other = Story(), STARTED + 60

    first = await story.look(0, gauge(), requests(5))
    elsewhere = await story.look(1, started=other)
    rose = await story.look(2, gauge(), requests(6))
    again = await story.look(3, started=other)
    later = await story.look(17, started=other)

    assert_finding(first, "inconclusive", codes=["ApiUsed"])
    assert_finding(elsewhere, "inconclusive", codes=["ApiUsed"])
    assert "watched for 1m of 15m only" in elsewhere.evidence[0].observed
    assert_finding(rose, "failed", codes=["ApiRead"])
    assert_finding(again, "failed", codes=["ApiRead"])
    assert_finding(later, "passed", codes=[])


async def test_a_use_seen_on_another_replica_counts() -> None:
    story, other = Story(), STARTED + 60

    await story.look(0, gauge(), requests(5))
    await story.look(16, gauge(), requests(900), started=other)
    await story.look(17, gauge(), requests(901), started=other)
    finding = await story.look(18, gauge(), requests(5))

    assert_finding(finding, "failed", codes=["ApiRead"])


async def test_a_counter_that_falls_is_a_restart() -> None:
    story = Story()

    await story.look(0, gauge(), requests(5), started=None)
    finding = await story.look(20, gauge(), requests(4), started=None)

    assert_finding(finding, "inconclusive", "since the API server started;", codes=["ApiUsed"])


async def test_a_check_by_hand_stays_inconclusive() -> None:
    for _ in range(2):
        finding = await ask(CHECK, FakeCluster([NODE], texts=metrics(gauge())), TARGET)

        assert_finding(finding, "inconclusive")


async def test_a_run_for_node_images_removes_nothing() -> None:
    assert_finding(await ask(CHECK, FakeCluster([NODE]), Target("NodeImageOnly")), "passed", "node images only")
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([NODE], texts={"/version": Text(200, "{}")}), Target("NodeImageOnly"))


async def test_a_run_without_a_version_is_inconclusive() -> None:
    assert_finding(await ask(CHECK, FakeCluster([NODE]), Target("Full")), "inconclusive", "names no Kubernetes version")


@pytest.mark.parametrize(
    "answer",
    [
        Text(200, ""),
        Text(200, "ok"),
        Text(200, "# HELP apiserver_request_total x"),
        Text(404, "404 page not found"),
        Text(500, metrics()["/metrics"].body),
        metrics(gauge(removed="soon"))["/metrics"],
        metrics('apiserver_requested_deprecated_apis{group="a"} 1')["/metrics"],
        metrics(gauge(), requests(5).replace(" 5", " five"))["/metrics"],
        metrics(gauge(), requests(5).replace(" 5", " NaN"))["/metrics"],
        metrics(gauge(), requests(5).replace(" 5", ""))["/metrics"],
        metrics(gauge() + "x" * 5000)["/metrics"],
    ],
)
async def test_what_is_not_an_api_servers_metrics_is_no_answer(answer: Text) -> None:
    with pytest.raises(BadAnswer):
        await ask(CHECK, FakeCluster([NODE], texts={"/metrics": answer}), TARGET)


async def test_an_answer_that_begins_with_a_sample_is_read_to_its_end() -> None:
    body = f"{requests(5)}\n{gauge()}"

    assert_finding(await ask(CHECK, FakeCluster([NODE], texts={"/metrics": Text(200, body)}), TARGET), "inconclusive")


async def test_a_refusal_is_no_answer() -> None:
    cluster = FakeCluster([NODE])
    cluster.fail(Resource.path("/metrics"), Forbidden("no"))

    with pytest.raises(Forbidden):
        await ask(CHECK, cluster, TARGET)


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=6))
async def test_a_use_that_has_just_risen_never_passes(steps: list[tuple[int, bool]]) -> None:
    story, count = Story(), 5
    await story.look(0, gauge(), requests(count))
    finding: Any = None
    minute = 0
    for wait, rises in [*steps, (1, True)]:
        minute, count = minute + wait, count + rises
        finding = await story.look(minute, gauge(), requests(count))

    assert_finding(finding, "failed")


@pytest.mark.parametrize("target", [TARGET, Target("NodeImageOnly")])
async def test_without_a_node_nothing_is_proven(target: Target) -> None:
    assert_finding(await ask(CHECK, FakeCluster(texts=metrics()), target), "inconclusive", "the cluster has no nodes")
