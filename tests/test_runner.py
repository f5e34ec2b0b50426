"""The runner: bounded, with deadlines, and one failure never touching another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from gatekeeper.check import Check, ClusterCheck, ClusterContext, Finding, Resource, Table, Text
from gatekeeper.cluster import Cluster
from gatekeeper.errors import Forbidden, Unreachable
from gatekeeper.findings import CheckResult, Outcome
from gatekeeper.model import Member, Scope
from gatekeeper.policy import CheckSpec
from gatekeeper.reads import SharedReads
from gatekeeper.runner import Limits, Runner
from tests.builders import NOW, Clock, gate, member, run, spec

PODS = Resource("", "v1", "pods")


class Counting:
    """A cluster that counts what it is asked and answers when it may."""

    def __init__(self, name: str = "aks-1") -> None:
        self.name = name
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.cancelled = 0

    async def table(self, resource: Resource, **_: object) -> Table:
        self.asked.append(f"table {resource}")
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Table(("Name",), (("a",),))

    async def objects(self, resource: Resource, **_: object) -> Sequence[Mapping[str, Any]]:
        self.asked.append(f"objects {resource}")
        return ({"metadata": {"name": "a"}},)

    async def object(self, resource: Resource, name: str, **_: object) -> Mapping[str, Any]:
        self.asked.append(f"object {resource} {name}")
        raise Forbidden(f"{self.name}: may not read {resource}")

    async def text(self, path: str, **_: Any) -> Text:
        self.asked.append(path)
        return Text(200, "ok")

    async def now(self) -> Any:
        return NOW


class Asking(ClusterCheck):
    """A check made of a function."""

    name: ClassVar[str] = "asking"
    claim: ClassVar[str] = "it answers"
    how: Callable[[ClusterContext], Awaitable[Finding]]

    async def run(self, ctx: ClusterContext) -> Finding:
        return await self.how(ctx)


def asking(how: Callable[[ClusterContext], Awaitable[Any]], name: str = "asking", timeout: float = 5) -> CheckSpec:
    return CheckSpec(name, Asking(how=how), True, timedelta(seconds=timeout))


def scope_of(*members: Member) -> Scope:
    the_run = run(members=members)
    return Scope(gate(), the_run.target, members, members, the_run, NOW)


async def ask(
    specs: Sequence[CheckSpec],
    cluster: Cluster,
    *members: Member,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> tuple[CheckResult, ...]:
    async def connect(_: Member) -> Cluster:
        return cluster

    clock = clock or Clock()
    reads = SharedReads(connect, clock)
    try:
        return await Runner(limits or Limits(), clock).run(specs, scope_of(*(members or (member(),))), reads)
    finally:
        await reads.close()


async def _pods(ctx: ClusterContext) -> Finding:
    table = await ctx.cluster.table(PODS)
    return Finding.passed(f"{len(table.rows)} pods")


async def test_every_check_answers_for_every_member_and_gate_checks_answer_once() -> None:
    results = await ask([spec("calm"), spec("fine")], Counting(), member("aks-1"), member("aks-2"))

    assert [(r.check, r.member) for r in results] == [("calm", None), ("fine", "aks-1"), ("fine", "aks-2")]
    assert {r.outcome for r in results} == {Outcome.PASSED}


async def test_the_gate_is_asked_after_its_members_for_a_window_may_close_meanwhile() -> None:
    clock = Clock()

    async def slow(_: ClusterContext) -> Finding:
        clock.advance(600)
        return Finding.passed("after ten minutes")

    calm, of_member = await ask([spec("calm"), asking(slow)], Counting(), clock=clock)

    assert (calm.observed_at, of_member.observed_at) == (NOW + timedelta(minutes=10), NOW)


async def test_a_resource_is_read_once_for_all_checks() -> None:
    cluster = Counting()

    await ask([asking(_pods, f"c{n}") for n in range(5)], cluster)

    assert cluster.asked == ["table pods"]


async def test_an_exception_becomes_an_error_with_its_cause_and_touches_no_other_check() -> None:
    async def breaks(_: ClusterContext) -> Finding:
        raise KeyError("status")

    results = await ask([asking(breaks, "breaks"), asking(_pods, "pods")], Counting())

    assert [r.outcome for r in results] == [Outcome.ERROR, Outcome.PASSED]
    assert "test_runner.py" in results[0].finding.message
    assert "KeyError: 'status'" in results[0].finding.message


async def test_what_could_not_be_looked_at_is_an_error_in_its_own_words() -> None:
    async def looks(ctx: ClusterContext) -> Finding:
        await ctx.cluster.object(PODS, "a")
        return Finding.passed("never")

    (result,) = await ask([asking(looks)], Counting())

    assert (result.outcome, result.finding.message) == (Outcome.ERROR, "aks-1: may not read pods")


async def test_a_member_that_cannot_be_reached_is_an_error_on_every_check_of_it() -> None:
    async def connect(_: Member) -> Cluster:
        raise Unreachable("aks-1: no route to host")

    reads = SharedReads(connect, Clock())
    results = await Runner(Limits(), Clock()).run([asking(_pods, "a"), asking(_pods, "b")], scope_of(member()), reads)

    assert [r.finding.message for r in results] == ["aks-1: no route to host"] * 2


async def test_an_answer_that_is_no_finding_is_an_error() -> None:
    async def lies(_: ClusterContext) -> bool:
        return True

    (result,) = await ask([asking(lies)], Counting())

    assert (result.outcome, result.finding.message) == (Outcome.ERROR, "asking answered with bool, not with a Finding")


async def test_a_check_that_never_answers_is_given_up_at_its_timeout_and_the_others_go_on() -> None:
    async def hangs(_: ClusterContext) -> Finding:
        await asyncio.Event().wait()
        raise AssertionError

    results = await ask([asking(hangs, "hangs", timeout=0.02), asking(_pods, "pods")], Counting())

    assert [r.outcome for r in results] == [Outcome.ERROR, Outcome.PASSED]
    assert results[0].finding.message == "no answer within 20ms (the check's timeout)"


async def test_a_cluster_that_never_answers_is_given_up_at_its_deadline() -> None:
    cluster = Counting()
    cluster.may_answer.clear()

    results = await ask([asking(_pods)], cluster, limits=Limits(deadline=timedelta(seconds=0.02)))

    assert results[0].outcome is Outcome.ERROR
    assert "the deadline of all checks on one cluster" in results[0].finding.message
    assert cluster.cancelled == 1


async def test_a_shared_read_goes_on_for_the_others_when_the_first_check_gives_up() -> None:
    cluster = Counting()
    cluster.may_answer.clear()

    async def patient(ctx: ClusterContext) -> Finding:
        await asyncio.sleep(0.05)
        cluster.may_answer.set()
        return await _pods(ctx)

    results = await ask([asking(_pods, "hasty", timeout=0.02), asking(patient, "patient")], cluster)

    assert [r.outcome for r in results] == [Outcome.ERROR, Outcome.PASSED]
    assert cluster.asked == ["table pods"]


async def test_never_more_clusters_at_once_than_allowed() -> None:
    at_once, most = 0, 0

    async def counts(_: ClusterContext) -> Finding:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return Finding.passed("counted")

    members = [member(f"aks-{n}") for n in range(9)]
    results = await ask([asking(counts)], Counting(), *members, limits=Limits(clusters=2))

    assert (len(results), most) == (9, 2)


async def test_an_answer_is_as_old_as_the_oldest_read_that_it_rests_on() -> None:
    clock = Clock()

    async def later(ctx: ClusterContext) -> Finding:
        await _pods(ctx)
        clock.advance(7)
        await ctx.cluster.text("/readyz")
        return Finding.passed("seen")

    (result,) = await ask([asking(later)], Counting(), clock=clock)

    assert result.observed_at == NOW


async def test_answers_are_kept_while_another_gate_still_needs_them_and_no_longer() -> None:
    cluster = Counting()

    async def connect(_: Member) -> Cluster:
        return cluster

    reads = SharedReads(connect, Clock())
    runner = Runner(Limits(), Clock())
    reads.expect([member()])
    await runner.run([asking(_pods)], scope_of(member()), reads)
    await runner.run([asking(_pods)], scope_of(member()), reads)
    assert cluster.asked == ["table pods"]

    await reads.release(member())
    await runner.run([asking(_pods)], scope_of(member()), reads)

    assert cluster.asked == ["table pods"] * 2


async def test_an_answer_is_judged_by_the_clock_of_its_time() -> None:
    """A second gate may use an answer that was read for the first one a minute ago."""
    clock = Clock()
    seen: list[Any] = []

    class Running(Counting):
        async def now(self) -> Any:
            return clock.now

    async def tells(ctx: ClusterContext) -> Finding:
        await ctx.cluster.table(PODS)
        seen.append(await ctx.cluster.now())
        return Finding.passed("seen")

    async def connect(_: Member) -> Cluster:
        return cluster

    cluster = Running()
    reads = SharedReads(connect, clock)
    reads.expect([member()])
    runner = Runner(Limits(), clock)
    await runner.run([asking(tells)], scope_of(member()), reads)
    clock.advance(60)
    await runner.run([asking(tells)], scope_of(member()), reads)
    await reads.close()

    assert seen == [NOW, NOW]


@pytest.mark.parametrize("check", [spec("fine").check, spec("calm").check])
def test_the_fixtures_are_checks(check: Check) -> None:
    assert check.claim
