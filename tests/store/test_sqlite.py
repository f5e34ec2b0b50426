"""The memory of gates and approvals, in real files."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.decision import Decision, Reason, Verdict
from gatekeeper.errors import StoreError
from gatekeeper.store import Intent, Store
from gatekeeper.store.sqlite import SqliteStore

MINUTE = timedelta(minutes=1)


def another(decision: Decision, name: str) -> Decision:
    return replace(decision, gate=replace(decision.gate, name=name))


async def test_a_gate_is_first_seen_once(store: SqliteStore, decision: Decision) -> None:
    gate_id, noon = decision.gate.id, decision.decided_at

    assert await store.first_seen(gate_id, noon) == noon
    assert await store.first_seen(gate_id, noon + MINUTE) == noon
    assert await store.first_seen(gate_id.upper(), noon + MINUTE) == noon


async def test_the_last_decision_is_remembered(store: SqliteStore, decision: Decision) -> None:
    hold = replace(decision, verdict=Verdict.HOLD, reason=Reason.CHECK_FAILED)
    await store.first_seen(decision.gate.id, decision.first_seen)
    assert await store.last_decision(decision.gate.id) is None

    await store.remember(hold)
    await store.remember(decision)

    assert await store.last_decision(decision.gate.id) == decision
    assert await store.first_seen(decision.gate.id, decision.first_seen + MINUTE) == decision.first_seen


async def test_a_gate_that_is_not_pending_any_more_is_forgotten(store: SqliteStore, decision: Decision) -> None:
    noon, fleet_id = decision.decided_at, decision.gate.fleet.id
    stays, goes, elsewhere = f"{fleet_id}/gates/a", f"{fleet_id}/gates/b", f"{fleet_id}2/gates/c"
    for gate_id in (stays, goes, elsewhere):
        await store.first_seen(gate_id, noon)

    await store.forget(fleet_id.upper(), {stays.upper()})

    later = noon + MINUTE
    assert await store.first_seen(stays, later) == noon
    assert await store.first_seen(goes, later) == later
    assert await store.first_seen(elsewhere, later) == noon


async def test_an_intent_is_open_until_it_is_settled(store: SqliteStore, decision: Decision) -> None:
    intent = await store.intend(decision)
    assert await store.open_intents() == [Intent(intent, decision)]

    await store.settle(intent, taken=True, answer="200", at=decision.decided_at + MINUTE)

    assert await store.open_intents() == []
    assert await store.approvals() == [Intent(intent, decision, True, "200", decision.decided_at + MINUTE)]


async def test_an_intent_knows_its_gate_and_fleet(store: SqliteStore, decision: Decision) -> None:
    await store.intend(decision)

    [intent] = await store.open_intents()

    assert (intent.fleet_id, intent.gate_name) == (decision.gate.fleet.id, decision.gate.name)


async def test_a_settled_intent_is_never_rewritten(store: SqliteStore, decision: Decision) -> None:
    intent = await store.intend(decision)
    await store.settle(intent, taken=False, answer="409", at=decision.decided_at)

    with pytest.raises(StoreError, match="settled before"):
        await store.settle(intent, taken=True, answer="200", at=decision.decided_at)

    assert [entry.answer for entry in await store.approvals()] == ["409"]


async def test_an_unknown_intent_cannot_be_settled(store: SqliteStore, decision: Decision) -> None:
    with pytest.raises(StoreError, match="77"):
        await store.settle(77, taken=True, answer="200", at=decision.decided_at)


async def test_approvals_stay_when_their_gate_is_forgotten(store: SqliteStore, decision: Decision) -> None:
    await store.intend(decision)
    await store.remember(decision)

    await store.forget(decision.gate.fleet.id, set())

    assert await store.last_decision(decision.gate.id) is None
    assert len(await store.approvals()) == 1


async def test_approvals_come_newest_first_and_bounded(store: SqliteStore, decision: Decision) -> None:
    for name in ("a", "b", "c"):
        await store.intend(another(decision, name))

    assert [entry.gate_name for entry in await store.approvals(2)] == ["c", "b"]
    assert [entry.gate_name for entry in await store.open_intents()] == ["a", "b", "c"]
    assert await store.approvals(-1) == []


async def test_all_is_there_after_a_restart(tmp_path: Path, decision: Decision) -> None:
    first = SqliteStore(tmp_path / "gatekeeper.db")
    await first.first_seen(decision.gate.id, decision.first_seen)
    await first.remember(decision)
    intent = await first.intend(decision)
    await first.close()
    second = SqliteStore(tmp_path / "gatekeeper.db")

    assert await second.first_seen(decision.gate.id, decision.first_seen + MINUTE) == decision.first_seen
    assert await second.last_decision(decision.gate.id) == decision
    assert await second.open_intents() == [Intent(intent, decision)]
    await second.close()


async def test_many_at_once_are_served_one_after_another(store: SqliteStore, decision: Decision) -> None:
    decisions = [another(decision, f"gate-{number}") for number in range(50)]

    intents = await asyncio.gather(*(store.intend(each) for each in decisions))

    assert len(set(intents)) == 50
    assert {entry.gate_name for entry in await store.open_intents()} == {each.gate.name for each in decisions}


async def test_text_that_is_no_proper_unicode_is_stored(store: SqliteStore, decision: Decision) -> None:
    strange = another(decision, "gate-\udc80")
    intent = await store.intend(strange)
    await store.first_seen(strange.gate.id, strange.first_seen)
    await store.settle(intent, taken=False, answer="bad \ud800 answer", at=strange.decided_at)

    [entry] = await store.approvals()

    assert entry.decision == strange
    assert entry.answer == "bad \\ud800 answer"


async def test_a_time_without_a_zone_is_refused(store: SqliteStore, decision: Decision) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await store.first_seen(decision.gate.id, decision.first_seen.replace(tzinfo=None))


async def test_a_database_in_memory_works_as_well(decision: Decision) -> None:
    store: Store = SqliteStore(":memory:")
    intent = await store.intend(decision)

    assert [entry.id for entry in await store.open_intents()] == [intent]
    await store.close()


async def test_a_closed_store_says_so(store: SqliteStore, decision: Decision) -> None:
    await store.close()
    await store.close()

    with pytest.raises(StoreError, match="closed"):
        await store.intend(decision)


async def test_a_locked_file_is_a_store_error_and_later_works(
    tmp_path: Path, decision: Decision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.store.schema._PATIENCE", 0.01)
    path = tmp_path / "gatekeeper.db"
    store = SqliteStore(path)
    await store.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="locked"):
        await store.intend(decision)

    other.execute("ROLLBACK")
    assert await store.open_intents() == []
    assert await store.intend(decision) == 1
    other.close()
    await store.close()


async def test_a_mangled_record_is_a_store_error(store: SqliteStore, tmp_path: Path, decision: Decision) -> None:
    await store.remember(decision)
    with sqlite3.connect(tmp_path / "state" / "gatekeeper.db") as other:
        other.execute("UPDATE gates SET decision = 'nonsense'")
    other.close()

    with pytest.raises(StoreError, match="cannot be read"):
        await store.last_decision(decision.gate.id)
