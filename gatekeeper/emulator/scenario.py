"""A scenario is one readable YAML file: fleets, their clusters, the update runs, and what goes wrong and when.

Manifests in, server out: what is written here is what the emulated APIs answer. See ``scenarios/demo.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gatekeeper.complaints import load_as
from gatekeeper.emulator.fleet import strategy
from gatekeeper.emulator.kube import KubeCluster, Manifest
from gatekeeper.emulator.kube.aks_nodes import NODE_IMAGE
from gatekeeper.parameters import Parameters
from gatekeeper.problems import InvalidConfigError, Problem
from gatekeeper.values import Duration
from gatekeeper.yamlfile import read_yaml

_OLD_IMAGE = "AKSUbuntu-2204gen2containerd-202509.11.0"


def _manifests(value: Sequence[Manifest]) -> Sequence[Manifest]:
    """Refuse what no API server would take; a cluster that is thrown away tells."""
    for manifest in value:
        if "kind" not in manifest or "apiVersion" not in manifest or "name" not in manifest.get("metadata", {}):
            raise ValueError("a manifest has apiVersion, kind and metadata.name")
    KubeCluster("scratch").set_overlay("scratch", value)
    return value


def _stages(value: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    strategy.check({"stages": value})
    return value


Manifests = Annotated[tuple[Manifest, ...], AfterValidator(_manifests)]
Stages = Annotated[tuple[dict[str, Any], ...], AfterValidator(_stages)]


class ClusterSpec(Parameters):
    """A healthy AKS cluster, and what is different about it."""

    version: str = "1.33.5"
    """Its Kubernetes version before any update."""
    node_image: str = _OLD_IMAGE
    """The image of its nodes before any update."""
    pools: dict[str, int] = Field(default={"system": 2, "user": 2})
    """Nodes of each pool; those whose name begins with ``system`` are system pools."""
    extra_pods: int = Field(default=0, ge=0)
    """So many pods more than the usual few dozen."""
    manifests: Manifests = ()
    """Laid over the healthy objects of the same names for good, or added."""


class MemberSpec(ClusterSpec):
    """A member of a fleet and the cluster behind it."""

    name: str
    """Unique in all fleets of the scenario."""
    group: str | None = None
    """Its update group."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Its labels in the fleet."""
    update_takes: Duration | None = None
    """How long its update takes, if not as long as all the others."""
    update_fails: str | None = None
    """The message with which its update fails."""


class RunSpec(Parameters):
    """An update run, by the fleet's strategy."""

    name: str
    """Its name."""
    type: Literal["Full", "ControlPlaneOnly", "NodeImageOnly"] = "Full"
    """What is updated."""
    kubernetes_version: str | None = None
    """The version it aims at; none for NodeImageOnly."""

    @property
    def properties(self) -> dict[str, Any]:
        """The run in ARM's words, without its strategy."""
        upgrade = {"type": self.type, "kubernetesVersion": self.kubernetes_version}
        present = {key: value for key, value in upgrade.items() if value is not None}
        return {"managedClusterUpdate": {"upgrade": present, "nodeImageSelection": {"type": "Latest"}}}


class FleetSpec(Parameters):
    """A fleet, its members, and its runs."""

    subscription_id: str = "00000000-0000-0000-0000-000000000000"
    """The subscription."""
    resource_group: str = "rg-fleet"
    """The resource group."""
    name: str
    """The fleet's name."""
    stages: Stages
    """The update strategy's stages, as ARM has them."""
    members: tuple[MemberSpec, ...] = ()
    """Its members."""
    runs: tuple[RunSpec, ...] = ()
    """Started one after the other when the scenario starts."""


class Sickness(Parameters):
    """Something that goes wrong in a member."""

    member: str
    """Who falls ill."""
    what: str
    """In the words of a person."""
    after: Literal["start", "update"] = "update"
    """When: from the start of the scenario, or once the member's update has completed."""
    apply: Manifests
    """Parts of manifests, laid over the healthy objects of the same names."""
    heals_after_held: Duration | None = None
    """Taken off again when its gate has been held for so long; never, if not given."""


class AzureDocument(Parameters):
    """Something that Azure Resource Manager says otherwise than usual."""

    member: str | None = None
    """The member about whose cluster it is."""
    path: str = ""
    """An ARM path; with a member, what follows the cluster's id: ``/upgradeProfiles/default``, or nothing."""
    document: dict[str, Any]
    """Laid over the answer: ``{properties: {powerState: {code: Stopped}}}``."""


class Scenario(Parameters):
    """A world to play in."""

    api_version: Literal["gatekeeper/v1"]
    """The format of this file."""
    kind: Literal["Scenario"]
    """The kind of this document."""
    fleets: tuple[FleetSpec, ...] = Field(min_length=1)
    """The fleets."""
    update_takes: Duration = timedelta(seconds=5)
    """How long the update of a member takes."""
    latest_node_image: str = NODE_IMAGE
    """The image that updated nodes get."""
    sick: tuple[Sickness, ...] = ()
    """What goes wrong."""
    azure: tuple[AzureDocument, ...] = ()
    """What Azure says of clusters, regions and subscriptions otherwise than that all is well."""

    @model_validator(mode="after")
    def _names_fit(self) -> Scenario:
        names = [member.name for fleet in self.fleets for member in fleet.members]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the member {', '.join(twice)} stands here twice; every member needs its own name")
        if unknown := sorted({sickness.member for sickness in self.sick} - set(names)):
            raise ValueError(f"no fleet has the member {', '.join(unknown)} that is to fall sick")
        if unknown := sorted({each.member for each in self.azure if each.member is not None} - set(names)):
            raise ValueError(f"no fleet has the member {', '.join(unknown)} of which azure is to speak")
        return self


def load_scenario(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        ConfigError: with all that is wrong, by file and line.
    """
    documents = read_yaml(path)
    if len(documents) != 1:
        raise InvalidConfigError([Problem(str(path), None, "", f"holds {len(documents)} documents; a scenario is one")])
    return load_as(Scenario, documents[0])
