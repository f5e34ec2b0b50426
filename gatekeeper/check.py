"""The contract between Gatekeeper and a check: all that a check may import.

A check is a question about one cluster (:class:`ClusterCheck`) or about the gate itself (:class:`GateCheck`).
It is a frozen pydantic model, and its fields are its parameters: one class is vocabulary, schema and documentation.
A check neither retries, logs, sleeps nor starts tasks; it reads through the :class:`Cluster` it is given and answers
with a :class:`Finding`. What it raises becomes the outcome ``error``: *could not look* is never *saw nothing*.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from gatekeeper.cluster import Cluster, Resource, Table, Text
from gatekeeper.errors import BadAnswer, CouldNotLook, Forbidden, MissingColumn, NotFound
from gatekeeper.findings import CheckResult, Evidence, Finding, Outcome
from gatekeeper.manifest import (
    at,
    bounded,
    condition,
    count,
    dicts,
    dns_name,
    name_of,
    numbered,
    place_of,
    quantity,
    say,
    selector_text,
    some,
    time_of,
)
from gatekeeper.model import Gate, Member, Scope, Target
from gatekeeper.parameters import Namespaces, Parameters
from gatekeeper.tools import (
    Azure,
    BlankNotebook,
    Eviction,
    Http,
    HttpAnswer,
    HttpAuth,
    HttpRequest,
    JobRun,
    Note,
    Notebook,
    NoWorkbench,
    Tools,
    Workbench,
)
from gatekeeper.values import Duration, Tolerance, format_duration

__all__ = [
    "Azure",
    "BadAnswer",
    "Check",
    "CheckResult",
    "Cluster",
    "ClusterCheck",
    "ClusterContext",
    "CouldNotLook",
    "Duration",
    "Eviction",
    "Evidence",
    "Finding",
    "Forbidden",
    "Gate",
    "GateCheck",
    "GateContext",
    "Http",
    "HttpAnswer",
    "HttpAuth",
    "HttpRequest",
    "JobRun",
    "Member",
    "MissingColumn",
    "Namespaces",
    "NoWorkbench",
    "NotFound",
    "Note",
    "Notebook",
    "Outcome",
    "Parameters",
    "Resource",
    "Scope",
    "Table",
    "Target",
    "Text",
    "Tolerance",
    "Tools",
    "Workbench",
    "at",
    "bounded",
    "condition",
    "count",
    "dicts",
    "dns_name",
    "format_duration",
    "name_of",
    "numbered",
    "place_of",
    "quantity",
    "say",
    "selector_text",
    "some",
    "time_of",
]


@dataclass(frozen=True, slots=True)
class ClusterContext:
    """What a ClusterCheck is given."""

    cluster: Cluster
    member: Member
    scope: Scope
    tools: Tools = field(default_factory=Tools)
    """HTTP and Azure."""
    workbench: Workbench = field(default_factory=NoWorkbench)
    """For the few checks that write in a member; they say so in ``writes``."""
    notebook: Notebook = field(default_factory=BlankNotebook)
    """What this check wrote down of this member in earlier sweeps."""


@dataclass(frozen=True, slots=True)
class GateContext:
    """What a GateCheck is given."""

    scope: Scope
    now: datetime
    """Gatekeeper's own clock, UTC."""
    tools: Tools = field(default_factory=Tools)
    """HTTP and Azure."""
    notebook: Notebook = field(default_factory=BlankNotebook)
    """What this check wrote down of this gate in earlier sweeps."""


class Check(Parameters, ABC):
    """Base of all checks: derive from ClusterCheck or GateCheck. The class docstring is the documentation; it has a
    YAML example under ``Example:`` that a test loads as a real policy.
    """

    name: ClassVar[str]
    """What policies call it: kebab-case, unique."""
    claim: ClassVar[str]
    """What is true when it passes, as a short sentence: ``all nodes are Ready``."""
    reads: ClassVar[tuple[Resource, ...]] = ()
    """All that it may ask of a cluster."""
    writes: ClassVar[tuple[tuple[str, Resource], ...]] = ()
    """All that it may do in a cluster, as verb and resource; for nearly all checks nothing."""
    azure_actions: ClassVar[tuple[str, ...]] = ()
    """All that it may ask of Azure, as actions of a role: ``Microsoft.ContainerService/managedClusters/read``."""


class ClusterCheck(Check):
    """A question that is asked of every member in scope."""

    @abstractmethod
    async def run(self, ctx: ClusterContext) -> Finding:
        """Look, judge, answer. May raise; the runner turns what is raised into ``error``."""


class GateCheck(Check):
    """A question that is asked once per gate, about the gate, the run or the time."""

    @abstractmethod
    async def run(self, ctx: GateContext) -> Finding:
        """Look, judge, answer. May raise; the runner turns what is raised into ``error``."""
