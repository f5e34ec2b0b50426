"""The pipeline of every request to Azure Resource Manager: our own, because the SDK's default is too helpful.

The default pipeline follows redirects, registers resource providers, and sends a PATCH again after a 500 or a
Retry-After. This one sends a PATCH once, tokens to one host only, and reads answers of bounded size.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    AsyncHTTPPolicy,
    CustomHookPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from gatekeeper import __version__
from gatekeeper.errors import BadAnswer

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes, decompressed. A run of a thousand members has less than one MiB."""

_CONNECT, _READ = 10.0, 30.0  # seconds
_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


def origin(url: str) -> Origin:
    """Scheme, host and port of a URL; raises ValueError if it has none."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _PORTS or not host:
        raise ValueError(f"{url!r} is not an http(s) URL")
    return scheme, host, _PORTS[scheme] if parts.port is None else parts.port


def is_loopback(host: str) -> bool:
    """Whether a host name or address never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _same_machine(one: Origin, two: Origin) -> bool:
    """Whether two origins are one server of this machine under two of its names: localhost and 127.0.0.1."""
    return is_loopback(one[1]) and is_loopback(two[1]) and (one[0], one[2]) == (two[0], two[2])


def policies(home: Origin, credential: AsyncTokenCredential, scope: str) -> list[Any]:
    """Make a new list for one client. No policy in it logs, so no header can end up in a log.

    Args:
        home: the only place where requests and tokens may go.
        credential: asked for tokens of ``scope``.
        scope: such as ``https://management.azure.com/.default``.
    """
    return [
        RequestIdPolicy(),
        HeadersPolicy(),
        UserAgentPolicy(f"gatekeeper/{__version__}"),
        _StayHome(home),
        _Authentication(credential, scope),
        CustomHookPolicy(),
        _RepeatRead(),
    ]


class _StayHome(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Refuses to send anything, above all a token, elsewhere: a ``nextLink`` may point anywhere."""

    def __init__(self, home: Origin) -> None:
        self._home = home

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        target = origin(request.http_request.url)
        if target != self._home and not _same_machine(target, self._home):
            raise BadAnswer(
                f"the answer points to another server ({target[0]}://{target[1]}:{target[2]}); not followed"
            )
        if target[0] == "http":  # a loopback endpoint: others were refused when the endpoint was read
            request.context.options["enforce_https"] = False


class _Authentication(AsyncARMChallengeAuthenticationPolicy):
    """Adds the bearer token; answers a claims challenge by sending again only what reads."""

    async def on_challenge(
        self, request: PipelineRequest[HttpRequest], response: PipelineResponse[HttpRequest, AsyncHttpResponse]
    ) -> bool:
        return request.http_request.method == "GET" and await super().on_challenge(request, response)


class _RepeatRead(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Sends a GET once more after a broken connection, never after an answer or a time-out, and nothing else ever.

    The SDK reports a server that hung up like one that was never reached, so this error is no proof for a PATCH either.
    """

    async def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, AsyncHttpResponse]:
        try:
            return await self.next.send(request)
        except (ServiceRequestTimeoutError, ServiceResponseTimeoutError):
            raise
        except (ServiceRequestError, ServiceResponseError):
            if request.http_request.method != "GET":
                raise
        return await self.next.send(request)


class _BoundedResponse(aiohttp.ClientResponse):
    """An answer that is read up to LARGEST_ANSWER and no further."""

    async def read(self) -> bytes:
        if self._body is None:
            chunks, size = [], 0
            async for chunk in self.content.iter_any():
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    self.close()
                    raise BadAnswer(f"the answer is larger than {LARGEST_ANSWER:,} bytes")
                chunks.append(chunk)
            self._body = b"".join(chunks)
        return await super().read()


class Transport(AioHttpTransport):  # type: ignore[misc]  # azure-core loads it late, hence untyped
    """aiohttp with time-outs and bounded answers; its session belongs to one client and is opened when first needed."""

    session: aiohttp.ClientSession | None

    def __init__(self, *, trust_env: bool) -> None:
        """With ``trust_env``, the environment's proxy settings are used."""
        super().__init__(connection_timeout=_CONNECT, read_timeout=_READ)
        self._trust_env = trust_env

    async def open(self) -> None:
        """Open the session; ValueError if it was closed."""
        if self.session is None and not self._has_been_opened:
            # aiohttp decompresses by itself here, so that what is bounded is what is held in memory.
            self.session = aiohttp.ClientSession(
                response_class=_BoundedResponse, cookie_jar=aiohttp.DummyCookieJar(), trust_env=self._trust_env
            )
        await super().open()
