"""Asks a check of a world: through the kubeconfig, the real adapter and the runner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gatekeeper.adapters.members import KubeconfigMembers
from gatekeeper.by_hand import ask, policy_of_check
from gatekeeper.findings import Finding
from gatekeeper.model import Target
from gatekeeper.registry import Registry
from tests.apiserver.worlds import CONTEXT


async def ask_check(kubeconfig: Path, check: str, params: Sequence[str] = (), target: Target | None = None) -> Finding:
    """The finding of one check."""
    members = KubeconfigMembers(kubeconfig)
    policy = policy_of_check(check, params, Registry.discover())
    try:
        (result,) = await ask(policy, members, CONTEXT, target or Target(), lambda: datetime.now(UTC))
    finally:
        await members.close()
    return result.finding
