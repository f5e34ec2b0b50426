"""Translates what goes wrong on the way to an API server, statuses and foreign exceptions, into our own errors."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import orjson

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

FOREIGN = (aiohttp.ClientError, OSError, EOFError, ValueError, TimeoutError)
"""All that aiohttp, ssl and asyncio raise for a request: OSError for sockets and TLS, ValueError for headers."""

_WORDS = 300  # characters of a server's own words in a message: enough for a Status, too few to flood a log
_PATIENCE = 3600.0  # seconds: nobody asks for more on purpose

_STATUSES: dict[int, tuple[type[CouldNotLook], str]] = {
    401: (Unauthorized, " (the API server does not accept this identity or its token)"),
    403: (Forbidden, " (give this identity Gatekeeper's ClusterRole on the member)"),
    404: (NotFound, ""),
    409: (Conflict, ""),
    412: (Conflict, ""),
}

_MEANINGS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], type[CouldNotLook], str], ...] = (
    # from the special to the general: the first that fits speaks
    (aiohttp.ConnectionTimeoutError, Unreachable, "no connection in time (is there a network path to this cluster?)"),
    (
        (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError),
        Unreachable,
        "the server's certificate is not trusted: {cause}",
    ),
    (aiohttp.ClientConnectorDNSError, Unreachable, "the server's name does not resolve: {cause}"),
    (
        (aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError, EOFError),
        Unreachable,
        "the server hung up before it answered",
    ),
    (aiohttp.ClientHttpProxyError, Unreachable, "the proxy refused: {cause}"),
    (TimeoutError, TimedOut, "no whole answer in time"),
    (aiohttp.ClientPayloadError, BadAnswer, "the answer was cut off or garbled: {cause}"),
    (aiohttp.ClientResponseError, BadAnswer, "the answer is not HTTP: {cause}"),
    (ssl.SSLError, Unreachable, "TLS failed: {cause}"),  # before ValueError, which some of them also are
    (ValueError, BadAnswer, "the request could not be written"),
)


class Expired(Conflict):
    """The list fell apart while it was paged (HTTP 410): read it again from its beginning."""


def clean(text: str) -> str:
    """Foreign text made fit for a message: one line of printable characters, bounded."""
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * _WORDS])
    line = " ".join(printable.split())
    return line if len(line) <= _WORDS else f"{line[: _WORDS - 1]}…"


def words(body: bytes) -> str:
    """The server's own words: the message of a Kubernetes Status, else the text as it is."""
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        return clean(body.decode("utf-8", "replace"))
    message = status.get("message") if isinstance(status, dict) else None
    return clean(message) if isinstance(message, str) else clean(body.decode("utf-8", "replace"))


def refused(ask: str, status: int, said: str, headers: Mapping[str, str], wanted: str = "") -> CouldNotLook:
    """The error that a status means.

    Args:
        ask: who was asked what, the beginning of the message.
        status: any HTTP status but 200.
        said: the server's own words, already cleaned.
        headers: of the answer, for ``Retry-After``.
        wanted: what to install if this is forbidden, when the ClusterRole for reading is not it.
    """
    text = f"{ask}: {status}" + (f": {said}" if said else "")
    if status == 410:
        return Expired(text)
    if status == 429:
        return Throttled(text, retry_after(headers))
    if 300 <= status < 400:
        return ServerFault(f"{text} (a redirect; redirects are not followed)")
    error, hint = _STATUSES.get(status, (ServerFault, ""))
    return error(text + (f" ({wanted})" if wanted and status == 403 else hint))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as ``Retry-After`` says, in seconds or as a date; None when it does not say."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _PATIENCE)
    moment = http_date(text)
    return None if moment is None else min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), _PATIENCE)


def http_date(text: str) -> datetime | None:
    """An HTTP date in UTC; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def translate(error: BaseException, ask: str) -> CouldNotLook:
    """Our own error for one of FOREIGN; raise it ``from error``."""
    for foreign, ours, sentence in _MEANINGS:
        if isinstance(error, foreign):
            return ours(f"{ask}: {sentence.format(cause=_cause(error))}")
    return Unreachable(f"{ask}: no connection: {_cause(error)}")


def _cause(error: BaseException) -> str:
    """The reason beneath an aiohttp error, without the library's own wrapping."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    told = next(
        (word for key in ("verify_message", "strerror", "message") if (word := getattr(inner, key, None))), inner
    )
    return clean(str(told)) or type(inner).__name__
