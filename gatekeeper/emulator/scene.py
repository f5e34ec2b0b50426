"""Sets a scenario up: builds its emulator, starts its runs, lets clusters fall sick in time, and heals them."""

from __future__ import annotations

from gatekeeper.emulator.clock import Clock
from gatekeeper.emulator.fleet import Behaviour, Fleet, Hooks, MemberRef, Target
from gatekeeper.emulator.kube import KubeCluster, Pool, aks_cluster
from gatekeeper.emulator.scenario import FleetSpec, MemberSpec, Scenario, Sickness
from gatekeeper.emulator.server import Emulator

_FOR_GOOD = "scenario"


class Scene:
    """A scenario on its emulator; enter ``emulator`` as an async context manager, then ``start`` the runs.

    Args:
        scenario: what is to be played.
        clock: see Emulator.
        token: see Emulator.
    """

    def __init__(self, scenario: Scenario, *, clock: Clock | None = None, token: str | None = None) -> None:
        self.scenario = scenario
        self.sick: dict[str, Sickness] = {}
        """Who is sick right now, and of what."""
        behaviour = Behaviour(
            member_seconds=scenario.update_takes.total_seconds(), node_image=scenario.latest_node_image
        )
        self.emulator = Emulator(clock, behaviour=behaviour, token=token)
        self.emulator.hooks = Hooks(on_member_completed=self._on_completed)
        self.fleets: dict[str, Fleet] = {spec.name: self._put_fleet(spec) for spec in scenario.fleets}
        """The fleets by their names."""
        for said in scenario.azure:
            self.emulator.arm.documents.put(f"{self._resource_id(said.member)}{said.path}", said.document)

    def start(self) -> None:
        """Make the clusters sick that are so from the start, and start all runs."""
        for sickness in self.scenario.sick:
            if sickness.after == "start":
                self.infect(sickness)
        for spec in self.scenario.fleets:
            fleet = self.fleets[spec.name]
            for run in spec.runs:
                strategy_id = f"{fleet.id}/updateStrategies/{spec.name}"
                fleet.create_run(run.name, {**run.properties, "updateStrategyId": strategy_id})
                fleet.runs.start(run.name)

    def infect(self, sickness: Sickness) -> None:
        """Make a member sick."""
        self.emulator.cluster(sickness.member).set_overlay(sickness.what, sickness.apply)
        self.sick[sickness.member] = sickness

    def heal(self, member: str) -> None:
        """Take a member's sickness off; one that is not sick stays as it is."""
        sickness = self.sick.pop(member, None)
        if sickness is not None:
            self.emulator.cluster(member).clear_overlay(sickness.what)

    def _resource_id(self, member: str | None) -> str:
        fleets = self.fleets.values()
        found = [fleet.member(member) for fleet in fleets if member is not None and member.lower() in fleet.members]
        return found[0].ref.cluster_resource_id if found else ""

    def _put_fleet(self, spec: FleetSpec) -> Fleet:
        fleet = self.emulator.arm.put_fleet(spec.subscription_id, spec.resource_group, spec.name)
        for member in spec.members:
            seconds = member.update_takes.total_seconds() if member.update_takes is not None else None
            self.emulator.add_member(
                fleet, self._cluster(member), group=member.group, labels=member.labels, seconds=seconds
            )
            if member.update_fails is not None:
                fleet.fail_member(member.name, member.update_fails)
        fleet.put_strategy(spec.name, {"stages": list(spec.stages)})
        return fleet

    def _cluster(self, spec: MemberSpec) -> KubeCluster:
        modes = {name: "system" if name.startswith("system") else "user" for name in spec.pools}
        cluster = aks_cluster(
            spec.name,
            spec.version,
            pools={name: Pool(count, modes[name]) for name, count in spec.pools.items()},
            node_image=spec.node_image,
            extra_pods=spec.extra_pods,
            clock=self.emulator.clock.now,
        )
        if spec.manifests:
            cluster.set_overlay(_FOR_GOOD, spec.manifests)
        return cluster

    def _on_completed(self, member: MemberRef, _target: Target) -> None:
        for sickness in self.scenario.sick:
            if sickness.member == member.name and sickness.after == "update":
                self.infect(sickness)
