"""The addresses of the emulated ARM; its paths are matched in any case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call
from gatekeeper.emulator.fleet.api.around import AroundApi
from gatekeeper.emulator.fleet.api.clusters import ClusterApi
from gatekeeper.emulator.fleet.api.gates import GateApi
from gatekeeper.emulator.fleet.api.members import MemberApi
from gatekeeper.emulator.fleet.api.runs import RunApi
from gatekeeper.emulator.fleet.fleets import Fleets
from gatekeeper.emulator.fleet.ids import PROVIDER
from gatekeeper.emulator.fleet.world import World

Handler = Callable[[Call], Answer]

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
_FLEETS = f"{_GROUP}/providers/{PROVIDER}/fleets"
_FLEET = f"{_FLEETS}/{{fleet}}"
_CLUSTER = f"{_GROUP}/providers/{PROVIDER}/managedClusters/{{name}}"
_LOCATION = f"{_SUBSCRIPTION}/providers/{PROVIDER}/locations/{{location}}"


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path with names in braces, and who answers."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


class Router:
    """Finds who answers a request."""

    def __init__(self, world: World, fleets: Fleets) -> None:
        self._routes = [*_routes(world, fleets), *_around(world, fleets)]

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """Return the handler and the names found in the path; raises ArmError 404 and 405."""
        allowed = []
        for route in self._routes:
            if match := route.pattern.fullmatch(path):
                if route.method == method:
                    return route.handler, match.groupdict()
                allowed.append(route.method)
        if allowed:
            text = f"The request method '{method}' is not allowed; {', '.join(allowed)} is."
            raise ArmError(405, "MethodNotAllowed", text, {"Allow": ", ".join(allowed)})
        raise ArmError(404, "InvalidResourceType", f"No resource is known at '{path}'.")


def _routes(world: World, fleets: Fleets) -> Iterator[Route]:
    members, runs = MemberApi(world, fleets), RunApi(world, fleets)
    gates, clusters = GateApi(world, fleets), ClusterApi(world, fleets)
    yield _route("GET", f"{_SUBSCRIPTION}/providers/{PROVIDER}/fleets", members.list_fleets)
    yield _route("GET", _FLEETS, members.list_fleets)
    yield _route("GET", _FLEET, members.get_fleet)
    yield from _resource("members", members.list_members, members.get_member, members.put_member, members.delete_member)
    yield from _resource(
        "updateStrategies", members.list_strategies, members.get_strategy, members.put_strategy, members.delete_strategy
    )
    yield from _resource("updateRuns", runs.list, runs.get, runs.put, runs.delete)
    for action in (runs.start, runs.stop, runs.skip):
        yield _route("POST", f"{_FLEET}/updateRuns/{{name}}/{action.__name__}", action)
    yield _route("GET", f"{_FLEET}/gates", gates.list_gates)
    yield _route("GET", f"{_FLEET}/gates/{{name}}", gates.get_gate)
    yield _route("PATCH", f"{_FLEET}/gates/{{name}}", gates.patch_gate)
    yield _route("GET", _CLUSTER, clusters.get_cluster)
    yield _route("POST", f"{_CLUSTER}/listClusterUserCredential", clusters.list_credentials)
    yield _route("GET", f"{_LOCATION}/operations/{{operation}}", clusters.get_operation)
    yield _route("GET", f"{_LOCATION}/operationResults/{{operation}}", clusters.get_operation_result)


def _around(world: World, fleets: Fleets) -> Iterator[Route]:
    around = AroundApi(world, fleets)
    network = f"{_GROUP}/providers/Microsoft.Network/virtualNetworks/{{name}}"
    yield _route("GET", f"{_CLUSTER}/upgradeProfiles/default", around.get_upgrade_profile)
    yield _route("GET", f"{_CLUSTER}/maintenanceConfigurations", around.list_maintenance)
    yield _route(
        "GET", f"{_CLUSTER}/providers/Microsoft.ResourceHealth/availabilityStatuses/current", around.get_availability
    )
    yield _route("GET", f"{_LOCATION}/kubernetesVersions", around.list_versions)
    yield _route(
        "GET", f"{_SUBSCRIPTION}/providers/Microsoft.Compute/locations/{{location}}/usages", around.list_usages
    )
    yield _route("GET", f"{_SUBSCRIPTION}/providers/Microsoft.Compute/skus", around.list_skus)
    yield _route("GET", f"{network}/usages", around.list_network_usages)
    yield _route("GET", f"{_SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts", around.list_alerts)


def _resource(kind: str, listing: Handler, get: Handler, put: Handler, delete: Handler) -> Iterator[Route]:
    yield _route("GET", f"{_FLEET}/{kind}", listing)
    for method, handler in (("GET", get), ("PUT", put), ("DELETE", delete)):
        yield _route(method, f"{_FLEET}/{kind}/{{name}}", handler)


def _route(method: str, path: str, handler: Handler) -> Route:
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return Route(method, re.compile(pattern, re.IGNORECASE), handler)
