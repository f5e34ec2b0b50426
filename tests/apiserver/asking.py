"""Asks a check of a world: through the kubeconfig, the real adapters and the runner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gatekeeper.app import open_kubeconfig
from gatekeeper.by_hand import policy_of_check
from gatekeeper.doors import Members
from gatekeeper.findings import Finding
from gatekeeper.model import COMPLETED, Member, Target
from gatekeeper.reads import SharedReads
from gatekeeper.registry import Registry
from gatekeeper.runner import Limits, Runner, Toolbox
from gatekeeper.testing import scope
from gatekeeper.tools import Azure
from tests.apiserver.worlds import CONTEXT

MEMBER = Member(CONTEXT, CONTEXT, state=COMPLETED)


class Asker:
    """Asks one check again and again, as the sweeps of one process do; the check remembers what it saw."""

    def __init__(self, members: Members, toolbox: Toolbox, check: str, params: Sequence[str]) -> None:
        self._members = members
        self._runner = Runner(Limits(), _now, toolbox)
        self._checks = policy_of_check(check, params, Registry.discover()).checks

    async def ask(self, target: Target | None = None, member: Member = MEMBER) -> Finding:
        """The finding of one sweep."""
        reads = SharedReads(self._members.connect, _now)
        try:
            (result,) = await self._runner.run(self._checks, scope(target, members=[member]), reads)
        finally:
            await reads.close()
        return result.finding


@asynccontextmanager
async def asking(
    kubeconfig: Path, check: str, params: Sequence[str] = (), azure: Azure | None = None
) -> AsyncIterator[Asker]:
    """One who asks as the kubeconfig's user, and knows of Azure what he is given."""
    async with open_kubeconfig(kubeconfig) as (members, toolbox):
        tools = toolbox.tools if azure is None else replace(toolbox.tools, azure=azure)
        yield Asker(members, replace(toolbox, tools=tools), check, params)


async def ask_check(
    kubeconfig: Path,
    check: str,
    params: Sequence[str] = (),
    target: Target | None = None,
    member: Member = MEMBER,
) -> Finding:
    """The finding of one check."""
    async with asking(kubeconfig, check, params) as asker:
        return await asker.ask(target, member)


def _now() -> datetime:
    return datetime.now(UTC)
