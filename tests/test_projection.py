"""Only the fields that a check reads stay in memory."""

from __future__ import annotations

import pytest

from gatekeeper.projection import Projection

POD = {
    "metadata": {"name": "a", "namespace": "shop", "labels": {"app": "web"}, "uid": "1"},
    "spec": {
        "nodeName": "n1",
        "containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}, {"name": "d"}],
    },
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("paths", "spec"),
    [
        (["spec.nodeName"], {"nodeName": "n1"}),
        (["spec.containers.resources"], {"containers": [{"resources": {"requests": {"cpu": "1"}}}, {}]}),
        (["spec", "spec.nodeName"], POD["spec"]),
        (["spec.nodeName", "spec"], POD["spec"]),
        (["spec.nodeName.deeper", "spec.nothing"], {"nodeName": "n1"}),
    ],
)
def test_a_path_goes_through_lists_and_keeps_what_stands_below_it(paths: list[str], spec: object) -> None:
    kept = Projection(paths)(POD)

    assert kept == {"metadata": {"name": "a", "namespace": "shop"}, "spec": spec}


def test_a_field_of_another_shape_is_kept_as_it_is_so_that_a_check_can_refuse_it() -> None:
    assert Projection(["spec.containers.name"])({"spec": {"containers": "odd"}}) == {"spec": {"containers": "odd"}}
