"""Gates over ARM: read them, list the Pending ones, approve one."""

from __future__ import annotations

from datetime import datetime

from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call
from gatekeeper.emulator.fleet.api.base import Part, properties
from gatekeeper.emulator.fleet.states import State


class GateApi(Part):
    """The gates of a fleet."""

    def get_gate(self, call: Call) -> Answer:
        """GET a gate."""
        return Answer(200, self._fleet(call).gate(call.params["name"]))

    def list_gates(self, call: Call) -> Answer:
        """GET the gates that runs have reached, with `$filter`."""
        return self._page(self._fleet(call).gates(), call)

    def patch_gate(self, call: Call) -> Answer:
        """PATCH a gate: approve it, at once or by an operation."""
        fleet, name = self._fleet(call), call.params["name"]
        record, gate = fleet.runs.gate(name)
        self._guard(call, fleet.gate(name))
        state = properties(call).get("state")
        if state != "Completed":
            raise ArmError(
                400, "InvalidParameter", f"The gate state can be changed to 'Completed' only, not '{state}'."
            )
        if gate.status.state is not State.PENDING:
            if self._world.behaviour.approve_again == 200:
                return Answer(200, fleet.gate(name))
            raise ArmError(409, "Conflict", f"The gate '{name}' is {gate.status.state} and cannot be completed.")

        def complete(at: datetime) -> None:
            fleet.runs.complete_gate(record, gate, at)

        now = self._world.clock.now()
        if self._world.behaviour.approve_status == 200:
            complete(now)
            return Answer(200, fleet.gate(name))
        scope = (fleet.subscription, fleet.location)
        guid = self._world.guids.new()
        operation = self._world.operations.begin(guid, scope, now, complete, lambda: fleet.gate(name))
        return Answer(202, fleet.gate(name), self._world.operations.headers(operation, call))
