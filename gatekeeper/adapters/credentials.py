"""Who Gatekeeper is towards Azure: one credential, chosen by the settings, for Resource Manager and member clusters."""

from __future__ import annotations

import base64
import binascii
import json
import math
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError

from gatekeeper.errors import ConfigError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

CredentialKind = Literal["default", "workload-identity", "managed-identity", "cli", "token-file"]

_AUTHORITIES = {
    "AzurePublic": "login.microsoftonline.com",
    "AzureUSGovernment": "login.microsoftonline.us",
    "AzureChina": "login.chinacloudapi.cn",
}
_TOKEN_LIFE = 300  # seconds that a token without an end of its own is believed: then the file is read again
_LONGEST_TOKEN = 64 * 1024  # bytes; tokens with many groups have some 10 KiB


def make_credential(
    kind: CredentialKind, *, cloud: str, token_file: Path | None = None, client_id: str | None = None
) -> AsyncTokenCredential:
    """Make the credential that the settings name. Whoever calls closes it.

    Args:
        kind: ``default`` tries environment, workload identity, managed identity and the developer tools in turn, and
            never opens a browser.
        cloud: ``AzurePublic``, ``AzureUSGovernment`` or ``AzureChina``: where tokens are asked for.
        token_file: for ``token-file``: a file with a bearer token.
        client_id: of a user-assigned identity; None leaves it to the environment.

    Raises:
        ConfigError: something that this kind needs is missing.
    """
    if cloud not in _AUTHORITIES:
        raise ConfigError(f"azure.cloud {cloud!r} is not known; it is one of {', '.join(_AUTHORITIES)}")
    if kind == "token-file":
        if token_file is None:
            raise ConfigError("azure.credential is token-file, but azure.tokenFile names no file")
        return TokenFileCredential(token_file)
    try:
        return _identity(kind, _AUTHORITIES[cloud], client_id)
    except ValueError as error:  # WorkloadIdentityCredential and others look for their parts at once
        raise ConfigError(f"azure.credential {kind} cannot be used here: {error}") from error


def _identity(kind: str, authority: str, client_id: str | None) -> AsyncTokenCredential:
    from azure.identity import aio as identity  # late: it brings msal and cryptography, 0.3 s

    match kind:
        case "default":
            named = {"managed_identity_client_id": client_id, "workload_identity_client_id": client_id}
            return identity.DefaultAzureCredential(
                authority=authority,
                exclude_interactive_browser_credential=True,
                **({key: value for key, value in named.items() if client_id}),
            )
        case "workload-identity":
            return identity.WorkloadIdentityCredential(client_id=client_id, authority=authority)
        case "managed-identity":
            return identity.ManagedIdentityCredential(client_id=client_id)
        case "cli":
            return identity.AzureCliCredential()
    raise ConfigError(f"azure.credential {kind!r} is not known")


class TokenFileCredential:
    """Reads a bearer token from a file, at each need: another process writes it there and renews it.

    The same token is given for every scope, Resource Manager's and the member clusters' alike; it must be good for
    both, or the members must be reached through a kubeconfig. Its end is the ``exp`` claim if it is a JWT, else five
    minutes from now. An ended token is given all the same: the service's refusal says so with authority.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,  # noqa: ANN401 - the protocol's own signature
    ) -> AccessToken:
        """Read the token; every argument is ignored.

        Raises:
            ClientAuthenticationError: there is no token in the file. The text never holds what the file holds.
        """
        del scopes, claims, tenant_id, enable_cae, kwargs
        token = self._read()
        return AccessToken(token, _end(token))

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Read the token as ``get_token`` does; asks its keeper to come again soon (within a minute)."""
        del scopes, options
        token = self._read()
        return AccessTokenInfo(token, _end(token), refresh_on=int(time.time()))

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                content = file.read(_LONGEST_TOKEN + 1)
        except OSError as error:
            raise ClientAuthenticationError(f"the token file {self._path} cannot be read: {error.strerror}") from error
        if len(content) > _LONGEST_TOKEN:
            raise ClientAuthenticationError(f"the token file {self._path} is larger than {_LONGEST_TOKEN} bytes")
        token = content.decode("utf-8-sig", "replace").strip()
        if not token:
            raise ClientAuthenticationError(f"the token file {self._path} is empty")
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ClientAuthenticationError(f"the token file {self._path} holds something else than one token")
        return token

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


def _end(token: str) -> int:
    """When the token ends, in Unix seconds."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        end = claims["exp"]
        if isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end):
            return int(end)
    except (LookupError, TypeError, ValueError, binascii.Error, RecursionError):
        pass  # not a JWT; opaque tokens are fine
    return int(time.time()) + _TOKEN_LIFE
