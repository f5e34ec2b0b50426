"""Azure Kubernetes Fleet Manager as its clients see it: ARM over HTTP, and update runs that move by a clock.

It refuses to guess in silence: where the real service is unknown, `Behaviour` has a switch.
"""

from __future__ import annotations

from gatekeeper.emulator.fleet.behaviour import Behaviour
from gatekeeper.emulator.fleet.emulator import FleetEmulator
from gatekeeper.emulator.fleet.faults import Fault
from gatekeeper.emulator.fleet.fleet import Fleet
from gatekeeper.emulator.fleet.resources import MemberRef, Target
from gatekeeper.emulator.fleet.world import Hooks

__all__ = ["Behaviour", "Fault", "Fleet", "FleetEmulator", "Hooks", "MemberRef", "Target"]
