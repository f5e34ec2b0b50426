"""``gatekeeper demo``: a whole update run on this machine, with an emulated fleet and the very same daemon.

The emulator lives in this process and the daemon in another; between them is real HTTP on loopback.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from shutil import rmtree

from rich.console import Console

from gatekeeper.emulator.demo_daemon import DaemonProcess
from gatekeeper.emulator.demo_end import closing, failure
from gatekeeper.emulator.demo_files import SCENARIO, write_settings
from gatekeeper.emulator.demo_log import Screen, line, make_console, open_screen
from gatekeeper.emulator.demo_story import Note, Story, document
from gatekeeper.emulator.scenario import load_scenario
from gatekeeper.emulator.scene import Scene

_LIMIT = 100.0
"""Seconds after which the demo gives up; it takes about forty."""
_STEP = 0.15
"""Seconds between two looks at the fleet."""


def run_demo(*, as_json: bool, keep: bool) -> int:
    """Play the demo; return its exit code: 0 if the run completed and the daemon ended cleanly, else 1.

    Args:
        as_json: show nothing, and print one JSON document at the end.
        keep: leave the settings, the policies and the daemon's database where they are, and say where.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatekeeper-demo-"))
    try:
        return asyncio.run(_until_told(folder, as_json=as_json))
    finally:
        if keep:
            make_console(to_stderr=True).print(f"The demo's files are in {folder}", style="dim")
        else:
            rmtree(folder, ignore_errors=True)


async def _until_told(folder: Path, *, as_json: bool) -> int:
    """Play until the end, or until Ctrl-C or SIGTERM."""
    play = asyncio.ensure_future(_play(folder, as_json=as_json))
    told: list[int] = []

    def stop(number: int) -> None:
        told.append(number)
        play.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    await asyncio.wait({play})
    return 128 + told[0] if play.cancelled() else play.result()


async def _play(folder: Path, *, as_json: bool) -> int:
    console = make_console(to_stderr=as_json)
    demo = _Demo(Story(), Scene(load_scenario(SCENARIO), token=token_urlsafe()), console)
    async with demo.scene.emulator:
        demo.scene.start()
        async with _daemon(demo, folder) as daemon:
            with open_screen(console, silent=as_json) as screen:
                why = await demo.follow(daemon, screen)
                code = await daemon.stop()
                screen.show(demo.story, demo.scene.sick)
    fine = why is None and code == 0 and all(gate.approved for gate in demo.story.gates.values())
    if as_json:
        json.dump(document(demo.story, code), sys.stdout, indent=2, default=str)
        sys.stdout.write("\n")
    if not fine:
        failure(console, why or "the run completed, but not as it should have", code, daemon.last_lines)
    elif not as_json:
        closing(console, demo.story, demo.scene.scenario.sick, demo.approvals)
    return 0 if fine else 1


@asynccontextmanager
async def _daemon(demo: _Demo, folder: Path) -> AsyncIterator[DaemonProcess]:
    emulator, fleets = demo.scene.emulator, demo.scene.fleets.values()
    settings = write_settings(folder, emulator.arm_url, fleets, emulator.token or "")
    daemon = await DaemonProcess.start(settings, demo.story.hear, demo.complain)
    try:
        yield daemon
    finally:
        await daemon.stop()


@dataclass(frozen=True, slots=True)
class _Demo:
    """The demo while it runs."""

    story: Story
    scene: Scene
    console: Console

    @property
    def approvals(self) -> int:
        """How many PATCH requests the fleet has received."""
        return self.scene.emulator.arm.journal.count("PATCH")

    def complain(self, text: str) -> None:
        """Show a line that the daemon wrote to standard error."""
        self.console.print(line(Note(self.story.now, f"the daemon, on standard error: {text}", "red")))

    async def follow(self, daemon: DaemonProcess, screen: Screen) -> str | None:
        """Watch until the run has ended; return why it did not complete, or None."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        fleet = next(iter(self.scene.fleets.values()))
        spec = self.scene.scenario.fleets[0].runs[0]
        run, size = spec.name, len(fleet.members)
        self.story.note(f"fleet {fleet.name}, {size} clusters: the run {run} to {spec.kubernetes_version} begins")
        while True:
            self.scene.emulator.tick()
            self.story.look(loop.time() - begin, fleet.run(run), fleet.gates())
            self._heal()
            screen.show(self.story, self.scene.sick)
            if self.story.run_state in ("Completed", "Failed", "Stopped", "Skipped"):
                return None if self.story.run_state == "Completed" else f"the run is {self.story.run_state}"
            if daemon.exit_code is not None:
                return f"the daemon has ended by itself, with exit code {daemon.exit_code}"
            if self.story.now > _LIMIT:
                return f"the run has not completed after {_LIMIT:.0f} s"
            await asyncio.sleep(_STEP)

    def _heal(self) -> None:
        """Heal those whose gate has been held for as long as the scenario says."""
        story = self.story
        for member, sickness in list(self.scene.sick.items()):
            if sickness.what not in story.told:
                story.told.add(sickness.what)
                story.note(f"bad luck: {sickness.what}", "bold red")
            since = story.blamed.get(member)
            patience = sickness.heals_after_held
            if since is not None and patience is not None and story.now - since >= patience.total_seconds():
                self.scene.heal(member)
                story.note(f"{member} is mended", "bold green")
