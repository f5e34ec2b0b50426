"""Where a check passes, it does not when any of what it read there cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatekeeper.by_hand import policy_of_check
from gatekeeper.check import ClusterCheck
from gatekeeper.emulator.kube import Manifest
from gatekeeper.emulator.kube.manifests import merge
from gatekeeper.registry import Registry
from gatekeeper.testing import assert_never_passes
from tests.apiserver.specimens import Case, cases, described

VERSION = "v1.34.2"
PASSING = [
    case
    for check in described()
    if check != "time-window"
    for case in cases(check)
    # These need a server that ages, deletes or loses its etcd.
    if case.outcome == "passed" and not (case.aged or case.unready or any(each.get("deleted") for each in case.changes))
]


@pytest.mark.parametrize("case", PASSING, ids=str)
async def test_it_never_passes_on_less_than_it_needs(case: Case) -> None:
    (spec,) = policy_of_check(case.check, case.params, Registry.discover()).checks
    assert isinstance(spec.check, ClusterCheck)
    objects = [as_served(each) for each in case.objects(VERSION)[0]]

    await assert_never_passes(spec.check, objects, case.goal(VERSION), now=datetime.now(UTC), member=case.member())


def as_served(manifest: Manifest) -> Manifest:
    """With what an API server adds by itself."""
    added: Manifest = {"metadata": {"generation": 1}}
    if manifest["kind"] == "Namespace":
        added["status"] = {"phase": "Active"}
    return merge(added, manifest)
