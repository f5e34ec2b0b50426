"""The two clusters that the same tests are put in front of: the emulator, and a real kube-apiserver."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from gatekeeper.emulator.kube import KubeCluster, KubeServer, Manifest
from gatekeeper.emulator.kube.kinds import built_in
from gatekeeper.emulator.kube.kubeconfig import Entry, kubeconfig
from gatekeeper.emulator.kube.manifests import rfc3339
from tests.apiserver.control_plane import ADMIN, NOBODY, READER, ControlPlane
from tests.apiserver.writer import Writer

CONTEXT = "c1"
STRANGER = "stranger"
_ROLE_REACHES = 10.0  # seconds; the RBAC authorizer learns of a binding from its watch


class World(Protocol):
    """One cluster that can be filled, read as several users, and hurt."""

    version: str
    """The API server's gitVersion."""

    async def fill(self, objects: Sequence[Manifest], gone: Sequence[Manifest] = ()) -> None:
        """Let the cluster hold these objects; ``gone`` are some of them, whose deletion was asked for."""

    async def bind(self, role: Manifest) -> None:
        """Give a ClusterRole to the user ``reader``."""

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig for ``admin``, ``reader``, ``nobody``, or a ``stranger`` whose token is wrong."""

    def expire_lists(self) -> None:
        """Let lists that are being paged expire."""

    def unready(self) -> AbstractContextManager[None]:
        """Let the API server lose its etcd for a while."""


class EmulatedWorld:
    """The emulator; its API server has one user at a time."""

    def __init__(self, server: KubeServer, folder: Path) -> None:
        self._server = server
        self._cluster: KubeCluster = server.clusters[CONTEXT]
        self._folder = folder
        self._allowed: set[tuple[str, str, str]] = set()
        self.version = self._cluster.version

    async def fill(self, objects: Sequence[Manifest], gone: Sequence[Manifest] = ()) -> None:
        """See World."""
        self._cluster.replace_all(objects)
        for manifest in gone:
            grace = 30 if manifest["kind"] == "Pod" else 0
            end = rfc3339(datetime.now(UTC) + timedelta(seconds=grace))
            patch: Manifest = {"metadata": {"deletionTimestamp": end, "deletionGracePeriodSeconds": grace}}
            if manifest["kind"] == "Namespace":
                patch["status"] = {"phase": "Terminating"}
            about = manifest["metadata"]
            self._cluster.patch(manifest["kind"], about["name"], patch, about.get("namespace", "default"))

    async def bind(self, role: Manifest) -> None:
        """See World."""
        for rule in role["rules"]:
            groups, names = rule.get("apiGroups", [""]), rule.get("resources") or rule["nonResourceURLs"]
            self._allowed |= {(verb, group, name) for verb in rule["verbs"] for group in groups for name in names}

    def kubeconfig(self, user: str) -> Path:
        """See World."""
        access = self._cluster.access
        access.tokens, access.user = {ADMIN, READER, NOBODY}, user
        everything = {(verb, each.group, each.plural) for verb in ("get", "list") for each in built_in()}
        everything.add(("get", "", "/metrics"))
        access.denied = everything - {ADMIN: everything, READER: self._allowed}.get(user, set())
        return _write(self._folder, user, self._server.url_of(CONTEXT), self._server.ca_pem or b"", user)

    def expire_lists(self) -> None:
        """See World."""
        self._cluster.faults.add("expiredPage", times=1)

    @contextmanager
    def unready(self) -> Iterator[None]:
        """See World."""
        self._cluster.health.fail("etcd")
        try:
            yield
        finally:
            self._cluster.health.heal()


class RealWorld:
    """A real kube-apiserver, wiped after each test."""

    def __init__(self, plane: ControlPlane, writer: Writer, folder: Path) -> None:
        self._plane = plane
        self._writer = writer
        self._folder = folder
        self.version: str = plane.get("/version")["gitVersion"]

    async def fill(self, objects: Sequence[Manifest], gone: Sequence[Manifest] = ()) -> None:
        """See World."""
        await self._writer.wipe()
        for manifest in objects:
            await self._writer.apply(manifest)
        for manifest in gone:
            await self._writer.delete(manifest)

    async def bind(self, role: Manifest) -> None:
        """See World."""
        name = role["metadata"]["name"]
        await self._writer.apply(role)
        group = "rbac.authorization.k8s.io"
        binding = {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": group, "kind": "User", "name": READER}],
        }
        await self._writer.apply(binding)
        end = time.monotonic() + _ROLE_REACHES
        while not self._may_list_nodes():
            assert time.monotonic() < end, "the binding does not take effect"

    def kubeconfig(self, user: str) -> Path:
        """See World."""
        token = self._plane.tokens.get(user, "wrong")
        return _write(self._folder, user, self._plane.url, self._plane.ca_pem, token)

    def expire_lists(self) -> None:
        """See World."""
        self._plane.expire_lists()

    def unready(self) -> AbstractContextManager[None]:
        """See World."""
        return self._plane.without_etcd()

    def _may_list_nodes(self) -> bool:
        asked: dict[str, Any] = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        asked["spec"] = {"resourceAttributes": {"verb": "list", "resource": "nodes"}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(self._plane.get(path, READER, asked)["status"]["allowed"])


def _write(folder: Path, user: str, url: str, ca_pem: bytes, token: str) -> Path:
    path = folder / f"{user}.kubeconfig"
    path.write_text(kubeconfig([Entry(CONTEXT, url, ca_pem)], "token", token), "utf-8")
    return path
