"""Settings come from a file and the environment, and every mistake is named with its place."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.environment import variables
from gatekeeper.errors import ConfigError
from gatekeeper.model import FleetRef
from gatekeeper.settings import Settings, load_settings
from gatekeeper.yamlfile import parse_yaml

SMALLEST = """\
apiVersion: gatekeeper/v1
kind: Settings
fleets:
  - {subscriptionId: sub, resourceGroup: rg, name: prod}
policies: [policies/]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def load(folder: Path, text: str = "", **env: str) -> Settings:
    (folder / "g.yaml").write_text(SMALLEST + text)
    return load_settings(folder / "g.yaml", {f"GATEKEEPER_{key}": value for key, value in env.items()})


def refused(folder: Path, text: str = "", **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **env)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_little_has_to_be_said(folder: Path) -> None:
    settings = load(folder)

    assert [fleet.ref for fleet in settings.fleets] == [FleetRef("sub", "rg", "prod")]
    assert settings.policies == (folder / "policies",)
    assert (settings.azure.cloud, settings.azure.credential, settings.azure.endpoint) == (
        "AzurePublic",
        "default",
        None,
    )
    assert (settings.members.access, settings.members.concurrency) == ("aks", 20)
    assert settings.members.deadline == timedelta(minutes=2)
    assert (settings.poll.interval, settings.poll.jitter) == (timedelta(seconds=30), timedelta(seconds=5))
    assert settings.checks.timeout == timedelta(seconds=30)
    assert (settings.store.kind, settings.store.path) == ("sqlite", Path("/var/lib/gatekeeper/gatekeeper.db"))
    assert (settings.web.host, settings.web.port) == ("0.0.0.0", 8080)
    assert (settings.log.format, settings.log.level) == ("auto", "info")
    assert settings.shutdown.deadline == timedelta(seconds=20)


def test_relative_paths_begin_at_the_folder_of_the_file(folder: Path) -> None:
    settings = load(
        folder,
        "azure: {credential: token-file, tokenFile: token}\n"
        "members: {access: kubeconfig, kubeconfig: /abs/config}\nstore: {path: g.db}\n",
        POLICIES='["a.yaml", "/abs/b"]',
    )

    assert settings.azure.token_file == folder / "token"
    assert settings.members.kubeconfig == Path("/abs/config")
    assert settings.store.path == folder / "g.db"
    assert settings.policies == (folder / "a.yaml", Path("/abs/b"))


def test_a_store_in_memory_is_no_path(folder: Path) -> None:
    assert load(folder, STORE__PATH=":memory:").store.path == Path(":memory:")


def test_the_environment_wins(folder: Path) -> None:
    settings = load(
        folder,
        "poll: {interval: 1m}\n",
        POLL__INTERVAL="10s",
        MEMBERS__CONCURRENCY="3",
        WEB__LISTEN="[::1]:0",
        FLEETS=json.dumps([{"subscriptionId": "s", "resourceGroup": "r", "name": "n"}]),
    )

    assert settings.poll.interval == timedelta(seconds=10)
    assert settings.members.concurrency == 3
    assert (settings.web.host, settings.web.port) == ("::1", 0)
    assert settings.fleets[0].ref == FleetRef("s", "r", "n")


def test_an_empty_variable_is_as_if_it_were_not_set(folder: Path) -> None:
    assert load(folder, "poll: {interval: 1m}\n", POLL__INTERVAL="").poll.interval == timedelta(minutes=1)


def test_every_field_has_a_variable() -> None:
    names = {name for name, _, _ in variables(Settings)}

    assert {"GATEKEEPER_AZURE__TOKEN_FILE", "GATEKEEPER_FLEETS", "GATEKEEPER_SHUTDOWN__DEADLINE"} <= names
    assert len(names) == 22


def test_the_variables_that_kubernetes_makes_of_services_are_none_of_ours(folder: Path) -> None:
    load(
        folder,
        SERVICE_HOST="10.0.0.1",
        SERVICE_PORT="80",
        SERVICE_PORT_HTTP="80",
        PORT="tcp://10.0.0.1:80",
        PORT_80_TCP="tcp://10.0.0.1:80",
        PORT_80_TCP_ADDR="10.0.0.1",
        METRICS_SERVICE_HOST="10.0.0.2",
        CONFIG="config/gatekeeper.yaml",
    )


@pytest.mark.parametrize(
    ("variable", "complaint"),
    [
        ("POL__INTERVAL", "no setting has this variable; did you mean GATEKEEPER_POLL__INTERVAL?"),
        ("WEB__PORT", "no setting has this variable; did you mean GATEKEEPER_WEB__LISTEN?"),
        ("POLL_INTERVAL", "no setting has this variable; did you mean GATEKEEPER_POLL__INTERVAL?"),
        ("AZURE__TOKENFILE", "no setting has this variable; did you mean GATEKEEPER_AZURE__TOKEN_FILE?"),
        ("poll__interval", "no setting has this variable; did you mean GATEKEEPER_POLL__INTERVAL?"),
    ],
)
def test_a_misspelt_variable_is_an_error(folder: Path, variable: str, complaint: str) -> None:
    (line,) = refused(folder, **{variable: "10s"})

    assert line.startswith(f"GATEKEEPER_{variable}: {complaint}")


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("POLL__INTERVAL", "10", "'10' is not a duration; write it like 90s, 15m, 6h or 2d"),
        ("POLL__INTERVAL", "500ms", "0.5s is too short; it must be at least 1s"),
        ("MEMBERS__CONCURRENCY", "many", "must be a whole number, and is 'many'"),
        ("MEMBERS__CONCURRENCY", "0", "'0' is out of bounds; it must be at least 1"),
        ("FLEETS", "prod", "is not JSON (Expecting value: line 1 column 1 (char 0)); write it like [...]"),
        ("FLEETS", "[]", "is empty; give at least one"),
        ("LOG__LEVEL", "warn", "'warn' is not known here; did you mean warning?"),
        ("WEB__LISTEN", "8080", "'8080' is not of the form HOST:PORT, such as 0.0.0.0:8080"),
        ("WEB__LISTEN", "localhost:99999", "'localhost:99999' is not of the form HOST:PORT, such as 0.0.0.0:8080"),
    ],
)
def test_a_bad_variable_is_blamed_by_its_name(folder: Path, variable: str, value: str, complaint: str) -> None:
    assert refused(folder, **{variable: value}) == [f"GATEKEEPER_{variable}: {complaint}"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pol: {}", "g.yaml:6: pol: unknown key; did you mean poll?"),
        ("poll: {intervall: 1m}", "g.yaml:6: poll.intervall: unknown key; did you mean interval?"),
        ("poll: {jitter: 30s}", "g.yaml:6: poll: jitter 30s must be shorter than interval 30s"),
        ("azure: {credential: token-file}", "g.yaml:6: azure: credential token-file needs a tokenFile; add it"),
        ("azure: {token_file: x}", "g.yaml:6: azure.token_file: unknown key; did you mean tokenFile?"),
        (
            "azure: {cloud: AzureCloud}",
            "g.yaml:6: azure.cloud: 'AzureCloud' is not known here; did you mean AzureChina?",
        ),
        ("members: {access: kubeconfig}", "g.yaml:6: members: access kubeconfig needs a kubeconfig; add it"),
        (
            "store: {kind: kubernetes}",
            "g.yaml:6: store: kind kubernetes is not available in this version; write kind: sqlite",
        ),
        ("poll: 30s", "g.yaml:6: poll: must be a mapping of keys to values, and is '30s'"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_line_and_mend(folder: Path, text: str, complaint: str) -> None:
    assert refused(folder, text + "\n") == [complaint]


def test_a_fleet_that_stands_twice_is_refused_whatever_its_case(folder: Path) -> None:
    fleets = json.dumps([{"subscriptionId": "s", "resourceGroup": rg, "name": "n"} for rg in ("rg", "RG")])

    assert refused(folder, FLEETS=fleets) == [
        "GATEKEEPER_FLEETS: rg/n, RG/n stands here twice (case does not count); remove one"
    ]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://management.azure.com/", "https://management.azure.com"),
        ("https://arm.example.com:8443/base/", "https://arm.example.com:8443/base"),
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("http://localhost:80", "http://localhost:80"),
    ],
)
def test_an_endpoint_is_https_or_on_loopback(folder: Path, url: str, kept: str) -> None:
    assert load(folder, AZURE__ENDPOINT=url).azure.endpoint == kept


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://arm.example.com", "plain http would send tokens readable to arm.example.com"),
        ("http://localhost.example.com", "plain http would send tokens"),
        ("http://127.0.0.1.example.com", "plain http would send tokens"),
        ("http://10.0.0.1", "plain http would send tokens"),
        ("http://127.0.0.1@example.com", "is not a URL"),
        ("ftp://127.0.0.1", "is not a URL"),
        ("127.0.0.1:80", "is not a URL"),
        ("https://", "is not a URL"),
        ("https://x:y", "is not a URL"),
        ("https://x/?a=b", "is not a URL"),
    ],
)
def test_any_other_endpoint_is_refused(folder: Path, url: str, complaint: str) -> None:
    (line,) = refused(folder, AZURE__ENDPOINT=url)

    assert line.startswith("GATEKEEPER_AZURE__ENDPOINT: ")
    assert complaint in line


def test_a_short_interval_has_a_shorter_jitter_by_itself(folder: Path) -> None:
    assert load(folder, POLL__INTERVAL="3s").poll.jitter == timedelta(seconds=0.5)


def test_a_bad_interval_has_no_complaint_about_the_jitter(folder: Path) -> None:
    assert len(refused(folder, "poll: {interval: x}\n")) == 1


def test_settings_are_one_document(folder: Path) -> None:
    assert refused(folder, "---\n" + SMALLEST) == ["g.yaml: holds 2 documents; settings are exactly one"]


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read: No such file or directory"):
        load_settings(folder / "gone.yaml", {})


@given(st.sampled_from(sorted(variables(Settings))), st.integers(0, 40), st.sampled_from("XZ_9"))
def test_a_variable_with_one_letter_more_is_never_taken_for_another(
    variable: tuple[str, tuple[str | int, ...], bool], at: int, letter: str
) -> None:
    from gatekeeper.settings import settings_of

    (document,) = parse_yaml(SMALLEST.encode(), "g.yaml")
    name = variable[0]
    at = max(len("GATEKEEPER_"), min(at, len(name)))

    with pytest.raises(ConfigError, match="no setting has this variable"):
        settings_of(document, {name[:at] + letter + name[at:]: "1"})
