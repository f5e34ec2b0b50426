"""Checks are found, and what could not be one is refused at start with its reason."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import ClassVar

import pytest

from gatekeeper import registry as registry_module
from gatekeeper.check import ClusterCheck, ClusterContext, Finding
from gatekeeper.errors import ConfigError
from gatekeeper.registry import Registry
from tests.policy_builders import REGISTRY, Calm, NodesUp

MODULE = '''
from typing import ClassVar
from gatekeeper.check import ClusterCheck, ClusterContext, Finding

class Base(ClusterCheck):
    """Abstract: not a check by itself."""

class {name}(Base):
    """All is well."""
    name: ClassVar[str] = "{check}"
    claim: ClassVar[str] = "all is well"
    async def run(self, ctx: ClusterContext) -> Finding:
        return Finding.passed("well")
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """An importable package with one good check, called like the test."""
    folder = tmp_path / f"pack_{abs(hash(request.node.name))}"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text(MODULE.format(name="Good", check="good"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def discovered(package: Path) -> Registry:
    return Registry.discover(package.name, "no.such.group")


def test_the_shipped_checks_are_found() -> None:
    names = Registry.discover().names()

    assert {"nodes-ready", "time-window"} <= set(names)
    assert list(names) == sorted(names)


def test_a_module_s_own_concrete_checks_are_found(package: Path) -> None:
    (package / "other.py").write_text(
        f"from {package.name}.good import Good\n" + MODULE.format(name="Other", check="other")
    )
    registry = discovered(package)

    assert registry.names() == ("good", "other")
    assert registry.origin("other") == f"{package.name}.other"


def test_two_checks_of_one_name_stop_the_start(package: Path) -> None:
    (package / "other.py").write_text(MODULE.format(name="Other", check="good"))

    with pytest.raises(ConfigError, match=rf"\.other: the check name 'good' is taken already by {package.name}\.good"):
        discovered(package).names()


@pytest.mark.parametrize(
    "text", ["import no_such_module", "this is no python", "1 / 0", "raise RuntimeError('no')", "x = {}['a']"]
)
def test_a_module_that_does_not_import_is_an_error_again_and_again(package: Path, text: str) -> None:
    (package / "bad.py").write_text(text)

    found = discovered(package)

    assert found.get("good") is not None
    for ask in (lambda: found.get("bad"), lambda: found.get("bad"), lambda: found.get("better"), found.names):
        with pytest.raises(ConfigError, match=rf"module {package.name}\.bad: does not import: .*; mend or remove it"):
            ask()


def test_a_package_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="package no_such_package: does not import"):
        Registry.discover("no_such_package")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"good"', '"Good_Check"', "its name is 'Good_Check'; give it a class attribute such as"),
        ('    name: ClassVar[str] = "good"\n', "", "its name is None"),
        ('"all is well"', '" "', "it has no claim"),
        ('    """All is well."""\n', "", "it has no docstring"),
        ("    async def", "    timeout: int = 1\n    async def", "timeout cannot be a parameter"),
    ],
)
def test_a_check_that_lacks_something_is_refused(package: Path, old: str, new: str, complaint: str) -> None:
    (package / "good.py").write_text(MODULE.format(name="Good", check="good").replace(old, new))

    with pytest.raises(ConfigError, match=complaint):
        discovered(package).get("good")


def entry(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint("theirs", value, "gatekeeper.checks")
    monkeypatch.setattr(registry_module, "entry_points", lambda **_: EntryPoints([point]))


def test_an_entry_point_may_name_a_class_or_a_module(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (f"{package.name}.good:Good", f"{package.name}.good"):
        entry(monkeypatch, value)

        assert "good" in Registry.discover().names()


@pytest.mark.parametrize("value", ["json", "json:dumps", "gatekeeper.check:ClusterCheck", "gatekeeper.model:Gate"])
def test_an_entry_point_that_is_no_check_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry(monkeypatch, value)

    with pytest.raises(ConfigError, match=f"entry point theirs = {value} of an unknown distribution: is neither"):
        Registry.discover()


@pytest.mark.parametrize("value", ["no_such_module", "json:no_such_name"])
def test_an_entry_point_that_does_not_load_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry(monkeypatch, value)

    with pytest.raises(ConfigError, match=f"entry point theirs = {value} .*: does not load"):
        Registry.discover()


def test_a_check_is_got_by_name_and_a_near_word_finds_it() -> None:
    assert REGISTRY.get("calm") is Calm
    assert REGISTRY.get("nodes-up") is NodesUp
    assert REGISTRY.get("nodes-down") is None
    assert REGISTRY.closest("node-up") == "nodes-up"
    assert REGISTRY.closest("zzz") is None


def test_gatekeeper_does_not_import_the_checks_by_itself() -> None:
    import subprocess

    code = "import gatekeeper.registry, gatekeeper.policies, gatekeeper.validate, sys; print('checks' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_parameter_s_yaml_name_counts_as_reserved_too() -> None:
    class Odd(ClusterCheck):
        """Odd."""

        name: ClassVar[str] = "odd"
        claim: ClassVar[str] = "odd"
        severity: str = ""

        async def run(self, ctx: ClusterContext) -> Finding:
            return Finding.passed(ctx.cluster.name)

    with pytest.raises(ConfigError, match="severity cannot be a parameter"):
        Registry([("here", Odd)])


def test_a_check_is_got_without_importing_the_others() -> None:
    code = (
        "import sys; from gatekeeper.registry import Registry; found = Registry.discover().get('nodes-ready');"
        "print(found.name, 'checks.nodes_ready' in sys.modules, 'checks.pods_healthy' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "nodes-ready True False"


def test_every_check_of_the_package_is_in_the_module_of_its_name() -> None:
    found = Registry.discover()

    for name in found.names():
        if found.origin(name).startswith("checks."):
            assert found.origin(name) == f"checks.{name.replace('-', '_')}"


def test_a_check_in_a_module_of_another_name_is_found_too(package: Path) -> None:
    (package / "mine.py").write_text(MODULE.format(name="Other", check="other"))

    assert discovered(package).get("other") is not None


def test_an_entry_point_that_takes_the_name_of_a_module_stops_the_start(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package.parent / "theirs.py").write_text(MODULE.format(name="Other", check="good"))
    entry(monkeypatch, "theirs")

    with pytest.raises(ConfigError, match="the check name 'good' is taken already by entry point theirs = theirs"):
        Registry.discover(package.name)


@pytest.mark.parametrize("name", ["nodes-redy", "Nodes", "../checks", "nodes.ready", ""])
def test_a_name_that_is_no_module_leads_to_all_checks_so_that_the_nearest_can_be_named(name: str) -> None:
    found = Registry.discover()

    assert found.get(name) is None
    assert "nodes-ready" in found.names()
