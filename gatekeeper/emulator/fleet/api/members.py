"""Fleets, members and update strategies over ARM."""

from __future__ import annotations

from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call
from gatekeeper.emulator.fleet.api.base import Part, properties
from gatekeeper.emulator.fleet.resources import Member


class MemberApi(Part):
    """The standing parts of a fleet."""

    def get_fleet(self, call: Call) -> Answer:
        """GET a fleet."""
        return Answer(200, self._fleet(call).show())

    def list_fleets(self, call: Call) -> Answer:
        """GET the fleets of a resource group or of a subscription."""
        found = self._fleets.within(call.params["subscription"], call.params.get("group"))
        return self._page([fleet.show() for fleet in found], call)

    def get_member(self, call: Call) -> Answer:
        """GET a member."""
        return Answer(200, self._fleet(call).show_member(call.params["name"]))

    def list_members(self, call: Call) -> Answer:
        """GET all members."""
        fleet = self._fleet(call)
        return self._page([fleet.show_member(name) for name in list(fleet.members)], call)

    def put_member(self, call: Call) -> Answer:
        """PUT a member: it is Joining until its operation is done."""
        fleet, name = self._fleet(call), call.params["name"]
        wanted = properties(call)
        known = name.lower() in fleet.members
        if known:
            self._guard(call, fleet.show_member(name))
        if not wanted.get("clusterResourceId"):
            raise ArmError(400, "InvalidParameter", "properties.clusterResourceId is required.")
        member = fleet.put_member(
            name,
            group=wanted.get("group"),
            labels=wanted.get("labels"),
            cluster_resource_id=wanted["clusterResourceId"],
        )
        member.provisioning_state = "Updating" if known else "Joining"
        operation = self._world.operations.begin(
            member.operation,
            (fleet.subscription, fleet.location),
            self._world.clock.now(),
            effect=lambda _at: _joined(member),
            resource=lambda: fleet.show_member(name),
        )
        headers = self._world.operations.headers(operation, call)
        headers.pop("Location", None)  # a PUT names one address only (recorded)
        return Answer(200 if known else 201, fleet.show_member(name), headers)

    def delete_member(self, call: Call) -> Answer:
        """DELETE a member; 204 if there is none."""
        fleet = self._fleet(call)
        return Answer(200 if fleet.members.pop(call.params["name"].lower(), None) else 204)

    def get_strategy(self, call: Call) -> Answer:
        """GET an update strategy."""
        return Answer(200, self._fleet(call).show_strategy(call.params["name"]))

    def list_strategies(self, call: Call) -> Answer:
        """GET all update strategies."""
        fleet = self._fleet(call)
        return self._page([fleet.show_strategy(name) for name in fleet.strategies], call)

    def put_strategy(self, call: Call) -> Answer:
        """PUT an update strategy."""
        fleet, name = self._fleet(call), call.params["name"]
        known = name.lower() in fleet.strategies
        if known:
            self._guard(call, fleet.show_strategy(name))
        fleet.put_strategy(name, properties(call).get("strategy") or {})
        return Answer(200 if known else 201, fleet.show_strategy(name))

    def delete_strategy(self, call: Call) -> Answer:
        """DELETE an update strategy; runs made from it keep their snapshot."""
        fleet = self._fleet(call)
        return Answer(200 if fleet.strategies.pop(call.params["name"].lower(), None) else 204)


def _joined(member: Member) -> None:
    member.provisioning_state = "Succeeded"
