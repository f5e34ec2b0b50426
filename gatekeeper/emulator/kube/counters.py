"""What an API server counts of the requests to it, as ``/metrics`` shows it: requests, and deprecated APIs in use."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from gatekeeper.emulator.kube.kinds import Catalogue, Resource
from gatekeeper.emulator.kube.request import Request
from gatekeeper.emulator.kube.targets import Part, Target, parse_part, parse_target

_VERBS = {"POST": "POST", "DELETE": "DELETE", "PUT": "PUT", "PATCH": "PATCH"}
_REFUSED = (401, 403)  # these come before a request is counted
_ITSELF = "kube-apiserver"

_REQUESTS = """\
# HELP apiserver_request_total [STABLE] Counter of apiserver requests for each verb, group, resource and code.
# TYPE apiserver_request_total counter
"""
_DEPRECATED = """\
# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs that have been requested.
# TYPE apiserver_requested_deprecated_apis gauge
"""
_STARTED = """\
# HELP process_start_time_seconds [STABLE] Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
"""


class Counters:
    """The counters of one API server since its start; of itself it has asked for the Endpoints of its Service."""

    def __init__(self, started: datetime) -> None:
        self._started = started
        self._requests: Counter[tuple[tuple[str, str], ...]] = Counter()
        self._deprecated: dict[tuple[tuple[str, str], ...], None] = {}
        own = Target(next(each for each in Catalogue() if each.kind == "Endpoints"), "default", "kubernetes")
        self._add(own, "GET", 200, client=_ITSELF)

    def count(self, request: Request, status: int, catalogue: Catalogue) -> None:
        """Count a request that was answered; paths that are no resources are left out here."""
        if status in _REFUSED:
            return
        asked: Target | Part | None = parse_target(request.path, catalogue) or parse_part(request.path, catalogue)
        if isinstance(asked, Part):
            self._add(asked.of, _VERBS.get(request.method, "GET"), status, part=asked.name)
        elif asked is not None:
            self._add(asked, _VERBS.get(request.method, "GET" if asked.name else "LIST"), status)

    def text(self) -> str:
        """The metrics in the text format of Prometheus."""
        requests = [f"apiserver_request_total{{{_text(key)}}} {count}" for key, count in sorted(self._requests.items())]
        used = [f"apiserver_requested_deprecated_apis{{{_text(key)}}} 1" for key in sorted(self._deprecated)]
        start = f"process_start_time_seconds {self._started.timestamp()}\n"
        return _REQUESTS + _lines(requests) + _DEPRECATED + _lines(used) + _STARTED + start

    def _add(self, target: Target, verb: str, status: int, part: str = "", client: str = "") -> None:
        resource = target.resource
        scope = "resource" if target.name else "namespace" if target.namespace else "cluster"
        api = _api(resource, part)
        self._requests[
            (
                ("code", str(status)),
                ("component", "apiserver"),
                ("dry_run", ""),
                ("group", resource.group),
                ("resource", resource.plural),
                ("scope", scope),
                ("subresource", part),
                ("system_client", client),
                ("verb", verb),
                ("version", resource.version),
            )
        ] += 1
        if resource.removed_in is not None:
            self._deprecated[tuple(sorted([*api, ("removed_release", resource.removed_in)]))] = None


def _api(resource: Resource, part: str) -> list[tuple[str, str]]:
    return [
        ("group", resource.group),
        ("resource", resource.plural),
        ("subresource", part),
        ("version", resource.version),
    ]


def _text(labels: tuple[tuple[str, str], ...]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels)


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
