"""The Entra token for AKS API servers: one for all members, kept until shortly before it ends."""

from __future__ import annotations

import asyncio
import time

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError

from gatekeeper.adapters.kube_auth import bearer
from gatekeeper.adapters.kube_errors import clean
from gatekeeper.errors import TimedOut, Unauthorized, Unreachable

AKS_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
"""The AKS Entra server application: the same in all clouds."""

_EARLY = 300.0  # seconds before its end that a token is renewed
_LAST = 30.0  # seconds that an old token must still live to be used when no new one can be had
_TIMEOUT = 30.0  # seconds


class TokenSource:
    """Gives the ``Authorization`` header with a token of ``scope``; many members at once cause one request."""

    def __init__(self, credential: AsyncTokenCredential, scope: str = AKS_SCOPE) -> None:
        """The credential stays its owner's to close."""
        self._credential = credential
        self._scope = scope
        self._lock = asyncio.Lock()
        self._token: AccessToken | None = None

    async def header(self) -> str:
        """The header's value.

        Raises:
            Unauthorized: Entra, or the machine's own identity, gave no token.
            Unreachable: Entra could not be reached.
            TimedOut: it did not answer in time.
        """
        if not self._lives(_EARLY):
            async with self._lock:
                if not self._lives(_EARLY):
                    await self._renew()
        return bearer(self._token.token if self._token else "")

    def _lives(self, seconds: float) -> bool:
        return self._token is not None and self._token.expires_on - time.time() > seconds

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                self._token = await self._credential.get_token(self._scope)
        except (AzureError, OSError, ValueError) as error:  # TimeoutError is an OSError
            if not self._lives(_LAST):
                raise _translate(error, self._scope) from error


def _translate(error: Exception, scope: str) -> Unauthorized | Unreachable | TimedOut:
    if isinstance(error, TimeoutError):
        return TimedOut(f"Entra gave no token for {scope} in time")
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return Unreachable(f"Entra could not be reached for a token for {scope}: {clean(str(error))}")
    return Unauthorized(f"no Entra token for {scope} could be had: {clean(str(error))}")
