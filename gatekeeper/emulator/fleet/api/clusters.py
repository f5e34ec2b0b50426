"""Managed clusters, their credentials, and long-running operations over ARM."""

from __future__ import annotations

from gatekeeper.emulator.fleet.answers import Answer, Call
from gatekeeper.emulator.fleet.api.base import Part
from gatekeeper.emulator.fleet.clusters import show
from gatekeeper.emulator.fleet.ids import cluster_id


class ClusterApi(Part):
    """What stands beside the fleets in a subscription."""

    def get_cluster(self, call: Call) -> Answer:
        """GET a managed cluster."""
        return Answer(200, show(self._world.clusters.find(_cluster(call))))

    def list_credentials(self, call: Call) -> Answer:
        """POST listClusterUserCredential."""
        throttled = self._world.behaviour.credential_throttle
        return self._world.clusters.credentials(_cluster(call), self._world.clock.now(), throttled=throttled)

    def get_operation(self, call: Call) -> Answer:
        """GET the Azure-AsyncOperation address of an operation."""
        return self._world.operations.status(call, self._world.clock.now())

    def get_operation_result(self, call: Call) -> Answer:
        """GET the Location address of an operation."""
        return self._world.operations.result(call, self._world.clock.now())


def _cluster(call: Call) -> str:
    return cluster_id(call.params["subscription"], call.params["group"], call.params["name"])
