"""The loop: a sweep every so often, signals, and a clean end.

APScheduler starts the sweeps: never two at once, and a missed one is not made up twice. The first SIGTERM or SIGINT
lets the running sweep finish until the shutdown deadline and then abandons it; the second exits at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobExecutionEvent, JobSubmissionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from gatekeeper.policies import PolicySet
from gatekeeper.sweep import Sweeper
from gatekeeper.values import format_duration

_log = structlog.get_logger("gatekeeper.daemon")
_PATIENCE_SWEEPS = 10
"""Not ready when so many sweeps should have ended, and none did."""
_MIN_PATIENCE = timedelta(minutes=5)
_STUCK = timedelta(hours=1)
"""A sweep has deadlines everywhere; one that still runs after this is stuck, and only a restart helps."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When the daemon sweeps, and how long it may take to stop."""

    interval: timedelta
    jitter: timedelta
    shutdown: timedelta


class Daemon:
    """Sweeps until it is told to stop."""

    def __init__(
        self,
        sweeper: Sweeper,
        policies: PolicySet,
        pace: Pace,
        clock: Callable[[], datetime],
        on_policies: Callable[[PolicySet], None],
    ) -> None:
        self._sweeper = sweeper
        self._policies = policies
        self._pace = pace
        self._clock = clock
        self._on_policies = on_policies
        self._told_error = policies.error
        self._stop = asyncio.Event()
        self._sweeping: asyncio.Task[None] | None = None
        self._sweep_began: datetime | None = None
        self._last_sweep: datetime | None = None

    async def run(self) -> None:
        """Sweep until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        library = logging.getLogger("apscheduler")
        level = library.level
        library.setLevel(logging.CRITICAL)  # what it would say, our listeners say in our own words
        scheduler = self._scheduler()
        scheduler.start()
        _log.info(
            "daemon.started", interval=format_duration(self._pace.interval), policies=len(self._policies.policies)
        )
        try:
            await self._stop.wait()
        finally:
            scheduler.remove_all_jobs()
            await self._finish()
            scheduler.shutdown(wait=False)
            library.setLevel(level)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
        _log.info("daemon.stopped")

    def stop(self) -> None:
        """Ask the daemon to stop, as the first signal does."""
        self._stop.set()

    def alive(self) -> list[str]:
        """What speaks against being alive; empty is good. That this is answered at all shows that the loop turns."""
        if self._sweep_began is not None and self._clock() - self._sweep_began > _STUCK:
            return [f"the sweep that began at {self._sweep_began:%H:%M:%SZ} has not ended"]
        return []

    def ready(self) -> list[str]:
        """What speaks against being ready; empty is good."""
        limit = max(_PATIENCE_SWEEPS * self._pace.interval, _MIN_PATIENCE)
        if self._last_sweep is None:
            return ["no sweep has ended yet"]
        age = self._clock() - self._last_sweep
        return [f"the last sweep ended {format_duration(age)} ago"] if age > limit else []

    def _scheduler(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(timezone=UTC)
        seconds = self._pace.interval.total_seconds()
        jitter = self._pace.jitter.total_seconds()
        scheduler.add_job(
            self._tick,
            IntervalTrigger(seconds=seconds, jitter=jitter or None, timezone=UTC),
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,  # a late sweep is better than none
        )
        scheduler.add_listener(self._on_skipped, EVENT_JOB_MAX_INSTANCES)
        scheduler.add_listener(self._on_broke, EVENT_JOB_ERROR)
        return scheduler

    async def _tick(self) -> None:
        if self._stop.is_set():  # it was due at the very moment of the signal
            return
        self._sweeping = asyncio.current_task()
        self._sweep_began = self._clock()
        try:
            self._refresh_policies()
            await self._sweeper.sweep(self._policies.policies)
            self._last_sweep = self._clock()
        except asyncio.CancelledError:
            if not self._stop.is_set():  # else it is abandoned, and _finish says so
                raise
        finally:
            self._sweeping = None
            self._sweep_began = None

    def _refresh_policies(self) -> None:
        """Look at the policy files again, and tell what is new about them once."""
        refresh = self._policies.refresh()
        if refresh.changed or refresh.error != self._told_error:
            self._told_error = refresh.error
            self._on_policies(self._policies)

    async def _finish(self) -> None:
        """Let the running sweep end, or abandon it at the deadline; an open approval is settled at the next start."""
        task = self._sweeping
        if task is None:
            return
        _log.info("daemon.stopping", deadline=format_duration(self._pace.shutdown))
        _, running = await asyncio.wait({task}, timeout=self._pace.shutdown.total_seconds())
        if running:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            _log.warning("sweep.abandoned", after=format_duration(self._pace.shutdown))

    def _on_signal(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            os._exit(128 + number)
        _log.info("daemon.signal", signal=number.name)
        self._stop.set()

    def _on_skipped(self, event: JobSubmissionEvent) -> None:
        _log.info(
            "sweep.skipped",
            cause="the last one still runs",
            due=[f"{at:%H:%M:%SZ}" for at in event.scheduled_run_times],
        )

    def _on_broke(self, event: JobExecutionEvent) -> None:
        _log.error("sweep.broke", exc_info=event.exception)
