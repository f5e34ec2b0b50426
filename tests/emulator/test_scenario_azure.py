"""A scenario says what Azure says otherwise than that all is well."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession

from gatekeeper.emulator.scenario import load_scenario
from gatekeeper.emulator.scene import Scene
from gatekeeper.errors import ConfigError

SCENARIO = """
apiVersion: gatekeeper/v1
kind: Scenario
fleets:
  - name: prod
    stages: [{name: s, groups: [{name: g}]}]
    members: [{name: a1, group: g}]
azure:
  - member: MEMBER
    document: {properties: {powerState: {code: Stopped}}}
  - path: /subscriptions/x/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/usages
    document: {value: []}
"""


async def test_its_documents_lie_over_the_usual_answers(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(SCENARIO.replace("MEMBER", "a1"))
    scene = Scene(load_scenario(file))
    cluster = scene.fleets["prod"].member("a1").ref.cluster_resource_id

    async with scene.emulator, ClientSession(headers={"Authorization": "Bearer x"}) as http:
        async with http.get(f"{scene.emulator.arm_url}{cluster}?api-version=1") as response:
            shown = await response.json()
        path = "/subscriptions/x/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/usages"
        async with http.get(f"{scene.emulator.arm_url}{path}?api-version=1") as response:
            usages = await response.json()

    assert shown["properties"]["powerState"] == {"code": "Stopped"}
    assert usages == {"value": []}


def test_an_unknown_member_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(SCENARIO.replace("MEMBER", "a9"))

    with pytest.raises(ConfigError, match="a9"):
        load_scenario(file)
