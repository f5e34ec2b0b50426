"""Whatever Resource Manager does, one of our own errors comes out, and nothing of azure's or aiohttp's."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from gatekeeper.adapters import arm_errors
from gatekeeper.errors import (
    BadAnswer,
    Conflict,
    CouldNotLook,
    Forbidden,
    NotFound,
    ServerFault,
    Throttled,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from gatekeeper.model import Gate
from tests.adapters.arm_scripts import GUID, REF, SUBSCRIPTION, TOKEN, Door, answering, door_at, door_to

STATUSES = [
    (400, ServerFault),
    (401, Unauthorized),
    (403, Forbidden),
    (404, NotFound),
    (408, TimedOut),
    (409, Conflict),
    (410, Conflict),
    (412, Conflict),
    (418, ServerFault),
    (429, Throttled),
    (500, ServerFault),
    (502, ServerFault),
    (503, ServerFault),
    (504, ServerFault),
]
GATE = Gate(REF, GUID, "check", "Approval", "Pending", "run-1", "stage1", None, "Before", '"e-1"')
OPERATIONS = ["gates.list", "gates.get", "updateRuns.get", "members.list", "gates.update"]


async def ask(door: Door, operation: str) -> object:
    match operation:
        case "gates.list":
            return await door.fleet.pending_gates()
        case "gates.get":
            return await door.fleet.gate(GUID)
        case "updateRuns.get":
            return await door.fleet.update_run("run-1")
        case "members.list":
            return await door.fleet.members()
        case _:
            return await door.fleet.complete_gate(GATE)


async def failure(door: Door, operation: str) -> CouldNotLook:
    with pytest.raises(CouldNotLook) as caught:
        await ask(door, operation)
    return caught.value


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_a_status_becomes_the_error_that_it_means(operation: str, status: int, kind: type[CouldNotLook]) -> None:
    body = {"error": {"code": "SomeCode", "message": "some\nwords\x1b[31m of Azure"}}
    async with door_to(answering(body, status)) as door:
        error = await failure(door, operation)

    assert type(error) is kind
    assert str(error) == f"{operation}: HTTP {status} SomeCode: some words [31m of Azure"
    assert door.errors == [(operation, kind.reason)]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("body", ["<html>bad gateway</html>", [], {"error": "x"}, {"error": None}, None, 5])
async def test_an_error_without_azures_shape_is_named_by_its_status(operation: str, body: object) -> None:
    async with door_to(answering(body, 502)) as door:
        error = await failure(door, operation)

    assert type(error) is ServerFault
    assert str(error) == f"{operation}: HTTP 502: Bad Gateway"


async def test_a_long_message_of_azure_is_cut() -> None:
    body = {"error": {"code": "C" * 5000, "message": "m" * 100_000}}
    async with door_to(answering(body, 403)) as door:
        error = await failure(door, "gates.get")

    assert len(str(error)) < 1000


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "gates.update"])
@pytest.mark.parametrize(
    "body",
    ["no JSON", "", [], [{}], None, 7, {}, {"value": None, "name": 5}, {"value": {}, "properties": []}, {"value": "x"}],
)
async def test_an_answer_of_another_shape_is_a_bad_answer(operation: str, body: object) -> None:
    async with door_to(answering(body)) as door:
        error = await failure(door, operation)

    assert type(error) is BadAnswer
    assert str(error).startswith(f"{operation}: ")
    assert door.errors == [(operation, "badAnswer")]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_refused_connection_is_unreachable(operation: str) -> None:
    async with door_to(answering({})) as gone:
        url = gone.arm.endpoint
    async with door_at(url) as door:
        error = await failure(door, operation)

    assert type(error) is Unreachable
    assert door.errors == [(operation, "unreachable")]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_server_that_hangs_up_is_unreachable(operation: str) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with door_to(hang_up) as door:
        error = await failure(door, operation)

    assert type(error) is Unreachable


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_an_answer_that_is_cut_off_is_unreachable(operation: str) -> None:
    async def cut_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"value": [')
        assert request.transport is not None
        request.transport.close()
        return response

    async with door_to(cut_off) as door:
        error = await failure(door, operation)

    assert type(error) is Unreachable


async def test_a_server_that_does_not_answer_is_timed_out() -> None:
    async def never(_request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    told: list[tuple[str, str]] = []
    async with door_to(never) as door:
        with pytest.raises(TimedOut, match=r"^gates.get: no whole answer in time$"):
            async with arm_errors.translate("gates.get", lambda *what: told.append(what), deadline=0.05):
                await door.arm.fleets(SUBSCRIPTION).gates.get("rg-fleet", "prod", GUID)

    assert told == [("gates.get", "timeout")]


async def test_being_cancelled_stays_being_cancelled() -> None:
    with pytest.raises(asyncio.CancelledError):
        async with arm_errors.translate("gates.get", lambda *_: None):
            raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "99999999"}, 3600.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"retry-after-ms": "1500", "Retry-After": "9"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "nan", "Retry-After": "9"}, 9.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({}, None),
    ],
)
async def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    async with door_to(answering({}, 429, **headers)) as door:
        error = await failure(door, "gates.list")

    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


async def test_retry_after_as_a_date_is_seconds_from_now() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)

    seconds = arm_errors.retry_after({"Retry-After": later})

    assert seconds is not None
    assert 590 < seconds <= 600


async def test_no_error_tells_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with door_to(answering({"error": {"code": "no"}}, 401)) as door:
        errors = [str(await failure(door, operation)) for operation in OPERATIONS]

    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(errors)
