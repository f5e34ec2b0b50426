"""The files that the demo's daemon reads: the same kinds as in production, in a folder that is thrown away."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from gatekeeper.emulator.fleet import Fleet

SCENARIO = Path(__file__).parent / "scenarios" / "demo.yaml"
POLICIES = Path(__file__).parent / "scenarios" / "demo-policies"

_SETTINGS = """\
apiVersion: gatekeeper/v1
kind: Settings
fleets:
{fleets}
azure:
  endpoint: {endpoint} # the emulator, instead of https://management.azure.com
  credential: token-file
  tokenFile: token
members:
  access: aks # kubeconfigs come from listClusterUserCredential
poll: {{interval: 1s, jitter: 200ms}}
policies: [policies/]
store: {{kind: sqlite, path: gatekeeper.db}}
web: {{listen: "127.0.0.1:0"}}
log: {{format: json}}
"""


def write_settings(folder: Path, endpoint: str, fleets: Iterable[Fleet], token: str, policies: Path = POLICIES) -> Path:
    """Write gatekeeper.yaml, the token and the policies into a folder.

    Args:
        folder: an empty folder.
        endpoint: the ARM endpoint of the emulator.
        fleets: the fleets to watch.
        token: the bearer token that the emulator lets in.
        policies: the folder of policies to copy.

    Returns:
        The settings file.
    """
    lines = [
        f"  - {{subscriptionId: {fleet.subscription}, resourceGroup: {fleet.resource_group}, name: {fleet.name}}}"
        for fleet in fleets
    ]
    token_file = folder / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(token, encoding="utf-8")
    shutil.copytree(policies, folder / "policies")
    settings = folder / "gatekeeper.yaml"
    settings.write_text(_SETTINGS.format(fleets="\n".join(lines), endpoint=endpoint), encoding="utf-8")
    return settings
