"""maintenance-window: whether the cluster's update could begin now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from checks.maintenance_window import MaintenanceWindow
from gatekeeper.check import BadAnswer, CouldNotLook, Finding, Forbidden, NotFound, Target, Tools
from gatekeeper.testing import FakeCluster, Unreachable, ask, assert_finding
from tests.checks.azure_bodies import ID, azure, tools

LIST = "/maintenanceConfigurations"
KUBERNETES, IMAGES = "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday


def configuration(name: str, day: str = "Monday", begins: str = "08:00", **fields: Any) -> dict[str, Any]:
    """A configuration as Azure shows it: four hours every week, by default open at 10 o'clock."""
    schedule = {"weekly": {"dayOfWeek": day, "intervalWeeks": 1}}
    window = {"schedule": schedule, "durationHours": 4, "utcOffset": "+00:00", "startTime": begins} | fields
    return {
        "id": f"{ID}/maintenanceConfigurations/{name}",
        "name": name,
        "properties": {"maintenanceWindow": window, "notAllowedTime": None, "timeInWeek": None},
    }


def weekly_releases(day: str, *hours: int) -> dict[str, Any]:
    """The configuration ``default`` in its older words."""
    return {"name": "default", "properties": {"timeInWeek": [{"day": day, "hourSlots": list(hours)}]}}


def answering(*configurations: Any) -> Tools:
    return tools(answers={LIST: {"value": list(configurations)}})


async def judge(around: Tools, kind: str | None = "Full", **parameters: Any) -> Finding:
    return await ask(MaintenanceWindow(**parameters), FakeCluster(now=NOW), Target(kind), tools=around)


async def test_an_open_window_passes_and_says_until_when() -> None:
    finding = await judge(answering(configuration(KUBERNETES)))

    assert_finding(finding, "passed", f"window {KUBERNETES} of c1 is open until Mon 2026-11-23 12:00Z", codes=[])


async def test_a_window_that_opens_at_this_moment_is_open_and_one_that_closes_is_not() -> None:
    assert_finding(
        await judge(answering(configuration(KUBERNETES, begins="10:00"))), "passed", "until Mon 2026-11-23 14:00Z"
    )
    assert_finding(await judge(answering(configuration(KUBERNETES, begins="06:00"))), "failed", "is closed")


async def test_a_closed_window_fails_and_says_when_it_opens() -> None:
    finding = await judge(answering(configuration(KUBERNETES, "Saturday", utcOffset="+05:30")))

    words = f"the maintenance window {KUBERNETES} of c1 is closed; it opens at Sat 2026-11-28 02:30Z"
    assert_finding(finding, "failed", words, codes=["MaintenanceWindowClosed"], subjects=["cluster c1"])
    assert f"show --subscription s -g rg --cluster-name c1 -n {KUBERNETES}" in finding.evidence[0].hint


@pytest.mark.parametrize(
    ("kind", "counting", "other"),
    [("Full", KUBERNETES, IMAGES), ("ControlPlaneOnly", KUBERNETES, IMAGES), ("NodeImageOnly", IMAGES, KUBERNETES)],
)
async def test_each_type_of_upgrade_goes_by_its_own_window(kind: str, counting: str, other: str) -> None:
    shut = answering(configuration(other), weekly_releases("Monday", 10), configuration(counting, "Friday"))
    opened = answering(configuration(other, "Friday"), weekly_releases("Friday", 10), configuration(counting))

    assert_finding(await judge(shut, kind), "failed", f"{counting} of c1 is closed")
    assert_finding(await judge(opened, kind), "passed", f"{counting} of c1 is open")


@pytest.mark.parametrize("others", [[], [configuration(IMAGES, "Friday"), weekly_releases("Friday", 1)]])
async def test_a_cluster_without_the_window_may_be_updated_at_any_time(others: list[Any]) -> None:
    finding = await judge(answering(*others))

    assert_finding(finding, "passed", f"c1 has no maintenance window {KUBERNETES}", codes=[])


async def test_another_configuration_can_be_named() -> None:
    around = answering(configuration(KUBERNETES), weekly_releases("Sunday", 22, 23))

    finding = await judge(around, configuration="default")

    assert_finding(finding, "failed", "window default of c1 is closed; it opens at Sun 2026-11-29 22:00Z")
    assert_finding(await judge(around, None, configuration=KUBERNETES), "passed")


@pytest.mark.parametrize(("kind", "said"), [(None, "not given"), ("Fulll", "Fulll")])
async def test_an_unknown_type_of_upgrade_is_inconclusive(kind: str | None, said: str) -> None:
    finding = await judge(answering(configuration(KUBERNETES)), kind)

    assert_finding(finding, "inconclusive", f"the run's upgrade type is {said}")


async def test_so_much_of_the_window_must_be_left() -> None:
    around = answering(configuration(KUBERNETES))

    finding = await judge(around, remaining="3h")

    assert_finding(await judge(around, remaining="2h"), "passed")
    assert_finding(finding, "failed", "c1 closes too soon, at Mon 2026-11-23 12:00Z; it opens at Mon 2026-11-30 08:00Z")


async def test_a_window_that_is_never_so_long_is_said_to_be_so() -> None:
    finding = await judge(answering(configuration(KUBERNETES, "Friday")), remaining="5h")

    assert_finding(finding, "failed", "is closed, and does not open for 5h within a year")


async def test_a_window_that_never_opens_is_said_to_be_so() -> None:
    forever = [{"start": "2026-01-01", "end": "2030-12-31"}]

    finding = await judge(answering(configuration(KUBERNETES, notAllowedDates=forever)))

    assert_finding(finding, "failed", "is closed, and does not open within a year")


async def test_a_window_that_is_always_open_passes() -> None:
    always = configuration(KUBERNETES, schedule={"daily": {"intervalDays": 1}}, durationHours=24)

    finding = await judge(answering(always), remaining="30d")

    assert_finding(finding, "passed", "is open for more than a year")


@pytest.mark.parametrize(
    "configurations",
    [
        [{}],
        [{"name": KUBERNETES}],
        [{"name": KUBERNETES, "properties": None}],
        [{"name": KUBERNETES, "properties": {}}],
        [configuration(KUBERNETES, startTime="8 o'clock")],
        [configuration(KUBERNETES), {"name": None}],
        [configuration(KUBERNETES), configuration(KUBERNETES.upper())],
        [configuration(IMAGES), configuration("aksManagedSomethingNewSchedule")],
    ],
)
async def test_what_is_written_in_another_way_is_no_answer(configurations: list[Any]) -> None:
    with pytest.raises(BadAnswer):
        await judge(answering(*configurations))


async def test_names_count_in_any_case() -> None:
    assert_finding(await judge(answering(configuration(KUBERNETES.lower(), "Friday"))), "failed", "is closed")


@pytest.mark.parametrize("error", [Forbidden("azure.list: HTTP 403"), Unreachable("gone"), BadAnswer("no list")])
@pytest.mark.parametrize("path", ["", LIST])
async def test_what_azure_does_not_answer_is_raised(error: CouldNotLook, path: str) -> None:
    with pytest.raises(type(error)):
        await judge(tools(answers={LIST: {"value": []}, path: error}))


async def test_a_cluster_that_is_not_there_does_not_pass_for_one_without_a_window() -> None:
    gone = NotFound("azure.get: HTTP 404 ResourceNotFound")

    for answers in ({"": gone, LIST: {"value": []}}, {LIST: gone}):
        with pytest.raises(NotFound):
            await judge(tools(answers=answers))


async def test_the_clock_is_that_of_the_api_server() -> None:
    around = answering(configuration(KUBERNETES))
    later = FakeCluster(now=datetime(2026, 11, 23, 12, 0, tzinfo=UTC))

    assert_finding(await ask(MaintenanceWindow(), later, Target("Full"), tools=around), "failed", "is closed")


async def test_an_api_server_without_a_clock_is_no_answer() -> None:
    class Timeless(FakeCluster):
        async def now(self) -> datetime:
            raise Unreachable("gone")

    with pytest.raises(Unreachable):
        await ask(MaintenanceWindow(), Timeless(), Target("Full"), tools=answering(configuration(KUBERNETES)))


async def test_the_cluster_is_asked_once_and_the_list_once() -> None:
    asked = azure(answers={LIST: {"value": [configuration(KUBERNETES)]}})

    await judge(Tools(azure=asked))

    assert asked.asked == [(ID, "2025-05-01", {}), (f"{ID}{LIST}", "2025-05-01", {})]
