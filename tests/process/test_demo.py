"""The demo tells its whole story, and cleans up when it is interrupted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatekeeper.cli import app
from gatekeeper.emulator.demo import run_demo
from gatekeeper.emulator.demo_files import write_settings
from tests.process.world import PATIENCE

pytestmark = pytest.mark.process


def files_in(folder: Path) -> list[str]:
    """What is left behind."""
    return [path.name for path in folder.iterdir()]


async def start_demo(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Start the demo with a folder of its own for its files."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gatekeeper",
        "demo",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
    )


def test_the_run_completes_and_the_sick_gate_was_held_with_a_reason_and_then_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = CliRunner().invoke(app, ["demo", "-o", "json"])
    document = json.loads(ended.stdout)
    gates = {(gate["stage"], gate["group"], gate["timing"]): gate for gate in document["gates"]}
    sick, beside = gates["production", "prod-us", "After"], gates["production", "prod-eu", "After"]

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert document["run"]["state"] == "Completed"
    assert document["daemon"] == {"exitCode": 0}
    assert [gate["verdict"] for gate in document["gates"]] == ["approve"] * 9
    assert {(gate["timing"], gate["group"] is None) for gate in document["gates"]} == {
        ("Before", True),
        ("Before", False),
        ("After", True),
        ("After", False),
    }
    assert sick["heldFor"] >= 8
    assert [each["reason"] for each in sick["heldReasons"]] == ["CheckFailed"]
    assert "payments/api" in sick["heldReasons"][0]["message"]
    assert (sick["policy"], sick["reason"]) == ("healthy-after-update", "Healthy")
    assert (beside["heldReasons"], beside["heldFor"] < sick["heldFor"]) == ([], True)
    assert files_in(tmp_path) == []


def test_a_daemon_that_dies_fails_the_demo_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "broken.yaml").write_text("kind: GatePolicy\n")
    monkeypatch.setattr("gatekeeper.emulator.demo.write_settings", partial(write_settings, policies=policies))
    code = run_demo(as_json=False, keep=False)
    shown = capsys.readouterr().out

    assert code == 1
    assert "the daemon has ended by itself, with exit code 2" in shown
    assert "broken.yaml:1:" in shown


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_an_interrupted_demo_takes_its_daemon_and_its_files_with_it(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = await start_demo(tmp_path)
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b"the daemon runs" not in await process.stdout.readline():
            pass
        process.send_signal(number)
        _, err = await process.communicate()  # ends only when the daemon has closed its end too

    assert (process.returncode, err) == (code, b"")
    assert files_in(tmp_path) == []
