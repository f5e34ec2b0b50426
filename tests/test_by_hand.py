"""A check, or a whole policy, asked of one cluster by hand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatekeeper.by_hand import policy_of_check, policy_of_file
from gatekeeper.emulator.kube import KubeCluster, KubeServer, aks_cluster, stop_kubelet
from gatekeeper.errors import ConfigError
from gatekeeper.registry import Registry
from tests.commandline import beside

REGISTRY = Registry.discover()
POLICIES = """
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: careful}
match: {displayName: Run health checks}
checks:
  - check: api-server-ready
  - check: nodes-ready
---
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: lenient}
match: {displayName: Look around}
checks:
  - check: api-server-ready
  - check: nodes-ready
    severity: advisory
"""


def parameters(*params: str, check: str = "nodes-ready") -> dict[str, object]:
    """What a check makes of --param, without what it has by default."""
    (spec,) = policy_of_check(check, params, REGISTRY).checks
    return spec.check.model_dump(exclude_unset=True, by_alias=True)


def test_values_are_yaml_and_a_dot_leads_inwards() -> None:
    assert parameters("maxNotReady=5%", "pools=[system, user]") == {"maxNotReady": "5%", "pools": ("system", "user")}
    assert parameters("namespaces.exclude=[dev-*]", "namespaces.include=[shop]", check="pods-healthy") == {
        "namespaces": {"exclude": ("dev-*",), "include": ("shop",)}
    }


def test_a_check_may_have_a_timeout_by_hand_too() -> None:
    (spec,) = policy_of_check("nodes-ready", ["timeout=5s"], REGISTRY).checks

    assert spec.timeout.total_seconds() == 5


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (["maxNotReady"], "write it as key=value"),
        (["=5"], "write it as key=value"),
        (["maxNotRedy=5"], "did you mean maxNotReady?"),
        (["maxNotReady=many"], "'many' is neither a count such as 2 nor a percentage such as 5%"),
        (["maxNotReady=[1"], "--param maxNotReady=[1"),
        (["pools.x=1", "pools=2", "pools.y=1"], "pools has a value already"),
        (["check=pods-healthy"], "write it as key=value"),
    ],
)
def test_a_bad_parameter_is_explained(params: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy_of_check("nodes-ready", params, REGISTRY)

    assert words in str(caught.value)


def test_an_unknown_check_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"did you mean nodes-ready\?"):
        policy_of_check("node-ready", [], REGISTRY)


def test_of_a_file_with_several_policies_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(POLICIES)

    assert policy_of_file(file, "lenient", REGISTRY).name == "lenient"
    with pytest.raises(ConfigError, match="has the policies careful, lenient; name one of them with --name"):
        policy_of_file(file, None, REGISTRY)
    with pytest.raises(ConfigError, match="careful, lenient"):
        policy_of_file(file, "other", REGISTRY)


@pytest.fixture
async def cluster() -> KubeCluster:
    """Healthy; sick as soon as a test makes it so."""
    return aks_cluster("aks-1", "v1.33.2", pools={"system": (2, "system")})


@pytest.fixture
async def kubeconfig(cluster: KubeCluster, tmp_path: Path) -> AsyncIterator[Path]:
    """A kubeconfig whose current context is the cluster, served over real HTTPS."""
    async with KubeServer([cluster]) as server:
        file = tmp_path / "kubeconfig"
        file.write_text(server.kubeconfig())
        yield file


def lose_a_node(cluster: KubeCluster) -> str:
    """Let the kubelet of a node die; its name."""
    name = str(cluster.all_of("Node")[0]["metadata"]["name"])
    stop_kubelet(cluster, name)
    cluster.apply(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": "kube-node-lease"},
            "spec": {"leaseDurationSeconds": 40, "renewTime": "2020-01-01T00:00:00.000000Z"},
        }
    )
    return name


async def test_a_healthy_cluster_is_0(kubeconfig: Path) -> None:
    done = await beside("check", "nodes-ready", "--kubeconfig", kubeconfig)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("passed       nodes-ready: ")


async def test_a_sick_cluster_is_1_and_its_evidence_is_shown(kubeconfig: Path, cluster: KubeCluster) -> None:
    node = lose_a_node(cluster)

    done = await beside("check", "nodes-ready", "--kubeconfig", kubeconfig, "--context", "aks-1")

    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("failed       nodes-ready: 1 of 2 nodes")
    assert node in done.out


async def test_a_parameter_changes_the_answer(kubeconfig: Path, cluster: KubeCluster) -> None:
    lose_a_node(cluster)

    done = await beside("check", "nodes-ready", "--param", "maxNotReady=1", "--kubeconfig", kubeconfig)

    assert done.code == 0


async def test_a_target_version_may_be_given(kubeconfig: Path) -> None:
    call = ("check", "nodes-at-target-version", "--kubeconfig", kubeconfig, "--target-version")

    assert [(await beside(*call, "1.33")).code, (await beside(*call, "1.34.1")).code] == [0, 1]


async def test_an_answer_as_json_holds_the_evidence(kubeconfig: Path, cluster: KubeCluster) -> None:
    node = lose_a_node(cluster)

    done = await beside("check", "nodes-ready", "--kubeconfig", kubeconfig, "-o", "json")

    (result,) = done.json["results"]
    assert (result["check"], result["member"], result["outcome"]) == ("nodes-ready", "aks-1", "failed")
    assert any(node in fact["subject"] for fact in result["evidence"])


async def test_a_cluster_that_hangs_up_is_3(kubeconfig: Path, cluster: KubeCluster) -> None:
    cluster.faults.add("unreachable")

    done = await beside("check", "nodes-ready", "--kubeconfig", kubeconfig, "-o", "json")

    assert (done.code, done.err) == (3, "")
    assert [result["outcome"] for result in done.json["results"]] == ["error"]


async def test_a_cluster_that_nobody_serves_is_3(tmp_path: Path) -> None:
    server = KubeServer([aks_cluster("aks-1", pools={"system": (1, "system")})])
    async with server:
        (tmp_path / "kubeconfig").write_text(server.kubeconfig())

    done = await beside("check", "api-server-ready", "--kubeconfig", tmp_path / "kubeconfig")

    assert done.code == 3
    assert done.out.startswith("error        api-server-ready: ")


async def test_a_check_that_may_not_look_is_3_and_says_what_it_may_not(kubeconfig: Path, cluster: KubeCluster) -> None:
    cluster.access.denied.add(("*", "", "nodes"))

    done = await beside("check", "nodes-ready", "--kubeconfig", kubeconfig)

    assert done.code == 3
    assert re.search("not allowed|forbidden|may not", done.out, re.IGNORECASE)
    assert "nodes" in done.out


async def test_text_from_a_cluster_cannot_command_a_terminal(kubeconfig: Path, cluster: KubeCluster) -> None:
    cluster.faults.add("status", path="/readyz", status=500, body="[-]etcd\x1b[2J[red]failed\n")

    done = await beside("check", "api-server-ready", "--kubeconfig", kubeconfig)

    assert done.code != 0
    assert "\x1b" not in done.out


async def test_a_whole_policy_is_as_bad_as_its_worst_required_check(
    kubeconfig: Path, cluster: KubeCluster, tmp_path: Path
) -> None:
    lose_a_node(cluster)
    (tmp_path / "policies.yaml").write_text(POLICIES)
    call = ("check", "--policy", tmp_path / "policies.yaml", "--kubeconfig", kubeconfig, "--name")

    careful, lenient = await beside(*call, "careful"), await beside(*call, "lenient")

    assert (careful.code, lenient.code) == (1, 0)
    assert "failed       nodes-ready (advisory): 1 of 2 nodes" in lenient.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name either a check or, with --policy, a policy file"),
        (("nodes-ready", "--policy", "p.yaml"), "name either a check or, with --policy, a policy file"),
        (("--policy", "p.yaml", "-p", "a=1"), "--param goes with a check, not with --policy"),
        (("node-ready",), "did you mean nodes-ready?"),
        (("nodes-ready", "-p", "maxNotReady"), "write it as key=value"),
        (("--policy", "nowhere.yaml"), "nowhere.yaml"),
        (("nodes-ready", "--kubeconfig", "nowhere"), "name one with --kubeconfig"),
    ],
)
async def test_a_question_that_cannot_be_asked_is_2(arguments: tuple[str, ...], words: str) -> None:
    done = await beside("check", *arguments)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert words in done.err


async def test_a_context_that_is_not_there_is_told(kubeconfig: Path) -> None:
    done = await beside("check", "nodes-ready", "--kubeconfig", kubeconfig, "--context", "aks-2")

    assert (done.code, done.out) == (2, "")
    assert "aks-1" in done.err
