from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest


@dataclass
class Stage:
    image: str
    name: str | None
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.steps if word == instruction]

    def only(self, instruction: str) -> str:
        [rest] = self.all(instruction)
        return rest


def instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for joined in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if joined.strip():
            word, rest = joined.split(maxsplit=1)
            yield word.upper(), rest.strip()


@pytest.fixture
def stages(root: Path) -> list[Stage]:
    found: list[Stage] = []
    for word, rest in instructions((root / "Dockerfile").read_text()):
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name or None))
        elif found:
            found[-1].steps.append((word, rest))
    return found


def test_both_stages_have_the_same_python(stages: list[Stage], root: Path) -> None:
    assert [(stage.image, stage.name) for stage in stages] == [("${PYTHON_IMAGE}", "build"), ("${PYTHON_IMAGE}", None)]
    assert ("ARG", "PYTHON_IMAGE=python:3.13-slim") in instructions((root / "Dockerfile").read_text())


def test_the_daemon_starts_without_a_shell_and_without_root(stages: list[Stage]) -> None:
    final = stages[-1]

    assert json.loads(final.only("ENTRYPOINT")) == ["/opt/gatekeeper/bin/gatekeeper"]
    assert json.loads(final.only("CMD")) == ["run", "-c", "/etc/gatekeeper/gatekeeper.yaml"]
    assert final.only("USER") == "65532:65532"
    assert final.only("EXPOSE") == "8080"
    assert json.loads(final.only("VOLUME")) == ["/var/lib/gatekeeper"]
    assert final.all("HEALTHCHECK") == []


def test_the_final_stage_takes_the_virtual_environment_and_nothing_else(stages: list[Stage]) -> None:
    assert stages[-1].all("COPY") == ["--from=build /opt/gatekeeper /opt/gatekeeper"]


def test_nothing_is_downloaded_but_by_pip(stages: list[Stage]) -> None:
    assert [step for stage in stages for step in stage.steps if step[0] == "ADD"] == []
    assert not any(re.search(r"https?://|curl|wget", rest) for stage in stages for _, rest in stage.steps)


def test_what_is_copied_exists_and_passes_the_dockerignore(stages: list[Stage], root: Path) -> None:
    sources = {source for copy in stages[0].all("COPY") for source in copy.split()[:-1]}
    let_in = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert sources == let_in == {"LICENSE", "README.md", "checks/", "gatekeeper/", "pyproject.toml"}
    assert [source for source in sorted(sources) if not (root / source).exists()] == []


def test_the_build_stage_leaves_the_emulator_and_the_test_kit_out(stages: list[Stage]) -> None:
    steps = [step for run in stages[0].all("RUN") for step in re.split(r"\s*&&\s*", run)]

    removal = steps.index("rm -rf gatekeeper/emulator gatekeeper/testing")
    assert removal < steps.index("python -m pip wheel --no-deps --wheel-dir dist .")


@pytest.mark.process
@pytest.mark.skipif(find_spec("gatekeeper.cli") is None, reason="there is no command line yet")
@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [(["--help"], 0, "Usage"), (["run", "--help"], 0, "Usage"), (["demo"], 2, "not part of")],
)
def test_the_command_line_lives_without_what_the_image_leaves_out(arguments: list[str], code: int, word: str) -> None:
    program = (
        "import sys; sys.modules['gatekeeper.emulator'] = sys.modules['gatekeeper.testing'] = None;"
        f"sys.argv = ['gatekeeper', *{arguments!r}]; from gatekeeper.cli import main; main()"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, word in done.stdout + done.stderr, "Traceback" in done.stderr) == (code, True, False)
