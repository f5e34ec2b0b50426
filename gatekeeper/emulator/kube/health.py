"""/readyz, /livez and /healthz in the words of the real server, with checks that can be made to fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gatekeeper.emulator.kube.statuses import Answer, page_not_found, text

_HOOKS = tuple(
    f"poststarthook/{name}"
    for name in (
        "start-apiserver-admission-initializer",
        "generic-apiserver-start-informers",
        "priority-and-fairness-config-consumer",
        "priority-and-fairness-filter",
        "storage-object-count-tracker-hook",
        "start-apiextensions-informers",
        "start-apiextensions-controllers",
        "crd-informer-synced",
        "start-system-namespaces-controller",
        "start-cluster-authentication-info-controller",
        "start-kube-apiserver-identity-lease-controller",
        "start-legacy-token-tracking-controller",
        "start-service-ip-repair-controllers",
        "rbac/bootstrap-roles",
        "scheduling/bootstrap-system-priority-classes",
        "priority-and-fairness-config-producer",
        "bootstrap-controller",
        "start-kube-aggregator-informers",
        "apiservice-status-local-available-controller",
        "apiservice-status-remote-available-controller",
        "apiservice-registration-controller",
        "apiservice-discovery-controller",
        "kube-apiserver-autoregistration",
        "apiservice-openapi-controller",
        "apiservice-openapiv3-controller",
    )
)
_ENDPOINTS = {
    "readyz": (
        "ping",
        "log",
        "etcd",
        "etcd-readiness",
        "informer-sync",
        *_HOOKS,
        "autoregister-completion",
        "shutdown",
    ),
    "livez": ("ping", "log", "etcd", *_HOOKS, "autoregister-completion"),
    "healthz": ("ping", "log", "etcd", *_HOOKS, "autoregister-completion"),
}


@dataclass(slots=True)
class Health:
    """The failing checks by endpoint: ``health.fail("etcd")``, ``health.fail("shutdown", "readyz")``."""

    _failing: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in _ENDPOINTS})

    def fail(self, check: str, *endpoints: str) -> None:
        """Let a check fail, at the endpoints that have it. Raises ValueError when none of them has."""
        having = [name for name in endpoints or _ENDPOINTS if check in _ENDPOINTS[name]]
        if not having:
            raise ValueError(f"no endpoint has a check {check!r}")
        for name in having:
            self._failing[name].add(check)

    def heal(self) -> None:
        """Let all checks pass."""
        for failing in self._failing.values():
            failing.clear()

    def answer(self, path: str, *, verbose: bool, exclude: Iterable[str] = ()) -> Answer | None:
        """Answer ``/readyz`` or ``/readyz/etcd``; None for a path that is no health endpoint."""
        endpoint, _, check = path.strip("/").partition("/")
        if endpoint not in _ENDPOINTS:
            return None
        if check:
            return self._one(endpoint, check)
        left_out, failing = set(exclude), self._failing[endpoint]
        lines = [self._line(name, failing, left_out) for name in _ENDPOINTS[endpoint]]
        if failing - left_out:
            return text("\n".join([*lines, f"{endpoint} check failed", ""]), 500)
        return text("\n".join([*lines, f"{endpoint} check passed", ""]) if verbose else "ok")

    def _one(self, endpoint: str, check: str) -> Answer:
        if check not in _ENDPOINTS[endpoint]:
            return page_not_found()
        failed = check in self._failing[endpoint]
        return text("internal server error: reason withheld\n", 500) if failed else text("ok")

    @staticmethod
    def _line(name: str, failing: set[str], left_out: set[str]) -> str:
        if name in left_out:
            return f"[+]{name} excluded: ok"
        return f"[-]{name} failed: reason withheld" if name in failing else f"[+]{name} ok"
