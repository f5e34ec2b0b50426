"""One request to an API server, bounded in time and size, over the session that the kubernetes package builds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
from yarl import URL

from gatekeeper import __version__
from gatekeeper.adapters.kube_auth import Identity
from gatekeeper.adapters.kube_config import Endpoint
from gatekeeper.adapters.kube_errors import FOREIGN, clean, http_date, refused, translate, words
from gatekeeper.adapters.kube_session import Limits, make_rest
from gatekeeper.errors import BadAnswer, CouldNotLook, Unreachable

_GOOD = frozenset({200, 201, 202})
ERROR_BYTES = 64 * 1024
"""So much of a refusal is read; the rest is not worth reading."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and whole body of one answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: bytes | None
    limit: int
    lines: tuple[bytes, ...]


class KubeHttp:
    """Requests to one cluster. No redirect is followed, no cookie kept, no foreign exception raised.

    A connection that the server closed while it was idle is opened again once, by aiohttp itself; for a POST it is not.
    """

    def __init__(self, name: str, endpoint: Endpoint, identity: Identity, limits: Limits) -> None:
        """Raises BadAnswer when certificates or keys cannot be used."""
        self.name = name
        self.limits = limits
        self._endpoint = endpoint
        self._identity = identity
        self._rest = make_rest(name, endpoint, identity, limits)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._date: tuple[datetime, float] | None = None

    async def get(self, path: str, *, accept: str, limit: int, lines: tuple[bytes, ...] = ()) -> Answer:
        """GET a path, with its query already encoded. Any status is an answer here; see :meth:`demand`.

        Args:
            path: begins with a slash.
            accept: the media type wanted.
            limit: the most bytes that a good answer may have; of a refusal only the beginning is read.
            lines: how the lines begin that are kept of a good answer, which may have many; all unless given.
        """
        return await self.send("GET", path, accept=accept, limit=limit, lines=lines)

    async def send(
        self,
        method: str,
        path: str,
        *,
        accept: str,
        limit: int,
        body: bytes | None = None,
        lines: tuple[bytes, ...] = (),
    ) -> Answer:
        """As :meth:`get`, with any method, and a body of JSON."""
        ask = self.ask(path, method)
        auth = self._identity.auth
        headers = {"Accept": accept, "User-Agent": f"fleet-gatekeeper/{__version__}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if auth is not None:
            headers["Authorization"] = await auth.header()
        async with self._slots:
            session = self._open(ask)
            try:
                async with asyncio.timeout(self.limits.timeout):
                    return await self._exchange(session, _Request(method, path, body, limit, lines), headers)
            except FOREIGN as error:
                raise self._redact(translate(error, ask), headers) from error

    async def demand(self, path: str, *, accept: str, limit: int) -> bytes:
        """The body of a GET that was answered with 200; everything else is raised as what it means."""
        answer = await self.get(path, accept=accept, limit=limit)
        if answer.status != 200:
            raise self.refusal(path, answer)
        return answer.body

    def refusal(self, path: str, answer: Answer, method: str = "GET", wanted: str = "") -> CouldNotLook:
        """The error that an answer means; ``wanted`` says what to install if it is forbidden."""
        return refused(self.ask(path, method), answer.status, words(answer.body), answer.headers, wanted)

    def ask(self, path: str, method: str = "GET") -> str:
        """How a message begins: who was asked what."""
        return f"{self.name}: {method} {clean(path.partition('?')[0])}"

    def clock(self, max_age: float) -> datetime | None:
        """The server's clock by its last ``Date`` header and our monotonic clock since; None when that is too old."""
        if self._date is None:
            return None
        date, noted = self._date
        age = time.monotonic() - noted
        return date + timedelta(seconds=age) if age <= max_age else None

    async def close(self) -> None:
        """Close all connections; requests after this raise Unreachable."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _open(self, ask: str) -> aiohttp.ClientSession:
        if self._closed:
            raise Unreachable(f"{ask}: the client of this cluster is closed")
        if self._session is None:
            self._session = self._rest.open()
        return self._session

    async def _exchange(self, session: aiohttp.ClientSession, request: _Request, headers: Mapping[str, str]) -> Answer:
        async with session.request(
            request.method,
            URL(self._endpoint.url + request.path, encoded=True),
            headers=headers,
            data=request.body,
            allow_redirects=False,
            proxy=self._endpoint.proxy,
            server_hostname=self._endpoint.server_name,
        ) as response:
            date = http_date(response.headers.get("Date", ""))
            if date is not None:
                self._date = (date, time.monotonic())
            good = response.status in _GOOD
            ask = self.ask(request.path, request.method)
            read = await (self._whole(response, ask, request) if good else _beginning(response))
            return Answer(response.status, self._without_token(read, headers) if not good else read, response.headers)

    async def _whole(self, response: aiohttp.ClientResponse, ask: str, request: _Request) -> bytes:
        body, kept, received = bytearray(), bytearray(), 0
        async for chunk in response.content.iter_any():
            seen = len(body)
            body += chunk
            received += len(chunk)
            if received > request.limit:
                raise BadAnswer(f"{ask}: the answer is larger than {request.limit:,} bytes")
            if request.lines and (end := body.rfind(b"\n", seen) + 1):
                kept += _lines(body[:end], request.lines)
                del body[:end]
        return bytes(kept + _lines(body, request.lines)) if request.lines else bytes(body)

    @staticmethod
    def _without_token(body: bytes, headers: Mapping[str, str]) -> bytes:
        """A server that echoes what it was sent must not bring the token into a log."""
        secret = headers.get("Authorization", "").partition(" ")[2].encode()
        return body.replace(secret, b"[token]") if secret else body

    @staticmethod
    def _redact(error: CouldNotLook, headers: Mapping[str, str]) -> CouldNotLook:
        secret = headers.get("Authorization", "").partition(" ")[2]
        if secret and secret in str(error):
            error.args = (str(error).replace(secret, "[token]"),)
        return error


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ERROR_BYTES:
            break
    return bytes(body[:ERROR_BYTES])


def _lines(text: bytearray, begin: tuple[bytes, ...]) -> bytes:
    """Those that begin so."""
    return b"".join(line for line in text.splitlines(keepends=True) if line.startswith(begin))
