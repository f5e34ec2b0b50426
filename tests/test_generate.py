"""The generated files are fresh, and say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import pytest

from gatekeeper import generate
from gatekeeper.catalogue import AREAS, by_area, catalogue
from gatekeeper.check import ClusterCheck, ClusterContext, Finding, Parameters
from gatekeeper.cli import app
from gatekeeper.permissions import cluster_role
from gatekeeper.reference import reference
from gatekeeper.registry import Registry
from gatekeeper.yamlfile import parse_yaml
from tests.commandline import gatekeeper

ROOT = Path(__file__).parents[1]
REGISTRY = Registry.discover()
FILES = generate.generated(REGISTRY)


def rules(text: str) -> list[dict[str, list[str]]]:
    """The rules of a ClusterRole."""
    (role,) = parse_yaml(text.encode(), "clusterrole.yaml")
    assert (role.value["kind"], role.value["metadata"]["name"]) == ("ClusterRole", "fleet-gatekeeper-reader")
    found: list[dict[str, list[str]]] = role.value["rules"]
    return found


def policy(folder: Path, *checks: str) -> Path:
    file = folder / "policy.yaml"
    head = "apiVersion: gatekeeper/v1\nkind: GatePolicy\nmetadata: {name: some}\nmatch: {displayName: Some}\nchecks:\n"
    file.write_text(head + "".join(f"  - {check}\n" for check in checks))
    return file


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_generated_files_are_fresh(path: Path) -> None:
    assert (ROOT / path).read_text() == FILES[path], "run make generate"


def test_generate_writes_what_is_missing_or_stale_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first = (generate.main(["--check"]), generate.main([]), generate.main(["--check"]))
    (tmp_path / "docs" / "cli.md").write_text("old")
    capsys.readouterr()
    second = (generate.main(["--check"]), generate.main([]), generate.main(["--check"]))

    assert first == second == (1, 0, 0)
    assert capsys.readouterr().out == "docs/cli.md is stale; run make generate\ndocs/cli.md is written\n"
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*") if path.is_file()} == set(FILES)


def test_the_role_for_all_checks_allows_reading_and_nothing_else() -> None:
    assert {verb for rule in rules(cluster_role(REGISTRY)) for verb in rule["verbs"]} == {"get", "list"}
    assert "secrets" not in cluster_role(REGISTRY)


@pytest.mark.parametrize(
    ("checks", "wanted"),
    [
        (
            ["check: api-server-ready"],
            [
                {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]},
                {"nonResourceURLs": ["/livez", "/readyz"], "verbs": ["get"]},
            ],
        ),
        (
            ["check: nodes-ready"],
            [
                {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]},
                {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "list"]},
            ],
        ),
        (['{check: time-window, timezone: UTC, open: [{from: "08:00", to: "18:00"}]}'], []),
    ],
)
def test_the_role_for_some_policies_allows_just_what_their_checks_read(
    tmp_path: Path, checks: list[str], wanted: list[dict[str, list[str]]]
) -> None:
    done = gatekeeper("checks", "--rbac", "--policy", policy(tmp_path, *checks))

    assert (done.code, done.err) == (0, "")
    assert rules(done.out) == wanted


def test_the_role_for_several_policies_is_the_sum_of_what_they_need(tmp_path: Path) -> None:
    for name, check in (("one", "api-server-ready"), ("two", "nodes-ready")):
        (tmp_path / name).mkdir()
        file = policy(tmp_path / name, f"check: {check}")
        file.write_text(file.read_text().replace("name: some", f"name: {name}"))

    done = gatekeeper("checks", "--rbac", "--policy", tmp_path / "one", "--policy", tmp_path / "two")

    assert [next(iter(rule.values())) for rule in rules(done.out)] == [
        [""],
        ["coordination.k8s.io"],
        ["/livez", "/readyz"],
    ]


def test_the_role_of_a_policy_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    done = gatekeeper("checks", "--rbac", "--policy", policy(tmp_path, "check: node-ready"))

    assert (done.code, done.out) == (2, "")
    assert "nodes-ready" in done.err


def test_the_catalogue_has_an_entry_with_an_example_and_its_parameters_for_every_check() -> None:
    text = FILES[Path("docs/checks.md")]
    entries = {entry.split("\n", 1)[0]: entry for entry in text.split("\n### ")[1:]}

    assert list(entries) == list(REGISTRY.names())
    for name, entry in entries.items():
        check = REGISTRY.get(name)
        assert check is not None
        assert check.claim in entry
        assert f"```yaml\n- check: {name}" in entry
        assert f"[{name}](#{name})" in text
        for field in check.model_fields.values():
            assert f"| `{field.alias}` |" in entry


def test_the_catalogue_lists_every_shipped_check_in_a_known_area() -> None:
    found = by_area(check for name in REGISTRY.names() if (check := REGISTRY.get(name)) is not None)

    assert tuple(found) == AREAS
    tables = FILES[Path("docs/checks.md")].partition("## Each check")[0]
    for area, names in found.items():
        table = tables.partition(f"## {area}\n")[2].partition("\n## ")[0]
        assert [f"[{name}](#{name})" in table for name in names] == [True] * len(names)


def test_the_readme_lists_every_check_in_its_area() -> None:
    rows = re.findall(r"^\| ([A-Z][^|]+) \| (`[^|]+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)

    found = by_area(check for name in REGISTRY.names() if (check := REGISTRY.get(name)) is not None)
    assert {area: sorted(re.findall(r"`([^`]+)`", names)) for area, names in rows} == found


def test_checks_of_other_packages_come_behind_our_areas() -> None:
    class Foreign(ClusterCheck):
        """A question."""

        name: ClassVar[str] = "foreign"
        claim: ClassVar[str] = "all is well"

        async def run(self, ctx: ClusterContext) -> Finding:
            return Finding.passed(f"{ctx.cluster.name} is well")

    ours = REGISTRY.get("volumes-bound")

    assert ours is not None
    assert by_area([Foreign, ours]) == {"Storage": ["volumes-bound"], "More": ["foreign"]}


def test_the_examples_of_the_catalogue_are_yaml_as_it_stands_there() -> None:
    for example in re.findall(r"```yaml\n(.*?)```", FILES[Path("docs/checks.md")], re.DOTALL):
        (document,) = parse_yaml(f"checks:\n{example}".encode(), "example")
        assert all(entry["check"] in REGISTRY.names() for entry in document.value["checks"])


def test_the_catalogue_is_markdown_and_writes_defaults_as_people_do() -> None:
    text = FILES[Path("docs/checks.md")]

    assert "``" not in text.replace("```", "")
    assert "| `gracePeriod` | `5m` |" in text
    assert "| `maxNotReady` | `0` |" in text
    assert "| `closed[].from` | *required* |" in text
    assert "| `namespaces.exclude` |  | Not these, even if included. |" in text


def test_the_catalogue_shows_the_parts_of_what_may_be_left_out_and_ends_where_a_model_holds_itself() -> None:
    class Tree(Parameters):
        """Of trees."""

        under: tuple[Tree, ...] | None = None
        """What stands under it."""

    class Foreign(ClusterCheck):
        """A question."""

        name: ClassVar[str] = "foreign"
        claim: ClassVar[str] = "all is well"
        tree: Tree | None = None
        """What grows."""

        async def run(self, ctx: ClusterContext) -> Finding:
            return Finding.passed(f"{ctx.cluster.name} is well")

    text = catalogue(Registry([("here", Foreign)]))

    assert "| `tree.under[].under` |  | What stands under it. |" in text
    assert "| `holidays.country` | *required* |" in FILES[Path("docs/checks.md")]


def test_the_reference_has_every_command_with_every_option() -> None:
    text = reference(app)

    sections = {section.split("\n", 1)[0]: section for section in text.split("\n## gatekeeper ")[1:]}
    for name, section in sections.items():
        help_text = gatekeeper(name, "--help").out
        options = set(re.findall(r"│ (--[a-z-]+)", help_text)) - {"--help"}
        assert options == set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE))
    assert "| `--output, -o text/json` | `text` | How to print: text or json. |" in text
    assert "| `--config, -c CONFIG` | `config/gatekeeper.yaml` |" in text
    assert "$ gatekeeper validate [OPTIONS] PATHS..." in text
    assert "$ gatekeeper check [OPTIONS] [NAME]" in text
