"""dns-resolves: how the probe's Job ends and what it writes -> finding; and the probe's script itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.dns_resolves import OWN, DnsResolves
from gatekeeper.check import CouldNotLook, Finding, Forbidden, JobRun, NoWorkbench
from gatekeeper.testing import FakeCluster, FakeWorkbench, ask, assert_finding

CHECK = DnsResolves(image="registry.test/busybox:1", names=("a.test", "b.test"))
LOG = f"resolved {OWN}\nresolved a.test\nresolved b.test"


def run(logs: str = LOG, reason: str = "", *, succeeded: bool = True) -> JobRun:
    return JobRun(succeeded, reason, logs)


async def asked(ended: JobRun | CouldNotLook, check: DnsResolves = CHECK) -> Finding:
    return await ask(check, FakeCluster(), workbench=FakeWorkbench(ended))


async def test_names_that_all_resolve_pass() -> None:
    assert_finding(await asked(run()), "passed", "3 names resolve", codes=[])


async def test_names_that_do_not_resolve_are_named() -> None:
    log = LOG.replace("resolved a.test", "unresolved a.test Server: 10.0.0.10 ** server can't find a.test: NXDOMAIN")

    finding = await asked(run(log, "BackoffLimitExceeded", succeeded=False))

    assert_finding(finding, "failed", "1 of 3 names does not resolve: a.test", codes=["NameUnresolved"])
    assert finding.evidence[0].subject == "name a.test"
    assert "NXDOMAIN" in finding.evidence[0].observed


async def test_a_name_that_is_asked_about_without_an_end_does_not_resolve() -> None:
    log = f"asking {OWN}\nresolved {OWN}\nasking a.test"

    finding = await asked(run(log, "it did not end within 25s", succeeded=False))

    assert_finding(finding, "failed", "1 of 3 names does not resolve: a.test", codes=["NameUnresolved"])
    assert finding.evidence[0].observed == "asked, and no answer: it did not end within 25s"
    assert "k8s-app=kube-dns" in finding.evidence[0].hint


async def test_to_ask_is_not_to_resolve() -> None:
    log = f"resolved {OWN}\nasking a.test\nasking b.test"

    assert_finding(await asked(run(log)), "inconclusive", "says nothing about a.test, b.test")


async def test_a_name_that_resolved_once_and_once_did_not_fails() -> None:
    assert_finding(await asked(run(f"{LOG}\nunresolved a.test\nresolved a.test")), "failed", "1 of 3")


@pytest.mark.parametrize("log", ["", LOG.replace("resolved a.test\n", ""), LOG.replace("\n", " "), f"x{LOG}"])
async def test_a_probe_that_ends_well_without_a_word_about_a_name_is_inconclusive(log: str) -> None:
    assert_finding(await asked(run(log)), "inconclusive", "says nothing about", codes=["JobLog"])


async def test_a_probe_that_did_not_get_to_ask_says_nothing_about_dns() -> None:
    reason = "it did not end within 25s; container dns waits: ImagePullBackOff"

    finding = await asked(run("", reason, succeeded=False))

    assert_finding(finding, "error", reason, codes=["ProbeFailed", "JobLog"])
    assert "registry.test/busybox:1" in finding.evidence[0].hint


async def test_a_probe_that_failed_although_all_resolved_does_not_pass() -> None:
    assert_finding(await asked(run(reason="odd", succeeded=False)), "error", "odd")


async def test_without_the_role_nothing_is_said() -> None:
    with pytest.raises(Forbidden):
        await asked(Forbidden("install the role"))
    with pytest.raises(CouldNotLook):
        await ask(CHECK, FakeCluster(), workbench=NoWorkbench())


async def test_the_pod_is_small_unprivileged_and_without_a_token() -> None:
    workbench = FakeWorkbench(run())
    await ask(CHECK, FakeCluster(), workbench=workbench)

    ((namespace, job, deadline),) = workbench.jobs
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (namespace, deadline) == ("fleet-gatekeeper-probes", CHECK.deadline)
    assert pod["automountServiceAccountToken"] is False
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["seccompProfile"]["type"]) == (
        True,
        "RuntimeDefault",
    )
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container["image"] == "registry.test/busybox:1"
    assert container["command"][-3:] == [OWN, "a.test", "b.test"]


async def test_a_name_is_asked_once() -> None:
    workbench = FakeWorkbench(run(f"resolved {OWN}"))

    finding = await ask(DnsResolves(image="a", names=(OWN,)), FakeCluster(), workbench=workbench)

    assert_finding(finding, "passed", "1 name resolves")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"image": ""},
        {"image": "a b"},
        {"image": "a", "names": ["$(reboot)"]},
        {"image": "a", "names": ["-x"]},
        {"image": "a", "names": [""]},
        {"image": "a", "names": ["a"] * 21},
        {"image": "a", "deadline": "31m"},
        {"image": "a", "deadline": "0s"},
        {"image": "a", "namespace": "../x"},
    ],
)
def test_what_makes_no_probe_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        DnsResolves.model_validate(parameters)


@given(st.lists(st.sampled_from([OWN, "a.test", "b.test"]), max_size=4), st.booleans(), st.booleans())
async def test_it_passes_only_when_each_name_is_said_to_resolve(names: list[str], well: bool, bad: bool) -> None:
    log = "\n".join([*(f"resolved {name}" for name in names), *(["unresolved a.test"] if bad else [])])

    finding = await asked(run(log, succeeded=well))

    assert (finding.outcome == "passed") == (set(names) == {OWN, "a.test", "b.test"} and well and not bad)


BUSYBOX = """#!/bin/sh
echo "Server:		10.0.0.10"; echo "Address:	10.0.0.10:53"; echo
case $1 in
  here*) echo "Name:	$1"; echo "Address: 10.0.0.1"; echo "*** Can't find $1: No answer"; exit 1 ;;
  empty*) echo "*** Can't find $1: No answer"; exit 0 ;;
  *) echo "** server can't find $1: NXDOMAIN * ?"; exit 1 ;;
esac
"""
GETENT = """#!/bin/sh
case $2 in
  here*) echo "10.0.0.1 $2"; exit 0 ;;
  empty*) exit 0 ;;
  *) exit 2 ;;
esac
"""


@pytest.mark.parametrize(("tool", "source"), [("nslookup", BUSYBOX), ("getent", GETENT)])
async def test_the_script_says_of_each_name_what_the_tool_finds(tool: str, source: str, tmp_path: Path) -> None:
    shell = shutil.which("sh") or pytest.skip("there is no shell")
    workbench = FakeWorkbench(run())
    await ask(DnsResolves(image="a"), FakeCluster(), workbench=workbench)
    script = workbench.jobs[0][1]["spec"]["template"]["spec"]["containers"][0]["command"][2]
    path = tmp_path / tool
    path.write_text(source.replace("#!/bin/sh", f"#!{shell}"))
    path.chmod(0o755)

    def said(*names: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            [shell, "-c", script, "dns", *names],
            capture_output=True,
            check=False,
            text=True,
            cwd=tmp_path,
            env={"PATH": str(tmp_path), "LANG": os.environ.get("LANG", "C")},
        )
        assert done.stderr == ""
        return done.returncode, [" ".join(line.split()[:2]) for line in done.stdout.splitlines()]

    assert said("here.test", "here.two") == (
        0,
        ["asking here.test", "resolved here.test", "asking here.two", "resolved here.two"],
    )
    assert said("here.test", "empty.test", "gone.test") == (
        1,
        [
            "asking here.test",
            "resolved here.test",
            "asking empty.test",
            "unresolved empty.test",
            "asking gone.test",
            "unresolved gone.test",
        ],
    )
