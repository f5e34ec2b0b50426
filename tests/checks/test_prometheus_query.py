from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.prometheus_query import PrometheusQuery
from checks.prometheus_query_once import PrometheusQueryOnce
from gatekeeper.check import BadAnswer, CouldNotLook, Finding, Measurement
from gatekeeper.errors import Forbidden, ServerFault, Unreachable
from gatekeeper.kit.promql import Sample, Vector
from gatekeeper.testing import NOW, FakeCluster, ask, ask_gate, assert_finding
from tests.checks.prometheus_server import Signals, sample, signals


@pytest.fixture
async def server() -> AsyncIterator[Signals]:
    async with signals() as started:
        yield started


def check(server: Signals | None = None, **given: Any) -> PrometheusQuery:
    url = server.url if server else "https://prometheus.example.com"
    return PrometheusQuery.model_validate({"url": url, "query": 'up{cluster="{member}"}', **given})


async def found(server: Signals, *samples: dict[str, Any], **given: Any) -> Finding:
    server.vectors = {"up": list(samples)}
    return await ask(check(server, **given), FakeCluster(), tools=server.tools)


async def test_samples_within_the_limits_pass(server: Signals) -> None:
    finding = await found(server, sample("1", job="a"), sample("0.5", job="b"), max=1, min=0.5)

    assert_finding(finding, "passed", 'up{cluster="c1"}: all 2 samples are at least 0.5 and at most 1 (from 0.5 to 1)')
    assert server.queries == ['up{cluster="c1"}']


async def test_one_sample_beyond_a_limit_fails_and_is_named(server: Signals) -> None:
    finding = await found(
        server, sample("1", job="a"), sample("3", __name__="up", job="b"), max=2, title="sick targets"
    )

    assert_finding(
        finding, "failed", "sick targets: 1 of 2 samples is not at most 2 (3)", subjects=['sample up{job="b"}']
    )
    assert finding.evidence[0].hint == f"promtool query instant {server.url} 'up{{cluster=\"c1\"}}'"


@pytest.mark.parametrize(
    ("limits", "value", "outcome"),
    [
        ({"max": 1}, "1", "passed"),
        ({"max": 1}, "1.0001", "failed"),
        ({"min": 1}, "1", "passed"),
        ({"min": 1}, "0.9999", "failed"),
        ({"equals": 0}, "0", "passed"),
        ({"equals": 0}, "-0", "passed"),
        ({"equals": 1}, "1.1", "failed"),
        ({"max": 1}, "NaN", "inconclusive"),
        ({"equals": 1}, "NaN", "inconclusive"),
        ({"max": 1}, "+Inf", "failed"),
        ({"max": 1}, "-Inf", "inconclusive"),
        ({"min": 1}, "-Inf", "failed"),
        ({"min": 1}, "+Inf", "inconclusive"),
        ({"equals": 1}, "+Inf", "failed"),
    ],
)
async def test_every_value_is_held_against_the_limit(
    server: Signals, limits: dict[str, float], value: str, outcome: str
) -> None:
    assert_finding(await found(server, sample(value), **limits), outcome)


@pytest.mark.parametrize("means", ["inconclusive", "passed", "failed"])
async def test_what_no_data_means_is_said_by_the_policy(server: Signals, means: str) -> None:
    assert_finding(await found(server, max=1, noData=means), means, "the answer is empty", codes=["NoData"])
    assert_finding(
        await found(server, sample("NaN"), sample("0"), max=1, noData=means), means, "1 of 2 samples is no number"
    )
    assert_finding(await found(server, sample("NaN"), max=1, noData=means), means, "1 of 1 sample is no number")


@pytest.mark.parametrize(("means", "outcome"), [("inconclusive",) * 2, ("passed", "inconclusive"), ("failed",) * 2])
@pytest.mark.parametrize("extra", [{"warnings": ["store gone"]}, {"infos": ["ignored"]}, {"isPartial": True}])
async def test_a_doubtful_answer_never_passes(server: Signals, means: str, outcome: str, extra: dict[str, Any]) -> None:
    server.extra = extra

    assert_finding(await found(server, sample("0"), max=1, noData=means), outcome, "no data", codes=["AnswerInDoubt"])
    assert_finding(await found(server, max=1, noData=means), outcome)


async def test_a_fault_in_a_doubtful_answer_is_a_fault(server: Signals) -> None:
    server.extra = {"warnings": ["store gone"]}

    assert_finding(await found(server, sample("2"), sample("NaN"), max=1, noData="passed"), "failed")


@pytest.mark.parametrize(
    ("status", "error"), [(400, BadAnswer), (403, Forbidden), (503, ServerFault), (302, BadAnswer)]
)
async def test_a_refusal_is_no_answer_whatever_no_data_means(
    server: Signals, status: int, error: type[CouldNotLook]
) -> None:
    server.status = status

    with pytest.raises(error):
        await found(server, sample("0"), max=1, noData="passed")


async def test_a_server_that_is_gone_is_no_answer(server: Signals) -> None:
    async with signals() as stopped:
        asked = check(stopped, max=1, noData="passed")

    with pytest.raises(Unreachable):
        await ask(asked, FakeCluster(), tools=server.tools)


async def test_ages_are_bounded_where_the_server_can(server: Signals) -> None:
    assert_finding(await found(server, sample("0"), max=1, maxAge="1m"), "passed")

    server.knows_lookback = False
    finding = await found(server, sample("0"), max=1, maxAge="1m", noData="passed")

    assert_finding(finding, "inconclusive", "does not know lookback_delta", codes=["AgeUnknown"])


async def test_headers_and_credentials_are_sent(server: Signals, tmp_path: Any) -> None:
    token = tmp_path / "token"
    token.write_text("sesame")

    await found(server, sample("0"), max=1, auth={"bearerTokenFile": str(token)}, headers={"X-Scope-OrgID": "{member}"})

    assert server.headers[0]["Authorization"] == "Bearer sesame"
    assert server.headers[0]["X-Scope-OrgID"] == "c1"


async def test_a_member_without_the_label_is_not_asked_about(server: Signals) -> None:
    with pytest.raises(CouldNotLook, match=r"label\.ring"):
        await found(server, query='up{ring="{label.ring}"}', max=1)
    assert server.queries == []


async def test_the_evidence_is_bounded(server: Signals) -> None:
    finding = await found(server, *(sample("2", job=f"j{number}") for number in range(50)), max=1)

    assert_finding(finding, "failed", "50 of 50 samples are not at most 1 (2)")
    assert len(finding.evidence) == 21


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give max, min or equals"),
        ({"max": 1, "equals": 1}, "equals stands alone"),
        ({"max": 1, "min": 2}, "no number is"),
        ({"max": "1"}, "is not a number"),
        ({"max": True}, "is not a number"),
        ({"max": math.inf}, "finite"),
        ({"max": math.nan}, "finite"),
        ({"max": 1, "maxAge": "0s"}, "younger than a second"),
        ({"max": 1, "query": "up{cluster=~'{stage}'}"}, "unknown placeholder"),
        ({"max": 1, "query": "{member}"}, "between quotes only"),
        ({"max": 1, "noData": "ok"}, "noData"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check(**given)


async def test_the_same_is_asked_once_of_a_gate(server: Signals) -> None:
    server.vectors = {"up": [sample("1")]}
    once = PrometheusQueryOnce.model_validate({"url": server.url, "query": "up", "equals": 1})

    assert_finding(await ask_gate(once, NOW, tools=server.tools), "passed", "up: the sample is equal to 1 (1)")
    assert server.queries == ["up"]


@pytest.mark.parametrize(
    "given", [{"query": 'up{a="{member}"}'}, {"url": "https://{member}.x"}, {"headers": {"X-Org": "{label.x}"}}]
)
def test_once_has_no_member(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="stands for a member; use prometheus-query"):
        PrometheusQueryOnce.model_validate({"url": "https://x.example.com", "query": "up", "max": 1, **given})


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(numbers, max_size=6), st.floats(-5, 5), st.floats(-5, 5), st.sampled_from(["passed", "inconclusive"]))
def test_it_passes_only_when_every_sample_is_a_number_within_the_limits(
    values: list[float], one: float, other: float, means: str
) -> None:
    low, high = min(one, other), max(one, other)
    measured = Measurement.model_validate(
        {"url": "https://x.example.com", "query": "q", "min": low, "max": high, "noData": means}
    )

    finding = measured.judge(Vector(tuple(Sample({}, value) for value in values)), "q")

    good = all(low <= value <= high for value in values)
    if finding.outcome == "passed" and means == "inconclusive":
        assert values
        assert good
    if any(value < low or value > high for value in values):
        assert finding.outcome == "failed"
    if values and good:
        assert finding.outcome == "passed"
