"""What the daemon is told: ``gatekeeper.yaml``, and environment variables that win over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator

from gatekeeper.complaints import complaints
from gatekeeper.environment import blamed, overlaid
from gatekeeper.parameters import Parameters
from gatekeeper.problems import InvalidConfigError, Problem
from gatekeeper.settings_sections import (
    AzureSettings,
    ChecksSettings,
    FleetSettings,
    LogSettings,
    MembersSettings,
    PollSettings,
    ShutdownSettings,
    StoreSettings,
    WebSettings,
)
from gatekeeper.yamlfile import Document, read_yaml

KIND = "Settings"
IN_MEMORY = Path(":memory:")


class Settings(Parameters):
    """All that the daemon is told. Every field is an environment variable too: ``GATEKEEPER_POLL__INTERVAL=10s``."""

    api_version: Literal["gatekeeper/v1"]
    """The format of this file."""
    kind: Literal["Settings"]
    """The kind of this document."""
    fleets: tuple[FleetSettings, ...] = Field(min_length=1)
    """The fleets whose gates are watched."""
    azure: AzureSettings = AzureSettings()
    members: MembersSettings = MembersSettings()
    poll: PollSettings = PollSettings()
    checks: ChecksSettings = ChecksSettings()
    policies: tuple[Path, ...] = Field(min_length=1)
    """Policy files, and folders of them; relative to this file."""
    store: StoreSettings = StoreSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    shutdown: ShutdownSettings = ShutdownSettings()

    @field_validator("fleets")
    @classmethod
    def _each_once(cls, fleets: tuple[FleetSettings, ...]) -> tuple[FleetSettings, ...]:
        ids = [fleet.ref.id for fleet in fleets]
        twice = {str(fleet.ref): None for fleet in fleets if ids.count(fleet.ref.id) > 1}
        if twice:
            raise ValueError(f"{', '.join(twice)} stands here twice (case does not count); remove one")
        return fleets

    def relative_to(self, folder: Path) -> Settings:
        """The same, with relative paths beginning at a folder: that of the settings file."""
        azure, members, store = self.azure, self.members, self.store
        if azure.token_file is not None:
            azure = azure.model_copy(update={"token_file": folder / azure.token_file})
        if members.kubeconfig is not None:
            members = members.model_copy(update={"kubeconfig": folder / members.kubeconfig})
        if store.path != IN_MEMORY:
            store = store.model_copy(update={"path": folder / store.path})
        policies = tuple(folder / path for path in self.policies)
        return self.model_copy(update={"azure": azure, "members": members, "store": store, "policies": policies})


def load_settings(path: Path, env: Mapping[str, str]) -> Settings:
    """Read the settings.

    Args:
        path: the settings file; relative paths in it, and in variables, begin at its folder.
        env: the environment, such as ``os.environ``. Its ``GATEKEEPER_...`` variables win over the file.

    Raises:
        ConfigError: with all that is wrong, by file and line or by variable.
    """
    documents = read_yaml(path)
    if len(documents) != 1:
        problem = Problem(str(path), None, "", f"holds {len(documents)} documents; settings are exactly one")
        raise InvalidConfigError([problem])
    return settings_of(documents[0], env).relative_to(path.parent)


def settings_of(document: Document, env: Mapping[str, str]) -> Settings:
    """The settings of a document, with the environment laid over them; paths stay as they are written.

    Raises:
        ConfigError: with all that is wrong, by file and line or by variable.
    """
    document, origins = overlaid(document, env, Settings)
    try:
        return Settings.model_validate(document.value, by_alias=True, by_name=False)
    except ValidationError as error:
        found = complaints(error, Settings, document)
        raise InvalidConfigError(blamed(problem, place, origins) for place, problem in found.items()) from None
