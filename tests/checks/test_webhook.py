"""webhook: what is asked, and that nothing but a well-formed yes passes."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from checks.webhook import Webhook
from gatekeeper.check import BadAnswer, CouldNotLook, Finding, HttpAnswer, Target, Tools
from gatekeeper.errors import Unreachable
from gatekeeper.testing import NOW, FakeHttp, ask_gate, assert_finding, gate, member, scope

URL = "https://changes.example.com/gates"


def answered(body: object, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


async def judge(answer: HttpAnswer | CouldNotLook, **parameters: Any) -> Finding:
    check = Webhook.model_validate({"url": URL} | parameters)
    return await ask_gate(check, NOW, tools=Tools(http=FakeHttp({URL: answer})))


@pytest.mark.parametrize("outcome", ["passed", "failed", "inconclusive"])
async def test_the_answer_is_the_finding(outcome: str) -> None:
    evidence = [{"code": "Ticket", "subject": "CHG0042", "observed": "approved"}]
    finding = await judge(answered({"outcome": outcome, "message": "CHG0042\nis known", "evidence": evidence}))

    assert_finding(finding, outcome, "changes.example.com: CHG0042 is known", codes=["Ticket"], subjects=["CHG0042"])


async def test_a_refusal_is_told_in_the_words_of_the_service() -> None:
    with pytest.raises(BadAnswer, match="answered with HTTP 429, not with 200: slow down"):
        await judge(answered(b"slow\ndown\x07", 429))
    with pytest.raises(BadAnswer, match=r"not with 200$"):
        await judge(answered(b"", 500))


async def test_later_is_inconclusive_whatever_the_body_says() -> None:
    finding = await judge(answered({"outcome": "passed", "message": "x"}, 202))

    assert_finding(finding, "inconclusive", "answers later")


@pytest.mark.parametrize(
    "answer",
    [
        answered({"outcome": "passed", "message": "x"}, 201),
        answered({"outcome": "passed", "message": "x"}, 302),
        answered({"outcome": "passed", "message": "x"}, 500),
        answered(b""),
        answered(b"<html>"),
        answered(b"[" * 100_000),
        answered([]),
        answered("passed"),
        answered({}),
        answered({"outcome": "passed"}),
        answered({"outcome": "passed", "message": ""}),
        answered({"outcome": "passed", "message": "\u0007"}),
        answered({"outcome": "passed", "message": ["x"]}),
        answered({"outcome": "Passed", "message": "x"}),
        answered({"outcome": "error", "message": "x"}),
        answered({"outcome": True, "message": "x"}),
        answered({"outcome": ["passed"], "message": "x"}),
        answered({"outcome": "passed", "message": "x", "evidence": "x"}),
        answered({"outcome": "passed", "message": "x", "evidence": [{"code": "A"}]}),
        answered({"outcome": "passed", "message": "x", "evidence": [{"code": "A", "subject": 1}]}),
        answered({"outcome": "passed", "message": "x", "id": "another question"}),
        answered({"outcome": "passed", "message": "x", "id": None}),
    ],
)
async def test_anything_else_is_an_error(answer: HttpAnswer) -> None:
    with pytest.raises(BadAnswer):
        await judge(answer)


async def test_no_answer_is_raised() -> None:
    with pytest.raises(Unreachable):
        await judge(Unreachable("gone"))


async def test_another_status_can_be_expected() -> None:
    assert_finding(await judge(answered({"outcome": "passed", "message": "x"}, 201), expectStatus=201), "passed")


async def test_the_question_tells_the_gate_the_target_and_the_members() -> None:
    http = FakeHttp({URL: answered({"outcome": "passed", "message": "x", "id": gate().id})})
    check = Webhook.model_validate({"url": URL, "headers": {"X-Team": "platform"}})
    around = scope(Target("Full", "1.34.2", "Custom", ("image-1",)), members=[member("c1"), member("c2")])
    await ask_gate(check, NOW, tools=Tools(http=http), scope=around)
    await ask_gate(check, NOW, tools=Tools(http=http), scope=around)

    first, second = http.asked
    question = json.loads(first.body or b"")
    assert first == second
    assert (first.method, first.headers["Idempotency-Key"], first.headers["X-Team"]) == ("POST", gate().id, "platform")
    assert question["id"] == gate().id
    assert question["askedAt"] == "2026-11-23T10:00:00+00:00"
    assert question["gate"]["name"] == gate().name
    assert question["target"] == {"upgradeType": "Full", "kubernetesVersion": "1.34.2", "nodeImages": ["image-1"]}
    assert [each["name"] for each in question["members"]] == ["c1", "c2"]


async def test_the_question_is_signed_with_the_key_of_a_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a-key\n")
    http = FakeHttp({URL: answered({"outcome": "passed", "message": "x"})})
    await ask_gate(Webhook(url=URL, signature_file=key), NOW, tools=Tools(http=http))

    expected = hmac.new(b"a-key", http.asked[0].body, hashlib.sha256).hexdigest()
    assert http.asked[0].headers["X-Gatekeeper-Signature-256"] == f"sha256={expected}"


@pytest.mark.parametrize("content", [None, "", "\n"])
async def test_without_a_key_nothing_is_sent(tmp_path: Path, content: str | None) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
    http = FakeHttp({})

    with pytest.raises(CouldNotLook, match="key"):
        await ask_gate(Webhook(url=URL, signature_file=key), NOW, tools=Tools(http=http))
    assert http.asked == []


@pytest.mark.parametrize("url", ["http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]/x", URL])
def test_plain_http_goes_to_this_machine_only(url: str) -> None:
    assert Webhook(url=url).url == url


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"url": "http://changes.example.com"},
        {"url": "http://localhost.example.com"},
        {"url": "ftp://changes.example.com"},
        {"url": "https://user:secret@changes.example.com"},
        {"url": "https://changes.example.com/#x"},
        {"url": "https://"},
        {"url": URL, "headers": {"authorization": "Bearer x"}},
        {"url": URL, "headers": {"X-Gatekeeper-Signature-256": "x"}},
        {"url": URL, "headers": {"X-Team": "platform\nX-Other: x"}},
        {"url": URL, "headers": {"X Team": "platform"}},
        {"url": URL, "expectStatus": 202},
        {"url": URL, "expectStatus": 302},
        {"url": URL, "auth": {}},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Webhook.model_validate(given)
