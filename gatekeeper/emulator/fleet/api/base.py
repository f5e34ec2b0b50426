"""What all parts of the emulated ARM need: find the fleet of a call, check If-Match, cut a list into pages."""

from __future__ import annotations

from typing import Any

from gatekeeper.emulator.fleet import paging
from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call, not_found
from gatekeeper.emulator.fleet.fleet import Fleet
from gatekeeper.emulator.fleet.fleets import Fleets
from gatekeeper.emulator.fleet.world import World

Body = dict[str, Any]


class Part:
    """One kind of resource; each public method takes a call and returns an answer or raises ArmError."""

    def __init__(self, world: World, fleets: Fleets) -> None:
        self._world = world
        self._fleets = fleets

    def _fleet(self, call: Call) -> Fleet:
        found = self._fleets.find(call.params["subscription"], call.params["group"], call.params["fleet"])
        if found is None:
            raise not_found("fleets", call.params["fleet"], call.params["group"])
        return found

    def _guard(self, call: Call, shown: Body) -> None:
        wanted = call.if_match
        if self._world.behaviour.enforce_if_match and wanted not in (None, "*", shown["eTag"]):
            text = f"The etag {wanted} does not match the current etag {shown['eTag']}."
            raise ArmError(412, "PreconditionFailed", text)

    def _page(self, bodies: list[Body], call: Call) -> Answer:
        return paging.page(bodies, call, self._world.behaviour.page_size)


def properties(call: Call) -> Body:
    """Return the `properties` of a call's body; raises ArmError 400 when there are none."""
    found = call.body.get("properties") if isinstance(call.body, dict) else None
    if not isinstance(found, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content was invalid: it has no 'properties'.")
    return found
