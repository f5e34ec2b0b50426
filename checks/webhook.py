"""A service of the user's own is asked whether the gate may open: a change ticket, an approval board, a soak test."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gatekeeper.check import (
    BadAnswer,
    CouldNotLook,
    Evidence,
    Finding,
    GateCheck,
    GateContext,
    HttpAuth,
    HttpRequest,
    Member,
    bounded,
    dicts,
    json_of,
    say,
)

_JUDGES: Final = {"passed": Finding.passed, "failed": Finding.failed, "inconclusive": Finding.inconclusive}
_LATER: Final = 202
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_OWN_HEADERS: Final = frozenset({"authorization", "content-type", "host", "idempotency-key", "content-length"})
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_SECRET_BYTES: Final = 64 * 1024


class Webhook(GateCheck):
    """An HTTPS service answers ``passed`` to a question about the gate, the run and its members.

    The question is a POST of JSON: ``apiVersion: gatekeeper/v1``, ``kind: GateQuestion``, ``id`` (the gate's ARM id,
    the same in each sweep, and also the header ``Idempotency-Key``), ``askedAt``, ``gate`` (fleet, name, displayName,
    timing, stage, group, updateRun), ``target`` (upgradeType, kubernetesVersion, nodeImages) and ``members`` (name,
    clusterResourceId, stage, group, state). With ``signatureFile`` the header ``X-Gatekeeper-Signature-256`` holds
    ``sha256=`` and the HMAC-SHA256 of the body in hex.

    The answer is ``{"outcome": "passed", "message": "CHG0042 is approved"}`` with status 200 (or ``expectStatus``); the
    outcome is passed, failed or inconclusive, and ``evidence`` may be a list of ``{"code", "subject", "observed",
    "expected", "hint"}``. An ``id`` in the answer must be the question's. Status 202 means "I will answer later": it is
    inconclusive, and the same question is asked again in the next sweep. Everything else is an error.

    Example:
        - check: webhook
          url: https://changes.example.com/gates
          auth: {bearerTokenFile: /var/run/secrets/changes/token}
          headers: {X-Team: platform}
          timeout: 10s
    """

    name: ClassVar[str] = "webhook"
    claim: ClassVar[str] = "the service that was asked agrees"
    area: ClassVar[str] = "The run and Azure"

    url: str = Field(max_length=2000)
    """Where the question goes; ``https``, or plain ``http`` to this machine."""
    auth: HttpAuth | None = None
    """As whom it is asked."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers, without secrets."""
    ca_file: Path | None = None
    """Trust these certificate authorities instead of the system's."""
    signature_file: Path | None = None
    """A file with the key that signs the question; read anew each time."""
    expect_status: int = Field(default=200, ge=200, le=299)
    """The status with which an answer comes."""

    @field_validator("url")
    @classmethod
    def _safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("give an https:// URL; what opens a gate is not asked over plain http")
        if not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError("give a plain URL, without user and fragment; credentials stand in auth")
        return url

    @field_validator("headers")
    @classmethod
    def _not_ours(cls, headers: dict[str, str]) -> dict[str, str]:
        if taken := sorted(
            name for name in headers if name.lower() in _OWN_HEADERS or name.lower().startswith("x-gatekeeper")
        ):
            raise ValueError(f"{', '.join(taken)} is set by Gatekeeper itself; a credential stands in auth")
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
                raise ValueError(f"{name!r:.60} is no header of HTTP with a plain value")
        return headers

    @field_validator("expect_status")
    @classmethod
    def _not_later(cls, status: int) -> int:
        if status == _LATER:
            raise ValueError("202 means that the answer comes later; expect another status")
        return status

    async def run(self, ctx: GateContext) -> Finding:
        """Ask, and take nothing but a well-formed answer for one."""
        question = _question(ctx)
        body = json.dumps(question, separators=(",", ":"), sort_keys=True).encode()
        headers = {**self.headers, "Content-Type": "application/json", "Idempotency-Key": question["id"]}
        if self.signature_file is not None:
            headers["X-Gatekeeper-Signature-256"] = _signature(self.signature_file, body)
        answer = await ctx.tools.http.request(
            HttpRequest(self.url, "POST", headers, body, self.auth, self.ca_file, limit=64 * 1024)
        )
        host = urlsplit(self.url).hostname
        if answer.status == _LATER:
            return Finding.inconclusive(f"{host} answers later; it is asked again in the next sweep")
        if answer.status != self.expect_status:
            said = say(answer.body.decode(errors="replace"))
            words = f"{host} answered with HTTP {answer.status}, not with {self.expect_status}"
            raise BadAnswer(f"{words}: {said}" if said else words)
        return _finding(_parsed(answer.body, f"{host}"), question["id"], f"{host}")


def _question(ctx: GateContext) -> dict[str, Any]:
    gate, target = ctx.scope.gate, ctx.scope.target
    return {
        "apiVersion": "gatekeeper/v1",
        "kind": "GateQuestion",
        "id": gate.id,
        "askedAt": ctx.now.isoformat(),
        "gate": {
            "fleet": gate.fleet.id,
            "name": gate.name,
            "displayName": gate.display_name,
            "timing": gate.timing,
            "stage": gate.stage,
            "group": gate.group,
            "updateRun": gate.update_run,
        },
        "target": {
            "upgradeType": target.upgrade_type,
            "kubernetesVersion": target.kubernetes_version,
            "nodeImages": list(target.node_images),
        },
        "members": [_member(member) for member in ctx.scope.members],
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "clusterResourceId": member.cluster_resource_id,
        "stage": member.stage,
        "group": member.group,
        "state": member.state,
    }


def _signature(path: Path, body: bytes) -> str:
    try:
        with path.open("rb") as file:
            key = file.read(_SECRET_BYTES).strip()
    except OSError as error:
        raise CouldNotLook(f"the key in {path} cannot be read: {error.strerror}") from error
    if not key:
        raise CouldNotLook(f"{path} holds no key")
    return f"sha256={hmac.new(key, body, 'sha256').hexdigest()}"


def _parsed(body: bytes, host: str) -> Mapping[str, Any]:
    said = json_of(body, host)
    if not isinstance(said, dict):
        raise BadAnswer(f"{host} answered with something that is no JSON object")
    return said


def _finding(said: Mapping[str, Any], question: str, host: str) -> Finding:
    outcome, message = said.get("outcome"), say(said.get("message"), 500)
    if said.get("id", question) != question:
        raise BadAnswer(f"{host} answered another question: {say(said.get('id'))}")
    if not isinstance(outcome, str) or outcome not in _JUDGES:
        raise BadAnswer(f"{host} answered with the outcome {outcome!r:.60}; it is one of {', '.join(_JUDGES)}")
    if not isinstance(said.get("message"), str) or not message:
        raise BadAnswer(f"{host} answered {outcome} without a message")
    return _JUDGES[outcome](f"{host}: {message}", _facts(said.get("evidence"), host))


def _facts(evidence: object, host: str) -> Sequence[Evidence]:
    words = ("code", "subject", "observed", "expected", "hint")
    facts = []
    for each in dicts(evidence, f"the evidence of {host}"):
        if not all(isinstance(each.get(word, ""), str) for word in words) or not (
            each.get("code") and each.get("subject")
        ):
            raise BadAnswer(f"{host} answered with evidence that has no code and subject, or that is no text")
        facts.append(Evidence(*(say(each.get(word, ""), 60 if word == "code" else 300) for word in words)))
    return bounded(facts)
