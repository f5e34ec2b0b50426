"""The emulator's own addresses, `/_emulator/...`: clock, faults, behaviour, state and the requests received."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from gatekeeper.emulator.fleet.behaviour import Behaviour
from gatekeeper.emulator.fleet.faults import Fault, Faults
from gatekeeper.emulator.fleet.fleets import Fleets
from gatekeeper.emulator.fleet.ids import timestamp
from gatekeeper.emulator.fleet.journal import Entry, Journal
from gatekeeper.emulator.fleet.world import World

PREFIX = "/_emulator"


class Admin:
    """What a test in another process may see and change; there is no authentication, it is loopback."""

    def __init__(self, world: World, fleets: Fleets, faults: Faults, journal: Journal) -> None:
        self._world = world
        self._fleets = fleets
        self._faults = faults
        self._journal = journal

    def add_routes(self, app: web.Application, tick: Callable[[], None]) -> None:
        """Add the addresses; `tick` is called after the clock was moved."""

        async def advance(request: web.Request) -> web.Response:
            try:
                self._world.clock.advance(float((await request.json())["advance"]))
            except (ValueError, TypeError, KeyError) as error:
                raise web.HTTPBadRequest(text=f'expected {{"advance": seconds}}: {error}') from error
            tick()
            return await self.clock(request)

        app.router.add_get(f"{PREFIX}/clock", self.clock)
        app.router.add_post(f"{PREFIX}/clock", advance)
        app.router.add_get(f"{PREFIX}/faults", self.faults)
        app.router.add_post(f"{PREFIX}/faults", self.add_fault)
        app.router.add_delete(f"{PREFIX}/faults", self.clear_faults)
        app.router.add_get(f"{PREFIX}/behaviour", self.behaviour)
        app.router.add_patch(f"{PREFIX}/behaviour", self.change_behaviour)
        app.router.add_get(f"{PREFIX}/documents", self.documents)
        app.router.add_put(f"{PREFIX}/documents", self.put_document)
        app.router.add_delete(f"{PREFIX}/documents", self.clear_documents)
        app.router.add_post(f"{PREFIX}/alerts", self.fire_alert)
        app.router.add_get(f"{PREFIX}/state", self.state)
        app.router.add_get(f"{PREFIX}/requests", self.requests)
        app.router.add_delete(f"{PREFIX}/requests", self.clear_requests)

    async def clock(self, _: web.Request) -> web.Response:
        """GET: the emulator's time; POST `{"advance": seconds}` moves it."""
        return web.json_response({"now": timestamp(self._world.clock.now())})

    async def faults(self, _: web.Request) -> web.Response:
        """GET: the rules in force, with what is left of their `times`."""
        return web.json_response([asdict(fault) for fault in self._faults.rules])

    async def add_fault(self, request: web.Request) -> web.Response:
        """POST: add one rule, with the fields of `Fault`."""
        try:
            self._faults.add(Fault(**await request.json()))
        except (TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return await self.faults(request)

    async def clear_faults(self, _: web.Request) -> web.Response:
        """DELETE: remove all rules."""
        self._faults.clear()
        return web.json_response([])

    async def behaviour(self, _: web.Request) -> web.Response:
        """GET: the switches."""
        return web.json_response(_shown(self._world.behaviour))

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """PATCH: change some switches, with the fields of `Behaviour`."""
        changes: dict[str, Any] = await request.json()
        if changes.get("accepted_tokens") is not None:
            changes["accepted_tokens"] = frozenset(changes["accepted_tokens"])
        try:
            replace(self._world.behaviour, **changes)
        except TypeError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        for name, value in changes.items():
            setattr(self._world.behaviour, name, value)
        return web.json_response(_shown(self._world.behaviour))

    async def documents(self, _: web.Request) -> web.Response:
        """GET: what was laid over which ARM path."""
        return web.json_response(self._world.documents.all())

    async def put_document(self, request: web.Request) -> web.Response:
        """PUT `{"path": ..., "document": {...}}`: lay a document over the answer of an ARM path."""
        try:
            wanted = await request.json()
            self._world.documents.put(wanted["path"], wanted["document"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise web.HTTPBadRequest(text=f'expected {{"path": ..., "document": {{...}}}}: {error}') from error
        return await self.documents(request)

    async def clear_documents(self, request: web.Request) -> web.Response:
        """DELETE: take them off again, all with the alerts, or those of `?path=`."""
        self._world.documents.clear(request.query.get("path"))
        return await self.documents(request)

    async def fire_alert(self, request: web.Request) -> web.Response:
        """POST `{"target": resource id, "name": ..., ...}`: let an alert fire; what follows are its essentials."""
        try:
            return web.json_response(self._world.documents.fire(**await request.json()))
        except (ValueError, TypeError, AttributeError) as error:
            raise web.HTTPBadRequest(text=f'expected {{"target": ..., "name": ...}}: {error}') from error

    async def state(self, _: web.Request) -> web.Response:
        """GET: every fleet with its members, runs and gates, as ARM would show them."""
        return web.json_response(
            [
                {
                    "fleet": fleet.show(),
                    "members": [fleet.show_member(name) for name in fleet.members],
                    "runs": [fleet.run(record.run.name) for record in fleet.runs.all()],
                    "gates": fleet.gates(),
                }
                for fleet in self._fleets.all()
            ]
        )

    async def requests(self, request: web.Request) -> web.Response:
        """GET: the requests received, and their number; `?method=PATCH&path=regex` narrows it."""
        try:
            found = self._journal.of(request.query.get("method", "*"), request.query.get("path", ".*"))
        except re.error as error:
            raise web.HTTPBadRequest(text=f"path is no regular expression: {error}") from error
        return web.json_response({"count": len(found), "requests": [_entry(each) for each in found]})

    async def clear_requests(self, _: web.Request) -> web.Response:
        """DELETE: forget the requests."""
        self._journal.clear()
        return web.json_response({"count": 0, "requests": []})


def _shown(behaviour: Behaviour) -> dict[str, Any]:
    tokens = behaviour.accepted_tokens
    return {**asdict(behaviour), "accepted_tokens": None if tokens is None else sorted(tokens)}


def _entry(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "at": timestamp(entry.at)}
