"""What the member serves over HTTP answers as it should."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from gatekeeper.check import (
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Duration,
    Evidence,
    Expression,
    Finding,
    Forbidden,
    HttpAnswer,
    HttpAuth,
    HttpRequest,
    Regex,
    Resource,
    Template,
    format_duration,
    json_of,
    say,
)

VERSION: Final = Resource.path("/version")  # for the API server's clock
PROXY: Final = Resource("", "v1", "services/proxy")

_SERVICE: Final = r"^[a-z0-9-]{1,63}/(https:)?[a-z0-9-]{1,63}:[a-z0-9-]{1,15}$"
_PATH: Final = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_BODY: Final = 1 << 20  # bytes: whole pages, no downloads
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
_OF_THE_API_SERVER: Final = frozenset({401, 403, 429})  # as an answer of a Service they cannot be told from its own


class HttpProbe(ClusterCheck):
    """One GET, to a URL of the member or to a Service in it, is answered as it should be.

    With ``url`` the question takes the way of the users: through DNS and the member's ingress. ``{member}`` stands for
    the member's name, ``{cluster}`` for that of its AKS cluster, ``{label.KEY}`` for one of its labels in the fleet.
    With ``service`` it goes through the API server's proxy and needs no way into the member's network; the API server
    neither verifies the certificate of an ``https:`` Service nor passes credentials on.

    The status must be one of ``status``; redirects are not followed. All that is given must hold: ``bodyContains``,
    ``bodyMatches``, ``expression`` over the body as JSON, ``certificateRemains``. A server that cannot be reached, a
    certificate that is not trusted (an expired one is not), a body of more than 1 MiB or, for an expression, one that
    is no JSON are errors: they do not tell what the member serves.

    With ``service`` this check needs ``get`` on ``services/proxy`` in the Service's namespace, which is not part of the
    role for reading: ``gatekeeper checks --rbac --policy`` makes the Role ``fleet-gatekeeper-prober`` for it.

    Example:
        - check: http-probe
          url: https://shop.{member}.example.com/healthz
          status: [200, 204]
          certificateRemains: 14d
        - check: http-probe
          service: shop/web:8080
          path: /actuator/health
          expression: object.status == 'UP'
    """

    name: ClassVar[str] = "http-probe"
    claim: ClassVar[str] = "what the cluster serves answers as it should"
    area: ClassVar[str] = "Control plane and services"
    reads: ClassVar[tuple[Resource, ...]] = (VERSION,)
    writes: ClassVar[tuple[tuple[str, Resource], ...]] = (("get", PROXY),)

    url: Template | None = None
    """An ``https://`` or ``http://`` URL; may hold ``{member}``, ``{cluster}`` and ``{label.KEY}``."""
    service: str | None = Field(default=None, pattern=_SERVICE)
    """Instead of a URL: a Service as ``namespace/name:port`` or ``namespace/https:name:port``; the port by number or
    by name.
    """
    path: str = "/"
    """The path that is asked of the Service, with its query."""
    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = Field(default=(200,), min_length=1)
    """The statuses that are well."""
    body_contains: str = Field(default="", max_length=1000)
    """A text that stands in the body."""
    body_matches: Regex | None = None
    """A regular expression (RE2) that the whole body matches: ``(?s).*version: 4\\.[0-9]+.*``."""
    expression: Expression | None = None
    """A CEL expression over ``object``, the body as JSON: ``object.status == 'UP'``."""
    certificate_remains: Duration | None = None
    """The server's certificate must be valid for so long yet; for an ``https://`` URL."""
    headers: dict[str, Template] = Field(default_factory=dict)
    """Headers of the request, without secrets; for a URL."""
    auth: HttpAuth | None = None
    """As whom the URL is asked."""
    ca_file: Path | None = None
    """Trust these certificate authorities instead of the system's; for a URL."""

    @field_validator("url")
    @classmethod
    def _plain(cls, url: Template | None) -> Template | None:
        if url is None:
            return None
        parts = urlsplit(url.text)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError("give an http(s):// URL without user and fragment; credentials stand in auth")
        if not url.text.isprintable() or " " in url.text or set("{}") & set(url.without_placeholders):
            raise ValueError("give a plain URL; a brace in it belongs to {member}, {cluster} or {label.KEY}")
        return url

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        if not _PATH.fullmatch(path) or ".." in path.split("?", maxsplit=1)[0].split("/") or "%2e" in path.lower():
            raise ValueError("give a path that begins with a slash, with its query encoded")
        return path

    @field_validator("headers")
    @classmethod
    def _no_secrets(cls, headers: dict[str, Template]) -> dict[str, Template]:
        if secret := sorted(name for name in headers if name.lower() in _SECRET_HEADERS):
            raise ValueError(f"{', '.join(secret)} does not stand in a policy; give auth with a mounted file")
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or not value.text.isascii() or not value.text.isprintable():
                raise ValueError(f"{name!r:.60} is no header of HTTP with a plain value")
        return headers

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.service is None):
            raise ValueError("give either url or service")
        if self.service is not None and (self.headers or self.auth or self.ca_file or self.certificate_remains):
            raise ValueError("headers, auth, caFile and certificateRemains go with url; the API server passes none on")
        if self.service is not None and (odd := sorted(_OF_THE_API_SERVER & set(self.status))):
            raise ValueError(f"a Service's {odd[0]} cannot be told from the API server's own; probe its url instead")
        if self.url is not None and self.path != "/":
            raise ValueError("path goes with service; a url has its own")
        if self.certificate_remains is not None and self.url is not None and not self.url.text.startswith("https:"):
            raise ValueError("certificateRemains goes with an https:// URL")
        return self

    def writes_in(self) -> tuple[str, ...]:
        """The namespace of the Service; none for a URL."""
        return () if self.service is None else (self.service.partition("/")[0],)

    async def run(self, ctx: ClusterContext) -> Finding:
        """Ask once, and judge the answer."""
        subject, answer = await self._ask(ctx)
        facts = [*self._wrong(answer, subject)]
        if self.certificate_remains is not None:
            facts += await self._certificate(ctx, answer, subject, self.certificate_remains)
        if facts:
            return Finding.failed(f"{subject} {facts[0].observed}", facts)
        remains = ", and its certificate lasts" if self.certificate_remains is not None else ""
        return Finding.passed(f"{subject} answered {answer.status} as it should{remains}")

    async def _ask(self, ctx: ClusterContext) -> tuple[str, HttpAnswer]:
        if self.url is not None:
            url = self.url.fill(ctx.member)
            headers = {name: value.fill(ctx.member) for name, value in self.headers.items()}
            request = HttpRequest(url, "GET", headers, None, self.auth, self.ca_file, limit=_BODY)
            return say(url.partition("?")[0]), await ctx.tools.http.request(request)
        namespace, _, port = str(self.service).partition("/")
        path = f"/api/v1/namespaces/{namespace}/services/{port}/proxy{self.path}"
        try:
            text = await ctx.cluster.text(path, limit=_BODY)
        except Forbidden as error:
            role = "either the Role from `gatekeeper checks --rbac --policy` is missing, or the Service said so itself"
            raise Forbidden(f"{error}; {role}") from error
        return f"Service {self.service}", HttpAnswer(text.status, {}, text.body.encode())

    def _wrong(self, answer: HttpAnswer, subject: str) -> Iterator[Evidence]:
        body = answer.body.decode("utf-8", "replace")
        hint = self._hint(subject)
        seen = say(body, 200) or "an empty body"
        to = say(answer.headers.get("location", "").partition("?")[0], 200)
        if answer.status not in self.status:
            wanted = " or ".join(map(str, self.status))
            yield Evidence(
                "UnexpectedStatus",
                subject,
                f"answered {answer.status}{f' (to {to})' if to else ''}: {seen}",
                wanted,
                hint,
            )
            return
        if self.body_contains not in body:
            wanted = f"a body with {self.body_contains!r:.200}"
            yield Evidence("UnexpectedBody", subject, f"answered without the text: {seen}", wanted, hint)
        if self.body_matches is not None and not self.body_matches.matches(body):
            yield Evidence(
                "UnexpectedBody", subject, f"answered otherwise: {seen}", f"a match of {self.body_matches}", hint
            )
        if self.expression is not None and not self.expression.true_of(object=json_of(body, subject)):
            yield Evidence("UnexpectedBody", subject, f"answered otherwise: {seen}", f"{self.expression}", hint)

    async def _certificate(
        self, ctx: ClusterContext, answer: HttpAnswer, subject: str, wanted: timedelta
    ) -> list[Evidence]:
        if answer.certificate_ends is None:
            raise BadAnswer(f"{subject} answered, but its certificate was not seen")
        remains = answer.certificate_ends - await ctx.cluster.now()
        if remains >= wanted:
            return []
        lasts = f"has a certificate that ends in {format_duration(max(remains, timedelta(0)))}"
        expected = f"at least {format_duration(wanted)}"
        hint = "renew it; with cert-manager: kubectl get certificates -A"
        return [Evidence("CertificateEnds", subject, lasts, expected, hint)]

    def _hint(self, subject: str) -> str:
        if self.service is None:
            return f"curl -i {subject}" if re.fullmatch(r"[A-Za-z0-9:/._~-]+", subject) else ""
        namespace, _, port = self.service.partition("/")
        name = port.removeprefix("https:").partition(":")[0]
        return f"kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}"
