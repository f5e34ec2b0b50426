"""http-probe: answers of a URL or of a Service -> finding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.http_probe import PROXY, HttpProbe
from gatekeeper.check import BadAnswer, CouldNotLook, Finding, Forbidden, HttpAnswer, Member, Text, Tools
from gatekeeper.errors import Unreachable
from gatekeeper.testing import NOW, FakeCluster, FakeHttp, ask, assert_finding

URL = "https://shop.example.test/healthz"
MEMBER = Member("c1", "/subscriptions/s/.../managedClusters/aks-1", labels={"region": "west", "odd": "a/b"})
UP = b'{"status": "UP", "checks": [{"name": "db", "ok": true}]}'


async def probed(answer: HttpAnswer | CouldNotLook, asked: str = URL, **parameters: Any) -> Finding:
    check = HttpProbe.model_validate({"url": URL} | parameters)
    return await ask(check, FakeCluster(), member=MEMBER, tools=Tools(FakeHttp({asked: answer})))


def answer(status: int = 200, body: bytes = b"", days: float | None = None) -> HttpAnswer:
    return HttpAnswer(status, {}, body, None if days is None else NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("given_answer", "parameters", "outcome", "message"),
    [
        (answer(), {}, "passed", "answered 200 as it should"),
        (answer(204), {}, "failed", "answered 204"),
        (answer(204), {"status": [200, 204]}, "passed", "answered 204"),
        (answer(301), {}, "failed", "answered 301"),
        (answer(503, b"no backend"), {}, "failed", "answered 503: no backend"),
        (answer(503, b"teapot"), {"status": [503], "bodyContains": "teapot"}, "passed", "503"),
        (answer(body=b"all is well"), {"bodyContains": "is well"}, "passed", ""),
        (answer(body=b"all is ill"), {"bodyContains": "is well"}, "failed", "answered without the text: all is ill"),
        (answer(), {"bodyContains": "is well"}, "failed", "an empty body"),
        (answer(body=b"version: 4.12\n"), {"bodyMatches": "(?s).*version: 4\\.[0-9]+.*"}, "passed", ""),
        (answer(body=b"version: 3.12\n"), {"bodyMatches": "(?s).*version: 4\\.[0-9]+.*"}, "failed", "otherwise"),
        (answer(body=UP), {"expression": "object.status == 'UP'"}, "passed", ""),
        (answer(body=UP), {"expression": "object.checks.all(each, each.ok)"}, "passed", ""),
        (answer(body=UP), {"expression": "object.status == 'DOWN'"}, "failed", "otherwise"),
        (answer(days=30), {"certificateRemains": "14d"}, "passed", "its certificate lasts"),
        (answer(days=13), {"certificateRemains": "14d"}, "failed", "has a certificate that ends in 13d"),
        (answer(days=-1), {"certificateRemains": "14d"}, "failed", "ends in 0s"),
    ],
)
async def test_an_answer_is_judged(
    given_answer: HttpAnswer, parameters: dict[str, Any], outcome: str, message: str
) -> None:
    assert_finding(await probed(given_answer, **parameters), outcome, message)


async def test_where_a_redirect_leads_is_told_without_its_query() -> None:
    to = {"location": "https://login.example.test/oauth?state=secret"}

    finding = await probed(HttpAnswer(302, to, b""))

    assert_finding(finding, "failed", "answered 302 (to https://login.example.test/oauth): an empty body")


async def test_a_wrong_body_says_where_to_look() -> None:
    finding = await probed(answer(body=b"{}"), bodyContains="UP", bodyMatches="UP", expression="has(object.status)")

    assert [each.hint for each in finding.evidence] == [f"curl -i {URL}"] * 3


async def test_all_that_is_wrong_is_told() -> None:
    finding = await probed(answer(body=b"{}", days=1), bodyContains="UP", bodyMatches="UP", certificateRemains="2d")

    assert_finding(finding, "failed", codes=["UnexpectedBody", "UnexpectedBody", "CertificateEnds"])


async def test_a_wrong_status_speaks_for_the_body() -> None:
    assert_finding(await probed(answer(500), bodyContains="UP"), "failed", codes=["UnexpectedStatus"])


@pytest.mark.parametrize("body", [b"", b"UP", b"[" * 5000, b"{}", b"null", b"\xff"])
async def test_a_body_that_an_expression_cannot_be_asked_of_is_no_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        await probed(answer(body=body), expression="object.status == 'UP'")


async def test_a_certificate_that_was_not_seen_is_no_answer() -> None:
    with pytest.raises(BadAnswer, match="not seen"):
        await probed(answer(), certificateRemains="1d")


async def test_a_server_that_cannot_be_reached_is_no_answer() -> None:
    with pytest.raises(Unreachable):
        await probed(Unreachable("gone"))


async def test_the_url_is_that_of_the_member() -> None:
    url = "https://c1.aks-1.west.example.test/"

    assert_finding(
        await probed(answer(), url, url="https://{member}.{cluster}.{label.region}.example.test/"), "passed", url
    )


@pytest.mark.parametrize("word", ["label.odd", "label.none"])
async def test_a_label_that_is_no_word_is_not_put_into_a_url(word: str) -> None:
    with pytest.raises(CouldNotLook, match=r"label\."):
        await probed(answer(), url=f"https://{{{word}}}.example.test/")


async def test_headers_and_authentication_are_sent() -> None:
    http = FakeHttp({URL: answer()})
    check = HttpProbe.model_validate(
        {
            "url": URL,
            "headers": {"X-Tenant": "{member}"},
            "auth": {"bearerTokenFile": "/run/token"},
            "caFile": "/run/ca.crt",
        }
    )

    await ask(check, FakeCluster(), member=MEMBER, tools=Tools(http))

    (request,) = http.asked
    assert (request.method, request.headers, str(request.ca_file)) == ("GET", {"X-Tenant": "c1"}, "/run/ca.crt")
    assert request.auth == check.auth
    assert request.limit == 1 << 20


PROXIED = "/api/v1/namespaces/shop/services/web:8080/proxy/health?full=1"


async def test_a_service_is_asked_through_the_api_server() -> None:
    check = HttpProbe(service="shop/web:8080", path="/health?full=1", body_contains="UP")
    cluster = FakeCluster(texts={PROXIED: Text(200, UP.decode())})

    assert_finding(await ask(check, cluster), "passed", "Service shop/web:8080 answered 200")
    assert cluster.asked == [PROXY]


async def test_a_service_without_a_backend_fails_and_says_where_to_look() -> None:
    check = HttpProbe(service="shop/https:web:443")
    path = "/api/v1/namespaces/shop/services/https:web:443/proxy/"
    cluster = FakeCluster(texts={path: Text(503, '{"message": "no endpoints available for service"}')})

    finding = await ask(check, cluster)

    assert_finding(finding, "failed", "503", codes=["UnexpectedStatus"], subjects=["Service shop/https:web:443"])
    assert finding.evidence[0].hint == "kubectl -n shop get endpointslices -l kubernetes.io/service-name=web"


async def test_a_service_that_is_not_there_does_not_pass() -> None:
    assert_finding(await ask(HttpProbe(service="shop/web:8080"), FakeCluster()), "failed", "answered 404")


async def test_who_may_not_use_the_proxy_is_told_what_to_do() -> None:
    cluster = FakeCluster()
    cluster.fail(PROXY, Forbidden("403"))

    with pytest.raises(Forbidden, match="gatekeeper checks --rbac --policy"):
        await ask(HttpProbe(service="shop/web:8080"), cluster)


def test_it_needs_the_proxy_only_for_a_service() -> None:
    assert list(HttpProbe.model_validate({"url": URL}).writes_in()) == []
    assert list(HttpProbe(service="shop/web:8080").writes_in()) == ["shop"]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"url": URL, "service": "shop/web:80"},
        {"url": "ftp://a/"},
        {"url": "shop.example.test"},
        {"url": "https://ann:secret@a.test/"},
        {"url": "https://a.test/#x"},
        {"url": "https://{odd}.test/"},
        {"url": "https://{.test/"},
        {"url": "https://a.test/a b"},
        {"url": URL, "path": "/x"},
        {"url": "http://a.test/", "certificateRemains": "1d"},
        {"url": URL, "status": []},
        {"url": URL, "status": [99]},
        {"url": URL, "headers": {"Authorization": "Bearer x"}},
        {"url": URL, "bodyMatches": "("},
        {"url": URL, "expression": "object."},
        {"service": "web:80"},
        {"service": "shop/web"},
        {"service": "shop/../x:80"},
        {"service": "shop/web:80", "path": "health"},
        {"service": "shop/web:80", "path": "/../../../secrets"},
        {"service": "shop/web:80", "path": "/%2e%2e/secrets"},
        {"service": "shop/web:80", "path": "/a#b"},
        {"service": "shop/web:80", "certificateRemains": "1d"},
        {"service": "shop/web:80", "headers": {"X-A": "b"}},
        {"service": "shop/web:80", "status": [200, 401]},
        {"url": URL, "headers": {"X-A": "b\n"}},
        {"url": URL, "headers": {"X A": "b"}},
    ],
)
def test_what_cannot_be_probed_is_refused_when_the_policy_is_read(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        HttpProbe.model_validate(parameters)


@given(st.integers(100, 599), st.binary(max_size=20))
async def test_no_other_status_passes(status: int, body: bytes) -> None:
    finding = await probed(answer(status, body))

    assert (finding.outcome == "passed") == (status == 200)
