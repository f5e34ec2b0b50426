"""The contract between Gatekeeper and a check: all that a check may import.

A check is a question about one cluster (:class:`ClusterCheck`) or about the gate itself (:class:`GateCheck`).
It is a frozen pydantic model, and its fields are its parameters: one class is vocabulary, schema and documentation.
A check neither retries, logs, sleeps nor starts tasks; it reads through the :class:`Cluster` it is given and answers
with a :class:`Finding`. What it raises becomes the outcome ``error``: *could not look* is never *saw nothing*.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from gatekeeper.answers import json_of
from gatekeeper.cluster import Cluster, Resource, Table, Text
from gatekeeper.errors import BadAnswer, CouldNotLook, Forbidden, MissingColumn, NotFound
from gatekeeper.findings import CheckResult, Evidence, Finding, Outcome
from gatekeeper.kit import drains, rooms
from gatekeeper.kit.aks import AKS_API, AKS_READ, AksCluster, AksId, AksPool, aks_cluster
from gatekeeper.kit.alerts import Alert, alerts_of_alertmanager, alerts_of_series, dated, silenced, silences_of
from gatekeeper.kit.alike import Alike
from gatekeeper.kit.calendars import Spans, public_holidays, read_calendar
from gatekeeper.kit.certificates import certificate_ends
from gatekeeper.kit.counters import (
    DEPRECATED,
    METRICS,
    REPLICAS,
    REQUESTS,
    Counters,
    labels_of,
    number_of,
    server_counters,
)
from gatekeeper.kit.endpoint import Endpoint
from gatekeeper.kit.evictions import Budget, Budgets
from gatekeeper.kit.expressions import Expression, Regex
from gatekeeper.kit.health import Health, Status, judge_object
from gatekeeper.kit.maintenance import maintenance_windows
from gatekeeper.kit.manifest import (
    at,
    bounded,
    cells,
    condition,
    conditions,
    count,
    dicts,
    dns_name,
    name_of,
    numbered,
    place_of,
    say,
    some,
    time_of,
    version_of,
)
from gatekeeper.kit.matchers import Matcher, Selector
from gatekeeper.kit.measurement import Measurement
from gatekeeper.kit.nodes import NODES, has_nodes, nodes_ready
from gatekeeper.kit.occasions import Span
from gatekeeper.kit.probes import Probe, log_evidence
from gatekeeper.kit.promql import instant_query
from gatekeeper.kit.quantities import amount, pod_requests, quantity
from gatekeeper.kit.refusals import HookKey, Refusals, refusals
from gatekeeper.kit.resources import NamedReads, ResourceName
from gatekeeper.kit.selectors import selector_text, selects
from gatekeeper.kit.server import server_version
from gatekeeper.kit.subjects import controller_of, is_virtual, node_subject, pool_of
from gatekeeper.kit.suspects import pods_named
from gatekeeper.kit.templates import Template
from gatekeeper.kit.webhooks import SERVICES, SLICES, Backend, Callee, Obstacle, backend_of
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
    "AKS_API",
    "AKS_READ",
    "DEPRECATED",
    "METRICS",
    "NODES",
    "REPLICAS",
    "REQUESTS",
    "SERVICES",
    "SLICES",
    "AksCluster",
    "AksId",
    "AksPool",
    "Alert",
    "Alike",
    "Azure",
    "Backend",
    "BadAnswer",
    "Budget",
    "Budgets",
    "Callee",
    "Check",
    "CheckResult",
    "Cluster",
    "ClusterCheck",
    "ClusterContext",
    "CouldNotLook",
    "Counters",
    "Duration",
    "Endpoint",
    "Eviction",
    "Evidence",
    "Expression",
    "Finding",
    "Forbidden",
    "Gate",
    "GateCheck",
    "GateContext",
    "Health",
    "HookKey",
    "Http",
    "HttpAnswer",
    "HttpAuth",
    "HttpRequest",
    "JobRun",
    "Matcher",
    "Measurement",
    "Member",
    "MissingColumn",
    "NamedReads",
    "Namespaces",
    "NoWorkbench",
    "NotFound",
    "Note",
    "Notebook",
    "Obstacle",
    "Outcome",
    "Parameters",
    "Probe",
    "Refusals",
    "Regex",
    "Resource",
    "ResourceName",
    "Scope",
    "Selector",
    "Span",
    "Spans",
    "Status",
    "Table",
    "Target",
    "Template",
    "Text",
    "Tolerance",
    "Tools",
    "Workbench",
    "aks_cluster",
    "alerts_of_alertmanager",
    "alerts_of_series",
    "amount",
    "at",
    "backend_of",
    "bounded",
    "cells",
    "certificate_ends",
    "condition",
    "conditions",
    "controller_of",
    "count",
    "dated",
    "dicts",
    "dns_name",
    "drains",
    "format_duration",
    "has_nodes",
    "instant_query",
    "is_virtual",
    "json_of",
    "judge_object",
    "labels_of",
    "log_evidence",
    "maintenance_windows",
    "name_of",
    "node_subject",
    "nodes_ready",
    "number_of",
    "numbered",
    "place_of",
    "pod_requests",
    "pods_named",
    "pool_of",
    "public_holidays",
    "quantity",
    "read_calendar",
    "refusals",
    "rooms",
    "say",
    "selector_text",
    "selects",
    "server_counters",
    "server_version",
    "silenced",
    "silences_of",
    "some",
    "time_of",
    "version_of",
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
    area: ClassVar[str] = "More"
    """Under which heading the catalogue lists it: ``Nodes``, ``Workloads`` or one of your own."""
    reads: ClassVar[tuple[Resource, ...]] = ()
    """All that it may ask of a cluster."""
    writes: ClassVar[tuple[tuple[str, Resource], ...]] = ()
    """All that it may do in a cluster, as verb and resource; for nearly all checks nothing."""
    azure_actions: ClassVar[tuple[str, ...]] = ()
    """All that it may ask of Azure, as actions of a role: ``Microsoft.ContainerService/managedClusters/read``."""

    def waits(self) -> timedelta:
        """How long its parameters let it wait for something; a policy whose timeout is not longer is refused."""
        return timedelta()


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
