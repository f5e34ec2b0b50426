"""The JSON schemas say what the loader accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gatekeeper.registry import Registry
from gatekeeper.schemas import POLICY_SCHEMA, SETTINGS_SCHEMA, policy_schema, rendered, settings_schema, write_schemas
from gatekeeper.settings import load_settings
from gatekeeper.validate import validate
from tests.policy_builders import REGISTRY

CONFIG = Path(__file__).parents[1] / "config"


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(item) for item in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()


def objects(value: object) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(found for item in value.values() for found in objects(item))]
    return [found for item in value for found in objects(item)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere() -> None:
    for schema in (settings_schema(), policy_schema(REGISTRY), policy_schema(Registry.discover())):
        assert {ref.removeprefix("#/$defs/") for ref in references(schema)} <= set(schema["$defs"])


def test_unknown_keys_are_errors_in_the_editor_too() -> None:
    for schema in (settings_schema(), policy_schema(REGISTRY)):
        models = [schema, *schema["$defs"].values()]

        assert all(model["additionalProperties"] is False for model in models if model.get("type") == "object")


def test_an_editor_completes_the_parameters_of_each_check() -> None:
    schema = policy_schema(REGISTRY)
    items = schema["properties"]["checks"]["items"]

    assert items["properties"]["check"]["enum"] == ["calm", "nodes-up"]
    assert {
        "if": {"properties": {"check": {"const": "calm"}}, "required": ["check"]},
        "then": {"$ref": "#/$defs/calm"},
    } in (items["allOf"])
    assert set(schema["$defs"]["nodes-up"]["properties"]) == {
        "check",
        "severity",
        "timeout",
        "maxDown",
        "namespaces",
        "gracePeriod",
    }
    assert schema["$defs"]["calm"]["properties"]["hours"]["items"] == {"$ref": "#/$defs/calm.Hours"}
    assert schema["$defs"]["calm"]["required"] == ["hours"]
    assert schema["$defs"]["nodes-up"]["description"] == "all nodes are up. All nodes are up."
    assert schema["$defs"]["nodes-up"]["properties"]["maxDown"]["default"] == 0


def test_fields_have_descriptions_and_no_titles() -> None:
    for schema in (settings_schema(), policy_schema(REGISTRY)):
        assert schema["description"]
        assert not [found for found in objects(schema) if isinstance(found.get("title"), str)]
    assert settings_schema()["$defs"]["PollSettings"]["properties"]["interval"]["description"]


def test_schemas_are_written_the_same_way_each_time(tmp_path: Path) -> None:
    write_schemas(tmp_path, REGISTRY)

    assert (tmp_path / SETTINGS_SCHEMA).read_text() == rendered(settings_schema())
    assert json.loads((tmp_path / POLICY_SCHEMA).read_text()) == policy_schema(REGISTRY)


def test_the_shipped_files_are_right() -> None:
    assert [str(problem) for problem in validate([CONFIG, CONFIG / "policies"], Registry.discover())] == []
    assert load_settings(CONFIG / "gatekeeper.yaml", {}).policies == (CONFIG / "policies",)


def test_the_shipped_files_name_their_schema_for_the_editor() -> None:
    names = {"gatekeeper.yaml": SETTINGS_SCHEMA, "policies": POLICY_SCHEMA}
    for file in CONFIG.rglob("*.yaml"):
        first = file.read_text().splitlines()[0]
        schema = file.parent / first.removeprefix("# yaml-language-server: $schema=")

        assert schema.resolve() == CONFIG / "schemas" / names.get(file.name, POLICY_SCHEMA)
