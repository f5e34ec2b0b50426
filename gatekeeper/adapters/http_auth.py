"""As whom a URL is asked: the Authorization header, from mounted files or from Entra, and where it may not go."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from azure.core.credentials_async import AsyncTokenCredential
from yarl import URL

from gatekeeper.adapters.arm_pipeline import is_loopback
from gatekeeper.adapters.kube_errors import clean
from gatekeeper.adapters.tokens import TokenSource
from gatekeeper.errors import Unauthorized
from gatekeeper.tools import HttpAuth, HttpRequest

_SECRET_BYTES = 64 * 1024
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})

TokenFor = Callable[[str], Awaitable[str]]
"""Gives the Authorization header with an Entra token for a scope."""


class EntraTokens:
    """Implements TokenFor: one source, which keeps its token, for each scope."""

    def __init__(self, credential: AsyncTokenCredential) -> None:
        """The credential stays its owner's to close."""
        self._credential = credential
        self._sources: dict[str, TokenSource] = {}

    async def __call__(self, scope: str) -> str:
        """The header's value; raises as :meth:`TokenSource.header` does."""
        if scope not in self._sources:
            self._sources[scope] = TokenSource(self._credential, scope)
        return await self._sources[scope].header()


def refuse_in_the_open(url: URL, request: HttpRequest, ask: str) -> None:
    """Let no credential travel where others can read it.

    Raises:
        Unauthorized: it stands in the URL, or would be sent over plain http to another machine.
    """
    if url.user is not None or url.password is not None:
        raise Unauthorized(f"{ask}: a credential does not stand in a URL; use auth with a mounted file")
    secret = request.auth is not None or any(name.lower() in _SECRET_HEADERS for name in request.headers)
    if secret and url.scheme != "https" and not is_loopback(url.host or ""):
        raise Unauthorized(f"{ask}: a credential is not sent over plain http; use https")


async def authorization(auth: HttpAuth, ask: str, token_for: TokenFor | None) -> str:
    """The header's value.

    Raises:
        Unauthorized: the file holds no credential, or there is no Azure identity here.
    """
    if auth.bearer_token_file is not None:
        token = _secret(auth.bearer_token_file, ask)
        if not token.isascii() or " " in token:
            raise Unauthorized(f"{ask}: {auth.bearer_token_file} holds no bearer token")
        return f"Bearer {token}"
    if auth.basic_file is not None:
        pair = _secret(auth.basic_file, ask)
        if ":" not in pair:
            raise Unauthorized(f"{ask}: {auth.basic_file} does not hold user:password")
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
    if token_for is None or auth.entra_scope is None:
        raise Unauthorized(f"{ask}: there is no Azure identity here to get an Entra token with")
    return await token_for(auth.entra_scope)


def _secret(path: Path, ask: str) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_SECRET_BYTES).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Unauthorized(f"{ask}: {path} holds no credential") from None  # the cause would carry what was read
    except (OSError, ValueError) as error:
        raise Unauthorized(f"{ask}: the credential in {path} cannot be read: {clean(str(error))}") from error
    if not text or not text.isprintable():
        raise Unauthorized(f"{ask}: {path} holds no credential")
    return text
