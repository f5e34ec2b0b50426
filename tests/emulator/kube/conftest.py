"""A driven clock, a small healthy cluster and a running server for the tests of the emulated clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from gatekeeper.emulator.kube import KubeCluster, KubeServer, aks_cluster

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def cluster() -> KubeCluster:
    """A healthy cluster of four nodes whose clock stands still."""
    return aks_cluster("north", pools={"system": (1, "system"), "user": (3, "user")}, clock=lambda: NOW)


@pytest.fixture
async def server(cluster: KubeCluster) -> AsyncIterator[KubeServer]:
    """A running HTTPS server for the cluster."""
    async with KubeServer([cluster]) as running:
        yield running
