"""A scenario on its emulator, and real processes of Gatekeeper in front of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from gatekeeper.emulator.demo_daemon import DaemonProcess
from gatekeeper.emulator.demo_files import POLICIES, write_settings
from gatekeeper.emulator.scenario import load_scenario
from gatekeeper.emulator.scene import Scene

TOKEN = "token-of-the-tests"
PATIENCE = 30.0
"""Seconds until a test gives up; a busy machine may need some of them to start a process."""

CRASHING = """
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api, namespace: payments}
        status: {readyReplicas: 1, availableReplicas: 1, unavailableReplicas: 2}
"""

ONE_GATE = """
apiVersion: gatekeeper/v1
kind: Scenario
updateTakes: 10ms
fleets:
  - name: prod
    members: [{name: one, group: only, pools: {system: 1}}]
    stages:
      - name: all
        groups: [{name: only}]
        afterGates: [{displayName: Run health checks, type: Approval}]
    runs: [{name: run-1, kubernetesVersion: 1.34.2}]
"""


async def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so; fails with ``what`` if it does not become so."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


async def gatekeeper(*arguments: str | Path) -> Ended:
    """Run a command of the command line to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gatekeeper",
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    return Ended(await process.wait(), out.decode(), err.decode())


class Daemon:
    """A running daemon, with all that it has logged."""

    def __init__(self, process: DaemonProcess, events: list[dict[str, Any]]) -> None:
        self.process = process
        self.events = events

    def of(self, name: str, **fields: object) -> list[dict[str, Any]]:
        """The events of a name with these fields."""
        return [
            event
            for event in self.events
            if event.get("event") == name and all(event.get(key) == value for key, value in fields.items())
        ]

    async def said(self, name: str, **fields: object) -> dict[str, Any]:
        """Wait for an event, and return the first of its kind."""
        await eventually(lambda: self.of(name, **fields), f"{name} {fields} in {[e.get('event') for e in self.events]}")
        return self.of(name, **fields)[0]

    async def metrics(self) -> dict[str, float]:
        """Its metrics as they are now, by name and labels."""
        listening = await self.said("web.listening")
        async with (
            ClientSession() as session,
            session.get(f"http://{listening['host']}:{listening['port']}/metrics") as answer,
        ):
            lines = (await answer.text()).splitlines()
        return {name: float(value) for name, _, value in (each.rpartition(" ") for each in lines) if name[:1] != "#"}

    async def shows(self, condition: Callable[[dict[str, float]], bool], what: str) -> None:
        """Wait until its metrics are so."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not condition(found := await self.metrics()):
            assert asyncio.get_running_loop().time() < deadline, f"{what} in {found}"
            await asyncio.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.process.pid, number)

    async def ended(self) -> int:
        """Wait for its end by itself, and return its exit code."""
        await eventually(lambda: self.process.exit_code is not None, "the end of the daemon")
        return await self.process.stop()


class World:
    """A scenario that has started, and the files for daemons in front of it."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        self.scene = scene
        self.emulator = scene.emulator
        self.folder = folder / "daemon"
        self.folder.mkdir()
        self.settings = write_settings(
            self.folder, scene.emulator.arm_url, scene.fleets.values(), TOKEN, policies=POLICIES
        )
        self.errors: list[str] = []
        """What daemons wrote to standard error."""

    def add_settings(self, text: str) -> None:
        """Add lines to the settings."""
        self.settings.write_text(self.settings.read_text() + text)

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Daemon]:
        """A daemon that is stopped in the end, if it still runs."""
        events: list[dict[str, Any]] = []
        process = await DaemonProcess.start(self.settings, lambda event: events.append(dict(event)), self.errors.append)
        try:
            yield Daemon(process, events)
        finally:
            await process.stop()

    async def gate(self, group: str | None = None, fleet: str = "prod") -> str:
        """Wait until a gate of this group (None: of a stage) has appeared, and return its name."""

        def found() -> list[str]:
            return [
                str(gate["name"])
                for gate in self.scene.fleets[fleet].gates()
                if gate["properties"]["target"]["updateRunProperties"].get("group") == group
            ]

        await eventually(found, f"a gate of {group}")
        return found()[0]

    def state(self, gate: str, fleet: str = "prod") -> str:
        """The state of a gate."""
        return str(self.scene.fleets[fleet].gate(gate)["properties"]["state"])

    def patches(self, gate: str = "") -> int:
        """How many PATCH requests there were, for one gate or for all."""
        return self.emulator.arm.journal.count("PATCH", gate or ".*")

    def sweeps(self) -> int:
        """How often the gates of a fleet were listed."""
        return self.emulator.arm.journal.count("GET", "/gates$")

    async def more_sweeps(self, count: int) -> None:
        """Wait until so many more sweeps have begun."""
        before = self.sweeps()
        await eventually(lambda: self.sweeps() >= before + count, f"{count} more sweeps")


@asynccontextmanager
async def world(folder: Path, scenario: str) -> AsyncIterator[World]:
    """Start a scenario."""
    file = folder / "scenario.yaml"
    file.write_text(scenario)
    scene = Scene(load_scenario(file), token=TOKEN)
    async with scene.emulator:
        scene.start()
        yield World(folder, scene)
