"""The plan of the house holds, and each of its contracts is broken on purpose to see that it would be noticed."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = "The house has floors: who stands higher may look down, never up"
DOORS = "The client libraries of Azure and Kubernetes stay behind the two doors"
EMULATOR = "The emulator is for the demo and for those who write checks"

OFFENCES = [
    (FLOORS, "gatekeeper/model.py", "from gatekeeper.policy import Policy"),
    (FLOORS, "gatekeeper/attic.py", '"""A new module that has no floor."""'),
    ("No circles", "gatekeeper/observers/text.py", "from gatekeeper.observers import lines"),
    (DOORS, "gatekeeper/sweep.py", "from azure.core.exceptions import AzureError"),
    (DOORS, "checks/nodes_ready.py", "import kubernetes.aio"),
    (DOORS, "gatekeeper/adapters/tokens.py", "import msal"),
    ("HTTP is spoken by the doors, the web pages and the emulator alone", "gatekeeper/runner.py", "import aiohttp"),
    ("Only the daemon knows the scheduler", "gatekeeper/sweep.py", "import apscheduler.schedulers.asyncio"),
    ("Only observers and web pages know Prometheus", "gatekeeper/app.py", "from prometheus_client import REGISTRY"),
    ("Only the command line prints", "gatekeeper/commands.py", "import typer"),
    ("The judge is pure: no clock, no network, no log", "gatekeeper/decide.py", "import time"),
    (
        "A check imports gatekeeper.check and nothing else of Gatekeeper",
        "checks/nodes_ready.py",
        "from gatekeeper.model import Gate",
    ),
    ("A check never imports another", "checks/nodes_ready.py", "from checks.pods_healthy import PodsHealthy"),
    (
        "Gatekeeper never imports the checks: the registry loads them by name",
        "gatekeeper/registry.py",
        "import checks.nodes_ready",
    ),
    (EMULATOR, "gatekeeper/daemon.py", "def demo():\n    from gatekeeper.emulator.clock import ScaledClock"),
    ("What helps to test checks is for tests alone", "gatekeeper/runner.py", "from gatekeeper import testing"),
    ("The emulator shares no code with what it tests", "gatekeeper/emulator/scene.py", "import gatekeeper.model"),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the two packages and of the contracts."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("gatekeeper", "checks"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def lint(folder: Path) -> dict[str, str]:
    """What import-linter says of the packages in a folder: KEPT or BROKEN by contract."""
    call = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"]
    done = subprocess.run([*call, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    verdicts = {name: verdict for name in contracts() for verdict in said(done.stdout, name)}
    assert len(verdicts) == len(contracts()), done.stdout + done.stderr
    assert done.returncode == ("BROKEN" in verdicts.values())
    return verdicts


def said(output: str, name: str) -> Iterator[str]:
    for line in output.splitlines():
        if line.startswith(f"{name} "):
            yield line.removeprefix(f"{name} ").split()[0]


def contracts() -> list[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [contract["name"] for contract in config["tool"]["importlinter"]["contracts"]]


def test_the_house_keeps_all_of_its_contracts() -> None:
    assert set(lint(ROOT).values()) == {"KEPT"}


def test_every_contract_is_broken_on_purpose_below() -> None:
    assert {name for name, _, _ in OFFENCES} == set(contracts())


@pytest.mark.parametrize(("contract", "module", "offence"), OFFENCES, ids=[f"{o[1]} {o[0]}" for o in OFFENCES])
def test_an_offending_import_breaks_its_contract(house: Path, contract: str, module: str, offence: str) -> None:
    file = house / module
    innocent = file.read_text() if file.exists() else None
    file.write_text(f"{innocent or ''}\n{offence}\n")
    try:
        verdicts = lint(house)
    finally:
        file.unlink() if innocent is None else file.write_text(innocent)

    assert verdicts[contract] == "BROKEN"


def strangers(folder: Path) -> set[str]:
    """What the modules of a folder import that a check may not: no pydantic, no standard library, not our contract."""
    allowed = {"gatekeeper", "pydantic", *sys.stdlib_module_names}  # of gatekeeper just one module: see the contract
    nodes = [node for file in folder.glob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name for name in names if name.partition(".")[0] not in allowed}


def test_checks_import_nothing_but_their_contract_pydantic_and_the_standard_library(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import structlog\nfrom pydantic_core import core_schema\n")

    assert strangers(ROOT / "checks") == set()
    assert strangers(tmp_path) == {"structlog", "pydantic_core"}


def loaded_by(code: str, *suspects: str) -> set[str]:
    """Which of the suspects a fresh interpreter has loaded after this code."""
    report = f"import sys; print(*(name for name in {suspects!r} if name in sys.modules))"
    call = [sys.executable, "-c", f"{code}\n{report}"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


CORE = """
import gatekeeper.sweep, gatekeeper.by_hand, gatekeeper.validate, gatekeeper.store.sqlite
from gatekeeper.registry import Registry
Registry.discover().names()
"""
HELP = """
import sys
from gatekeeper.cli import main
sys.argv = ["gatekeeper", "--help"]
try:
    main()
except SystemExit:
    pass
"""


def test_the_core_and_the_checks_load_nothing_of_what_stands_behind_the_doors() -> None:
    assert loaded_by(CORE, "azure", "kubernetes", "msal", "aiohttp", "apscheduler", "prometheus_client") == set()


def test_the_daemon_loads_neither_the_emulator_nor_what_is_for_tests() -> None:
    daemon = "import gatekeeper.__main__, gatekeeper.app, gatekeeper.commands"

    assert loaded_by(daemon, "gatekeeper.app", "gatekeeper.emulator", "gatekeeper.testing") == {"gatekeeper.app"}


def test_help_is_there_before_anything_heavy_is_loaded() -> None:
    heavy = ("pydantic", "azure", "kubernetes", "aiohttp", "ruamel", "structlog", "apscheduler", "checks")

    assert loaded_by(HELP, *heavy) == set()
