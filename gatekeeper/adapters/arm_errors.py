"""What goes wrong on the way to Azure Resource Manager, in our own words; nothing of azure's leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from gatekeeper.adapters import kube_errors
from gatekeeper.adapters.kube_errors import clean
from gatekeeper.errors import (
    BadAnswer,
    Conflict,
    CouldNotLook,
    Forbidden,
    NotFound,
    ServerFault,
    Throttled,
    TimedOut,
    Unauthorized,
    Unreachable,
)

ErrorListener = Callable[[str, str], None]
"""Told of each failed request: the operation (``gates.list``) and the error's ``reason``."""

DEADLINE = 60.0
"""Seconds for one operation in all, token and repeated read included: a read time-out alone does not stop a trickle."""

_UNUSABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What the SDK's own reading of an answer of another shape raises, from JSON to models."""

_TIMEOUTS = (TimeoutError, ServiceRequestTimeoutError, ServiceResponseTimeoutError)
_NO_CONNECTION = (ServiceRequestError, ServiceResponseError, IncompleteReadError, aiohttp.ClientError, OSError)
_MEANINGS: Mapping[int, type[CouldNotLook]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: TimedOut,
    409: Conflict,
    410: Conflict,
    412: Conflict,
}


@asynccontextmanager
async def translate(operation: str, on_error: ErrorListener, deadline: float = DEADLINE) -> AsyncIterator[None]:
    """Run one operation within its deadline; whatever it raises becomes a CouldNotLook, and is reported.

    Args:
        operation: what is asked, as a metric label and the beginning of the message: ``gates.list``.
        on_error: told of a failure.
        deadline: seconds.

    Raises:
        CouldNotLook: of the kind that fits; its message names the operation, the HTTP status, and Azure's own code and
            words, bounded and in one line.
    """
    try:
        async with asyncio.timeout(deadline):
            yield
    except BadAnswer as error:
        on_error(operation, error.reason)
        raise BadAnswer(f"{operation}: {error}") from error
    except CouldNotLook as error:
        on_error(operation, error.reason)
        raise
    except (AzureError, aiohttp.ClientError, OSError, *_UNUSABLE) as error:  # TimeoutError is an OSError
        ours = _ours(operation, error)
        on_error(operation, ours.reason)
        raise ours from error


def _ours(operation: str, error: Exception) -> CouldNotLook:
    if isinstance(error, ClientAuthenticationError) and error.status_code != 401:
        # Not Resource Manager's answer, but Entra's, or the credential's own complaint.
        return Unauthorized(f"{operation}: no token could be had: {clean(error.message)}")
    if isinstance(error, HttpResponseError) and not isinstance(error, DecodeError) and error.status_code is not None:
        return of_status(operation, error)
    said = clean(str(error)) or type(error).__name__
    if isinstance(error, _TIMEOUTS):
        return TimedOut(f"{operation}: no whole answer in time")
    if isinstance(error, _NO_CONNECTION):
        return Unreachable(f"{operation}: no connection, or it broke: {said}")
    return BadAnswer(f"{operation}: the answer cannot be used: {type(error).__name__}: {said}")


def of_status(operation: str, error: HttpResponseError) -> CouldNotLook:
    """The error that the status of an answer means."""
    status = error.status_code or 0
    headers = getattr(error.response, "headers", {})
    code, said = _words(error)
    text = f"{operation}: HTTP {status}" + (f" {code}" if code else "") + (f": {said}" if said else "")
    if status == 429:
        return Throttled(text, retry_after(headers))
    if 200 <= status < 300:
        return BadAnswer(f"{text} (not a status that this request is answered with)")
    if 300 <= status < 400:
        return ServerFault(f"{text} (redirects are not followed)")
    return _MEANINGS.get(status, ServerFault)(text)


def _words(error: HttpResponseError) -> tuple[str, str]:
    """Azure's error code and message; without them, the reason phrase."""
    with suppress(AzureError, *_UNUSABLE):
        body = json.loads(error.response.text())  # type: ignore[union-attr]  # None is an AttributeError
        inner = body["error"] if isinstance(body.get("error"), dict) else body
        code, message = inner.get("code"), inner.get("message")
        if isinstance(code, str) or isinstance(message, str):
            return clean(code if isinstance(code, str) else ""), clean(message if isinstance(message, str) else "")
    return "", clean(error.reason or "")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from the headers in milliseconds or ``Retry-After`` (seconds or a date); at most an hour."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        text = headers.get(name, "").strip()
        if text.isascii() and text.isdigit():
            return min(int(text[:12]) / 1000, 3600.0)
    return kube_errors.retry_after(headers)
