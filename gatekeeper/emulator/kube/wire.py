"""Send an Answer over HTTP, or spoil it on the way as a fault demands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from aiohttp import web

from gatekeeper.emulator.kube.faults import Fault, FaultKind
from gatekeeper.emulator.kube.manifests import encode
from gatekeeper.emulator.kube.statuses import JSON, TEXT, Answer, expired, failure

_CHUNK = 256 * 1024
_REASONS = {429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


async def send(
    request: web.Request, make: Callable[[], Answer], fault: Fault | None, headers: dict[str, str]
) -> web.StreamResponse:
    """Answer a request; the answer is made only if the fault lets it come to that."""
    kind = fault.kind if fault else None
    if fault is None or kind is FaultKind.DELAY:
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        return _response(make(), headers)
    if kind is FaultKind.UNREACHABLE:
        return _drop(request)
    if kind is FaultKind.HANG:
        await asyncio.Event().wait()  # ends when the client gives up or the server stops: both cancel this task
    if kind is FaultKind.TRUNCATED:
        return await _truncate(request, make(), headers)
    if kind is FaultKind.HUGE:
        return await _flood(request, fault.size, headers)
    return _response(_spoiled(fault, make, request.query.get("continue", "")), headers)


def _spoiled(fault: Fault, make: Callable[[], Answer], token: str) -> Answer:
    if fault.kind is FaultKind.EXPIRED_PAGE:
        return expired(token)
    if fault.kind is FaultKind.MALFORMED:
        answer = make()
        return Answer(200, answer.body[: len(answer.body) // 2] + b"<html>", answer.content_type)
    if fault.body is None:
        reason = _REASONS.get(fault.status, "Unknown")
        answer = failure(fault.status, reason, f"the server answered {fault.status} on demand")
        return Answer(fault.status, answer.body, JSON, fault.headers)
    if isinstance(fault.body, str):
        return Answer(fault.status, fault.body.encode(), TEXT, fault.headers)
    return Answer(fault.status, encode(fault.body), JSON, fault.headers)


def _response(answer: Answer, headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers={**headers, "Content-Type": answer.content_type, **answer.headers},
    )


def _drop(request: web.Request) -> web.StreamResponse:
    """Close the connection under the request; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def dropped(request: web.Request) -> bool:
    """Tell whether the connection of a request is gone."""
    return request.transport is None or request.transport.is_closing()


async def _truncate(request: web.Request, answer: Answer, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, "Content-Type": answer.content_type})
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _flood(request: web.Request, size: int, headers: dict[str, str]) -> web.StreamResponse:
    """Send JSON of a given size, in chunks and of unknown length, until the client has had enough."""
    response = web.StreamResponse(headers={**headers, "Content-Type": JSON})
    await response.prepare(request)
    with suppress(ConnectionError):
        async for chunk in _padding(size):
            await response.write(chunk)
        await response.write_eof()
    return response


async def _padding(size: int) -> AsyncIterator[bytes]:
    yield b'{"kind":"Table","apiVersion":"meta.k8s.io/v1","padding":"'
    for start in range(0, size, _CHUNK):
        yield b"x" * min(_CHUNK, size - start)
    yield b'"}'
