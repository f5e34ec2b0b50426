"""Update runs over ARM: create, read, start, stop, skip, delete."""

from __future__ import annotations

from collections.abc import Callable

from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call
from gatekeeper.emulator.fleet.api.base import Part, properties
from gatekeeper.emulator.fleet.fleet import Fleet


class RunApi(Part):
    """The update runs of a fleet."""

    def get(self, call: Call) -> Answer:
        """GET a run."""
        return Answer(200, self._fleet(call).run(call.params["name"]))

    def list(self, call: Call) -> Answer:
        """GET all runs."""
        fleet = self._fleet(call)
        return self._page([fleet.run(record.run.name) for record in fleet.runs.all()], call)

    def put(self, call: Call) -> Answer:
        """PUT a run; one that was not started yet may be changed."""
        fleet, name = self._fleet(call), call.params["name"]
        known = any(record.run.name.lower() == name.lower() for record in fleet.runs.all())
        if known:
            self._guard(call, fleet.run(name))
        fleet.create_run(name, properties(call))
        return Answer(200 if known else 201, fleet.run(name))

    def delete(self, call: Call) -> Answer:
        """DELETE a run and its gates; 204 if there is none."""
        fleet, name = self._fleet(call), call.params["name"]
        if all(record.run.name.lower() != name.lower() for record in fleet.runs.all()):
            return Answer(204)
        self._guard(call, fleet.run(name))
        fleet.runs.delete(name)
        return Answer(200)

    def start(self, call: Call) -> Answer:
        """POST start; the answer shows the run as it was before (recorded)."""
        fleet, name = self._fleet(call), call.params["name"]
        before = fleet.run(name)
        self._guard(call, before)
        fleet.runs.start(name)
        return Answer(200, before)

    def stop(self, call: Call) -> Answer:
        """POST stop."""
        return self._command(call, lambda fleet, name: fleet.runs.stop(name))

    def skip(self, call: Call) -> Answer:
        """POST skip, with `targets` of a type and a name."""
        targets = call.body.get("targets") if isinstance(call.body, dict) else None
        if not targets:
            raise ArmError(400, "InvalidParameter", "targets must name what to skip.")
        pairs = [(target.get("type", ""), target.get("name", "")) for target in targets]
        return self._command(call, lambda fleet, name: fleet.runs.skip(name, *pairs))

    def _command(self, call: Call, command: Callable[[Fleet, str], None]) -> Answer:
        fleet, name = self._fleet(call), call.params["name"]
        self._guard(call, fleet.run(name))
        command(fleet, name)
        return Answer(200, fleet.run(name))
