"""Long-running operations: what a 201 or 202 promises, and where a client asks whether it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gatekeeper.emulator.fleet.answers import Answer, ArmError, Call
from gatekeeper.emulator.fleet.behaviour import Behaviour
from gatekeeper.emulator.fleet.ids import operation_id, timestamp


@dataclass(slots=True)
class Operation:
    """One promise; `effect` fulfils it, `resource` shows what it was about."""

    name: str
    path: str
    started: datetime
    due: datetime
    polls_left: int | None
    effect: Callable[[datetime], None]
    resource: Callable[[], dict[str, Any]]
    ended: datetime | None = None

    def finish(self, at: datetime) -> None:
        """Fulfil the promise, once."""
        if self.ended is None:
            self.ended = at
            self.effect(at)


class Operations:
    """All operations of the emulated service."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._all: dict[str, Operation] = {}

    def begin(
        self,
        name: str,
        scope: tuple[str, str],
        at: datetime,
        effect: Callable[[datetime], None],
        resource: Callable[[], dict[str, Any]],
    ) -> Operation:
        """Remember a promise under the GUID `name`; `scope` is the subscription and the location."""
        operation = Operation(
            name=name,
            path=operation_id(*scope, name),
            started=at,
            due=at + timedelta(seconds=self._behaviour.operation_seconds),
            polls_left=self._behaviour.operation_polls,
            effect=effect,
            resource=resource,
        )
        self._all[name] = operation
        return operation

    def due(self, now: datetime) -> list[Operation]:
        """Return the promises that time has made due, oldest first."""
        late = [each for each in self._all.values() if each.ended is None and each.due <= now]
        return sorted(late, key=lambda each: each.due)

    def headers(self, operation: Operation, call: Call) -> dict[str, str]:
        """Return the headers that tell a client where to ask, and how soon."""
        places = {
            "Azure-AsyncOperation": f"{call.base}{operation.path}{_version(call)}",
            "Location": f"{call.base}{operation.path.replace('/operations/', '/operationResults/')}{_version(call)}",
        }
        wanted = {name: places[name] for name in self._behaviour.operation_headers}
        return {**wanted, "Retry-After": str(self._behaviour.retry_after)}

    def status(self, call: Call, now: datetime) -> Answer:
        """Answer the Azure-AsyncOperation address: always 200, the body says how far it is."""
        operation = self._poll(call, now)
        body = {"name": operation.name, "startTime": timestamp(operation.started)}
        if operation.ended is None:
            return Answer(200, {**body, "status": "InProgress"}, self._retry())
        return Answer(200, {**body, "status": "Succeeded", "endTime": timestamp(operation.ended)})

    def result(self, call: Call, now: datetime) -> Answer:
        """Answer the Location address: 202 until it is done, then the resource itself."""
        operation = self._poll(call, now)
        if operation.ended is None:
            return Answer(202, None, {**self._retry(), "Location": f"{call.base}{call.path}{_version(call)}"})
        return Answer(200, operation.resource())

    def _poll(self, call: Call, now: datetime) -> Operation:
        operation = self._all.get(call.params["operation"].lower())
        if operation is not None and operation.polls_left is not None:
            operation.polls_left -= 1
            if operation.polls_left < 0:
                operation.finish(now)
        if self._behaviour.operations_forbidden:
            text = "The client does not have authorization to perform action 'locations/operations/read'."
            raise ArmError(403, "AuthorizationFailed", text)
        if operation is None:
            raise ArmError(404, "NotFound", f"The operation '{call.params['operation']}' was not found.")
        return operation

    def _retry(self) -> dict[str, str]:
        return {"Retry-After": str(self._behaviour.retry_after)}


def _version(call: Call) -> str:
    return f"?api-version={call.query.get('api-version', '')}"
