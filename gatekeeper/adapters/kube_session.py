"""Opens the HTTP session to an API server: TLS, client certificate, proxy and pool, by the kubernetes package."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from gatekeeper.adapters.kube_auth import Identity
from gatekeeper.adapters.kube_config import Endpoint
from gatekeeper.adapters.kube_errors import clean
from gatekeeper.errors import BadAnswer

_KEEP_ALIVE = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """What one member cluster may cost: seconds, bytes after decompression, requests at once."""

    timeout: float = 30.0
    connect_timeout: float = 10.0
    page_bytes: int = 32 * 1024 * 1024
    list_bytes: int = 256 * 1024 * 1024
    concurrency: int = 2
    """Each open TLS connection costs 256 kB of buffer; over a thousand members that is what memory goes into."""


class Rest(RESTClientObject):
    """The kubernetes package's REST client, of which the session with its TLS, proxy and pool is used."""

    def _create_connector(self) -> aiohttp.TCPConnector:
        """Let go of idle connections soon: between two sweeps they would only cost memory."""
        return aiohttp.TCPConnector(limit=self.maxsize, ssl=self.ssl_context, keepalive_timeout=_KEEP_ALIVE)

    def open(self) -> aiohttp.ClientSession:
        """Make the session; its base class leaves that for subclasses to call."""
        session: aiohttp.ClientSession = self._create_pool_manager()
        return session


def make_rest(name: str, endpoint: Endpoint, identity: Identity, limits: Limits) -> Rest:
    """Prepare a session.

    Raises:
        BadAnswer: certificates or keys cannot be used.
    """
    configuration = Configuration(
        host=endpoint.url,
        ca_cert_data=endpoint.ca,
        verify_ssl=not endpoint.insecure,
        connection_pool_maxsize=limits.concurrency,
        client_session_kwargs={
            "cookie_jar": aiohttp.DummyCookieJar(),
            "timeout": aiohttp.ClientTimeout(total=None, connect=limits.connect_timeout),
            "trust_env": not endpoint.is_loopback,  # nothing meant for this machine goes through a proxy
        },
    )
    # Chain, name and dates are verified as always. Python 3.13's extra strictness refuses cluster authorities without a
    # key identifier, which Kubernetes itself accepts.
    configuration.disable_strict_ssl_verification = True
    try:
        if identity.certificate is None:
            return Rest(configuration)
        return _with_certificate(configuration, identity)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise BadAnswer(f"{name}: the certificates of this cluster cannot be used: {clean(str(error))}") from error


def _with_certificate(configuration: Configuration, identity: Identity) -> Rest:
    """Load a client certificate; ssl takes it from files only, which live just as long as the loading does."""
    if "ENCRYPTED" in (identity.key or ""):
        raise ValueError("the client key is encrypted")  # openssl would ask for the password at the terminal
    with tempfile.TemporaryDirectory(prefix="gatekeeper-") as folder:
        for attribute, text in (("cert_file", identity.certificate), ("key_file", identity.key)):
            path = Path(folder) / attribute
            path.touch(mode=0o600)
            path.write_text(text or "")
            setattr(configuration, attribute, str(path))
        return Rest(configuration)
