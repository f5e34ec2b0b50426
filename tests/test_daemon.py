"""The loop, with APScheduler's real scheduler and a sweeper that does as it is told."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from gatekeeper.daemon import Daemon, Pace
from gatekeeper.decision import SweepReport
from gatekeeper.policies import PolicySet
from gatekeeper.policy import Policy
from gatekeeper.registry import Registry
from gatekeeper.sweep import Sweeper
from tests.builders import Clock, Fine

POLICY = """
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {{name: {name}}}
match: {{displayName: Run health checks}}
checks: [{{check: fine}}]
"""


class FakeSweeper(Sweeper):
    """Counts its sweeps; one ends when ``go`` is set, and raises what is in ``faults``."""

    def __init__(self) -> None:
        self.began = 0
        self.ended = 0
        self.abandoned = 0
        self.at_once = 0
        self.most_at_once = 0
        self.names: list[str] = []
        self.faults: list[Exception] = []
        self.go = asyncio.Event()
        self.go.set()

    async def sweep(self, policies: Sequence[Policy]) -> SweepReport:
        self.names = [policy.name for policy in policies]
        self.began += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go.wait()
            if self.faults:
                raise self.faults.pop()
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        finally:
            self.at_once -= 1
        self.ended += 1
        return SweepReport("0123456789ab", Clock()(), 0.0, (), (), (), 1)


@dataclass
class Bench:
    """A daemon on its sweeper, policy folder and clock."""

    folder: Path
    sweeper: FakeSweeper = field(default_factory=FakeSweeper)
    clock: Clock = field(default_factory=Clock)
    told: list[str | None] = field(default_factory=list)
    """By news about policies: the error, or None when they are in force."""

    def __post_init__(self) -> None:
        self.write("one")
        self.policies = PolicySet([self.folder], Registry([("tests", Fine)]))
        self.policies.load()

    def write(self, name: str, text: str = POLICY) -> None:
        """Put another policy into the folder, all at once."""
        (self.folder / "policy.new").write_text(text.format(name=name))
        (self.folder / "policy.new").rename(self.folder / "policy.yaml")

    def daemon(self, *, interval: float = 3600, shutdown: float = 5) -> Daemon:
        pace = Pace(timedelta(seconds=interval), timedelta(0), timedelta(seconds=shutdown))
        return Daemon(self.sweeper, self.policies, pace, self.clock, lambda policies: self.told.append(policies.error))


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@asynccontextmanager
async def running(daemon: Daemon) -> AsyncIterator[asyncio.Task[None]]:
    """The daemon in a task; in the end it is stopped."""
    task = asyncio.create_task(daemon.run())
    try:
        yield task
    finally:
        daemon.stop()
        async with asyncio.timeout(5):
            await task


async def until(met: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(5):
        while not met():  # noqa: ASYNC110 - what is waited for is no event of ours
            await asyncio.sleep(0.005)


def events(logs: Sequence[object]) -> list[str]:
    return [str(line["event"]) for line in logs if isinstance(line, dict)]


async def test_the_first_sweep_begins_at_once(bench: Bench) -> None:
    async with running(bench.daemon(interval=3600)):
        await until(lambda: bench.sweeper.ended == 1)

    assert bench.sweeper.names == ["one"]


async def test_a_sweep_follows_another(bench: Bench) -> None:
    async with running(bench.daemon(interval=0.02)):
        await until(lambda: bench.sweeper.ended >= 3)


async def test_sweeps_never_overlap_and_one_that_was_skipped_is_not_made_up(bench: Bench) -> None:
    bench.sweeper.go.clear()

    with structlog.testing.capture_logs() as logs:
        async with running(bench.daemon(interval=0.02)) as task:
            await until(lambda: events(logs).count("sweep.skipped") >= 3)
            bench.sweeper.go.set()
            task_is_alive = not task.done()
            await until(lambda: bench.sweeper.ended >= 2)

    assert task_is_alive
    assert bench.sweeper.most_at_once == 1


async def test_what_is_due_while_a_sweep_runs_is_not_queued(bench: Bench) -> None:
    bench.sweeper.go.clear()

    with structlog.testing.capture_logs() as logs:
        async with running(bench.daemon(interval=0.02)) as task:
            await until(lambda: events(logs).count("sweep.skipped") >= 3)
            os.kill(os.getpid(), signal.SIGTERM)
            await until(lambda: "daemon.stopping" in events(logs))
            bench.sweeper.go.set()
            await task

    assert (bench.sweeper.began, bench.sweeper.ended) == (1, 1)


async def test_stop_lets_the_running_sweep_end(bench: Bench) -> None:
    bench.sweeper.go.clear()
    daemon = bench.daemon()

    async with running(daemon) as task:
        await until(lambda: bench.sweeper.began == 1)
        daemon.stop()
        await asyncio.sleep(0.03)
        was_waiting = not task.done()
        bench.sweeper.go.set()

    assert was_waiting
    assert (bench.sweeper.ended, bench.sweeper.abandoned) == (1, 0)


async def test_a_sweep_that_does_not_end_in_time_is_abandoned(bench: Bench) -> None:
    bench.sweeper.go.clear()

    with structlog.testing.capture_logs() as logs:
        async with running(bench.daemon(shutdown=0.05)):
            await until(lambda: bench.sweeper.began == 1)

    assert (bench.sweeper.ended, bench.sweeper.abandoned) == (0, 1)
    assert events(logs) == ["daemon.started", "daemon.stopping", "sweep.abandoned", "daemon.stopped"]


async def test_no_sweep_begins_after_the_daemon_was_told_to_stop(bench: Bench) -> None:
    daemon = bench.daemon(interval=0.02)
    daemon.stop()

    async with running(daemon):
        pass
    await asyncio.sleep(0.05)

    assert bench.sweeper.began == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_daemon(bench: Bench, number: signal.Signals) -> None:
    with structlog.testing.capture_logs() as logs:
        async with running(bench.daemon()) as task:
            await until(lambda: bench.sweeper.ended == 1)
            os.kill(os.getpid(), number)
            async with asyncio.timeout(5):
                await task

    assert {"signal": number.name, "event": "daemon.signal", "log_level": "info"} in logs


async def test_a_second_signal_ends_the_process_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    bench.sweeper.go.clear()

    async with running(bench.daemon()):
        await until(lambda: bench.sweeper.began == 1)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: bool(codes))
        bench.sweeper.go.set()

    assert codes == [128 + signal.SIGTERM]


async def test_a_sweep_that_raises_is_logged_and_the_next_one_comes(bench: Bench) -> None:
    bench.sweeper.faults = [RuntimeError("the disk is on fire")]

    with structlog.testing.capture_logs() as logs:
        async with running(bench.daemon(interval=0.02)):
            await until(lambda: bench.sweeper.ended >= 1)

    broke = [line for line in logs if line["event"] == "sweep.broke"]
    assert [(line["log_level"], repr(line["exc_info"])) for line in broke] == [
        ("error", "RuntimeError('the disk is on fire')")
    ]


async def test_the_daemon_is_ready_once_a_sweep_ended_and_until_the_last_one_is_old(bench: Bench) -> None:
    daemon = bench.daemon(interval=60)
    bench.sweeper.go.clear()

    async with running(daemon):
        await until(lambda: bench.sweeper.began == 1)
        before = daemon.ready()
        bench.sweeper.go.set()
        await until(lambda: daemon.ready() == [])
        bench.clock.advance(10 * 60)
        at_the_limit = daemon.ready()
        bench.clock.advance(1)
        after = daemon.ready()

    assert before == ["no sweep has ended yet"]
    assert at_the_limit == []
    assert after == ["the last sweep ended 10m 1s ago"]


async def test_short_intervals_leave_five_minutes_before_the_daemon_is_not_ready(bench: Bench) -> None:
    daemon = bench.daemon(interval=0.5)

    async with running(daemon):
        await until(lambda: daemon.ready() == [])
    bench.clock.advance(300)
    at_the_limit = daemon.ready()
    bench.clock.advance(1)

    assert at_the_limit == []
    assert daemon.ready() == ["the last sweep ended 5m 1s ago"]


async def test_a_sweep_that_raised_does_not_count_as_one_that_ended(bench: Bench) -> None:
    bench.sweeper.faults = [RuntimeError("boom")]
    daemon = bench.daemon()

    with structlog.testing.capture_logs() as logs:
        async with running(daemon):
            await until(lambda: "sweep.broke" in events(logs))

    assert daemon.ready() == ["no sweep has ended yet"]


async def test_the_daemon_lives_until_a_sweep_is_stuck(bench: Bench) -> None:
    daemon = bench.daemon()
    bench.sweeper.go.clear()

    async with running(daemon):
        await until(lambda: bench.sweeper.began == 1)
        bench.clock.advance(3600)
        alive = daemon.alive()
        bench.clock.advance(1)
        stuck = daemon.alive()
        bench.sweeper.go.set()

    assert alive == []
    assert stuck == ["the sweep that began at 12:00:00Z has not ended"]
    assert daemon.alive() == []


async def test_news_about_policies_are_told_once(bench: Bench) -> None:
    async def some_sweeps() -> None:
        goal = bench.sweeper.ended + 3
        await until(lambda: bench.sweeper.ended >= goal)

    steps: list[tuple[int, list[str]]] = []
    changes: list[Callable[[], Awaitable[None] | None]] = [
        lambda: None,
        lambda: bench.write("two"),
        lambda: bench.write("three", "kind: Nonsense"),
        lambda: bench.write("four", "kind: Rubbish"),
        lambda: bench.write("two"),
    ]
    async with running(bench.daemon(interval=0.01)):
        for change in changes:
            change()
            await some_sweeps()
            steps.append((len(bench.told), bench.sweeper.names))

    assert steps == [(0, ["one"]), (1, ["two"]), (2, ["two"]), (3, ["two"]), (4, ["two"])]
    assert [error is None for error in bench.told] == [True, False, False, True]
    assert "Nonsense" in str(bench.told[1])
