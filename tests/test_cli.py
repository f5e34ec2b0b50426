"""The command line: help, exit codes, errors that a person understands, and JSON that a program does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatekeeper import __version__
from gatekeeper.registry import Registry
from tests.commandline import Done, gatekeeper

ROOT = Path(__file__).parents[1]
COMMANDS = ["run", "sweep", "gates", "check", "validate", "checks", "demo"]

SETTINGS = """
apiVersion: gatekeeper/v1
kind: Settings
fleets: [{subscriptionId: 00000000-0000-0000-0000-000000000000, resourceGroup: rg, name: prod}]
policies: [policies/]
store: {kind: sqlite, path: gatekeeper.db}
"""
POLICY = """
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: after-update}
match: {displayName: Run health checks, timing: After}
checks:
  - check: nodes-ready
"""


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEKEEPER_")}
    call = [sys.executable, "-m", "gatekeeper", *arguments]
    settings = {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run(
        call, env={**env, **settings, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder with settings and one policy, both fine."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "after.yaml").write_text(POLICY)
    (tmp_path / "gatekeeper.yaml").write_text(SETTINGS)
    return tmp_path


def strategy(*display_names: str) -> str:
    gates = [{"type": "Approval", "displayName": name} for name in display_names]
    return json.dumps({"stages": [{"name": "prod", "groups": [{"name": "eu", "afterGates": gates}]}]})


def complaint(done: Done, code: int = 2) -> str:
    """What a command complains of: lines for people on standard error, nothing else, and the exit code."""
    assert (done.code, done.out) == (code, "")
    assert "Traceback" not in done.err
    return done.err


def test_help_names_every_command_and_the_exit_codes() -> None:
    done = process("--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^│ (\w+) ", done.stdout, re.MULTILINE)[-len(COMMANDS) :] == COMMANDS
    assert '0 fine, 1 the answer is "no", 2 usage or configuration, 3 could not look' in " ".join(done.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help(command: str) -> None:
    long, short = gatekeeper(command, "--help"), gatekeeper(command, "-h")

    assert (long.code, long.err) == (0, "")
    assert long.out == short.out
    assert f"gatekeeper {command}" in long.out


def test_without_a_command_the_help_is_shown() -> None:
    done = gatekeeper()

    assert done.code == 2
    assert "Usage: gatekeeper [OPTIONS] COMMAND" in done.out + done.err


def test_the_version_is_that_of_the_package() -> None:
    assert gatekeeper("--version") == Done(0, f"gatekeeper {__version__}\n", "")


@pytest.mark.parametrize("arguments", [("chekc",), ("sweep", "--dryrun"), ("validate",), ("checks", "-o", "yaml")])
def test_wrong_usage_is_2_and_shows_how_to_get_help(arguments: tuple[str, ...]) -> None:
    assert "gatekeeper" in complaint(gatekeeper(*arguments))


@pytest.mark.parametrize("command", ["run", "sweep", "gates"])
def test_settings_that_are_not_there_are_a_sentence(command: str, tmp_path: Path) -> None:
    error = complaint(gatekeeper(command, "-c", tmp_path / "gatekeeper.yaml"))

    assert error.startswith(f"error: {tmp_path / 'gatekeeper.yaml'}: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["run", "sweep", "gates"])
def test_a_misspelt_key_is_told_by_line_and_with_the_nearest_word(command: str, config: Path) -> None:
    (config / "gatekeeper.yaml").write_text(SETTINGS.replace("policies:", "polices:"))

    error = complaint(gatekeeper(command, "-c", config / "gatekeeper.yaml"))

    assert f"{config / 'gatekeeper.yaml'}:5" in error
    assert "did you mean policies?" in error


def test_a_policy_with_an_unknown_check_stops_a_sweep_before_it_begins(config: Path) -> None:
    (config / "policies" / "after.yaml").write_text(POLICY.replace("nodes-ready", "node-ready"))

    error = complaint(gatekeeper("sweep", "-c", config / "gatekeeper.yaml"))

    assert f"{config / 'policies' / 'after.yaml'}:7" in error
    assert "nodes-ready" in error


def test_the_settings_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEKEEPER_CONFIG", str(tmp_path / "elsewhere.yaml"))

    assert "elsewhere.yaml" in complaint(gatekeeper("gates"))


def test_a_mistake_is_no_traceback_in_a_process_either(tmp_path: Path) -> None:
    done = process("sweep", "-c", str(tmp_path / "nowhere.yaml"), "-o", "json")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    call = [sys.executable, "-m", "gatekeeper", "checks"]
    done = subprocess.run(call, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)

    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_installed(shell: str) -> None:
    done = process(_GATEKEEPER_COMPLETE=f"source_{shell}")

    assert done.returncode == 0
    assert "_GATEKEEPER_COMPLETE" in done.stdout


def test_completion_completes_commands() -> None:
    done = process(_GATEKEEPER_COMPLETE="complete_bash", COMP_WORDS="gatekeeper che", COMP_CWORD="1")

    assert done.stdout.split() == ["check", "checks"]


def test_completion_is_offered_by_the_help() -> None:
    assert {"--install-completion", "--show-completion"} <= set(re.findall(r"--[a-z-]+", gatekeeper("--help").out))


def test_checks_lists_what_is_installed() -> None:
    done = gatekeeper("checks")

    assert (done.code, done.err) == (0, "")
    names = [line.split()[0] for line in done.out.splitlines()[1:] if not line.startswith(" ")]
    assert names == list(Registry.discover().names())
    assert re.search(r"nodes-ready +each cluster +all nodes are Ready.* maxNotReady, pools", done.out)


def test_checks_as_json_say_what_they_read() -> None:
    checks = {check["name"]: check for check in gatekeeper("checks", "-o", "json").json["checks"]}

    assert checks["api-server-ready"] == {
        "name": "api-server-ready",
        "kind": "cluster",
        "claim": "the API server is ready and alive",
        "origin": "checks.api_server_ready",
        "reads": ["/readyz", "/livez", "nodes"],
        "parameters": {},
    }
    assert checks["time-window"]["kind"] == "gate"
    assert checks["nodes-ready"]["parameters"]["maxNotReady"]["default"] == 0


def test_checks_shows_schema_catalogue_and_role(config: Path) -> None:
    assert gatekeeper("checks", "--schema").json["$schema"].startswith("http")
    assert gatekeeper("checks", "--docs").out.startswith("# Checks\n")
    assert "kind: ClusterRole" in gatekeeper("checks", "--rbac").out
    assert "kind: ClusterRole" in gatekeeper("checks", "--rbac", "--policy", config / "policies").out


@pytest.mark.parametrize("arguments", [("--docs", "--rbac"), ("--policy", "policies")])
def test_checks_refuses_what_does_not_go_together(arguments: tuple[str, ...]) -> None:
    assert "--policy goes with --rbac" in complaint(gatekeeper("checks", *arguments))


def test_validate_is_content_with_the_shipped_files() -> None:
    done = gatekeeper("validate", ROOT / "config" / "gatekeeper.yaml", ROOT / "config" / "policies")

    assert (done.code, done.err) == (0, "")


def test_validate_says_that_all_is_well(config: Path) -> None:
    assert gatekeeper("validate", config / "gatekeeper.yaml") == Done(0, "all is well\n", "")
    assert gatekeeper("validate", config / "policies", "-o", "json").json == {"problems": [], "gates": []}


def test_validate_tells_all_that_is_wrong_at_once(config: Path) -> None:
    (config / "gatekeeper.yaml").write_text(SETTINGS.replace("kind: sqlite", "kind: sqlight"))
    (config / "policies" / "after.yaml").write_text(POLICY + "    maxNotRedy: 5%\n    timeout: 5\n")

    done = gatekeeper("validate", config / "gatekeeper.yaml", config / "policies", "-o", "json")

    assert done.code == 2
    found = {(Path(problem["file"]).name, problem["line"], problem["severity"]) for problem in done.json["problems"]}
    assert found == {("gatekeeper.yaml", 6, "error"), ("after.yaml", 8, "error"), ("after.yaml", 9, "error")}
    assert "did you mean maxNotReady?" in gatekeeper("validate", config / "policies").out


def test_validate_names_a_file_that_is_not_there(config: Path) -> None:
    done = gatekeeper("validate", config / "nowhere.yaml")

    assert done.code == 2
    assert str(config / "nowhere.yaml") in done.out


@pytest.mark.parametrize("given", ["gatekeeper.yaml", "policies"])
def test_validate_names_the_gates_that_would_stay_shut(config: Path, given: str) -> None:
    (config / "stages.json").write_text(strategy("Run health checks", "Ask the boss"))

    done = gatekeeper("validate", config / given, "--strategy", config / "stages.json", "-o", "json")

    assert done.code == 1
    gates: list[dict[str, Any]] = done.json["gates"]
    assert [(gate["displayName"], gate["status"], gate["policies"]) for gate in gates] == [
        ("Run health checks", "covered", ["after-update"]),
        ("Ask the boss", "uncovered", []),
    ]


def test_validate_is_0_when_every_gate_of_the_strategy_has_its_policy(config: Path) -> None:
    (config / "stages.json").write_text(strategy("Run health checks"))

    done = gatekeeper("validate", config / "policies", "--strategy", config / "stages.json")

    assert (done.code, done.err) == (0, "")
    assert "covered     Run health checks, after group eu of stage prod: policy after-update" in done.out


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stages": 5}', '{"stages": [{}]}'])
def test_validate_refuses_a_strategy_that_is_none(config: Path, text: str) -> None:
    (config / "stages.json").write_text(text)

    assert "JSON" in complaint(gatekeeper("validate", config / "policies", "--strategy", config / "stages.json"))


def test_validate_names_a_strategy_that_is_not_there(config: Path) -> None:
    error = complaint(gatekeeper("validate", config / "policies", "--strategy", config / "nowhere.json"))

    assert str(config / "nowhere.json") in error
