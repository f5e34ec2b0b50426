"""The web client of checks: Prometheus, probes and webhooks; every answer bounded, no redirect followed.

Credentials are read from mounted files for each request, and travel over https or to this machine only.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from gatekeeper import __version__
from gatekeeper.adapters.arm_pipeline import is_loopback
from gatekeeper.adapters.http_auth import TokenFor, authorization, refuse_in_the_open
from gatekeeper.adapters.kube_errors import FOREIGN, clean, translate
from gatekeeper.errors import BadAnswer, CouldNotLook, Unreachable
from gatekeeper.tools import HttpAnswer, HttpRequest

_CONNECT = 10.0  # seconds
_TIMEOUT = 30.0  # seconds for a whole answer; a check's own timeout may be shorter


class _Response(aiohttp.ClientResponse):
    """Looks at the server's certificate before the connection can be gone: a short answer frees it at once."""

    certificate_ends: datetime | None = None

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Note the certificate, and read the head of the answer."""
        transport = connection.transport
        certificate = transport.get_extra_info("peercert") if transport is not None else None
        ends = certificate.get("notAfter") if isinstance(certificate, dict) else None
        if isinstance(ends, str):
            self.certificate_ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
        return await super().start(connection)


class WebClient:
    """Implements :class:`gatekeeper.tools.Http`.

    Every request has a connection of its own: a probe over an old one would look at a certificate and at a backend that
    new clients no longer meet.
    """

    def __init__(self, token_for: TokenFor | None = None, *, timeout: float = _TIMEOUT) -> None:
        """Nothing is opened yet.

        Args:
            token_for: gives the Authorization header for an Entra scope; without it, a request for one is refused.
            timeout: seconds for one request with its whole answer.
        """
        self._token_for = token_for
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._trusted: dict[Path, tuple[tuple[int, ...], ssl.SSLContext]] = {}

    async def request(self, request: HttpRequest) -> HttpAnswer:
        """Send once.

        Raises:
            Unauthorized: the credential could not be had, or may not travel to this URL.
            CouldNotLook: no whole answer came.
        """
        url = _url(request.url)
        ask = f"{clean(request.method)} {clean(str(url.with_query(None).with_fragment(None).with_user(None)))}"
        headers = {"User-Agent": f"fleet-gatekeeper/{__version__}", **request.headers}
        refuse_in_the_open(url, request, ask)
        if request.auth is not None:
            headers["Authorization"] = await authorization(request.auth, ask, self._token_for)
        trust = True if request.ca_file is None else self._trust(request.ca_file, ask)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._exchange(url, request, headers, trust, ask)
        except FOREIGN as error:
            raise _without(translate(error, ask), headers) from error
        return HttpAnswer(*answer, took=time.monotonic() - began)

    async def close(self) -> None:
        """Close all connections; requests after this raise Unreachable."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _exchange(
        self, url: URL, request: HttpRequest, headers: Mapping[str, str], trust: ssl.SSLContext | bool, ask: str
    ) -> tuple[int, Mapping[str, str], bytes, datetime | None]:
        async with self._open(ask).request(
            request.method,
            url,
            headers=headers,
            data=request.body,
            allow_redirects=False,
            ssl=trust,
            proxy=_proxy(url),
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > request.limit:
                    raise BadAnswer(f"{ask}: the answer is larger than {request.limit:,} bytes")
            secret = _secret(headers)
            answered = {
                name.lower(): value.replace(secret, "[secret]") if secret else value
                for name, value in response.headers.items()
            }
            whole = bytes(body).replace(secret.encode(), b"[secret]") if secret else bytes(body)
            ends = response.certificate_ends if isinstance(response, _Response) else None
            return response.status, answered, whole, ends

    def _open(self, ask: str) -> aiohttp.ClientSession:
        if self._closed:
            raise Unreachable(f"{ask}: the web client is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                response_class=_Response,
                timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT),
                trust_env=False,  # it would also send what stands in ~/.netrc
            )
        return self._session

    def _trust(self, ca_file: Path, ask: str) -> ssl.SSLContext:
        """A context that trusts the authorities of a file, made anew when the file was replaced."""
        try:
            stat = ca_file.stat()  # of the file behind all links: a mounted Secret swaps a link
            signature = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            known = self._trusted.get(ca_file)
            if known is not None and known[0] == signature:
                return known[1]
            context = ssl.create_default_context(cafile=str(ca_file))
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise BadAnswer(f"{ask}: the authorities in {ca_file} cannot be used: {clean(str(error))}") from error
        # Python 3.13's extra strictness refuses private authorities without a key identifier.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._trusted[ca_file] = signature, context
        return context


def _url(text: str) -> URL:
    try:
        url = URL(text)
    except (TypeError, ValueError) as error:
        raise CouldNotLook("the URL that was to be asked is none") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise CouldNotLook("the URL that was to be asked is none of http or https")
    return url


def _proxy(url: URL) -> str | None:
    """The proxy of the environment, in the usual variables; nothing meant for this machine goes through one."""
    host = url.host or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get(url.scheme)


def _secret(headers: Mapping[str, str]) -> str:
    return headers.get("Authorization", "").partition(" ")[2]


def _without(error: CouldNotLook, headers: Mapping[str, str]) -> CouldNotLook:
    """A server, or a library, that repeats what it was sent must not bring the secret into a log."""
    secret = _secret(headers)
    if secret and secret in str(error):
        error.args = (str(error).replace(secret, "[secret]"),)
    return error
