"""Reads kubeconfig files: where an API server is, how it proves itself, and which user a context names."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped]  # comes with the kubernetes package, which reads kubeconfigs with it

from gatekeeper.errors import BadAnswer, NotFound


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an API server is, and how it proves that it is the right one."""

    url: str
    """``https://host:port/prefix``, without a slash at its end; plain http on loopback only."""
    ca: str | None = None
    """Certificate authorities as PEM; None: those of the operating system."""
    server_name: str | None = None
    insecure: bool = False
    """The certificate is not looked at (``insecure-skip-tls-verify``)."""
    proxy: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return _is_loopback(urlsplit(self.url).hostname or "")


class Kubeconfig:
    """One kubeconfig. Every error is a :class:`BadAnswer` that names ``source``, never a value of the file."""

    def __init__(self, document: Mapping[str, Any], source: str, folder: Path | None = None) -> None:
        """Args: source: what messages call this file. folder: where relative paths start; None forbids files."""
        self.source = source
        self._folder = folder
        self._contexts = self._named(document, "contexts", "context")
        self._clusters = self._named(document, "clusters", "cluster")
        self._users = self._named(document, "users", "user")
        self._current = document.get("current-context")

    @classmethod
    def parse(cls, text: str | bytes, source: str, folder: Path | None = None) -> Kubeconfig:
        """Read YAML or JSON.

        Raises:
            BadAnswer: it is not a kubeconfig.
        """
        try:
            document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            place = f" (line {mark.line + 1})" if mark else ""
            raise BadAnswer(f"{source} is not YAML{place}") from error
        if not isinstance(document, dict):
            raise BadAnswer(f"{source} is not a kubeconfig")
        return cls(document, source, folder)

    @property
    def contexts(self) -> tuple[str, ...]:
        """The names of all contexts."""
        return tuple(self._contexts)

    @property
    def current(self) -> str:
        """The current context, or the only one.

        Raises:
            BadAnswer: none is current and there is not exactly one.
        """
        if isinstance(self._current, str) and self._current in self._contexts:
            return self._current
        if len(self._contexts) == 1:
            return next(iter(self._contexts))
        raise BadAnswer(f"{self.source} has no current context")

    def user(self, context: str) -> Mapping[str, Any]:
        """The user section of a context; empty when the context names none."""
        name = self._context(context).get("user")
        if not name:
            return {}
        if name not in self._users:
            raise BadAnswer(f"{self.source}: context {context} names a user that is not there")
        return self._users[name]

    def endpoint(self, context: str) -> Endpoint:
        """The API server of a context."""
        name = self._context(context).get("cluster")
        if name not in self._clusters:
            raise BadAnswer(f"{self.source}: context {context} names a cluster that is not there")
        cluster = self._clusters[name]
        text = {key: cluster.get(key) for key in ("server", "tls-server-name", "proxy-url")}
        if any(value is not None and not isinstance(value, str) for value in text.values()):
            raise BadAnswer(f"{self.source}: server, tls-server-name and proxy-url must be text")
        return Endpoint(
            url=self._url(text["server"] or ""),
            ca=self.pem(cluster, "certificate-authority"),
            server_name=text["tls-server-name"] or None,
            insecure=cluster.get("insecure-skip-tls-verify") is True,
            proxy=text["proxy-url"] or None,
        )

    def pem(self, section: Mapping[str, Any], key: str) -> str | None:
        """A certificate or key that stands in the file (``<key>-data``, base64) or in one beside it (``<key>``)."""
        if data := section.get(f"{key}-data"):
            try:
                text = base64.b64decode("".join(data.split()), validate=True).decode("ascii")
            except (AttributeError, binascii.Error, TypeError, ValueError) as error:
                raise BadAnswer(f"{self.source}: {key}-data is not base64 of PEM") from error
            return self._filled(text, f"{key}-data")
        path = section.get(key)
        return self._filled(self.file(path, key), key) if path else None

    def file(self, path: object, key: str) -> str:
        """The text of a file that the kubeconfig names."""
        place = self.locate(path, key)
        try:
            return place.read_text("ascii")
        except (OSError, ValueError) as error:
            raise BadAnswer(f"{self.source}: {key} {place} cannot be read: {type(error).__name__}") from error

    def locate(self, path: object, key: str) -> Path:
        """Where a file that the kubeconfig names is: relative paths start at the kubeconfig."""
        if not isinstance(path, str) or self._folder is None:
            raise BadAnswer(f"{self.source}: {key} may not name a file here")
        return self._folder / path

    def _filled(self, text: str, key: str) -> str:
        """An empty authority is no authority: it must not become "trust what the operating system trusts"."""
        if not text.strip():
            raise BadAnswer(f"{self.source}: {key} is empty")
        return text

    def _context(self, name: str) -> Mapping[str, Any]:
        if name not in self._contexts:
            raise NotFound(f"{self.source} has no context {name}")
        return self._contexts[name]

    def _named(self, document: Mapping[str, Any], plural: str, singular: str) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        entries = document.get(plural) or []
        if not isinstance(entries, list):
            raise BadAnswer(f"{self.source}: {plural} is not a list")
        for entry in entries:
            name = entry.get("name") if isinstance(entry, dict) else None
            section = entry.get(singular) if isinstance(entry, dict) else None
            if not isinstance(name, str) or not isinstance(section or {}, dict):
                raise BadAnswer(f"{self.source}: {plural} has an entry without a name or a {singular}")
            if name in found:
                raise BadAnswer(f"{self.source} has two {plural} of one name")
            found[name] = section or {}
        return found

    def _url(self, server: str) -> str:
        try:
            parts = urlsplit(server)
            host, strange = parts.hostname or "", parts.port == 0
        except ValueError:
            host, strange = "", True
        strange = strange or not (server.isascii() and server.isprintable()) or " " in server
        if strange or not host or parts.username or parts.password or parts.query or parts.fragment:
            raise BadAnswer(f"{self.source}: the server is not a usable URL")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
            raise BadAnswer(f"{self.source}: the server must be https (plain http is for this machine only)")
        return server.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
