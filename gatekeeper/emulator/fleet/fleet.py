"""One fleet: its members, strategies and runs, as a scenario or the HTTP side changes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gatekeeper.emulator.fleet import render, strategy
from gatekeeper.emulator.fleet.answers import ArmError, not_found
from gatekeeper.emulator.fleet.ids import PROVIDER, cluster_id, fleet_id, operation_id
from gatekeeper.emulator.fleet.resources import Cluster, Member, MemberRef, RunRecord, Strategy
from gatekeeper.emulator.fleet.runs import Runs
from gatekeeper.emulator.fleet.world import World

Body = dict[str, Any]


class Fleet:
    """A fleet resource and all that is below it; names are found in any case, as ARM does."""

    def __init__(self, world: World, scope: tuple[str, str], name: str, location: str) -> None:
        self.subscription, self.resource_group = scope
        self.name = name
        self.location = location
        self.id = fleet_id(*scope, name)
        self.members: dict[str, Member] = {}
        self.strategies: dict[str, Strategy] = {}
        self._world = world
        self._created = world.clock.now()
        self._operation = world.guids.new()
        self.runs = Runs(world, self.id, self.members)

    def show(self) -> Body:
        """Return the fleet as ARM shows it."""
        body = {
            "id": self.id,
            "identity": {"type": "None"},
            "location": self.location,
            "name": self.name,
            "properties": {"provisioningState": "Succeeded", "status": {"lastOperationId": self._operation}},
            "systemData": render.system_data(self._created, self._created),
            "type": f"{PROVIDER}/fleets",
        }
        return self._world.etags.stamp(body)

    def put_member(
        self,
        name: str,
        *,
        group: str | None = None,
        labels: Mapping[str, str] | None = None,
        cluster_resource_id: str | None = None,
        seconds: float | None = None,
    ) -> Member:
        """Add or change a member; without a cluster id its cluster stands in the fleet's own resource group.

        `seconds` is how long its updates take, in the emulator's time.
        """
        now = self._world.clock.now()
        known = self.members.get(name.lower())
        cluster = cluster_resource_id or cluster_id(self.subscription, self.resource_group, name)
        ref = MemberRef(self.id, name, cluster)
        own = {"cluster-name": cluster.rsplit("/", 1)[-1], "location": self.location, "member-name": name}
        own |= {"resource-group": cluster.split("/")[4], "subscription-id": cluster.split("/")[2]}
        member = Member(
            ref=ref,
            group=group,
            labels={f"fleet.azure.com/{key}": value for key, value in own.items()} | dict(labels or {}),
            created=known.created if known else now,
            modified=now,
            operation=self._world.guids.new(),
            seconds=known.seconds if known and seconds is None else seconds,
            failures=known.failures if known else [],
        )
        self.members[name.lower()] = member
        self._world.clusters.put(Cluster(cluster, self.location), ref)
        return member

    def fail_member(self, name: str, message: str, *, tolerated: bool = False) -> None:
        """Let the next update of a member fail; `tolerated` lets its group go on and be Completed."""
        self.member(name).failures.append((message, tolerated))

    def put_strategy(self, name: str, body: Mapping[str, Any]) -> Strategy:
        """Add or change a strategy, `{"stages": [...]}`; raises ArmError 400 for what the service refuses."""
        _checked(body)
        now = self._world.clock.now()
        known = self.strategies.get(name.lower())
        self.strategies[name.lower()] = Strategy(name, dict(body), known.created if known else now, now)
        return self.strategies[name.lower()]

    def create_run(self, name: str, properties: Mapping[str, Any]) -> RunRecord:
        """Create a run from ARM's `properties`, or change one that was not started yet; raises ArmError 400 and 409."""
        upgrade = (properties.get("managedClusterUpdate") or {}).get("upgrade") or {}
        if not upgrade.get("type"):
            raise ArmError(400, "InvalidParameter", "properties.managedClusterUpdate.upgrade.type is required.")
        return self.runs.create(name, properties, self._strategy_of(properties))

    def advance(self) -> None:
        """Let everything happen that is due by now."""
        self.runs.advance(self._world.clock.now())

    def approve(self, gate: str) -> None:
        """Complete a gate from the scenario's side, as a person would."""
        self.advance()
        record, found = self.runs.gate(gate)
        self.runs.complete_gate(record, found, self._world.clock.now())

    def gates(self) -> list[Body]:
        """Return all gate resources, in the order in which the runs reached them."""
        self.advance()
        reached = [(record, gate) for record in self.runs.all() for gate in record.run.gates() if gate.name]
        reached.sort(key=lambda pair: pair[1].created or datetime.max.replace(tzinfo=self._created.tzinfo))
        return [self._world.etags.stamp(render.gate(self.id, record.run.name, gate)) for record, gate in reached]

    def gate(self, name: str) -> Body:
        """Return one gate resource; raises ArmError 404."""
        self.advance()
        record, found = self.runs.gate(name)
        return self._world.etags.stamp(render.gate(self.id, record.run.name, found))

    def run(self, name: str) -> Body:
        """Return one run as ARM shows it; raises ArmError 404."""
        self.advance()
        operations = operation_id(self.subscription, self.location, "").rstrip("/")
        view = render.View(self.id, operations, gate_times=self._world.behaviour.gate_start_times)
        return self._world.etags.stamp(render.run(view, self.runs.find(name)))

    def member(self, name: str) -> Member:
        """Return a member; raises ArmError 404."""
        found = self.members.get(name.lower())
        if found is None:
            raise not_found("fleets", f"{self.name}/members/{name}", self.resource_group)
        return found

    def show_member(self, name: str) -> Body:
        """Return one member as ARM shows it; raises ArmError 404."""
        return self._world.etags.stamp(render.member(self.id, self.member(name)))

    def show_strategy(self, name: str) -> Body:
        """Return one strategy as ARM shows it; raises ArmError 404."""
        found = self.strategies.get(name.lower())
        if found is None:
            raise not_found("fleets", f"{self.name}/updateStrategies/{name}", self.resource_group)
        return self._world.etags.stamp(render.strategy(self.id, found))

    def _strategy_of(self, properties: Mapping[str, Any]) -> dict[str, Any] | None:
        inline, named = properties.get("strategy"), properties.get("updateStrategyId")
        if inline and named:
            raise ArmError(400, "InvalidParameter", "Only one of strategy and updateStrategyId may be set.")
        if named:
            found = self.strategies.get(named.rsplit("/", 1)[-1].lower())
            if found is None or not named.lower().startswith(self.id.lower() + "/"):
                raise ArmError(400, "InvalidParameter", f"The update strategy '{named}' was not found.")
            return found.body
        if inline:
            _checked(inline)
            return dict(inline)
        return None


def _checked(body: Mapping[str, Any]) -> None:
    try:
        strategy.check(body)
    except strategy.StrategyError as error:
        raise ArmError(400, "InvalidParameter", f"{error}.") from error
