"""The Kubernetes door: a member cluster as checks see it, read over the kubernetes package's asyncio client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

from gatekeeper.adapters.kube_auth import Identity
from gatekeeper.adapters.kube_config import Endpoint
from gatekeeper.adapters.kube_errors import Expired
from gatekeeper.adapters.kube_http import Answer, KubeHttp
from gatekeeper.adapters.kube_pages import Items, Rows, Slim, following, parse, uncollected
from gatekeeper.adapters.kube_session import Limits
from gatekeeper.cluster import Resource, Table, Text
from gatekeeper.errors import BadAnswer, Conflict, CouldNotLook, NotFound
from gatekeeper.projection import Projection

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_JSON = "application/json"
_TABLE_PAGE = 500  # as kubectl has it; a page of pods is 90 kB
_LARGE_PAGE = 20  # of CustomResourceDefinitions, which may have a megabyte each
_OBJECT_PAGE = 200  # a page of pods is some 2 MB, which parses in 20 ms without stalling the loop
_RESTARTS = 2  # a list that expires three times in a row is not worth a fourth reading
_PAGES = 4_000  # two million rows: more is a server that never ends
_TEXT_BYTES = 64 * 1024
_ANSWER_BYTES = 1024 * 1024  # of what is no list: a Job, a Status, the end of a log
_CLOCK_AGE = 60.0  # seconds that a Date header is carried on by our monotonic clock

OnError = Callable[[str, str], None]
"""Called with the member's name and the ``reason`` of every error that a check sees."""
OnRequest = Callable[[str], None]
"""Called with the member's name before every request."""


class _Collector(Protocol):
    def read(self, body: bytes) -> Mapping[str, Any]:
        """Parse one page."""

    def add(self, page: Mapping[str, Any]) -> None:
        """Take one page."""


_Pages = TypeVar("_Pages", bound=_Collector)


def _ignore(*_: str) -> None:
    """Tell nobody."""


class KubeCluster:
    """A :class:`gatekeeper.cluster.Cluster` over HTTP. Lists are paged to their end, with ``resourceVersion`` unset."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        identity: Identity,
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        on_error: OnError = _ignore,
        on_request: OnRequest = _ignore,
    ) -> None:
        """Raises BadAnswer when certificates or keys cannot be used. Nothing is sent yet."""
        self._name = name
        self._http = KubeHttp(name, endpoint, identity, limits)
        self._on_error = on_error
        self._on_request = on_request

    @property
    def name(self) -> str:
        """The member's name."""
        return self._name

    async def table(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata: bool = False,
    ) -> Table:
        """List as rows."""
        path = _path(resource, namespace)
        query = {"includeObject": "Metadata" if metadata else "None", "limit": str(_TABLE_PAGE)}
        query |= _selectors(label_selector, field_selector)
        with self._watched():
            rows = await self._list(path, query, _TABLE, lambda: Rows(self._http.ask(path), metadata=metadata))
            return rows.table()

    async def objects(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        keep: tuple[str, ...] = (),
    ) -> Sequence[Mapping[str, Any]]:
        """List whole objects."""
        path = _path(resource, namespace)
        page = _LARGE_PAGE if resource.plural == "customresourcedefinitions" else _OBJECT_PAGE
        query = {"limit": str(page)} | _selectors(label_selector, field_selector)
        kept = Projection(keep) if keep else Slim(nodes=_is_node(resource))
        with self._watched():
            return (await self._list(path, query, _JSON, lambda: Items(self._http.ask(path), kept))).items

    async def object(self, resource: Resource, name: str, *, namespace: str | None = None) -> Mapping[str, Any]:
        """One object."""
        path = f"{_path(resource, namespace)}/{_segment(name)}"
        with self._watched():
            body = await self._demand(path, _JSON, self._http.limits.page_bytes)
            item = Slim(nodes=_is_node(resource))(parse(body, self._http.ask(path)))
            metadata = item.get("metadata")
            if not isinstance(metadata, dict) or metadata.get("name") != name:
                raise BadAnswer(f"{self._http.ask(path)}: the answer is another object than was asked for")
            return item

    async def text(self, path: str, *, limit: int = _TEXT_BYTES, lines: tuple[str, ...] = ()) -> Text:
        """GET a nonResourceURL; one that is longer than ``limit`` is a BadAnswer, as half of it may hide the rest."""
        if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
            raise NotFound(f"{self._name}: {path!r} is not a path")
        with self._watched():
            answer = await self._get(path, limit, tuple(line.encode() for line in lines))
            if answer.status in {401, 403, 429}:
                raise self._http.refusal(path, answer)
            return Text(answer.status, answer.body.decode("utf-8", "replace"))

    async def now(self) -> datetime:
        """The API server's clock. ``/version`` is asked when no recent answer told it."""
        with self._watched():
            if (moment := self._http.clock(_CLOCK_AGE)) is None:
                await self._get("/version")  # whatever the status, its Date is the answer
                moment = self._http.clock(_CLOCK_AGE)
            if moment is None:
                raise BadAnswer(f"{self._name}: the API server does not tell its time (no Date header)")
            return moment

    async def demand(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        wanted: str = "",
        answers: frozenset[int] = frozenset({200, 201, 202}),
    ) -> Answer:
        """One request of any method, sent once: for the workbench alone, as checks see no more than a ``Cluster``.

        Args:
            method: GET, POST or DELETE.
            path: with its query, encoded.
            body: JSON.
            wanted: what to install if this is forbidden.
            answers: the statuses that are an answer.

        Raises:
            CouldNotLook: no answer came, or one of another status.
        """
        with self._watched():
            self._on_request(self._name)
            answer = await self._http.send(method, path, accept="*/*", limit=_ANSWER_BYTES, body=body)
            if answer.status not in answers:
                raise self._http.refusal(path, answer, method, wanted)
            return answer

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def _list(self, path: str, query: Mapping[str, str], accept: str, start: Callable[[], _Pages]) -> _Pages:
        for _ in range(1 + _RESTARTS):
            pages = start()
            try:
                await self._read_pages(path, query, accept, pages)
            except Expired as error:
                last = error
            else:
                return pages
        raise Conflict(f"{self._http.ask(path)}: the list expired {1 + _RESTARTS} times while it was read") from last

    async def _read_pages(self, path: str, query: Mapping[str, str], accept: str, pages: _Collector) -> None:
        """Page to the end. Each page is converted before the next is asked for, so only one is held as JSON."""
        ask = self._http.ask(path)
        left, token, seen = self._http.limits.list_bytes, "", 0
        while seen < _PAGES:
            asked = {**query, "continue": token} if token else query
            limit = min(self._http.limits.page_bytes, left)
            body = await self._demand(f"{path}?{urlencode(asked, quote_via=quote)}", accept, limit)
            left, seen, before = left - len(body), seen + 1, token
            with uncollected():
                page = pages.read(body)
                pages.add(page)
                token = following(page, ask)
                del page, body  # before the collector wakes, and before the next page comes
            if not token:
                return
            if token == before:
                break
        raise BadAnswer(f"{ask}: the list does not end ({seen} pages)")

    async def _demand(self, path: str, accept: str, limit: int) -> bytes:
        self._on_request(self._name)
        return await self._http.demand(path, accept=accept, limit=limit)

    async def _get(self, path: str, limit: int = _TEXT_BYTES, lines: tuple[bytes, ...] = ()) -> Answer:
        self._on_request(self._name)
        return await self._http.get(path, accept="*/*", limit=limit, lines=lines)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except CouldNotLook as error:
            self._on_error(self._name, error.reason)
            raise


def _path(resource: Resource, namespace: str | None) -> str:
    root = f"/apis/{_segment(resource.group)}" if resource.group else "/api"
    place = f"/namespaces/{_segment(namespace)}" if namespace else ""
    return f"{root}/{_segment(resource.version)}{place}/{_segment(resource.plural)}"


def _segment(text: str) -> str:
    """One segment of a path. Names come from members: none of them may lead the request elsewhere."""
    if text in {"", ".", ".."}:
        raise NotFound(f"{text!r} is not a name of anything in Kubernetes")
    return quote(text, safe="")


def _selectors(label: str, field: str) -> dict[str, str]:
    return {key: value for key, value in (("labelSelector", label), ("fieldSelector", field)) if value}


def _is_node(resource: Resource) -> bool:
    return (resource.group, resource.plural) == ("", "nodes")
