"""An intent survives the death of the process right after it was written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gatekeeper
from gatekeeper.decision import Decision
from gatekeeper.store import Intent
from gatekeeper.store.records import write_decision
from gatekeeper.store.sqlite import SqliteStore

INTEND_AND_DIE = """
import asyncio, os, signal, sys
from gatekeeper.store.records import read_decision
from gatekeeper.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    await store.intend(read_decision(sys.stdin.read()))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def die_after_intending(path: Path, decision: Decision) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", INTEND_AND_DIE, str(path)],
        input=write_decision(decision),
        text=True,
        cwd=Path(gatekeeper.__file__).parent.parent,
        capture_output=True,
        check=False,
        timeout=30,
    )


@pytest.mark.process
async def test_an_intent_is_read_after_the_process_was_killed(tmp_path: Path, decision: Decision) -> None:
    path = tmp_path / "gatekeeper.db"

    died = die_after_intending(path, decision)

    assert died.returncode == -signal.SIGKILL, died.stderr
    store = SqliteStore(path)
    assert await store.open_intents() == [Intent(1, decision)]
    await store.settle(1, taken=True, answer="found Completed", at=decision.decided_at)
    assert await store.open_intents() == []
    await store.close()
