"""What a check may reach besides its cluster, answering as it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import timedelta
from typing import Any

from gatekeeper.check import CouldNotLook, Eviction, HttpAnswer, HttpRequest, JobRun, NotFound, Probe, Resource
from gatekeeper.errors import Unreachable


class FakeHttp:
    """A :class:`gatekeeper.check.Http` that answers by URL, without regard to the query unless a URL has one.

    Args:
        answers: the answer of each URL, or the error that it raises; an unknown URL is Unreachable.
    """

    def __init__(self, answers: Mapping[str, HttpAnswer | CouldNotLook]) -> None:
        self._answers = dict(answers)
        self.asked: list[HttpRequest] = []
        """All requests, in order."""

    async def request(self, request: HttpRequest) -> HttpAnswer:
        """The answer of the URL."""
        self.asked.append(request)
        answer = self._answers.get(request.url) or self._answers.get(request.url.partition("?")[0])
        if answer is None:
            raise Unreachable(f"{request.method} {request.url}: no connection")
        if isinstance(answer, CouldNotLook):
            raise answer
        return answer


class FakeWorkbench:
    """A :class:`gatekeeper.check.Workbench` where every Job ends as told, and evictions are answered by pod.

    Args:
        run: how every Job ends, or the error that running one raises; it succeeds without a word unless told otherwise.
        evictions: the answer, or the error, for each ``namespace/name``; any other pod may be evicted.
    """

    def __init__(
        self, run: JobRun | CouldNotLook | None = None, evictions: Mapping[str, Eviction | CouldNotLook] | None = None
    ) -> None:
        self._run = run or JobRun(succeeded=True, reason="", logs="")
        self._evictions = dict(evictions or {})
        self.jobs: list[tuple[str, Mapping[str, Any], timedelta]] = []
        """Namespace, Job and deadline of all that was run, in order."""
        self.tried: list[str] = []
        """Every pod whose eviction was tried, as ``namespace/name``."""

    async def run_job(self, namespace: str, job: Mapping[str, Any], deadline: timedelta) -> JobRun:
        """End as told."""
        self.jobs.append((namespace, deepcopy(dict(job)), deadline))
        if isinstance(self._run, CouldNotLook):
            raise self._run
        return self._run

    async def would_evict(self, namespace: str, pod: str) -> Eviction:
        """Answer as told."""
        self.tried.append(f"{namespace}/{pod}")
        answer = self._evictions.get(f"{namespace}/{pod}", Eviction(allowed=True, status=201, message=""))
        if isinstance(answer, CouldNotLook):
            raise answer
        return answer

    def did(self) -> set[tuple[str, Resource]]:
        """What was done, as a check's ``writes`` declares it."""
        evicting = {("create", Resource("", "v1", "pods/eviction"))}
        return (set(Probe.writes) if self.jobs else set()) | (evicting if self.tried else set())


class FakeAzure:
    """A :class:`gatekeeper.check.Azure` that answers by path, in any case; an unknown path is NotFound.

    Args:
        answers: the JSON of each path, or the error that it raises; of a list, the body with its ``value``.
    """

    def __init__(self, answers: Mapping[str, Mapping[str, Any] | CouldNotLook]) -> None:
        self._answers = {path.lower(): answer for path, answer in answers.items()}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        """Path, api-version and query of all that was asked, in order."""

    async def get(self, path: str, api_version: str, **query: str) -> Mapping[str, Any]:
        """One answer."""
        self.asked.append((path, api_version, query))
        answer = self._answers.get(path.lower())
        if answer is None:
            raise NotFound(f"azure.get: HTTP 404 ResourceNotFound: {path}")
        if isinstance(answer, CouldNotLook):
            raise answer
        return deepcopy(answer)

    async def list(self, path: str, api_version: str, **query: str) -> Sequence[Mapping[str, Any]]:
        """The entries of ``value``."""
        found: Sequence[Mapping[str, Any]] = (await self.get(path, api_version, **query))["value"]
        return found

    def actions(self) -> set[str]:
        """The actions of an Azure role, in lower case, that what was asked needs."""
        return {_action(path) for path, _, _ in self.asked}


def _action(path: str) -> str:
    """``.../providers/Microsoft.X/a/1/b/2`` is ``microsoft.x/a/b/read``; so is ``.../a/1/b``."""
    provider, *rest = path.lower().rpartition("/providers/")[2].split("/")
    return "/".join([provider, *rest[::2], "read"])
