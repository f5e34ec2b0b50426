"""Policies are read again when their files change, and a broken version is never in force."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.errors import ConfigError
from gatekeeper.policies import PolicySet, Refresh
from tests.policy_builders import GOOD, REGISTRY

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def named(name: str) -> str:
    return GOOD.replace("name: after", f"name: {name}")


def policy_set(*paths: Path) -> PolicySet:
    return PolicySet(paths, REGISTRY, clock=lambda: NOW)


def loaded(*paths: Path) -> PolicySet:
    policies = policy_set(*paths)
    policies.load()
    return policies


def names(policies: PolicySet) -> list[str]:
    return [policy.name for policy in policies.policies]


def test_files_and_folders_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(named("b"))
    (tmp_path / "a.yml").write_text(named("a1") + "---\n" + named("a2"))
    (tmp_path / "notes.txt").write_text("not a policy")
    (tmp_path / ".hidden.yaml").write_text("not: read")
    (tmp_path / "deeper.yaml").mkdir()

    policies = loaded(tmp_path)

    assert names(policies) == ["a1", "a2", "b"]
    assert policies.loaded_at == NOW
    assert policies.policies[1].source == f"{tmp_path}/a.yml:11"
    assert (policies.error, policies.warning) == (None, None)
    assert len(policies.version) == 12


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(named("a"))

    assert names(loaded(tmp_path, tmp_path / "a.yaml")) == ["a"]


def test_the_default_timeout_is_that_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    policies = PolicySet([tmp_path], REGISTRY, default_timeout=timedelta(seconds=7))

    policies.load()

    assert policies.policies[0].checks[0].timeout == timedelta(seconds=7)


def test_without_any_file_there_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"no policy file .* in {tmp_path}; without a policy no gate would ever open"):
        policy_set(tmp_path).load()


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gone: cannot be read: No such file or directory"):
        policy_set(tmp_path / "gone").load()


def test_a_dangling_link_is_no_silent_gap(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").symlink_to(tmp_path / "gone")

    with pytest.raises(ConfigError, match=r"b\.yaml: cannot be read"):
        policy_set(tmp_path).load()


def test_a_name_that_is_used_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(GOOD)

    with pytest.raises(ConfigError) as caught:
        policy_set(tmp_path).load()

    assert str(caught.value) == (
        f"{tmp_path}/b.yaml:3: metadata.name: the name after is taken already at {tmp_path}/a.yaml:1; "
        "every policy needs its own"
    )


def test_all_that_is_wrong_in_all_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("maxDown", "maxDwn"))
    (tmp_path / "b.yaml").write_text("a: [")
    (tmp_path / "c.yaml").write_text("kind: Settings\na: 1\n")

    with pytest.raises(ConfigError) as caught:
        policy_set(tmp_path).load()

    assert [Path(line.split(":")[0]).name for line in str(caught.value).splitlines()] == ["a.yaml", "b.yaml", "c.yaml"]
    assert "kind: 'Settings' is no kind of policy" in str(caught.value)


def test_nothing_changed_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    policies = loaded(tmp_path)
    (tmp_path / "a.yaml").touch()

    assert policies.refresh() == Refresh(changed=False, error=None)


def test_a_changed_file_is_put_in_force(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(named("a"))
    policies = loaded(tmp_path)
    before = policies.version
    (tmp_path / "b.yaml").write_text(named("b"))

    assert policies.refresh() == Refresh(changed=True, error=None)
    assert names(policies) == ["a", "b"]
    assert policies.version != before


def test_a_broken_version_leaves_the_last_good_one_in_force_until_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(named("a"))
    policies = loaded(tmp_path)
    before = policies.version
    file.write_text(named("b").replace("maxDown", "maxDwn"))

    first, again = policies.refresh(), policies.refresh()

    assert not first.changed
    assert first.error is not None
    assert "did you mean maxDown?" in first.error
    assert again == first
    assert policies.error == first.error
    assert (names(policies), policies.version) == (["a"], before)

    file.write_text(named("b"))

    assert policies.refresh() == Refresh(changed=True, error=None)
    assert names(policies) == ["b"]


def test_going_back_to_the_good_version_clears_the_error_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(named("a"))
    policies = loaded(tmp_path)
    file.write_text("a: [")
    policies.refresh()
    file.write_text(named("a"))

    assert policies.refresh() == Refresh(changed=False, error=None)
    assert policies.error is None


def test_a_folder_that_vanishes_and_comes_back_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "a.yaml").write_text(named("a"))
    policies = loaded(folder)
    shutil.move(folder, tmp_path / "away")

    gone = policies.refresh()

    assert gone.error is not None
    assert "cannot be read" in gone.error
    assert names(policies) == ["a"]

    shutil.move(tmp_path / "away", folder)

    assert policies.refresh() == Refresh(changed=False, error=None)


def test_an_emptied_folder_means_that_no_policy_is_in_force(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    policies = loaded(tmp_path)
    (tmp_path / "a.yaml").unlink()

    assert policies.refresh() == Refresh(changed=True, error=None)
    assert names(policies) == []
    assert policies.warning == "no policy is in force; no gate is approved before one is there"


def test_a_mounted_config_map_is_followed_through_its_links(tmp_path: Path) -> None:
    for version, name in (("..2026_1", "one"), ("..2026_2", "two")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text(named(name))
    (tmp_path / "..data").symlink_to("..2026_1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    policies = loaded(tmp_path)

    assert names(policies) == ["one"]

    (tmp_path / "..data_tmp").symlink_to("..2026_2")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    assert policies.refresh().changed
    assert names(policies) == ["two"]
