from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.alerts_quiet import AlertsQuiet
from gatekeeper.check import BadAnswer, CouldNotLook, Finding, Forbidden, Member, Selector
from gatekeeper.errors import ServerFault
from gatekeeper.kit.alerts import Alert, alerts_of_alertmanager, dated, silenced, silences_of
from gatekeeper.kit.promql import Sample, Vector
from gatekeeper.testing import FakeCluster, ask, assert_finding
from tests.checks.prometheus_server import Signals, alert, sample, series, signals, silence

WATCHDOG = alert("Watchdog", "none")
PULSE = series("Watchdog", "none", cluster="c1")


@pytest.fixture
async def server() -> AsyncIterator[Signals]:
    async with signals() as started:
        yield started


async def of_alertmanager(server: Signals, *alerts: Any, **given: Any) -> Finding:
    server.alerts = list(alerts)
    where = {"alertmanager": {"url": server.url}, "selector": 'cluster="{member}"'}
    return await ask(AlertsQuiet.model_validate({**where, **given}), FakeCluster(), tools=server.tools)


async def of_prometheus(server: Signals, *alerts: Any, **given: Any) -> Finding:
    server.vectors = {
        "ALERTS{": list(alerts),
        "ALERTS_FOR_STATE{": [sample("1795383169", alertname="Bad", severity="critical", cluster="c1")],
    }
    where = {"prometheus": {"url": server.url}, "selector": 'cluster="{member}"'}
    return await ask(AlertsQuiet.model_validate({**where, **given}), FakeCluster(), tools=server.tools)


async def test_only_the_watchdog_fires(server: Signals) -> None:
    words = "no alert is firing for c1; Watchdog is firing, so alerts arrive"

    assert_finding(await of_alertmanager(server, WATCHDOG), "passed", words, codes=[])
    assert_finding(await of_prometheus(server, PULSE), "passed", words, codes=[])
    assert server.filters == [['cluster="c1"'], ['cluster="c1"', 'alertname="Watchdog"']]
    assert server.queries == [
        'ALERTS{alertstate="firing",cluster="c1"}',
        'ALERTS{alertstate="firing",cluster="c1",alertname="Watchdog"}',
    ]


async def test_a_firing_alert_fails_and_is_explained(server: Signals) -> None:
    finding = await of_alertmanager(server, WATCHDOG, alert("Bad"))

    assert_finding(finding, "failed", "1 alert is firing for c1: Bad (critical)", subjects=["alert Bad"])
    assert finding.evidence[0].observed == "critical; since 2026-11-22T21:32:55.730Z; Bad is bad; cluster=c1"
    assert finding.evidence[0].hint == "https://runbooks.example.com/x"


async def test_prometheus_says_since_when(server: Signals) -> None:
    finding = await of_prometheus(server, PULSE, series("Bad", cluster="c1"))

    assert_finding(finding, "failed", "1 alert is firing for c1: Bad (critical)", codes=["AlertFiring"])
    assert finding.evidence[0].observed == "critical; since 2026-11-22T21:32:49+00:00; cluster=c1"
    matchers = """'alertname="Bad"' 'cluster="c1"' 'severity="critical"'"""
    assert finding.evidence[0].hint == f"if it is harmless: amtool silence add {matchers} --comment '...'"


@pytest.mark.parametrize("ask_of", [of_alertmanager, of_prometheus])
async def test_a_pipeline_without_a_pulse_is_inconclusive(server: Signals, ask_of: Any) -> None:
    finding = await ask_of(server)

    assert_finding(finding, "inconclusive", "Watchdog, which always fires, is not firing", codes=["PipelineSilent"])


async def test_a_fault_without_a_pulse_is_a_fault(server: Signals) -> None:
    finding = await of_alertmanager(server, alert("Bad"))

    assert_finding(finding, "failed", "1 alert", codes=["AlertFiring", "PipelineSilent"])


async def test_another_pulse_can_be_named(server: Signals) -> None:
    assert_finding(await of_alertmanager(server, alert("Beat", "none"), expect="Beat"), "passed", "Beat is firing")
    assert_finding(await of_alertmanager(server, alert("Beat"), expect='alertname="Beat", site="x"'), "failed", "Beat")
    assert server.filters[-1] == ['alertname="Beat"', 'site="x"']


async def test_without_a_pulse_silence_is_believed_only_on_request(server: Signals) -> None:
    assert_finding(await of_alertmanager(server, expect=None), "passed", "no alert is firing for c1")


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"include": ['severity=~"critical|warning"']}, "failed"),
        ({"include": ['severity="info"']}, "passed"),
        ({"include": ['severity="info"', 'alertname="Bad"']}, "failed"),
        ({"include": ['severity="critical", alertname="Other"']}, "passed"),
        ({"exclude": ['alertname="Bad"']}, "passed"),
        ({"exclude": ['alertname="Bad", severity="info"']}, "failed"),
        ({"exclude": ['alertname="Other"', 'cluster="{member}"']}, "passed"),
        ({"include": ['alertname="Bad"'], "exclude": ['severity="critical"']}, "passed"),
    ],
)
@pytest.mark.parametrize("ask_of", [of_alertmanager, of_prometheus])
async def test_alerts_are_included_and_excluded(
    server: Signals, ask_of: Any, given: dict[str, Any], outcome: str
) -> None:
    alerts = [WATCHDOG, alert("Bad")] if ask_of is of_alertmanager else [PULSE, series("Bad", cluster="c1")]

    assert_finding(await ask_of(server, *alerts, **given), outcome)


@pytest.mark.parametrize(("by", "word"), [("silencedBy", "silenced"), ("inhibitedBy", "inhibited")])
async def test_what_alertmanager_hushes_is_reported_and_passes(server: Signals, by: str, word: str) -> None:
    hushed = alert("Bad")
    hushed["status"][by] = ["id"]

    finding = await of_alertmanager(server, WATCHDOG, hushed)

    assert_finding(finding, "passed", "1 alert silenced or inhibited", codes=["AlertHushed"])
    assert finding.evidence[0].observed.startswith(f"{word}; critical")


async def test_an_alert_in_a_muted_hour_counts(server: Signals) -> None:
    muted = alert("Bad")
    muted["status"] |= {"state": "suppressed", "mutedBy": ["weekend"]}

    assert_finding(await of_alertmanager(server, WATCHDOG, muted), "failed")


@pytest.mark.parametrize(
    ("silences", "outcome"),
    [
        ([silence(("alertname", "Bad", False, True))], "passed"),
        ([silence(("alertname", "B.*", True, True), ("severity", "info", False, False))], "passed"),
        ([silence(("alertname", "Bad", False, True), state="expired")], "failed"),
        ([silence(("alertname", "Bad", False, True), state="pending")], "failed"),
        ([silence(("alertname", "Other", False, True))], "failed"),
        ([silence(("alertname", "Bad", False, True), ("site", "x", False, False))], "failed"),
        ([silence(("alertname", "(", True, True))], "failed"),
        ([silence()], "failed"),
        ([], "failed"),
    ],
)
async def test_silences_of_alertmanager_hold_for_the_alerts_of_prometheus(
    server: Signals, silences: list[Any], outcome: str
) -> None:
    server.silences = silences
    both = {"alertmanager": {"url": server.url}}

    assert_finding(await of_prometheus(server, PULSE, series("Bad", cluster="c1"), **both), outcome)


async def test_prometheus_with_doubts_never_passes(server: Signals) -> None:
    server.extra = {"warnings": ["a store is away"]}

    finding = await of_prometheus(server, PULSE)

    assert_finding(finding, "inconclusive", "there may be more alerts of c1", codes=["AnswerInDoubt"])


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (500, ServerFault), (302, BadAnswer)])
@pytest.mark.parametrize("ask_of", [of_alertmanager, of_prometheus])
async def test_a_refusal_is_no_answer(server: Signals, ask_of: Any, status: int, error: type[CouldNotLook]) -> None:
    server.status = status

    with pytest.raises(error):
        await ask_of(server, WATCHDOG, expect=None)


@pytest.mark.parametrize("said", [{}, "x", None, [1], [{}], [{"labels": {"a": 1}}], {"alerts": []}])
async def test_an_answer_of_another_shape_is_none(server: Signals, said: Any) -> None:
    server.alerts = server.silences = said

    with pytest.raises(BadAnswer):
        await ask(
            AlertsQuiet.model_validate({"alertmanager": {"url": server.url}, "expect": None}),
            FakeCluster(),
            tools=server.tools,
        )


async def test_silences_of_another_shape_are_no_answer(server: Signals) -> None:
    server.silences = {"silences": []}

    with pytest.raises(BadAnswer):
        await of_prometheus(server, PULSE, series("Bad", cluster="c1"), alertmanager={"url": server.url})


async def test_many_alerts_are_counted(server: Signals) -> None:
    finding = await of_alertmanager(server, WATCHDOG, *(alert(f"Bad{number}") for number in range(40)))

    assert_finding(finding, "failed", "40 alerts are firing for c1: Bad0 (critical), Bad1 (critical)")
    assert len(finding.evidence) == 21


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give prometheus or alertmanager"),
        ({"alertmanager": {"url": "x"}}, "begins with https"),
        ({"alertmanager": {"url": "https://x.example.com"}, "selector": "cluster"}, "label matcher"),
        ({"alertmanager": {"url": "https://x.example.com"}, "include": []}, "at least 1"),
        ({"alertmanager": {"url": "https://x.example.com"}, "expect": ""}, "name of an alert"),
        ({"alertmanager": {"url": "https://x.example.com"}, "expect": "a=b"}, "label matcher"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AlertsQuiet.model_validate(given)


def test_text_of_an_alert_is_bounded_and_no_command_is_smuggled_in() -> None:
    entry = alert("Bad")
    entry["labels"]["alertname"] = "x'; rm -rf / #"
    entry["annotations"] = {"summary": "\x1b[31m" + "y" * 5000, "runbook_url": "javascript:alert(1)"}

    fact = alerts_of_alertmanager([entry])[0].fact()

    assert len(fact.observed) <= 400
    assert fact.observed.isprintable()
    assert "javascript" not in fact.hint
    assert "'\"'\"'" in fact.hint


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -1e300])
def test_a_time_that_is_none_is_not_said(value: float) -> None:
    assert dated([Alert({"a": "b"})], Vector((Sample({"a": "b"}, value),)))[0].since == ""


def test_half_a_command_is_never_shown() -> None:
    assert Alert({"alertname": "Bad", "pod": "x" * 700}).fact().hint == "if it is harmless: silence it in Alertmanager"


async def test_a_storm_of_alerts_does_not_stall_the_loop(server: Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[Selector] = []
    of_member = Selector.of_member

    def counted(selector: Selector, member: Member) -> Selector:
        filled.append(selector)
        return of_member(selector, member)

    monkeypatch.setattr(Selector, "of_member", counted)
    storm = [alert(f"Bad{number}") for number in range(500)]
    given = {"include": ['severity=~"critical|warning"'], "exclude": ['alertname=~"Good.*"']}

    finding = await of_alertmanager(server, WATCHDOG, *storm, **given)

    assert_finding(finding, "failed", "500 alerts are firing for c1")
    assert len(filled) == 3, "once each, not once for each alert"


words = st.sampled_from(["Bad", "", "B.*", "(", "x"])
odd = st.none() | st.booleans() | words
matchers = st.lists(
    st.fixed_dictionaries({}, optional={"name": odd, "value": odd, "isRegex": odd, "isEqual": odd}), max_size=3
)


@given(matchers)
def test_a_silence_without_a_matcher_that_holds_hushes_nothing(found: list[dict[str, Any]]) -> None:
    silences = silences_of([{"status": {"state": "active"}, "matchers": found}])
    hushed = silenced(Alert({"alertname": "Bad"}), silences).hushed

    assert not hushed or all(each["name"] == "alertname" for each in found)
    assert silenced(Alert({}), silences).hushed == ""
