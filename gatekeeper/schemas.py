"""JSON schemas of the settings and of policies, for editors: ``# yaml-language-server: $schema=...``."""

from __future__ import annotations

import inspect
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from gatekeeper.check import Check
from gatekeeper.policy_fields import CheckFields, PolicyFields
from gatekeeper.registry import Registry
from gatekeeper.settings import Settings
from gatekeeper.values import Tolerance, format_duration

SETTINGS_SCHEMA = "gatekeeper.schema.json"
POLICY_SCHEMA = "gatepolicy.schema.json"
"""The names of the files in ``config/schemas``."""

_DIALECT = "http://json-schema.org/draft-07/schema#"
"""The newest that the YAML language server knows well. It has no ``$defs``, but follows any ``$ref``."""

Schema = dict[str, Any]


class _AsWritten(GenerateJsonSchema):
    """Writes defaults as people do: 5m, where pydantic says PT5M."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - pydantic's own signature
        if isinstance(dft, timedelta):
            return format_duration(dft).replace(" ", "")
        if isinstance(dft, Tolerance):
            return str(dft) if dft.count is None else dft.count
        return super().encode_default(dft)


def schema_of(model: type[BaseModel], ref_template: str = "#/$defs/{model}") -> Schema:
    """The JSON schema of a model as it is written in YAML."""
    return model.model_json_schema(schema_generator=_AsWritten, ref_template=ref_template)


def settings_schema() -> Schema:
    """The schema of ``gatekeeper.yaml``."""
    return {"$schema": _DIALECT, **_tidied(schema_of(Settings))}


def policy_schema(registry: Registry) -> Schema:
    """The schema of a GatePolicy, with the parameters of every check that exists."""
    schema = _tidied(schema_of(PolicyFields))
    definitions: Schema = schema["$defs"]
    common: Schema = definitions.pop(CheckFields.__name__)
    conditions = []
    for name in registry.names():
        check = registry.get(name)
        if check is None:
            continue
        own = _check_schema(name, check)
        definitions.update(own.pop("$defs", {}))
        own["properties"] = {**common["properties"], **own.get("properties", {}), "check": {"const": name}}
        definitions[name] = own
        named: Schema = {"properties": {"check": {"const": name}}, "required": ["check"]}
        conditions.append({"if": named, "then": {"$ref": f"#/$defs/{name}"}})
    schema["properties"]["checks"]["items"] = {
        "type": "object",
        "required": ["check"],
        "properties": {"check": {"enum": list(registry.names()), "description": _claims(registry)}},
        "allOf": conditions,
    }
    schema["properties"]["scope"] = {
        "description": schema["properties"]["scope"]["description"],
        "anyOf": [{"$ref": "#/$defs/ScopeFields"}, definitions["ScopeFields"]["properties"]["of"]],
    }
    return {"$schema": _DIALECT, **schema}


def write_schemas(folder: Path, registry: Registry) -> None:
    """Write both schemas to a folder, ``config/schemas``."""
    (folder / SETTINGS_SCHEMA).write_text(rendered(settings_schema()), encoding="utf-8")
    (folder / POLICY_SCHEMA).write_text(rendered(policy_schema(registry)), encoding="utf-8")


def rendered(schema: Schema) -> str:
    """A schema as it is written to a file."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _check_schema(name: str, check: type[Check]) -> Schema:
    # Two checks may each have a model called Window.
    schema: Schema = _tidied(schema_of(check, ref_template=f"#/$defs/{name}.{{model}}"))
    schema["$defs"] = {f"{name}.{model}": inner for model, inner in schema.get("$defs", {}).items()}
    schema["description"] = f"{check.claim}. {_first_sentence(check)}"
    return schema


def _claims(registry: Registry) -> str:
    found = ((name, registry.get(name)) for name in registry.names())
    return "\n".join(f"{name}: {check.claim}" for name, check in found if check is not None)


def _first_sentence(check: type[Check]) -> str:
    text = " ".join((inspect.getdoc(check) or "").split("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".") + "."


def _tidied(value: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Without the titles that pydantic makes of names, and with descriptions on one line."""
    if isinstance(value, list):
        return [_tidied(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidy = {}
    for key, item in value.items():
        if key == "title" and isinstance(item, str):
            continue
        is_text = key == "description" and isinstance(item, str)
        tidy[key] = " ".join(item.split()) if is_text else _tidied(item)
    return tidy
