"""What stands around managed clusters over ARM: offered versions, quota, sizes, networks, health and alerts."""

from __future__ import annotations

from urllib.parse import urlencode

from gatekeeper.emulator.fleet import azure_documents
from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call
from gatekeeper.emulator.fleet.api.base import Body, Part
from gatekeeper.emulator.fleet.ids import cluster_id

_ALERT_FILTERS = ("severity", "alertState", "monitorCondition", "targetResource", "targetResourceGroup")


class AroundApi(Part):
    """Answers about clusters, regions and subscriptions, under whatever was laid over their paths."""

    def get_upgrade_profile(self, call: Call) -> Answer:
        """GET managedClusters/upgradeProfiles/default."""
        cluster = self._world.clusters.find(_cluster(call))
        return Answer(200, azure_documents.upgrade_profile(cluster))

    def list_versions(self, _: Call) -> Answer:
        """GET locations/kubernetesVersions."""
        return Answer(200, azure_documents.kubernetes_versions())

    def list_usages(self, _: Call) -> Answer:
        """GET Microsoft.Compute locations/usages."""
        return Answer(200, azure_documents.usages())

    def list_skus(self, call: Call) -> Answer:
        """GET Microsoft.Compute skus: with a filter by location only."""
        words = call.query.get("$filter", "").split("'")
        if len(words) != 3 or words[0].strip() != "location eq":
            raise ArmError(400, "InvalidFilterInQueryString", "Only the filter \"location eq '...'\" is emulated.")
        return Answer(200, azure_documents.skus(words[1]))

    def list_network_usages(self, call: Call) -> Answer:
        """GET virtualNetworks/usages: there are no networks but those that were put here."""
        text = f"The Resource 'Microsoft.Network/virtualNetworks/{call.params['name']}' under resource group"
        raise ArmError(404, "ResourceNotFound", f"{text} '{call.params['group']}' was not found.")

    def get_availability(self, call: Call) -> Answer:
        """GET the current health of a cluster."""
        cluster = self._world.clusters.find(_cluster(call))
        return Answer(200, azure_documents.availability(cluster.resource_id, cluster.location))

    def list_maintenance(self, call: Call) -> Answer:
        """GET managedClusters/maintenanceConfigurations: none but those that were put here."""
        self._world.clusters.find(_cluster(call))
        return Answer(200, {"value": []})

    def list_alerts(self, call: Call) -> Answer:
        """GET the subscription's alerts, filtered and in pages; names are not unique among them."""
        fired = self._world.documents.alerts(call.params["subscription"])
        shown = [alert for alert in fired if _wanted(alert, call)]
        size, begin = call.query.get("pageCount", "25"), call.query.get("ctoken", "0")
        if not (size.isdecimal() and 1 <= int(size) <= 250 and begin.isdecimal()):
            raise ArmError(400, "BadRequest", f"The pageCount '{size}' is not between 1 and 250.")
        end = int(begin) + min(int(size), self._world.behaviour.page_size)
        page: Body = {"value": shown[int(begin) : end]}
        if end < len(shown):
            page["nextLink"] = f"{call.base}{call.path}?{urlencode({**call.query, 'ctoken': end})}"
        return Answer(200, page)


def _wanted(alert: Body, call: Call) -> bool:
    essentials = alert.get("properties", {}).get("essentials", {})
    filters = {key: call.query[key].lower() for key in _ALERT_FILTERS if key in call.query}
    return all(str(essentials.get(key, "")).lower() == value for key, value in filters.items())


def _cluster(call: Call) -> str:
    return cluster_id(call.params["subscription"], call.params["group"], call.params["name"])
