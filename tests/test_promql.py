from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import BadAnswer, CouldNotLook, ServerFault
from gatekeeper.kit.endpoint import Endpoint
from gatekeeper.kit.promql import bounds_ages, fill_query, instant_query, parse_query
from gatekeeper.kit.templates import Template
from gatekeeper.model import Member
from gatekeeper.testing import FakeHttp
from gatekeeper.tools import HttpAnswer

URL = "https://prometheus.example.com"
SERVER = Endpoint(url=Template(URL))
MEMBER = Member("c1", "/x/managedClusters/aks-1", labels={"version": "1.33"})


def http(body: object, status: int = 200) -> FakeHttp:
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    return FakeHttp({f"{URL}/api/v1/query": HttpAnswer(status, {}, said)})


def success(result: object, kind: str = "vector", **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def sample(value: str = "1", **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1795383175.009, value]}


@pytest.mark.parametrize(
    ("query", "filled"),
    [
        ('up{cluster="{member}"}', 'up{cluster="c1"}'),
        ("up{cluster='{cluster}'}", "up{cluster='aks-1'}"),
        ("up{cluster=`{cluster}`}", "up{cluster=`aks-1`}"),
        ('up{v="{label.version}"}', 'up{v="1.33"}'),
        ('up{v=~"{label.version}[.].*"}', 'up{v=~"1[.]33[.].*"}'),
        ('up{v !~ "{label.version}"}', 'up{v !~ "1[.]33"}'),
        ('up{a="\\"", b="{member}"} # its {member}', 'up{a="\\"", b="c1"} # its c1'),
        ("sum by (le) (x)", "sum by (le) (x)"),
    ],
)
def test_a_query_is_filled_in_between_its_quotes(query: str, filled: str) -> None:
    assert fill_query(parse_query(query), MEMBER) == filled


@pytest.mark.parametrize(
    "query", ["up{member}", 'up{cluster="{member}', "up_{member}", 'rate(x{a="b"}[{label.window}])', '"\\"{member}']
)
def test_a_placeholder_outside_of_quotes_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match="between quotes only"):
        parse_query(query)


async def test_an_answer_is_read() -> None:
    asked = http(success([sample("0.5", __name__="up", job="a\nb"), sample("1e+06")]))

    vector = await instant_query(asked, SERVER, MEMBER, "up", timedelta(minutes=1))

    assert [(str(each), each.value) for each in vector.samples] == [('up{job="a\\nb"}', 0.5), ("{}", 1e6)]
    assert vector.remarks == ()
    assert asked.asked[0].method == "POST"
    assert parse_qs((asked.asked[0].body or b"").decode()) == {"query": ["up"], "lookback_delta": ["60"]}


NOT_A_COUNTER = 'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "x" (1:6)'


@pytest.mark.parametrize(
    ("said", "remark"),
    [
        (success([], warnings=["store gone"]), "store gone"),
        (success([sample()], infos=["PromQL info: ignored histogram in: sum (1:1)"]), "ignored histogram"),
        (success([sample()], isPartial=True), "partial"),
        (success([1795383175.025, "1"], "scalar"), "a scalar, not an instant vector"),
        (success([1795383175.025, "s"], "string"), "a string, not an instant vector"),
        (success([{"metric": {}, "values": [[1, "1"]]}], "matrix"), "a matrix, not an instant vector"),
        (success([{"metric": {}, "histogram": [1, {"count": "1"}]}, sample()]), "1 of 2 samples are histograms"),
    ],
)
async def test_what_makes_an_answer_doubtful_is_remarked(said: object, remark: str) -> None:
    vector = await instant_query(http(said), SERVER, MEMBER, "up")

    assert len(vector.remarks) == 1
    assert remark in vector.remarks[0]


@pytest.mark.parametrize("key", ["infos", "warnings"])
async def test_a_remark_on_the_name_of_a_counter_is_none_on_its_samples(key: str) -> None:
    said = {**success([sample()]), key: [NOT_A_COUNTER]}

    vector = await instant_query(http(said), SERVER, MEMBER, "rate(x[5m])")

    assert vector.remarks == ()


@pytest.mark.parametrize(
    "said",
    [
        {},
        [],
        "success",
        {"status": "error", "error": "boom"},
        {"status": "success"},
        success({}, "vector"),
        success([], "tensor"),
        success(["x"]),
        success([{"metric": {}}]),
        success([{"metric": None, "value": [1, "1"]}]),
        success([{"metric": {"a": 1}, "value": [1, "1"]}]),
        success([{"metric": {}, "value": [1, 1]}]),
        success([{"metric": {}, "value": [1]}]),
        success([{"metric": {}, "value": [1, "one"]}]),
        success([sample()], warnings="all of them"),
        b"",
    ],
)
async def test_an_answer_of_another_shape_is_none(said: object) -> None:
    with pytest.raises(BadAnswer):
        await instant_query(http(said), SERVER, MEMBER, "up")


async def test_a_refused_query_says_why() -> None:
    said = {"status": "error", "errorType": "bad_data", "error": "1:4: parse error"}

    with pytest.raises(BadAnswer, match="HTTP 400: 1:4: parse error"):
        await instant_query(http(said, 400), SERVER, MEMBER, "up{")
    with pytest.raises(ServerFault, match="timed out"):
        await instant_query(http({"status": "error", "error": "query timed out"}, 503), SERVER, MEMBER, "up")


async def test_a_server_that_refuses_a_bad_bound_of_age_knows_it() -> None:
    refusal = {"status": "error", "error": 'error parsing lookback delta duration: cannot parse "none"'}

    assert await bounds_ages(http(refusal, 400), SERVER, MEMBER)
    assert not await bounds_ages(http(success([1, "1"], "scalar")), SERVER, MEMBER)
    with pytest.raises(CouldNotLook):
        await bounds_ages(http({"error": "no such tenant"}, 400), SERVER, MEMBER)


scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["success", "vector", "1", "NaN", ""])
shapes = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "data", "resultType", "result", "metric", "value", "warnings"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(shapes, shapes)
async def test_any_answer_is_a_vector_or_none(whole: object, result: object) -> None:
    for said in (whole, success(result)):
        try:
            vector = await instant_query(http(said), SERVER, MEMBER, "up")
        except CouldNotLook:
            continue
        assert all(isinstance(each.value, float) for each in vector.samples)
