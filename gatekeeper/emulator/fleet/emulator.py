"""The Fleet emulator as a whole: what a scenario, the demo and the tests hold in their hands."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gatekeeper.emulator.clock import Clock
from gatekeeper.emulator.fleet.admin import Admin
from gatekeeper.emulator.fleet.api.routes import Router
from gatekeeper.emulator.fleet.azure_documents import AzureDocuments
from gatekeeper.emulator.fleet.behaviour import Behaviour
from gatekeeper.emulator.fleet.clusters import Clusters
from gatekeeper.emulator.fleet.door import Door
from gatekeeper.emulator.fleet.faults import Faults
from gatekeeper.emulator.fleet.fleet import Fleet
from gatekeeper.emulator.fleet.fleets import Fleets
from gatekeeper.emulator.fleet.ids import Etags, Guids
from gatekeeper.emulator.fleet.journal import Journal
from gatekeeper.emulator.fleet.operations import Operations
from gatekeeper.emulator.fleet.resources import MemberRef
from gatekeeper.emulator.fleet.world import Hooks, World


class FleetEmulator:
    """Azure Resource Manager with fleets in it, in memory.

    `kubeconfig_of` answers listClusterUserCredential. There is no task in the background: everything that
    is due by the clock happens when somebody asks. The same `seed` gives the same GUIDs.
    """

    def __init__(
        self,
        clock: Clock,
        kubeconfig_of: Callable[[MemberRef], str],
        *,
        behaviour: Behaviour | None = None,
        hooks: Hooks | None = None,
        seed: int = 0,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.hooks = hooks or Hooks()
        self.clusters = Clusters(kubeconfig_of)
        self.fleets = Fleets()
        self.documents = AzureDocuments()
        """What is laid over the answers of ARM paths, e.g. a stopped cluster or a firing alert."""
        self.faults = Faults()
        self.journal = Journal()
        self._operations = Operations(self.behaviour)
        self._clock = clock
        self._world = World(
            clock=clock,
            behaviour=self.behaviour,
            clusters=self.clusters,
            hooks=self.hooks,
            guids=Guids(seed),
            etags=Etags(clock),
            operations=self._operations,
            documents=self.documents,
        )

    def put_fleet(self, subscription_id: str, resource_group: str, name: str, *, location: str = "westus") -> Fleet:
        """Return the fleet of these names, made if it was not there yet."""
        return self.fleets.add(Fleet(self._world, (subscription_id, resource_group), name, location))

    def tick(self) -> None:
        """Let everything happen that is due by the clock; every request does this first."""
        now = self._clock.now()
        for operation in self._operations.due(now):
            for fleet in self.fleets.all():
                fleet.runs.advance(operation.due)
            operation.finish(operation.due)
        for fleet in self.fleets.all():
            fleet.runs.advance(now)

    def add_routes(self, app: web.Application) -> None:
        """Add the addresses of ARM, and the emulator's own below `/_emulator`, to an application."""
        door = Door(self._world, Router(self._world, self.fleets), self.faults, self.journal)

        async def handle(request: web.Request) -> web.StreamResponse:
            self.tick()
            return await door.handle(request)

        # ARM paths are matched in any case.
        app.router.add_route("*", r"/{root:(?i:subscriptions)}/{rest:.*}", handle)
        Admin(self._world, self.fleets, self.faults, self.journal).add_routes(app, self.tick)

    def app(self) -> web.Application:
        """Return an application that serves the emulator alone."""
        app = web.Application()
        self.add_routes(app)
        return app
