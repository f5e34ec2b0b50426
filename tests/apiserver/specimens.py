"""Specimens of clusters in every state that the checks know, each with the answer that is expected.

A file of ``specimens/`` is for one check. Its cases say what is different about the healthy objects of ``base.yaml``,
or state whole manifests under ``with``.
Times are written ``now``, ``now-2m``, ``now+10m``; versions ``{server}``, ``{target}`` (the same, as Azure writes it),
``{minor}`` (without its patch), ``{older}`` (by one minor), ``{old}`` (by three) and ``{ancient}`` (by four); bundles
of certificates ``{ca}`` and ``{expired-ca}``.
``site`` and ``signals`` are what a server beside the cluster answers, see site.py; ``jobs`` is how the Jobs go on that
the check creates.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gatekeeper.emulator.kube import Manifest
from gatekeeper.emulator.kube.manifests import merge, rfc3339
from gatekeeper.model import COMPLETED, Member, Target
from tests.apiserver.certificates import certificate_authority
from tests.apiserver.worlds import CONTEXT

_FOLDER = Path(__file__).parent / "specimens"
_TIME = re.compile(r"now(?:(?P<sign>[+-])(?P<count>\d+)(?P<unit>[smh]))?")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Case:
    """One cluster, one question, one answer."""

    check: str
    name: str
    outcome: str
    codes: Sequence[str] | None
    """The codes of the evidence, sorted; None: not looked at."""
    params: Sequence[str]
    target: Mapping[str, Any]
    changes: Sequence[Mapping[str, Any]]
    unready: bool
    aged: bool
    """Whether the objects must be older than a second: for a grace period of none."""
    updated: str | None
    """When the member's update was completed; it began an hour earlier."""
    site: Mapping[str, Any]
    """The answers of a server beside the cluster, by path; it is ``{site}`` in the parameters."""
    signals: Mapping[str, Any]
    """What Prometheus and Alertmanager say, who are at that server as well."""
    jobs: Mapping[str, str]
    """How Jobs go on, and what they write: ``outcome`` and ``log``."""

    def __str__(self) -> str:
        return f"{self.check}: {self.name}"

    def objects(self, version: str) -> tuple[list[Manifest], list[Manifest]]:
        """The manifests, their namespaces first; and those whose deletion is asked for."""
        base = _base()
        made = [(_made(base, change, _versions(version)), bool(change.get("deleted"))) for change in self.changes]
        namespaces = dict.fromkeys(each["metadata"].get("namespace") for each, _ in made)
        spaces = [_namespace(name) for name in namespaces if name is not None]
        return [*spaces, *(each for each, _ in made)], [each for each, deleted in made if deleted]

    @property
    def is_beside(self) -> bool:
        """Whether the answer is not the cluster's, but that of a server beside it."""
        return bool(self.site or self.signals)

    def member(self) -> Member:
        """The member, as the run tells of it."""
        ended = _moment(self.updated) if self.updated else None
        began = ended - timedelta(hours=1) if ended else None
        return Member(CONTEXT, CONTEXT, state=COMPLETED, started_at=began, completed_at=ended)

    def goal(self, version: str) -> Target:
        """What the run would have brought."""
        said: dict[str, Any] = _filled(dict(self.target), _versions(version))
        return Target(
            upgrade_type=said.get("upgrade_type"),
            kubernetes_version=said.get("kubernetes_version"),
            node_image_selection=said.get("node_image_selection"),
            node_images=tuple(said.get("node_images", ())),
        )


def manifests(changes: Sequence[Mapping[str, Any]], version: str) -> list[Manifest]:
    """Objects written as in a file of specimens, for an API server of this version."""
    return [_made(_base(), change, _versions(version)) for change in changes]


def described() -> list[str]:
    """The checks that have a file of specimens."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml") if file.stem != "base")


def cases(check: str) -> list[Case]:
    """All cases of a check."""
    return [
        Case(
            check=check,
            name=each["case"],
            outcome=each["outcome"],
            codes=each.get("codes"),
            params=each.get("params", ()),
            target=each.get("target", {}),
            changes=each.get("objects", ()),
            unready=bool(each.get("unready")),
            aged=bool(each.get("aged")),
            updated=each.get("updated"),
            site=each.get("site", {}),
            signals=each.get("signals", {}),
            jobs=each.get("jobs", {}),
        )
        for each in _read(check)
    ]


def _made(base: Mapping[str, Manifest], change: Mapping[str, Any], versions: Mapping[str, str]) -> Manifest:
    like = base[change["like"]] if "like" in change else {}
    manifest = merge(like, change.get("with", {}))
    about = {key: change[key] for key in ("name", "namespace") if key in change}
    made: Manifest = _filled(merge(manifest, {"metadata": about}), versions)
    return made


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _versions(server: str) -> dict[str, str]:
    major, minor = re.findall(r"\d+", server)[:2]
    older, old, ancient = (f"v{major}.{int(minor) - behind}.9" for behind in (1, 3, 4))
    target = server.removeprefix("v").partition("+")[0].partition("-")[0]
    words = {"{server}": server, "{target}": target, "{older}": older, "{old}": old, "{ancient}": ancient}
    words["{minor}"] = f"{major}.{minor}"
    return words | {"{ca}": _authority(365), "{expired-ca}": _authority(-1)}


@cache
def _authority(days: int) -> str:
    """A caBundle that ends so many days from now."""
    pem = certificate_authority(datetime.now(UTC) + timedelta(days=days))[0]
    return b64encode(pem).decode()


def _filled(value: Any, versions: Mapping[str, str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, versions, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, versions) for each in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        text = rfc3339(_moment(value))
        return text.replace("Z", ".000000Z") if key == "renewTime" else text  # a MicroTime
    return versions.get(value, value) if isinstance(value, str) else value


def _moment(text: str) -> datetime:
    found = _TIME.fullmatch(text)
    assert found, f"not a time: {text}"
    seconds = int(found["count"] or 0) * _SECONDS[found["unit"] or "s"] * (-1 if found["sign"] == "-" else 1)
    return datetime.now(UTC) + timedelta(seconds=seconds)


@cache
def _base() -> Mapping[str, Manifest]:
    """The healthy objects, which nobody changes: what is made of them is filled in anew."""
    made: Mapping[str, Manifest] = _read("base")
    return made


def _read(name: str) -> Any:
    return YAML(typ="safe", pure=True).load(_FOLDER / f"{name}.yaml")
