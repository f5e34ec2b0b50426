from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.adapters.members import KubeconfigMembers
from gatekeeper.adapters.members_doors import Listeners
from gatekeeper.cluster import Resource
from gatekeeper.doors import Members
from gatekeeper.emulator.kube import KubeCluster as Emulated
from gatekeeper.emulator.kube import KubeServer
from gatekeeper.emulator.kube.tls import make_authority
from gatekeeper.errors import BadAnswer, CouldNotLook, NotFound, Unauthorized, Unreachable
from gatekeeper.model import Member
from tests.adapters.kube_scripts import certificate_pair

NODES = Resource("", "v1", "nodes")


def put(path: Path, text: str) -> None:
    """Write a file whole, as a new one."""
    fresh = path.with_name("fresh")
    fresh.write_text(text)
    fresh.rename(path)


def link(path: Path, target: Path) -> None:
    """Point a link elsewhere, as a mounted Secret does."""
    fresh = path.with_name("fresh")
    fresh.symlink_to(target)
    fresh.rename(path)


def member(name: str, cluster: str = "", subscription: str = "s") -> Member:
    prefix = f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.ContainerService"
    return Member(name, f"{prefix}/managedClusters/{cluster or name}")


def kubeconfig(users: dict[str, Any] | None = None, **clusters: dict[str, Any]) -> str:
    """A kubeconfig with a context for each cluster; all have the one user."""
    return json.dumps(
        {
            "clusters": [{"name": name, "cluster": cluster} for name, cluster in clusters.items()],
            "users": [{"name": "u", "user": {"token": "emulator"} if users is None else users}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in clusters],
        }
    )


@pytest.fixture
async def server() -> AsyncIterator[KubeServer]:
    async with KubeServer([Emulated("eu-1"), Emulated("eu-2")]) as server:
        yield server


@pytest.fixture
def trusted(server: KubeServer) -> dict[str, Any]:
    """The cluster section of eu-1."""
    authority = base64.b64encode(server.ca_pem or b"").decode()
    return {"server": server.url_of("eu-1"), "certificate-authority-data": authority}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config"


@pytest.fixture
def warnings() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def members(path: Path, warnings: list[tuple[str, str]]) -> AsyncIterator[Members]:
    members = KubeconfigMembers(path, listeners=Listeners(on_warning=lambda *told: warnings.append(told)))
    yield members
    await members.close()


async def test_a_context_is_found_by_the_members_name(server: KubeServer, path: Path, members: Members) -> None:
    put(path, server.kubeconfig())

    cluster = await members.connect(member("eu-2"))

    assert cluster.name == "eu-2"
    assert (await cluster.text("/readyz")).status == 200
    assert [entry.cluster for entry in server.journal] == ["eu-2"]


@pytest.mark.parametrize("name", ["EU-2", "other"])
async def test_a_context_is_found_in_another_case_or_by_the_clusters_name(
    name: str, server: KubeServer, path: Path, members: Members
) -> None:
    put(path, server.kubeconfig())

    cluster = await members.connect(member(name, "Eu-2"))
    await cluster.text("/readyz")

    assert [entry.cluster for entry in server.journal] == ["eu-2"]


async def test_a_member_without_a_context_names_the_nearest(server: KubeServer, path: Path, members: Members) -> None:
    put(path, server.kubeconfig())

    with pytest.raises(NotFound, match=r"no context eu-3 or aks-9; did you mean eu-\d\? \(contexts: eu-1, eu-2\)"):
        await members.connect(member("eu-3", "aks-9"))


async def test_contexts_that_differ_in_case_only_are_not_guessed(path: Path, members: Members) -> None:
    there = {"server": "http://127.0.0.1:1"}
    put(path, kubeconfig(**{"Eu-1": there, "EU-1": there}))

    with pytest.raises(NotFound, match="several contexts like eu-1"):
        await members.connect(member("eu-1"))


async def test_one_context_never_serves_two_clusters(server: KubeServer, path: Path, members: Members) -> None:
    put(path, server.kubeconfig())

    await members.connect(member("a", "eu-1", "s1"))

    for _ in range(2):
        with pytest.raises(BadAnswer, match="fits two clusters"):
            await members.connect(member("b", "eu-1", "s2"))


async def test_a_client_is_kept_until_the_file_changes(server: KubeServer, path: Path, members: Members) -> None:
    put(path, server.kubeconfig(token="old"))
    server.clusters["eu-1"].access.tokens = {"new"}
    before = await members.connect(member("eu-1"))

    assert await members.connect(member("eu-1")) is before
    with pytest.raises(Unauthorized):
        await before.table(NODES)

    put(path, server.kubeconfig(token="new"))
    after = await members.connect(member("eu-1"))

    assert after is not before
    assert (await after.table(NODES)).rows == ()
    with pytest.raises(Unauthorized):  # whoever still holds the old one may finish with it
        await before.table(NODES)


async def test_a_link_that_is_swapped_is_noticed(
    server: KubeServer, path: Path, members: Members, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(server.kubeconfig())
    link(path, tmp_path / "one")
    before = await members.connect(member("eu-1"))
    link(path, tmp_path / "two")

    assert await members.connect(member("eu-1")) is not before


async def test_a_file_that_is_not_there_is_not_found_and_may_come_later(
    server: KubeServer, path: Path, members: Members
) -> None:
    with pytest.raises(NotFound, match="cannot be found"):
        await members.connect(member("eu-1"))

    put(path, server.kubeconfig())

    assert (await members.connect(member("eu-1"))).name == "eu-1"


HTTPS = {"server": "https://127.0.0.1:1"}
NO_USER = "contexts: [{name: m, context: {cluster: m}}]\nclusters: [{name: m, cluster: %s}]"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is not YAML"),
        ("just text", "is not a kubeconfig"),
        ("", "is not a kubeconfig"),
        ("contexts: {}", "no context"),
        ("contexts: [1]", "without a name"),
        ("contexts: yes", "contexts is not a list"),
        ("contexts: [{name: m, context: {cluster: gone}}]", "names a cluster that is not there"),
        ("contexts: [{name: m}, {name: m}]", "two contexts of one name"),
        (kubeconfig(m={}), "not a usable URL"),
        (kubeconfig(m={"server": 7}), "must be text"),
        (kubeconfig(m={"server": "https://u:p@h"}), "not a usable URL"),
        (kubeconfig(m={"server": "https://h:99999"}), "not a usable URL"),
        (kubeconfig(m={"server": "https://h?x=y"}), "not a usable URL"),
        (kubeconfig(m={"server": "https://h/\r\nX: y"}), "not a usable URL"),
        (kubeconfig(m={"server": "ftp://h"}), "must be https"),
        (kubeconfig(m={"server": "http://10.0.0.1"}), "must be https"),
        (kubeconfig(m=HTTPS | {"certificate-authority-data": "%"}), "not base64 of PEM"),
        (kubeconfig(m=HTTPS | {"certificate-authority-data": "IA=="}), "certificate-authority-data is empty"),
        (kubeconfig(m=HTTPS | {"certificate-authority-data": 7}), "not base64 of PEM"),
        (kubeconfig(m=HTTPS | {"certificate-authority-data": "8J+YgA=="}), "not base64 of PEM"),
        (kubeconfig(m=HTTPS | {"certificate-authority-data": "aGVsbG8="}), "cannot be used"),
        (kubeconfig(m=HTTPS | {"certificate-authority": "gone.crt"}), "cannot be read"),
        (kubeconfig({"auth-provider": {"name": "oidc"}}, m=HTTPS), "auth-provider is not supported"),
        (kubeconfig({"client-certificate-data": "aGVsbG8="}, m=HTTPS), "only one of client certificate and key"),
        (
            kubeconfig({"client-certificate-data": "aGVsbG8=", "client-key-data": "aGVsbG8="}, m=HTTPS),
            "certificates of this cluster cannot be used",
        ),
        (
            kubeconfig(
                {
                    "client-certificate-data": "aGVsbG8=",
                    "client-key-data": base64.b64encode(b"-----BEGIN ENCRYPTED PRIVATE KEY-----").decode(),
                },
                m=HTTPS,
            ),
            "key is encrypted",
        ),
        (kubeconfig({"exec": {"command": "/gone/plugin", "apiVersion": "v1"}}, m=HTTPS), "plugin failed"),
        (kubeconfig({"exec": {"command": "false", "apiVersion": "v1"}}, m=HTTPS), "plugin failed"),
        (kubeconfig({"exec": {"command": "echo", "apiVersion": "v1"}}, m=HTTPS), "plugin failed"),
        (kubeconfig({"exec": {}}, m=HTTPS), "plugin failed"),
    ],
)
async def test_a_file_that_cannot_be_used_says_why(text: str, words: str, path: Path, members: Members) -> None:
    put(path, text)

    with pytest.raises(CouldNotLook, match=words):
        await members.connect(member("m"))


async def test_a_server_of_an_unknown_authority_is_refused(
    trusted: dict[str, Any], path: Path, members: Members
) -> None:
    other = base64.b64encode(make_authority().ca_pem).decode()
    put(path, kubeconfig(m=trusted | {"certificate-authority-data": other}))

    cluster = await members.connect(member("m"))

    with pytest.raises(Unreachable, match="certificate is not trusted"):
        await cluster.text("/readyz")


async def test_a_server_of_another_name_is_refused(trusted: dict[str, Any], path: Path, members: Members) -> None:
    put(path, kubeconfig(m=trusted | {"tls-server-name": "elsewhere.example"}))

    cluster = await members.connect(member("m"))

    with pytest.raises(Unreachable, match=r"certificate is not trusted: .*elsewhere"):
        await cluster.text("/readyz")


async def test_a_server_name_for_tls_is_honoured(trusted: dict[str, Any], path: Path, members: Members) -> None:
    put(path, kubeconfig(m=trusted | {"tls-server-name": "localhost"}))

    assert (await (await members.connect(member("m"))).text("/readyz")).status == 200


async def test_an_unverified_certificate_is_honoured_and_told_once(
    trusted: dict[str, Any], path: Path, members: Members, warnings: list[tuple[str, str]]
) -> None:
    put(path, kubeconfig(m={"server": trusted["server"], "insecure-skip-tls-verify": True}))

    for _ in range(2):
        cluster = await members.connect(member("m"))

    assert (await cluster.text("/readyz")).status == 200
    assert warnings == [("m", "its certificate is not verified (insecure-skip-tls-verify)")]


async def test_files_are_found_beside_the_kubeconfig_and_a_token_file_is_read_each_time(
    server: KubeServer, trusted: dict[str, Any], path: Path, members: Members
) -> None:
    server.clusters["eu-1"].access.tokens = {"second"}
    path.with_name("ca.crt").write_bytes(server.ca_pem or b"")
    token = path.with_name("token")
    token.write_text("first\n")
    put(path, kubeconfig({"tokenFile": "token"}, m={"server": trusted["server"], "certificate-authority": "ca.crt"}))
    cluster = await members.connect(member("m"))

    with pytest.raises(Unauthorized):
        await cluster.table(NODES)
    token.write_text("second\n")
    assert (await cluster.table(NODES)).rows == ()
    token.write_text("")
    with pytest.raises(Unauthorized, match="token is empty"):
        await cluster.table(NODES)
    token.unlink()
    with pytest.raises(Unauthorized, match="cannot be read"):
        await cluster.table(NODES)


def plugin(tmp_path: Path, **status: str) -> dict[str, Any]:
    """A credential plugin that counts its runs in a file and gives this status, ``RUN`` being the count."""
    script = tmp_path / "plugin.py"
    answer = json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status})
    script.write_text(
        f"import pathlib\nruns = pathlib.Path({str(tmp_path / 'runs')!r})\n"
        f"count = int(runs.read_text()) + 1 if runs.exists() else 1\nruns.write_text(str(count))\n"
        f"print({answer!r}.replace('RUN', str(count)))\n"
    )
    arguments = ["-S", str(script)]
    api = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": api, "command": sys.executable, "args": arguments, "env": None}}


async def test_a_plugin_is_run_once_for_a_token_without_end(
    server: KubeServer, trusted: dict[str, Any], path: Path, members: Members, tmp_path: Path
) -> None:
    server.clusters["eu-1"].access.tokens = {"token-1"}
    put(path, kubeconfig(plugin(tmp_path, token="token-RUN"), m=trusted))
    cluster = await members.connect(member("m"))

    await asyncio.gather(*(cluster.table(NODES) for _ in range(3)))

    assert (tmp_path / "runs").read_text() == "1"


async def test_a_plugin_is_run_again_when_its_token_is_about_to_end(
    server: KubeServer, trusted: dict[str, Any], path: Path, members: Members, tmp_path: Path
) -> None:
    server.clusters["eu-1"].access.tokens = {"token-2"}
    put(path, kubeconfig(plugin(tmp_path, token="token-RUN", expirationTimestamp="2020-01-01T00:00:00Z"), m=trusted))
    cluster = await members.connect(member("m"))

    assert (await cluster.table(NODES)).rows == ()


async def test_a_plugin_is_run_again_after_its_token_was_refused(
    server: KubeServer,
    trusted: dict[str, Any],
    path: Path,
    members: Members,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gatekeeper.adapters.members_doors._AGAIN", 0.0)
    server.clusters["eu-1"].access.tokens = {"token-2"}
    put(path, kubeconfig(plugin(tmp_path, token="token-RUN"), m=trusted))
    cluster = await members.connect(member("m"))

    with pytest.raises(Unauthorized):
        await cluster.table(NODES)

    assert (await (await members.connect(member("m"))).table(NODES)).rows == ()


@pytest.fixture
async def mutual(tmp_path: Path) -> AsyncIterator[tuple[str, bytes, bytes]]:
    """A server that wants client certificates; gives its URL, and a certificate and key that it takes."""
    certificate, key = certificate_pair()
    (tmp_path / "pair.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    context.load_verify_locations(tmp_path / "pair.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", certificate, key
    server.close()


async def test_a_client_certificate_is_shown_and_its_key_left_nowhere(
    mutual: tuple[str, bytes, bytes], path: Path, members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate, key = mutual
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    encoded = {"cert": base64.b64encode(certificate).decode(), "key": base64.b64encode(key).decode()}
    user = {"client-certificate-data": encoded["cert"], "client-key-data": encoded["key"]}
    put(path, kubeconfig(user, m={"server": url, "certificate-authority-data": encoded["cert"]}))

    answer = await (await members.connect(member("m"))).text("/readyz")

    assert (answer.status, answer.body) == (200, "ok")
    assert not any(folder.iterdir())


async def test_a_plugins_client_certificate_is_shown(
    mutual: tuple[str, bytes, bytes], path: Path, members: Members, tmp_path: Path
) -> None:
    url, certificate, key = mutual
    user = plugin(tmp_path, clientCertificateData=certificate.decode(), clientKeyData=key.decode())
    authority = base64.b64encode(certificate).decode()
    put(path, kubeconfig(user, m={"server": url, "certificate-authority-data": authority}))

    assert (await (await members.connect(member("m"))).text("/readyz")).body == "ok"
    put(path, kubeconfig({}, m={"server": url, "certificate-authority-data": authority}))
    with pytest.raises(Unreachable):
        await (await members.connect(member("m"))).text("/readyz")
