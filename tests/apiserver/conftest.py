"""Every test here runs in front of the emulator, and of a real kube-apiserver where there is one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from gatekeeper.emulator.kube import KubeCluster, KubeServer
from tests.apiserver.control_plane import ADMIN, ASSETS, ControlPlane
from tests.apiserver.world_emulated import EmulatedWorld
from tests.apiserver.world_real import RealWorld
from tests.apiserver.worlds import CONTEXT, World
from tests.apiserver.writer import Writer


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real control plane for the whole session."""
    named = os.environ.get(ASSETS)
    if not named:
        pytest.skip(f"{ASSETS} names no folder with etcd and kube-apiserver")
    missing = [program for program in ("etcd", "kube-apiserver") if not (Path(named) / program).is_file()]
    if missing:
        pytest.fail(f"{ASSETS} names a folder without {' and '.join(missing)}")
    with ControlPlane(Path(named), tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture(params=["emulator", pytest.param("apiserver", marks=pytest.mark.apiserver)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """An empty cluster."""
    if request.param == "emulator":
        async with KubeServer([KubeCluster(CONTEXT)]) as server:
            yield EmulatedWorld(server, tmp_path)
        return
    plane: ControlPlane = request.getfixturevalue("control_plane")
    headers = {"Authorization": f"Bearer {plane.tokens[ADMIN]}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=plane.tls)) as session:
        writer = Writer(session, plane.url)
        yield RealWorld(plane, writer, tmp_path)
        await writer.wipe()
