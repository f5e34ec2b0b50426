"""Update runs as Fleet Manager writes them, and as it hopefully never does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper.adapters import fleet_run
from gatekeeper.errors import BadAnswer
from gatekeeper.model import GateStatus, Group, Member, Stage, Target, UpdateRun
from tests.adapters.arm_scripts import FLEET_ID, GUID, REF, run_body

CLUSTER = "/subscriptions/s/resourcegroups/r/providers/Microsoft.ContainerService/managedClusters/c1"


def status_of(*members: dict[str, Any], **group: Any) -> dict[str, Any]:
    """The status of a run with one stage that has one group."""
    own = {"name": "g1", "status": {"state": "Running"}, "members": list(members)}
    return {"stages": [{"name": "stage1", "status": {"state": "Running"}, "groups": [own | group]}]}


def member(**status: Any) -> dict[str, Any]:
    return {"name": "m1", "clusterResourceId": CLUSTER, "status": status}


def read(body: object, name: str = "run-1") -> UpdateRun:
    return fleet_run.update_run(REF, name, body)


def only_member(run: UpdateRun) -> Member:
    [found] = run.members
    return found


def test_a_run_that_waits_at_a_gate_is_read_whole() -> None:
    waiting = {
        "displayName": "stage before",
        "gateId": f"{FLEET_ID}/gates/{GUID}",
        "status": {"startTime": "2026-07-01T12:00:00Z", "state": "Pending"},
    }
    later = {"displayName": "stage after", "status": {"state": "NotStarted"}}
    status = {
        "nodeImageSelection": {},
        "stages": [
            {
                "name": "stage1",
                "status": {"state": "Pending"},
                "beforeGates": [waiting],
                "afterGates": [later],
                "afterStageWaitStatus": {"status": {"state": "NotStarted"}, "waitDurationInSeconds": 3600},
                "groups": [
                    {"name": "empty", "status": {"completedTime": "2026-07-01T12:00:00Z", "state": "Skipped"}},
                    {"name": "g1", "status": {"state": "NotStarted"}, "members": [member(state="NotStarted")]},
                ],
            }
        ],
        "status": {"startTime": "2026-07-01T11:59:59.941759104Z", "state": "Pending"},
    }
    update = {"upgrade": {"type": "Full", "kubernetesVersion": "1.33.0"}, "nodeImageSelection": {"type": "Latest"}}

    run = read(run_body(status=status, managedClusterUpdate=update))

    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert run == UpdateRun(
        fleet=REF,
        name="run-1",
        state="Pending",
        target=Target("Full", "1.33.0", "Latest"),
        stages=(
            Stage(
                name="stage1",
                state="Pending",
                groups=(
                    Group("empty", "Skipped"),
                    Group("g1", "NotStarted", members=(Member("m1", CLUSTER, "stage1", "g1", "NotStarted"),)),
                ),
                gates=(
                    GateStatus("stage before", f"{FLEET_ID}/gates/{GUID}".lower(), "Pending", noon, "Before"),
                    GateStatus("stage after", None, "NotStarted", None, "After"),
                ),
            ),
        ),
    )


@pytest.mark.parametrize("body", [{"name": "run-1"}, run_body(), {"name": "run-1", "properties": None}])
def test_a_run_that_says_nothing_is_read_as_nothing(body: dict[str, Any]) -> None:
    run = read(body)

    assert (run.state, run.target, run.stages, run.auto_upgrade_profile) == ("", Target(), (), None)


def test_a_member_without_status_has_no_state() -> None:
    assert only_member(read(run_body(status=status_of({"name": "m1", "clusterResourceId": CLUSTER})))).state == ""


def test_unknown_words_survive() -> None:
    update = {"upgrade": {"type": "Sideways"}, "nodeImageSelection": {"type": "Newest"}}
    run = read(run_body(status=status_of(member(state="completed")), managedClusterUpdate=update, more={"a": 1}))

    assert only_member(run).state == "completed"
    assert run.target == Target(upgrade_type="Sideways", node_image_selection="Newest")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-07-28T21:59:24.951372018Z", datetime(2025, 7, 28, 21, 59, 24, 951372, UTC)),
        ("2025-07-28T21:59:24.5205966Z", datetime(2025, 7, 28, 21, 59, 24, 520596, UTC)),
        ("2025-07-28T21:59:24Z", datetime(2025, 7, 28, 21, 59, 24, 0, UTC)),
        ("2025-07-28T23:59:24+02:00", datetime(2025, 7, 28, 21, 59, 24, 0, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_are_read_in_utc(text: str | None, moment: datetime | None) -> None:
    found = only_member(read(run_body(status=status_of(member(state="Completed", startTime=text, completedTime=text)))))

    assert (found.started_at, found.completed_at) == (moment, moment)


@pytest.mark.parametrize(
    "text", ["", "soon", "2025-07-28", "2025-07-28T21:59:24", "0001-01-01T00:00:00+02:00", 1753739964]
)
def test_a_time_that_is_none_is_never_taken_for_not_said(text: object) -> None:
    with pytest.raises(BadAnswer, match="completedTime is no"):
        read(run_body(status=status_of(member(state="Completed", completedTime=text))))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"message": "all well"}, "all well"),
        ({"error": {"code": "C", "message": "quota"}}, "quota"),
        ({"message": "failed", "error": {"message": "quota"}}, "failed; quota"),
        ({"message": "same", "error": {"message": "same"}}, "same"),
        ({"message": 7, "error": "bare"}, "bare"),
        ({"message": "x" * 5000}, "x" * 2000),
        ({"message": ""}, None),
        ({}, None),
    ],
)
def test_a_members_message_says_what_the_service_says(status: dict[str, Any], message: str | None) -> None:
    assert only_member(read(run_body(status=status_of(member(**status))))).message == message


def test_consistent_images_come_from_the_status() -> None:
    chosen = {"selectedNodeImageVersions": [{"version": "AKSUbuntu-2204gen2-1"}, {"version": "AKSAzureLinux-2"}]}
    update = {"nodeImageSelection": {"type": "Consistent"}}
    target = read(run_body(status={"nodeImageSelection": chosen}, managedClusterUpdate=update)).target

    assert target.node_images == ("AKSUbuntu-2204gen2-1", "AKSAzureLinux-2")


@pytest.mark.parametrize(
    ("custom", "status"),
    [
        ({"customNodeImageVersions": [{"version": "image-1"}]}, {}),
        ({}, {"selectedNodeImageVersions": [{"version": "image-1"}]}),
    ],
)
def test_custom_images_come_from_the_request_or_the_status(custom: dict[str, Any], status: dict[str, Any]) -> None:
    update = {"nodeImageSelection": {"type": "Custom", **custom}}
    target = read(run_body(status={"nodeImageSelection": status}, managedClusterUpdate=update)).target

    assert (target.node_image_selection, target.node_images) == ("Custom", ("image-1",))


def test_the_auto_upgrade_profile_is_named_by_the_end_of_its_id() -> None:
    run = read(run_body(autoUpgradeProfileId=f"{FLEET_ID}/autoUpgradeProfiles/rapid"))

    assert run.auto_upgrade_profile == "rapid"


def test_another_case_of_the_name_is_the_same_run() -> None:
    assert read(run_body("Run-1"), "run-1").name == "Run-1"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (run_body("run-2"), "run-1 was asked for, but run-2"),
        (run_body() | {"id": f"{FLEET_ID}/updateRuns/run-2"}, "the id of the update run is"),
        (run_body() | {"name": None}, "no name"),
        ([], "is no JSON object"),
        (run_body(status=[]), "status is no JSON object"),
        (run_body(status={"stages": {}}), "stages is no list"),
        (run_body(status={"stages": [None]}), "a stage is no JSON object"),
        (run_body(status={"stages": [{}]}), "a stage has no name"),
        (run_body(status={"stages": [{"name": "s"}, {"name": "s"}]}), "stage s is there twice"),
        (
            run_body(status={"stages": [{"name": "s", "groups": [{"name": "g"}, {"name": "g"}]}]}),
            "group g is there twice",
        ),
        (run_body(status={"stages": [{"name": "s", "groups": [{}]}]}), "a group has no name"),
        (run_body(status=status_of({"name": "m1"})), "a member has no clusterResourceId"),
        (run_body(status=status_of({"clusterResourceId": CLUSTER})), "a member has no name"),
        (run_body(status=status_of(member(state=5))), "state is no text"),
        (run_body(status=status_of(beforeGates=["x"])), "a gate's status is no JSON object"),
        (run_body(status=status_of(beforeGates=[{"gateId": 5}])), "gateId is no text"),
        (run_body(managedClusterUpdate={"upgrade": "Full"}), "upgrade is no JSON object"),
    ],
)
def test_a_run_of_another_shape_is_refused_with_its_reason(body: object, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        read(body)
