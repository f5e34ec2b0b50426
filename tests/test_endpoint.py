from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.check import BadAnswer, CouldNotLook, Endpoint, Forbidden, HttpAnswer, HttpRequest, NotFound
from gatekeeper.errors import ServerFault, Throttled, Unauthorized
from gatekeeper.model import Member
from gatekeeper.testing import FakeHttp

MEMBER = Member("c1", "/x/managedClusters/aks-1", labels={"region": "eu"})


def endpoint(**given: Any) -> Endpoint:
    return Endpoint.model_validate({"url": "https://prometheus.example.com/", **given})


def answer(status: int, body: bytes) -> HttpAnswer:
    return HttpAnswer(status, {}, body)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.example.com",
        "prometheus.example.com",
        "https://",
        "https://user:word@x.example.com",
        "https://x.example.com/?a=b",
        "https://x.example.com/#a",
        "https://x.example.com/a b",
        "https://{{member}}.example.com",
        "https://{region}.example.com",
        "",
    ],
)
def test_an_address_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        endpoint(url=url)


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Host", "X-Api-Key", "a b", "", "a\r\nb"])
def test_credentials_and_broken_headers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="headers"):
        endpoint(headers={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "ä", "{tenant}"])
def test_a_header_has_a_plain_value(value: str) -> None:
    with pytest.raises(ValueError, match="headers"):
        endpoint(headers={"X-Scope-OrgID": value})


def test_a_credential_does_not_travel_in_the_open() -> None:
    auth = {"bearerTokenFile": "/token"}

    with pytest.raises(ValueError, match="plain http"):
        endpoint(url="http://prometheus.monitoring:9090", auth=auth)
    assert endpoint(url="http://127.0.0.1:9090", auth=auth)
    assert endpoint(url="http://prometheus.monitoring:9090")


async def test_it_is_asked_with_the_member_filled_in() -> None:
    http = FakeHttp({"https://eu.example.com/prefix/api": answer(200, b"[1]")})
    server = endpoint(url="https://{label.region}.example.com/prefix/", headers={"X-Scope-OrgID": "{cluster}"})

    said = await server.get(http, MEMBER, "/api", [("filter", 'a="b"'), ("filter", "c")])

    assert said == [1]
    assert http.asked == [
        HttpRequest(
            "https://eu.example.com/prefix/api?filter=a%3D%22b%22&filter=c",
            headers={"X-Scope-OrgID": "aks-1"},
            limit=8 << 20,
        )
    ]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, BadAnswer),
        (400, BadAnswer),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (422, BadAnswer),
        (429, Throttled),
        (500, ServerFault),
        (503, ServerFault),
    ],
)
async def test_each_status_has_its_error_with_the_words_of_the_server(status: int, error: type[CouldNotLook]) -> None:
    http = FakeHttp(
        {"https://prometheus.example.com/api": answer(status, b'{"status":"error","error":"too\\u0007 bad"}')}
    )

    with pytest.raises(error, match=rf"GET https://prometheus.example.com/api: HTTP {status}: too bad"):
        await endpoint().get(http, MEMBER, "/api")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"{" * 5, b"[" * 100_000, b"null"])
async def test_what_is_no_json_is_no_answer(body: bytes) -> None:
    http = FakeHttp({"https://prometheus.example.com/api": answer(200, body)})

    with pytest.raises(BadAnswer, match=r"the answer is (empty|not JSON|nested|null)"):
        await endpoint().get(http, MEMBER, "/api")
