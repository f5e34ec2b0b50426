from __future__ import annotations

import asyncio
import base64
import gzip
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from cryptography import x509

from gatekeeper.adapters.http import WebClient
from gatekeeper.adapters.http_auth import EntraTokens
from gatekeeper.errors import BadAnswer, CouldNotLook, TimedOut, Unauthorized, Unreachable
from gatekeeper.tools import HttpAuth, HttpRequest
from tests.adapters.kube_scripts import Handler, certificate_pair, served

SECRET = "sesame-open-wide"


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[WebClient]:
    opened = WebClient(**options)
    try:
        yield opened
    finally:
        await opened.close()


class Site:
    """An HTTPS server on loopback with a self-signed certificate that can be replaced."""

    def __init__(self, folder: Path) -> None:
        self.ca = folder / "ca.crt"
        self._folder = folder

    def renew(self) -> x509.Certificate:
        certificate, key = certificate_pair()
        fresh = self._folder / "fresh"
        fresh.write_bytes(certificate)
        fresh.replace(self.ca)
        (self._folder / "key").write_bytes(key)
        return x509.load_pem_x509_certificate(certificate)

    @asynccontextmanager
    async def served(self, handler: Handler) -> AsyncIterator[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, self._folder / "key")
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        try:
            yield f"https://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.renew()
    return made


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


def put(path: Path, text: str) -> None:
    path.write_text(text)


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"X-Word": "Yes"})


async def echo(request: web.Request) -> web.Response:
    said = request.headers.get("Authorization", "nothing")
    return web.Response(text=f"{request.method} {said} {await request.text()}", headers={"X-Echo": said})


async def test_an_answer_of_any_status_is_an_answer() -> None:
    async def gone(_: web.Request) -> web.Response:
        return web.Response(status=410, text="gone", headers={"X-Why": "Old"})

    async with served(gone) as url, client() as http:
        answer = await http.request(HttpRequest(url))

    assert (answer.status, answer.body, answer.headers["x-why"], answer.certificate_ends) == (410, b"gone", "Old", None)
    assert answer.took > 0


async def test_method_headers_and_body_arrive() -> None:
    async def seen(request: web.Request) -> web.Response:
        return web.json_response([request.method, request.headers["X-Scope"], await request.text()])

    async with served(seen) as url, client() as http:
        answer = await http.request(HttpRequest(url, "POST", {"X-Scope": "a"}, b"query=up"))

    assert answer.body == b'["POST", "a", "query=up"]'


async def test_a_redirect_is_not_followed() -> None:
    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/elsewhere")

    async with served(away) as url, client() as http:
        answer = await http.request(HttpRequest(url))

    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:1/elsewhere")


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_over_its_limit_is_no_answer(compressed: bool) -> None:
    async def much(_: web.Request) -> web.Response:
        body = b"x" * 5_000_000
        headers = {"Content-Encoding": "gzip"} if compressed else {}
        return web.Response(body=gzip.compress(body) if compressed else body, headers=headers)

    async with served(much) as url, client() as http:
        with pytest.raises(BadAnswer, match="larger than 1,000 bytes"):
            await http.request(HttpRequest(url, limit=1000))


async def test_a_body_of_just_the_limit_is_an_answer() -> None:
    async with served(hello) as url, client() as http:
        assert (await http.request(HttpRequest(url, limit=5))).body == b"hello"


async def test_a_body_that_never_ends_is_too_late() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"a")
        await asyncio.Event().wait()
        return response

    async with served(drip) as url, client(timeout=0.05) as http:
        with pytest.raises(TimedOut, match="no whole answer in time"):
            await http.request(HttpRequest(url))


@pytest.mark.parametrize("headers", [{"Content-Length": "9"}, {"Content-Encoding": "gzip"}], ids=["short", "garbled"])
async def test_a_broken_answer_is_no_answer(headers: dict[str, str]) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = "".join(f"{name}: {value}\r\n" for name, value in ({"Content-Length": "5"} | headers).items())
        writer.write(f"HTTP/1.1 200 OK\r\n{lines}\r\nhello".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(broken, "127.0.0.1", 0)
    async with server, client() as http:
        with pytest.raises(CouldNotLook):
            await http.request(HttpRequest(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))


@pytest.mark.parametrize("spoken", [b"", b"SSH-2.0-something\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n"])
async def test_what_does_not_speak_http_is_no_answer(spoken: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(spoken)
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    async with server, client() as http:
        with pytest.raises(CouldNotLook, match="GET http://127"):
            await http.request(HttpRequest(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://a/", "http://", "https://[", "file:///etc/passwd", "http://a:b/"]
)
async def test_what_is_no_url_cannot_be_asked(url: str) -> None:
    async with client() as http:
        with pytest.raises(CouldNotLook):
            await http.request(HttpRequest(url))


@pytest.mark.parametrize(
    "parts", [{"method": "GE T"}, {"headers": {"X-Bad": "a\r\nHost: b"}}, {"headers": {"X-Bad\n": "a"}}], ids=str
)
async def test_what_cannot_be_written_as_a_request_is_not_sent(parts: dict[str, Any]) -> None:
    async with served(hello) as url, client() as http:
        with pytest.raises(CouldNotLook):
            await http.request(HttpRequest(url, **parts))


async def test_nobody_at_the_other_end_is_unreachable() -> None:
    async with served(hello) as url:
        pass

    async with client() as http:
        with pytest.raises(Unreachable):
            await http.request(HttpRequest(url))


async def test_a_closed_client_asks_nobody() -> None:
    async with client() as http:
        pass

    with pytest.raises(Unreachable, match="closed"):
        await http.request(HttpRequest("http://127.0.0.1:1/"))


async def test_the_query_of_a_url_stands_in_no_error() -> None:
    async with client() as http:
        with pytest.raises(Unreachable) as caught:
            await http.request(HttpRequest(f"http://127.0.0.1:1/probe?code={SECRET}#{SECRET}"))

    assert SECRET not in str(caught.value)
    assert "http://127.0.0.1:1/probe" in str(caught.value)


async def test_the_end_of_the_certificate_is_told_with_every_answer(site: Site) -> None:
    ends = x509.load_pem_x509_certificate(site.ca.read_bytes()).not_valid_after_utc

    async with site.served(hello) as url, client() as http:
        answers = [await http.request(HttpRequest(url, ca_file=site.ca)) for _ in range(20)]

    assert {answer.certificate_ends for answer in answers} == {ends}
    assert datetime.now(UTC) < ends <= datetime.now(UTC) + timedelta(days=1)


async def test_a_server_that_nobody_vouches_for_is_unreachable(site: Site) -> None:
    async with site.served(hello) as url, client() as http:
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            await http.request(HttpRequest(url))


async def test_a_certificate_of_another_name_is_not_trusted(site: Site) -> None:
    async with site.served(hello) as url, client() as http:
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            await http.request(HttpRequest(url.replace("127.0.0.1", "localhost"), ca_file=site.ca))


async def test_authorities_and_certificates_may_be_replaced_at_any_time(site: Site) -> None:
    async with client() as http:
        async with site.served(hello) as url:
            first = await http.request(HttpRequest(url, ca_file=site.ca))
        renewed = site.renew()
        async with site.served(hello) as url:
            second = await http.request(HttpRequest(url, ca_file=site.ca))

    assert (first.status, second.status) == (200, 200)
    assert second.certificate_ends == renewed.not_valid_after_utc


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_authorities_that_cannot_be_used_are_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_bytes(content)

    async with client() as http:
        with pytest.raises(BadAnswer, match=r"authorities\.pem"):
            await http.request(HttpRequest("https://127.0.0.1:1/", ca_file=path))


async def test_a_bearer_token_is_read_anew_for_every_request(secret: Path, site: Site) -> None:
    said: list[str] = []

    async def listen(request: web.Request) -> web.Response:
        said.append(request.headers["Authorization"])
        return web.Response()

    async with site.served(listen) as url, client() as http:
        request = HttpRequest(url, auth=HttpAuth(bearer_token_file=secret), ca_file=site.ca)
        await http.request(request)
        put(secret, "other")
        await http.request(request)

    assert said == [f"Bearer {SECRET}", "Bearer other"]


async def test_basic_authentication_takes_user_and_password_of_a_file(secret: Path) -> None:
    put(secret, "ann:pässword:1\n")

    async def listen(request: web.Request) -> web.Response:
        return web.Response(body=base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")))

    async with served(listen) as url, client() as http:
        answer = await http.request(HttpRequest(url, auth=HttpAuth(basic_file=secret)))

    assert answer.body.decode() == "ann:pässword:1"


class Entra:
    """An Azure credential that counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked += scopes
        return AccessToken(f"token-{len(self.asked)}", 2**40)


async def test_an_entra_token_is_got_once_for_each_scope() -> None:
    entra = Entra()
    said: list[str] = []

    async def listen(request: web.Request) -> web.Response:
        said.append(request.headers["Authorization"])
        return web.Response()

    async with served(listen) as url, client(token_for=EntraTokens(entra)) as http:  # type: ignore[arg-type]
        for scope in ("a/.default", "b/.default", "a/.default"):
            await http.request(HttpRequest(url, auth=HttpAuth(entra_scope=scope)))

    assert said == ["Bearer token-1", "Bearer token-2", "Bearer token-1"]
    assert entra.asked == ["a/.default", "b/.default"]


async def test_without_an_azure_identity_there_is_no_entra_token() -> None:
    async with client() as http:
        with pytest.raises(Unauthorized, match="no Azure identity"):
            await http.request(HttpRequest("https://127.0.0.1:1/", auth=HttpAuth(entra_scope="a/.default")))


@pytest.mark.parametrize("content", [None, "", " \n", "a\x00b", "two words", "ünicode", b"\xff\xfe"])
async def test_a_file_without_a_token_sends_nothing(content: str | bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "token"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)

    async with client() as http:
        with pytest.raises(Unauthorized, match="token"):
            await http.request(HttpRequest("https://127.0.0.1:1/", auth=HttpAuth(bearer_token_file=path)))


async def test_a_file_without_user_and_password_sends_nothing(secret: Path) -> None:
    async with client() as http:
        with pytest.raises(Unauthorized, match="user:password") as caught:
            await http.request(HttpRequest("https://127.0.0.1:1/", auth=HttpAuth(basic_file=secret)))

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("host", ["example.test", "127.0.0.1.example.test", "10.0.0.1"])
async def test_no_credential_leaves_this_machine_over_plain_http(host: str, secret: Path) -> None:
    async with client() as http:
        for request in (
            HttpRequest(f"http://{host}/", auth=HttpAuth(bearer_token_file=secret)),
            HttpRequest(f"http://{host}/", headers={"authorization": f"Bearer {SECRET}"}),
        ):
            with pytest.raises(Unauthorized, match="plain http") as caught:
                await http.request(request)
            assert SECRET not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_credential_in_a_url_is_refused_and_not_repeated(scheme: str) -> None:
    async with client() as http:
        with pytest.raises(Unauthorized, match="does not stand in a URL") as caught:
            await http.request(HttpRequest(f"{scheme}://ann:{SECRET}@127.0.0.1:1/"))

    assert SECRET not in str(caught.value)


async def test_a_server_that_repeats_the_credential_does_not_bring_it_into_the_answer(secret: Path) -> None:
    async with served(echo) as url, client() as http:
        answer = await http.request(HttpRequest(url, auth=HttpAuth(bearer_token_file=secret)))

    assert SECRET not in answer.body.decode() + str(answer.headers)
    assert "[secret]" in answer.body.decode()


async def test_what_stands_in_a_netrc_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login ann password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async with served(echo) as url, client() as http:
        answer = await http.request(HttpRequest(url))

    assert answer.body == b"GET nothing "


async def test_the_environments_proxy_is_used_for_others_and_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def proxy(request: web.Request) -> web.Response:
        asked.append(str(request.url))
        return web.Response(text="by proxy")

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with served(proxy) as through, served(hello) as url, client() as http:
        monkeypatch.setitem(os.environ, "http_proxy", through)
        near = await http.request(HttpRequest(url))
        far = await http.request(HttpRequest("http://far.example.test/probe"))

    assert (near.body, far.body, asked) == (b"hello", b"by proxy", ["http://far.example.test/probe"])
