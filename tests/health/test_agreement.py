"""The count of agreement with published health tests, on a tiny corpus of our own and on clones of theirs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatekeeper.kit.health import Health, Status
from tests.health import agreement
from tests.health.published import Case, argo_cd, gitops_engine, kstatus

GO_TEST = """package status

var podReady = `
apiVersion: v1
kind: Pod
metadata:
   generation: 1
   name: test
status:
   conditions:
    - type: Ready 
      status: "True"
   phase: Running
   phase: Running
`

var podYoung = `
apiVersion: v1
kind: Pod
metadata:
   creationTimestamp: %s
   name: test
status:
   phase: Pending
   conditions:
    - type: PodScheduled 
      status: "False"
      reason: Unschedulable
`

func TestPodStatus(t *testing.T) {
	testCases := map[string]testSpec{
		"podIsReady": {
			spec:               podReady,
			expectedStatus:     CurrentStatus,
			expectedConditions: []Condition{},
		},
		"podYoung": {
			spec:           fmt.Sprintf(podYoung, time.Now().Format(time.RFC3339)),
			expectedStatus: InProgressStatus,
			expectedConditions: []Condition{
				{
					Type:   ConditionReconciling,
				},
			},
		},
	}
}
"""  # noqa: W291 - as it stands in theirs
ENGINE_TEST = """package health

func TestJob(t *testing.T) {
	assertAppHealth(t, "./testdata/job-done.yaml", HealthStatusHealthy)
	assertAppHealth(t, "./testdata/job-odd.yaml", HealthStatusDegraded)
}
"""
ARGO_TESTS = """tests:
- healthStatus:
    status: Healthy
    message: "It is: well"
  inputPath: testdata/healthy.yaml
- healthStatus:
    status: {word}
    message: ""
  inputPath: testdata/other/second.yaml
"""
WIDGET = """apiVersion: example.com/v1
kind: Widget
metadata:
  creationTimestamp: 2018-12-02T08:09:25Z
  name: it
status:
  conditions:
  - lastTransitionTime: 2021-02-22T16:05:43+0000
    type: Ready
    status: "{ready}"
"""
JOB = "apiVersion: batch/v1\nkind: Job\nstatus:\n  conditions: {conditions}\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def cli_utils(folder: Path) -> Path:
    write(folder / "pkg/kstatus/status/status_compute_test.go", GO_TEST)
    return folder


def argo(folder: Path, word: str = "Degraded", ready: str = "False", kind: str = "Widget") -> Path:
    root = folder / "resource_customizations/example.com" / kind
    write(root / "health_test.yaml", ARGO_TESTS.format(word=word))
    write(root / "testdata/healthy.yaml", WIDGET.format(ready="True"))
    write(root / "testdata/other/second.yaml", WIDGET.format(ready=ready))
    return folder


def engine(folder: Path) -> Path:
    write(folder / "health_test.go", ENGINE_TEST)
    write(folder / "testdata/job-done.yaml", JOB.format(conditions='[{type: Complete, status: "True"}]'))
    write(folder / "testdata/job-odd.yaml", JOB.format(conditions="none"))
    return folder


def test_the_cases_of_kstatus_are_read_from_its_go_test(tmp_path: Path) -> None:
    ready, young = kstatus(cli_utils(tmp_path))

    assert (ready.name, ready.expected) == ("kstatus/podIsReady", Status.HEALTHY)
    assert ready.manifest["status"]["conditions"] == [{"type": "Ready", "status": "True"}]
    assert (young.name, young.expected) == ("kstatus/podYoung", Status.PROGRESSING)
    assert "%" not in young.manifest["metadata"]["creationTimestamp"]


def test_the_cases_of_argo_cd_are_read_with_their_manifests(tmp_path: Path) -> None:
    first, second = argo_cd(argo(tmp_path))

    assert first.name == "argo-cd/example.com/Widget/testdata/healthy.yaml"
    assert first.manifest["metadata"]["creationTimestamp"].startswith("2018-12-02T08:09:25")
    assert (second.name, second.expected) == (
        "argo-cd/example.com/Widget/testdata/other/second.yaml",
        Status.DEGRADED,
    )


def test_keys_of_any_case_are_read_and_a_misspelt_word_does_not_expect_healthy(tmp_path: Path) -> None:
    root = argo(tmp_path) / "resource_customizations/example.com/Widget"
    text = ARGO_TESTS.format(word="Progessing").replace("tests:", "Tests:").replace("inputPath", "InputPath")
    write(root / "health_test.yaml", text.replace("healthStatus", "HealthStatus"))

    assert [each.expected for each in argo_cd(tmp_path)] == [Status.HEALTHY, Status.UNKNOWN]


def test_a_file_of_tests_without_one_that_is_understood_is_not_passed_over(tmp_path: Path) -> None:
    root = argo(tmp_path) / "resource_customizations/example.com/Widget"
    write(root / "health_test.yaml", "checks: []\n")

    with pytest.raises(ValueError, match="has no test that is understood"):
        list(argo_cd(tmp_path))


@pytest.mark.parametrize("home", ["pkg/health", "gitops-engine/pkg/health"])
def test_the_cases_of_the_gitops_engine_are_found_in_both_of_its_homes(tmp_path: Path, home: str) -> None:
    engine(tmp_path / home)

    assert [case.name for case in gitops_engine(tmp_path)] == [
        "gitops-engine/job-done.yaml",
        "gitops-engine/job-odd.yaml",
    ]


def test_agreement_is_counted_on_healthy_or_not(tmp_path: Path) -> None:
    engine(tmp_path / "engine/pkg/health")
    found = agreement.compare([*kstatus(cli_utils(tmp_path / "k")), *gitops_engine(tmp_path / "engine")])

    # A Job whose conditions are no list is Unknown to us and Degraded to them: another word, and healthy to neither.
    assert (found.cases, found.agreed, found.same_word) == (4, 4, 3)


def test_what_we_alone_call_healthy_fails_the_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clone = argo(tmp_path, "Degraded", ready="True")

    assert agreement.main(["--argo-cd", str(clone)]) == 1
    said = capsys.readouterr().out
    assert "argo-cd: 1 of 2 agree on healthy or not" in said
    assert "OPENS argo-cd/example.com/Widget/testdata/other/second.yaml: they say Degraded, we say Healthy" in said


def test_what_they_alone_call_healthy_is_told_and_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clone = argo(tmp_path, "Healthy", ready="False")

    assert agreement.main(["--argo-cd", str(clone)]) == 0
    assert "they say Healthy, we say Degraded (Ready is False)" in capsys.readouterr().out


def test_an_explained_difference_passes_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(agreement.OPENS, "argo-cd/example.com/*/second.yaml", "theirs is older")
    clone = argo(tmp_path, "Degraded", ready="True")

    assert agreement.main(["--argo-cd", str(clone)]) == 0
    assert "; theirs is older" in capsys.readouterr().out


def test_a_count_of_nothing_is_no_agreement(tmp_path: Path) -> None:
    assert agreement.main(["--argo-cd", str(tmp_path)]) == 1
    assert agreement.main([]) == 1


def test_a_manifest_that_is_not_there_is_no_case_left_out(tmp_path: Path) -> None:
    clone = argo(tmp_path)
    (clone / "resource_customizations/example.com/Widget/testdata/healthy.yaml").unlink()

    with pytest.raises(FileNotFoundError):
        list(argo_cd(clone))


def test_an_explanation_of_holding_never_excuses_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(agreement.HOLDS, "argo-cd/example.com/*", "theirs is older")
    case = Case("argo-cd/example.com/Widget/testdata/second.yaml", {}, Status.DEGRADED)

    assert agreement.Difference(case, Health(Status.UNKNOWN, "")).why == "theirs is older"
    assert agreement.Difference(case, Health(Status.HEALTHY, "")).why is None


CORPUS = os.environ.get("GATEKEEPER_HEALTH_CORPUS")


@pytest.mark.skipif(
    CORPUS is None, reason="GATEKEEPER_HEALTH_CORPUS names no folder with clones of cli-utils, argo-cd, gitops-engine"
)
def test_we_open_nowhere_that_the_published_tests_do_not_without_saying_why() -> None:
    folder = Path(CORPUS or "")
    homes = {"--kstatus": "cli-utils", "--argo-cd": "argo-cd", "--gitops-engine": "gitops-engine"}
    given = [word for option, name in homes.items() if (folder / name).is_dir() for word in (option, folder / name)]

    assert agreement.main([str(word) for word in given]) == 0
