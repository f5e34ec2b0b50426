"""The memory of gates and approvals in one SQLite file, worked by one thread of its own.

The loop never waits for the disk, and what was committed survives a crash at any instruction.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from gatekeeper.decision import Decision
from gatekeeper.errors import StoreError
from gatekeeper.store import Intent
from gatekeeper.store.records import read_decision, read_time, write_decision, write_time
from gatekeeper.store.schema import open_database, transaction

_Answer = TypeVar("_Answer")
_INTENT_COLUMNS = "id, decision, taken, answer, settled_at"
_IntentRow = tuple[int, str, int | None, str | None, str | None]


class SqliteStore:
    """A Store in a file; the path ``:memory:`` keeps it in memory, for tests and for trying things out.

    Call `open` first, so that a bad file stops the start instead of the first sweep.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def open(self) -> None:
        """Open or make the file. Raises a ConfigError, with the mend, when it cannot be used."""
        await self._run(lambda _: None)

    async def close(self) -> None:
        """Finish what is being written and let go; closing twice is fine, any use after it is a StoreError."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown()

    async def first_seen(self, gate_id: str, now: datetime) -> datetime:
        """When the gate was first seen Pending: `now`, if it never was."""
        key, at = _storable(gate_id.lower()), write_time(now)

        def work(connection: sqlite3.Connection) -> datetime:
            known = connection.execute("SELECT first_seen FROM gates WHERE gate_id = ?", (key,)).fetchone()
            if known is None:
                connection.execute("INSERT INTO gates (gate_id, first_seen) VALUES (?, ?)", (key, at))
            return read_time(at if known is None else known[0])

        return await self._run(work)

    async def remember(self, decision: Decision) -> None:
        """Keep the last decision on a gate, for people to look at."""
        row = (_storable(decision.gate.id), write_time(decision.first_seen), write_decision(decision))

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO gates (gate_id, first_seen, decision) VALUES (?, ?, ?) "
                "ON CONFLICT (gate_id) DO UPDATE SET decision = excluded.decision",
                row,
            )

        await self._run(work)

    async def last_decision(self, gate_id: str) -> Decision | None:
        """The last decision that was remembered of a gate, or None."""
        key = _storable(gate_id.lower())

        def work(connection: sqlite3.Connection) -> Decision | None:
            row = connection.execute("SELECT decision FROM gates WHERE gate_id = ?", (key,)).fetchone()
            return None if row is None or row[0] is None else read_decision(row[0])

        return await self._run(work)

    async def forget(self, fleet_id: str, still_pending: AbstractSet[str]) -> None:
        """Forget the gates of a fleet that are not Pending any more. Approvals stay."""
        prefix = _storable(fleet_id.lower()) + "/gates/"
        keep = {_storable(gate_id.lower()) for gate_id in still_pending}

        def work(connection: sqlite3.Connection) -> None:
            known = [gate_id for (gate_id,) in connection.execute("SELECT gate_id FROM gates")]
            gone = [(gate_id,) for gate_id in known if gate_id.startswith(prefix) and gate_id not in keep]
            if gone:
                connection.executemany("DELETE FROM gates WHERE gate_id = ?", gone)

        await self._run(work)

    async def intend(self, decision: Decision) -> int:
        """Write down durably that this approval is about to be sent; returns the id to settle it with."""
        row = (
            _storable(decision.gate.id),
            write_time(decision.decided_at),
            _storable(decision.policy or ""),
            _storable(decision.policy_hash or ""),
            write_decision(decision),
        )

        def work(connection: sqlite3.Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO approvals (gate_id, intended_at, policy, policy_hash, decision) VALUES (?, ?, ?, ?, ?)",
                row,
            )
            return int(cursor.lastrowid or 0)

        return await self._run(work)

    async def settle(self, intent_id: int, *, taken: bool, answer: str, at: datetime) -> None:
        """Write down what became of an intent. An unknown or a settled intent is a StoreError."""
        row = (int(taken), _storable(answer), write_time(at), intent_id)

        def work(connection: sqlite3.Connection) -> None:
            cursor = connection.execute(
                "UPDATE approvals SET taken = ?, answer = ?, settled_at = ? WHERE id = ? AND settled_at IS NULL", row
            )
            if cursor.rowcount != 1:
                raise StoreError(f"the approval {intent_id} is not known, or was settled before")

        await self._run(work)

    async def open_intents(self) -> Sequence[Intent]:
        """The intents of which nobody knows what became, oldest first: Gatekeeper stopped in between."""
        return await self._intents("WHERE settled_at IS NULL ORDER BY id")

    async def approvals(self, limit: int = 100) -> Sequence[Intent]:
        """The latest approvals, settled or not, newest first."""
        return await self._intents("ORDER BY id DESC LIMIT ?", max(limit, 0))

    async def _intents(self, which: str, *values: int) -> list[Intent]:
        def work(connection: sqlite3.Connection) -> list[Intent]:
            query = f"SELECT {_INTENT_COLUMNS} FROM approvals {which}"  # noqa: S608 - both parts are constants here
            return [_intent(row) for row in connection.execute(query, values)]

        return await self._run(work)

    async def _run(self, work: Callable[[sqlite3.Connection], _Answer]) -> _Answer:
        """Do work in the store's thread, as one transaction. Cancelled or not, what has begun is finished there."""
        if self._closed:
            raise StoreError(f"the store {self._path} is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], _Answer]) -> _Answer:
        if self._connection is None:
            self._connection = open_database(self._path)
        try:
            with transaction(self._connection):
                return work(self._connection)
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"the store {self._path} cannot be used: {error}") from error

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _intent(row: _IntentRow) -> Intent:
    number, decision, taken, answer, settled_at = row
    return Intent(
        id=number,
        decision=read_decision(decision),
        taken=None if taken is None else bool(taken),
        answer=answer,
        settled_at=None if settled_at is None else read_time(settled_at),
    )


def _storable(text: str) -> str:
    """Text as SQLite takes it: half of a surrogate pair, which JSON can smuggle in, is written as its escape."""
    return text.encode("utf-8", "backslashreplace").decode()
