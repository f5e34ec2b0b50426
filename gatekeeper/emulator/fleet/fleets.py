"""All fleets of the emulator, in any number of subscriptions and resource groups."""

from __future__ import annotations

from gatekeeper.emulator.fleet.fleet import Fleet


class Fleets:
    """Finds fleets by their names in any case."""

    def __init__(self) -> None:
        self._fleets: dict[str, Fleet] = {}

    def add(self, fleet: Fleet) -> Fleet:
        """Keep a fleet; return the one that was there before under the same id, if any."""
        return self._fleets.setdefault(fleet.id.lower(), fleet)

    def all(self) -> list[Fleet]:
        """Return all fleets in the order of their creation."""
        return list(self._fleets.values())

    def find(self, subscription: str, group: str, name: str) -> Fleet | None:
        """Return a fleet, or None."""
        return next((fleet for fleet in self.within(subscription, group) if fleet.name.lower() == name.lower()), None)

    def within(self, subscription: str, group: str | None) -> list[Fleet]:
        """Return the fleets of a resource group, or of a whole subscription."""
        return [
            fleet
            for fleet in self._fleets.values()
            if fleet.subscription.lower() == subscription.lower()
            and (group is None or fleet.resource_group.lower() == group.lower())
        ]
