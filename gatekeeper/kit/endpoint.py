"""A JSON API that checks ask, such as Prometheus or Alertmanager: where it is, as whom it is asked, and its answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

from pydantic import Field, field_validator, model_validator

from gatekeeper.answers import json_of
from gatekeeper.errors import BadAnswer, CouldNotLook, Forbidden, NotFound, ServerFault, Throttled, Unauthorized
from gatekeeper.kit.manifest import at, say
from gatekeeper.kit.templates import Template
from gatekeeper.model import Member
from gatekeeper.parameters import Parameters
from gatekeeper.tools import Http, HttpAnswer, HttpAuth, HttpRequest

Query = Sequence[tuple[str, str]]
"""Names and values; a name may stand there more than once."""
_ERRORS: Final[dict[int, type[CouldNotLook]]] = {401: Unauthorized, 403: Forbidden, 404: NotFound, 429: Throttled}
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_OWN_HEADERS: Final = frozenset(
    {"authorization", "content-length", "content-type", "cookie", "host", "proxy-authorization", "x-api-key"}
)
_LONG: Final = 8 << 20  # bytes: Alertmanager lists all silences of the last five days
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Endpoint(Parameters):
    """Where a JSON API is, and as whom it is asked."""

    url: Template
    """Where it is, without ``/api/v1`` and the like; may hold ``{member}``, ``{cluster}`` and ``{label.KEY}``."""
    auth: HttpAuth | None = None
    """As whom it is asked; a credential travels over https only, or to this machine."""
    headers: dict[str, Template] = Field(default_factory=dict)
    """Further headers, without secrets, such as ``X-Scope-OrgID``; the values may hold the same placeholders."""
    ca_file: Path | None = None
    """Trust these certificate authorities instead of the system's."""

    @field_validator("url")
    @classmethod
    def _a_base(cls, url: Template) -> Template:
        parts = urlsplit(url.text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("give a URL that begins with https:// or http://")
        if parts.username is not None or parts.query or parts.fragment or not url.text.isprintable() or " " in url.text:
            raise ValueError("give a plain URL, without user, query and fragment; credentials stand in auth")
        if set("{}") & set(url.without_placeholders):
            raise ValueError("a brace belongs to no placeholder; write it like https://{member}.example.com")
        return url

    @field_validator("headers")
    @classmethod
    def _harmless(cls, headers: dict[str, Template]) -> dict[str, Template]:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or not value.text.isascii() or not value.text.isprintable():
                raise ValueError(f"{name!r:.60} is no header of HTTP with a plain value")
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name} is set by Gatekeeper itself; a credential stands in auth")
        return headers

    @model_validator(mode="after")
    def _not_in_the_open(self) -> Self:
        parts = urlsplit(self.url.text)
        if self.auth is not None and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("a credential is not sent over plain http; give an https:// URL")
        return self

    def base(self, member: Member | None) -> str:
        """The URL for a member, without a slash at its end."""
        return self.url.fill(member).rstrip("/")

    async def get(self, http: Http, member: Member | None, path: str, query: Query = ()) -> Any:  # noqa: ANN401 - JSON of any shape
        """GET: the JSON of an answer with status 200.

        Raises:
            CouldNotLook: there is no such answer.
        """
        url = f"{self.base(member)}{path}" + (f"?{urlencode(query)}" if query else "")
        return body_of(await http.request(self._request(url, member)), f"GET {self.base(member)}{path}")

    async def post(self, http: Http, member: Member | None, path: str, form: Query) -> HttpAnswer:
        """POST of a form, for queries that are too long for a URL; the answer may have any status."""
        return await http.request(self._request(f"{self.base(member)}{path}", member, form))

    def _request(self, url: str, member: Member | None, form: Query | None = None) -> HttpRequest:
        headers = {name: value.fill(member) for name, value in self.headers.items()}
        if form is None:
            return HttpRequest(url, "GET", headers, auth=self.auth, ca_file=self.ca_file, limit=_LONG)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return HttpRequest(url, "POST", headers, urlencode(form).encode(), self.auth, self.ca_file)


def body_of(answer: HttpAnswer, ask: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """The JSON of an answer with status 200.

    Raises:
        CouldNotLook: of the kind that its status says, with the ``error`` that stands in it; or it is no JSON.
    """
    if answer.status == 200:
        if (said := json_of(answer.body, ask)) is None:
            raise BadAnswer(f"{ask}: the answer is null")
        return said
    try:
        words = at(json_of(answer.body, ask), "error")
    except BadAnswer:
        words = None
    error = _ERRORS.get(answer.status, ServerFault if answer.status >= 500 else BadAnswer)
    raise error(f"{ask}: HTTP {answer.status}: {say(words or answer.body.decode(errors='replace'), 300)}")
