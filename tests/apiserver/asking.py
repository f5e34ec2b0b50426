"""Asks a check of a world: through the kubeconfig, the real adapter and the runner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gatekeeper.adapters.members import KubeconfigMembers
from gatekeeper.by_hand import policy_of_check
from gatekeeper.findings import Finding
from gatekeeper.model import COMPLETED, Member, Target
from gatekeeper.reads import SharedReads
from gatekeeper.registry import Registry
from gatekeeper.runner import Limits, Runner
from gatekeeper.testing import scope
from tests.apiserver.worlds import CONTEXT

_MEMBER = Member(CONTEXT, CONTEXT, state=COMPLETED)


async def ask_check(
    kubeconfig: Path,
    check: str,
    params: Sequence[str] = (),
    target: Target | None = None,
    member: Member = _MEMBER,
) -> Finding:
    """The finding of one check."""
    members = KubeconfigMembers(kubeconfig)
    reads = SharedReads(members.connect, _now)
    try:
        checks = policy_of_check(check, params, Registry.discover()).checks
        (result,) = await Runner(Limits(), _now).run(checks, scope(target, members=[member]), reads)
    finally:
        await reads.close()
        await members.close()
    return result.finding


def _now() -> datetime:
    return datetime.now(UTC)
