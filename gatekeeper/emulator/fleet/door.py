"""The HTTP front of the emulated ARM: authentication, api-version, faults and the journal around every call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiohttp import web

from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call
from gatekeeper.emulator.fleet.api.routes import Router
from gatekeeper.emulator.fleet.faults import Fault, Faults
from gatekeeper.emulator.fleet.ids import Guids
from gatekeeper.emulator.fleet.journal import Entry, Journal
from gatekeeper.emulator.fleet.world import World

_JSON = "application/json; charset=utf-8"
_MALFORMED = "<html><body>The service is unavailable.</body></html>"


class Door:
    """Turns HTTP requests into calls and answers into HTTP responses."""

    def __init__(self, world: World, router: Router, faults: Faults, journal: Journal) -> None:
        self._world = world
        self._router = router
        self._faults = faults
        self._journal = journal
        self._requests = Guids(seed=1)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        text = await request.text()
        entry = Entry(
            at=self._world.clock.now(),
            method=request.method,
            path=request.path,
            query=dict(request.query),
            if_match=request.headers.get("If-Match"),
            body=_parsed(text),
        )
        self._journal.add(entry)
        fault = self._faults.strike(request.method, request.path)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is None or not fault.replaces or fault.when == "after":
            answer = self._answer(request, entry)
        if fault and fault.replaces:
            return self._broken(fault, request, entry)
        return self._response(answer, entry, dict(fault.headers) if fault else {})

    def _answer(self, request: web.Request, entry: Entry) -> Answer:
        try:
            self._authenticate(request.headers.get("Authorization", ""))
            if not entry.query.get("api-version"):
                text = "The api-version query parameter (?api-version=) is required for all requests."
                raise ArmError(400, "MissingApiVersionParameter", text)
            base = f"{request.scheme}://{request.host}"
            call = Call(entry.method, entry.path, {}, entry.query, entry.body, entry.if_match, base)
            return self._documented(call, lambda: self._handled(call))
        except ArmError as error:
            return error.answer()

    def _handled(self, call: Call) -> Answer:
        handler, params = self._router.find(call.method, call.path)
        return handler(replace(call, params=params))

    def _documented(self, call: Call, handle: Callable[[], Answer]) -> Answer:
        """The answer under what was put over its path; that alone, where there is nothing else."""
        documents = self._world.documents
        if call.method != "GET" or not documents.has(call.path):
            return handle()
        try:
            answer = handle()
        except ArmError as error:
            if error.status != 404:
                raise
            answer = Answer(200, {})
        return replace(answer, body=documents.over(call.path, answer.body))

    def _authenticate(self, header: str) -> None:
        kind, _, token = header.partition(" ")
        accepted = self._world.behaviour.accepted_tokens
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        if kind.lower() != "bearer" or not token.strip():
            text = "Authentication failed. The 'Authorization' header is missing."
            raise ArmError(401, "AuthenticationFailed", text, challenge)
        if accepted is not None and token.strip() not in accepted:
            raise ArmError(401, "InvalidAuthenticationToken", "The access token is invalid.", challenge)

    def _broken(self, fault: Fault, request: web.Request, entry: Entry) -> web.Response:
        if fault.drop:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if fault.malformed:
            entry.status = fault.status or 200
            return web.Response(status=entry.status, text=_MALFORMED, content_type="text/html", headers=fault.headers)
        if fault.body is not None:
            entry.status = fault.status or 200
            return web.Response(status=entry.status, text=fault.body, headers={"Content-Type": _JSON, **fault.headers})
        error = ArmError(fault.status or 500, fault.code, fault.message)
        return self._response(error.answer(), entry, dict(fault.headers))

    def _response(self, answer: Answer, entry: Entry, extra: dict[str, str]) -> web.Response:
        entry.status = answer.status
        headers = {"x-ms-request-id": self._requests.new(), "Content-Type": _JSON, **answer.headers}
        if entry.method == "GET":
            headers["x-ms-ratelimit-remaining-subscription-global-reads"] = "16499"
        elif entry.method != "DELETE":
            headers["x-ms-ratelimit-remaining-subscription-writes"] = "799"
        if isinstance(answer.body, dict) and str(answer.body.get("eTag", "")).startswith('"'):
            headers["ETag"] = answer.body["eTag"]
        text = "" if answer.body is None else json.dumps(answer.body)
        return web.Response(status=answer.status, text=text, headers={**headers, **extra})


def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON from a client may be anything
    try:
        return json.loads(text) if text else None
    except json.JSONDecodeError:
        return text
