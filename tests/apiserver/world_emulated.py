"""The emulator as the cluster of a test."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatekeeper.emulator.kube import Course, KubeCluster, KubeServer, Manifest
from gatekeeper.emulator.kube.kinds import Resource
from gatekeeper.emulator.kube.manifests import rfc3339
from tests.apiserver.control_plane import ADMIN, NOBODY, OUTDATED, READER
from tests.apiserver.worlds import CONTEXT, GONE_IN, names_of, service, write_kubeconfig

_VERBS = ("get", "list", "create", "delete")
_PARTS = (
    ("get", "", "/metrics"),
    ("get", "", "pods/log"),
    ("get", "", "services/proxy"),
    ("create", "", "pods/eviction"),
)


class EmulatedWorld:
    """The emulator; its API server has one user at a time."""

    def __init__(self, server: KubeServer, folder: Path) -> None:
        self._server = server
        self._cluster: KubeCluster = server.clusters[CONTEXT]
        self._folder = folder
        self._allowed: set[tuple[str, str, str]] = set()
        self._granted: set[tuple[str, str, str, str]] = set()
        self._refused: Counter[str] = Counter()
        self.version = self._cluster.version

    async def fill(self, objects: Sequence[Manifest], gone: Sequence[Manifest] = ()) -> None:
        """See World."""
        self._cluster.replace_all(objects)
        for manifest in gone:
            grace = manifest["spec"].get("terminationGracePeriodSeconds", 30) if manifest["kind"] == "Pod" else 0
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
            found = {(verb, group, name) for verb in rule["verbs"] for group in groups for name in names}
            if role["kind"] == "Role":
                self._granted |= {(role["metadata"]["namespace"], *each) for each in found}
            else:
                self._allowed |= found

    def kubeconfig(self, user: str) -> Path:
        """See World."""
        access = self._cluster.access
        access.tokens, access.user = {ADMIN, READER, NOBODY}, user
        everything = {(verb, each.group, each.plural) for verb in _VERBS for each in self._cluster.catalogue}
        everything.update(_PARTS)
        access.denied = everything - {ADMIN: everything, READER: self._allowed}.get(user, set())
        access.granted = self._granted if user == READER else set()
        return write_kubeconfig(self._folder, user, self._server.url_of(CONTEXT), self._server.ca_pem or b"", user)

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

    @asynccontextmanager
    async def running(self, course: Course, *, has_kubelet: bool = True) -> AsyncIterator[None]:
        """See World."""
        self._cluster.jobs.rules.append(("*", course))
        if not has_kubelet:
            self._cluster.faults.add("status", path=r"/log\?", status=500)
        yield

    async def left_over(self) -> list[str]:
        """See World."""
        return names_of([*self._cluster.all_of("Job"), *self._cluster.all_of("Pod")])

    @asynccontextmanager
    async def publishing(self, place: str, bodies: Mapping[str, str]) -> AsyncIterator[None]:
        """See World."""
        for manifest in service(place):
            self._cluster.apply(manifest)
        self._cluster.proxied |= {f"{place}:80{path}": (200, body) for path, body in bodies.items()}
        yield

    async def refuse_write(self, webhook: str) -> None:
        """See World. The emulator calls no webhooks; it shows what an API server counts."""
        self._refused[webhook] += 1
        about = 'error_type="calling_webhook_error",name="{}",operation="CREATE",rejection_code="0",type="validating"'
        lines = [
            f"apiserver_admission_webhook_rejection_count{{{about.format(name)}}} {count}\n"
            for name, count in self._refused.items()
        ]
        self._cluster.metrics = self._cluster.counters.text() + "".join(lines)

    async def serve_outdated(self) -> None:
        """See World."""
        group, _, version = OUTDATED.partition("/")
        beta = Resource(group, version, "servicecidrs", "ServiceCIDR", namespaced=False, removed_in=GONE_IN)
        self._cluster.catalogue.add([beta])
