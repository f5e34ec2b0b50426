"""Which credential the settings choose, and the bearer token that stands in a file."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import aio as identity

from gatekeeper.adapters.credentials import CredentialKind, TokenFileCredential, make_credential
from gatekeeper.errors import ConfigError


def jwt(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "token"


def write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("default", identity.DefaultAzureCredential),
        ("managed-identity", identity.ManagedIdentityCredential),
        ("cli", identity.AzureCliCredential),
    ],
)
async def test_each_kind_makes_its_credential(kind: CredentialKind, made: type[AsyncTokenCredential]) -> None:
    credential = make_credential(kind, cloud="AzureChina", client_id="00000000-0000-0000-0000-000000000009")

    assert isinstance(credential, made)
    await credential.close()


async def test_workload_identity_is_made_from_its_environment(
    monkeypatch: pytest.MonkeyPatch, token_file: Path
) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000008")
    monkeypatch.setenv("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000009")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token_file))

    credential = make_credential("workload-identity", cloud="AzureUSGovernment")

    assert isinstance(credential, identity.WorkloadIdentityCredential)
    await credential.close()


async def test_workload_identity_without_its_environment_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigError, match=r"workload-identity cannot be used here.*tenant_id"):
        make_credential("workload-identity", cloud="AzurePublic")


async def test_an_unknown_cloud_is_refused() -> None:
    with pytest.raises(ConfigError, match="AzureMoon"):
        make_credential("default", cloud="AzureMoon")


async def test_a_token_file_credential_needs_a_file() -> None:
    with pytest.raises(ConfigError, match=r"azure\.tokenFile"):
        make_credential("token-file", cloud="AzurePublic")


async def test_the_token_is_read_anew_each_time(token_file: Path) -> None:
    credential = make_credential("token-file", cloud="AzurePublic", token_file=token_file)
    write(token_file, "first\n")
    first = await credential.get_token("any/.default")
    write(token_file, "second")
    second = await credential.get_token("other/.default", claims="x")

    assert (first.token, second.token) == ("first", "second")


async def test_a_token_ends_when_it_says(token_file: Path) -> None:
    write(token_file, jwt({"exp": 2_000_000_000}))
    credential = TokenFileCredential(token_file)

    assert (await credential.get_token()).expires_on == 2_000_000_000
    assert (await credential.get_token_info()).expires_on == 2_000_000_000


async def test_its_keeper_is_told_to_come_again_soon(token_file: Path) -> None:
    write(token_file, jwt({"exp": 2_000_000_000}))

    info = await TokenFileCredential(token_file).get_token_info("any/.default", options={})

    assert info.refresh_on is not None
    assert info.refresh_on <= time.time()


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b",
        "a.!!.c",
        jwt([]),
        jwt({}),
        jwt({"exp": "soon"}),
        jwt({"exp": True}),
        jwt({"exp": 1e999}),
        "a.bm8.c",
    ],
)
async def test_a_token_without_an_end_is_believed_for_five_minutes(token_file: Path, token: str) -> None:
    write(token_file, token)
    before = int(time.time())

    end = (await TokenFileCredential(token_file).get_token()).expires_on

    assert before + 300 <= end <= time.time() + 300


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"two tokens", "holds something else"),
        (b"line\nline", "holds something else"),
        (b"secret\x00", "holds something else"),
        (b"\xff\xfe", "holds something else"),
        (b"x" * 70_000, "is larger than"),
    ],
)
async def test_a_file_without_one_token_is_refused_and_not_quoted(token_file: Path, content: bytes, words: str) -> None:
    write(token_file, content)
    with pytest.raises(ClientAuthenticationError, match=words) as caught:
        await TokenFileCredential(token_file).get_token("any/.default")

    assert str(caught.value) == caught.value.message
    assert "secret" not in str(caught.value)


async def test_a_missing_file_is_named(token_file: Path) -> None:
    with pytest.raises(ClientAuthenticationError, match="cannot be read: No such file"):
        await TokenFileCredential(token_file).get_token()


async def test_it_can_be_used_in_a_with_statement(token_file: Path) -> None:
    write(token_file, "t")
    async with TokenFileCredential(token_file) as credential:
        found: Any = await credential.get_token()

    assert found.token == "t"
