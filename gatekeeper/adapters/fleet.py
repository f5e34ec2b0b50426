"""One fleet behind Resource Manager: what the core's ``Fleet`` asks, through the official SDK.

Each method sends the requests that it says and no other. The SDK builds and sends them; the answers are read from their
JSON, because the SDK's models are lenient where we must not be: they take ``pending`` for ``Pending``, a page without
``value`` for an empty one, and what they do not know for nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.async_paging import AsyncItemPaged
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineResponse

from gatekeeper.adapters import fleet_json, fleet_run, fleet_wire
from gatekeeper.adapters.arm import Arm
from gatekeeper.answers import json_of
from gatekeeper.doors import Answer, PendingGates
from gatekeeper.errors import BadAnswer, CouldNotLook
from gatekeeper.model import COMPLETED, FleetRef, Gate, Member, UpdateRun

if TYPE_CHECKING:
    from azure.mgmt.containerservicefleet.aio import ContainerServiceFleetMgmtClient

_PENDING = "state eq Pending"  # the filter that the Azure CLI sends: unquoted
_PAGES = 100  # a thousand members in pages of ten; a list that does not end sooner never ends


class AzureFleet:
    """One fleet; all fleets of a subscription share one client. Every method raises a CouldNotLook on failure."""

    def __init__(self, ref: FleetRef, arm: Arm) -> None:
        """Nothing is asked yet; ``arm`` stays its owner's to close."""
        self._ref = ref
        self._arm = arm

    @property
    def ref(self) -> FleetRef:
        """Which fleet it is."""
        return self._ref

    async def pending_gates(self) -> PendingGates:
        """The gates whose state is Pending, of any type: one request, and one more for each further page.

        A gate that cannot be understood is named in ``unreadable`` and hides no other.
        """
        listed = await self._list("gates.list", self._client.gates.list_by_fleet, filter=_PENDING)
        return fleet_wire.pending(self._ref, listed)

    async def gate(self, name: str) -> Gate:
        """One gate, read anew: one request."""
        async with self._arm.translate("gates.get"):
            gate = fleet_wire.gate(self._ref, await self._get(self._client.gates.get, name))
            if gate.name.lower() != name.lower():
                raise BadAnswer(f"gate {name} was asked for, but {gate.name} was answered")
            return gate

    async def update_run(self, name: str) -> UpdateRun:
        """One run with its status, read anew: one request."""
        async with self._arm.translate("updateRuns.get"):
            return fleet_run.update_run(self._ref, name, await self._get(self._client.update_runs.get, name))

    async def members(self) -> tuple[Member, ...]:
        """All members of the fleet with their labels; one that cannot be understood makes the list a BadAnswer."""
        listed = await self._list("members.list", self._client.fleet_members.list_by_fleet)
        async with self._arm.translate("members.list"):
            return tuple(fleet_wire.fleet_member(entry) for entry in listed)

    async def complete_gate(self, gate: Gate) -> Answer:
        """Approve a gate: exactly one PATCH, never repeated, its operation never polled.

        If-Match carries the gate's etag; only if the service gave none is it left out.

        Returns:
            The status, and the gate as far as the answer holds it. Any 2xx is an answer, however its body looks: the
            request was taken, and what became of it is to be read.

        Raises:
            CouldNotLook: after Unreachable, TimedOut and ServerFault the approval may or may not have been taken.
        """
        if gate.fleet.id != self._ref.id:
            raise ValueError(f"gate {gate.id} does not belong to fleet {self._ref.id}")
        seen = _Seen()
        try:
            async with self._arm.translate("gates.update"):
                await self._client.gates.begin_update(
                    self._ref.resource_group,
                    self._ref.name,
                    fleet_json.safe_name(gate.name, "the gate"),
                    {"properties": {"state": COMPLETED}},
                    etag=gate.etag or None,
                    match_condition=MatchConditions.IfNotModified if gate.etag else None,
                    polling=False,
                    raw_response_hook=seen,
                )
        except CouldNotLook:
            if seen.status is None or not 200 <= seen.status < 300:
                raise
        return Answer(seen.status or 0, self._answered(seen, gate))

    def _answered(self, seen: _Seen, asked: Gate) -> Gate | None:
        try:
            answered = fleet_wire.gate(self._ref, seen.body())
        except BadAnswer:
            return None
        return answered if answered.id == asked.id else None

    @property
    def _client(self) -> ContainerServiceFleetMgmtClient:
        return self._arm.fleets(self._ref.subscription_id)

    async def _get(self, get: Callable[..., Awaitable[object]], name: str) -> object:
        seen = _Seen()
        path_name = fleet_json.safe_name(name, "what is asked for")
        await get(self._ref.resource_group, self._ref.name, path_name, raw_response_hook=seen)
        return seen.body()

    async def _list(self, operation: str, listing: Callable[..., AsyncItemPaged[Any]], **query: str) -> list[object]:
        """All entries of a list; a list that does not come to its end is no answer at all."""
        listed: list[object] = []
        followed: set[str] = set()
        link: str | None = None
        for _ in range(_PAGES):
            async with self._arm.translate(operation):
                page = await self._page(listing, link, query)
                listed += fleet_wire.entries(page)
                link = fleet_wire.next_link(page)
                if link is None:
                    return listed
                if link in followed:
                    raise BadAnswer("the list goes round in circles")
                followed.add(link)
        raise BadAnswer(f"{operation}: the list has more than {_PAGES} pages")

    async def _page(
        self, listing: Callable[..., AsyncItemPaged[Any]], link: str | None, query: dict[str, str]
    ) -> object:
        seen = _Seen()
        pages = listing(self._ref.resource_group, self._ref.name, raw_response_hook=seen, **query)
        await anext(pages.by_page(continuation_token=link))
        return seen.body()


class _Seen:
    """Keeps the answer that the SDK reads, as it came."""

    def __init__(self) -> None:
        self._response: Any = None

    def __call__(self, response: PipelineResponse[Any, Any]) -> None:
        self._response = response.http_response

    @property
    def status(self) -> int | None:
        """The HTTP status; None when no answer came."""
        return None if self._response is None else self._response.status_code

    def body(self) -> object:
        """The answer's JSON; BadAnswer when it is none, or never came whole."""
        try:
            return json_of(self._response.content, "the Fleet service")
        except (AzureError, AttributeError) as error:
            raise BadAnswer(f"the answer never came whole: {type(error).__name__}") from error
