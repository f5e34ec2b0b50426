"""The test kit for checks: a cluster made of manifests, a run of one check, and assertions on its finding.

It refuses to talk to anything: no HTTP, no clock but the one it is given, and no test framework. Rows come from the
same printers and selectors as the emulator's, so a check sees what a real API server would show.

Example:
    cluster = FakeCluster([node_manifest])
    finding = await ask(NodesReady(), cluster)
    assert_finding(finding, "failed", "1 of 1 nodes", codes=["NodeNotReady"])
    await assert_never_passes(NodesReady(), [node_manifest, lease_manifest])
"""

from __future__ import annotations

from gatekeeper.errors import Conflict, ServerFault, Throttled, TimedOut, Unauthorized, Unreachable
from gatekeeper.testing.asking import ask, ask_gate, context, gate, member, scope
from gatekeeper.testing.careful import OddCluster, assert_never_passes, bare_cluster
from gatekeeper.testing.clusters import NOW, FakeCluster
from gatekeeper.testing.doors import FakeAzure, FakeHttp, FakeWorkbench
from gatekeeper.testing.findings import assert_finding

__all__ = [
    "NOW",
    "Conflict",
    "FakeAzure",
    "FakeCluster",
    "FakeHttp",
    "FakeWorkbench",
    "OddCluster",
    "ServerFault",
    "Throttled",
    "TimedOut",
    "Unauthorized",
    "Unreachable",
    "ask",
    "ask_gate",
    "assert_finding",
    "assert_never_passes",
    "bare_cluster",
    "context",
    "gate",
    "member",
    "scope",
]
