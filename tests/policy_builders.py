"""Small checks and policy files for the tests of everything that reads YAML."""

from __future__ import annotations

from typing import ClassVar

from gatekeeper.check import ClusterCheck, ClusterContext, Duration, Finding, GateCheck, GateContext, Tolerance
from gatekeeper.parameters import Namespaces, Parameters
from gatekeeper.policy import Policy
from gatekeeper.policy_file import compile_policy
from gatekeeper.problems import InvalidConfigError
from gatekeeper.registry import Registry
from gatekeeper.yamlfile import parse_yaml


class NodesUp(ClusterCheck):
    """All nodes are up. And more."""

    name: ClassVar[str] = "nodes-up"
    claim: ClassVar[str] = "all nodes are up"

    max_down: Tolerance = Tolerance(count=0)
    """How many may be down."""
    namespaces: Namespaces = Namespaces()
    """Where to look."""
    grace_period: Duration | None = None
    """How long to wait."""

    async def run(self, ctx: ClusterContext) -> Finding:
        return Finding.passed(ctx.cluster.name)


class Hours(Parameters):
    """A span of hours."""

    begin: int
    end: int = 24


class Calm(GateCheck):
    """The hour is calm."""

    name: ClassVar[str] = "calm"
    claim: ClassVar[str] = "the hour is calm"

    hours: tuple[Hours, ...]
    """When."""

    async def run(self, ctx: GateContext) -> Finding:
        return Finding.passed(str(ctx.now))


REGISTRY = Registry([("tests", NodesUp), ("tests", Calm)])

GOOD = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: after}
match:
  displayName: Run health checks
  timing: After
checks:
  - check: nodes-up
    maxDown: 5%
"""


def compiled(text: str, source: str = "p.yaml") -> Policy:
    """The one policy of a text."""
    (document,) = parse_yaml(text.encode(), source)
    return compile_policy(document, REGISTRY)


def complaints_about(text: str) -> list[str]:
    """What is said about a text that is no policy, line by line."""
    try:
        compiled(text, "p.yaml")
    except InvalidConfigError as error:
        return str(error).splitlines()
    return []
