"""Who Gatekeeper is towards an API server: an ``Authorization`` header, a client certificate, or both."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.exec_provider import ExecProvider
from kubernetes.aio.config.kube_config import ConfigNode

from gatekeeper.adapters.kube_config import Kubeconfig
from gatekeeper.adapters.kube_errors import clean
from gatekeeper.errors import BadAnswer, TimedOut, Unauthorized

_EARLY = 300.0  # seconds before its end that a token counts as expired; the official clients use the same
_EXEC_TIMEOUT = 60.0  # seconds: a plugin that waits for a person at a browser must not hold a sweep


class Auth(Protocol):
    """Gives the ``Authorization`` header of a request."""

    async def header(self) -> str:
        """The header's value; raises Unauthorized, TimedOut or Unreachable when none can be had."""


@dataclass(frozen=True, slots=True)
class StaticHeader:
    """A header that never changes."""

    value: str

    async def header(self) -> str:
        """The header's value."""
        return self.value

    def __repr__(self) -> str:
        return "StaticHeader(...)"


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A token that something else renews in a file, such as a projected service account token. Read each time."""

    path: Path

    async def header(self) -> str:
        """The file's token as a header."""
        try:
            return bearer(self.path.read_text("ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise Unauthorized(f"the token file {self.path} cannot be read: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class Identity:
    """What a user section of a kubeconfig amounts to."""

    auth: Auth | None = None
    certificate: str | None = None
    """PEM, with ``key``."""
    key: str | None = None

    def __repr__(self) -> str:
        return "Identity(...)"


class ExecToken:
    """A token of a credential plugin, run anew when the token is about to expire."""

    def __init__(self, config: Mapping[str, Any], source: str, first: Mapping[str, Any]) -> None:
        self._config = config
        self._source = source
        self._lock = asyncio.Lock()
        self._value, self._until = self._read(first)

    async def header(self) -> str:
        """The token as a header."""
        async with self._lock:
            if time.time() >= self._until:
                self._value, self._until = self._read(await run_plugin(self._config, self._source))
            return self._value

    def _read(self, status: Mapping[str, Any]) -> tuple[str, float]:
        token = status.get("token")
        if not isinstance(token, str):
            raise Unauthorized(f"{self._source}: the credential plugin gave no token")
        end = status.get("expirationTimestamp")
        if end is None:  # the token is good until it is refused, as kubectl has it
            return bearer(token), float("inf")
        try:
            return bearer(token), datetime.fromisoformat(str(end)).timestamp() - _EARLY
        except ValueError as error:
            raise Unauthorized(f"{self._source}: the credential plugin gave an unreadable expiry") from error


async def run_plugin(config: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """Run a credential plugin once and return its ``status``.

    Raises:
        Unauthorized: it is not installed, failed, or gave something else than a credential.
        TimedOut: it did not end in time.
    """
    try:
        async with asyncio.timeout(_EXEC_TIMEOUT):
            plugin = ExecProvider(ConfigNode("exec", dict(config)))  # type: ignore[no-untyped-call]  # theirs
            status = await plugin.run()  # type: ignore[no-untyped-call]
    except TimeoutError as error:
        raise TimedOut(f"{source}: the credential plugin did not end within {_EXEC_TIMEOUT:.0f} s") from error
    except (ConfigException, OSError, LookupError, TypeError, ValueError) as error:
        raise Unauthorized(f"{source}: the credential plugin failed: {clean(str(error))}") from error
    if not isinstance(status, dict):
        raise Unauthorized(f"{source}: the credential plugin gave no credential")
    return status


async def identify(config: Kubeconfig, context: str) -> Identity:
    """Read the user of a context; a credential plugin is run once.

    Raises:
        BadAnswer: the section cannot be used.
        Unauthorized: the plugin gave no credential.
    """
    user = config.user(context)
    if "auth-provider" in user:
        raise BadAnswer(f"{config.source}: user of {context}: auth-provider is not supported; use an exec plugin")
    certificate, key = config.pem(user, "client-certificate"), config.pem(user, "client-key")
    if (certificate is None) != (key is None):
        raise BadAnswer(f"{config.source}: user of {context} has only one of client certificate and key")
    if isinstance(plugin := user.get("exec"), dict):
        status = await run_plugin(plugin, config.source)
        if "token" not in status and isinstance(status.get("clientCertificateData"), str):
            return Identity(None, status["clientCertificateData"], str(status.get("clientKeyData", "")))
        return Identity(ExecToken(plugin, config.source, status), certificate, key)
    return Identity(_standing(config, user), certificate, key)


def _standing(config: Kubeconfig, user: Mapping[str, Any]) -> Auth | None:
    """The header that a user section holds itself, in the official clients' order."""
    if token := user.get("token"):
        return StaticHeader(bearer(str(token)))
    if path := user.get("tokenFile"):
        return TokenFile(config.locate(path, "tokenFile"))
    if user.get("username") and user.get("password"):
        return StaticHeader("Basic " + base64.b64encode(f"{user['username']}:{user['password']}".encode()).decode())
    return None


def bearer(token: str) -> str:
    """A token as a header.

    Raises:
        Unauthorized: it is empty or holds what no token holds, which would break the request.
    """
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise Unauthorized("the token is empty or not plain text")
    return f"Bearer {token}"
