"""A small Prometheus and Alertmanager on loopback, with answers in the shape of the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from gatekeeper.adapters.http import WebClient
from gatekeeper.check import Tools
from tests.adapters.kube_scripts import served

TIME = 1795383175.009


class Signals:
    """What is asked of it is kept; what it answers is set by a test."""

    def __init__(self) -> None:
        self.url = ""
        self.tools = Tools()
        self.queries: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.filters: list[list[str]] = []
        self.vectors: dict[str, list[dict[str, Any]]] = {}
        """By how the query begins."""
        self.extra: dict[str, Any] = {}
        """Beside ``data`` in an answer of Prometheus."""
        self.knows_lookback = True
        self.alerts: object = []
        self.silences: object = []
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        match request.path:
            case "/api/v1/query":
                return self._query(await request.post())
            case "/api/v2/alerts":
                self.filters.append(request.query.getall("filter", []))
                return web.json_response(self._filtered(), status=self.status)
            case "/api/v2/silences":
                return web.json_response(self.silences, status=self.status)
        return web.Response(status=404, text="404 page not found")

    def _query(self, form: Mapping[str, Any]) -> web.Response:
        if self.status != 200:
            return web.json_response({"status": "error", "errorType": "e", "error": "no"}, status=self.status)
        if form.get("lookback_delta") == "none" and self.knows_lookback:
            error = 'error parsing lookback delta duration: cannot parse "none" to a valid duration'
            return web.json_response({"status": "error", "errorType": "bad_data", "error": error}, status=400)
        query = str(form["query"])
        self.queries.append(query)
        result = next((found for begin, found in self.vectors.items() if query.startswith(begin)), [])
        data = {"resultType": "vector", "result": _matching(result, query)}
        return web.json_response({"status": "success", "data": data, **self.extra})

    def _filtered(self) -> object:
        wanted = [part for part in self.filters[-1] if part.startswith('alertname="')]
        if not wanted or not isinstance(self.alerts, list):
            return self.alerts
        return [each for each in self.alerts if f'alertname="{each["labels"]["alertname"]}"' in wanted]


def _matching(result: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    """Of a query for ALERTS, only those of a name, if it gives one."""
    _, _, name = query.partition('alertname="')
    return [each for each in result if not name or each["metric"].get("alertname") == name.partition('"')[0]]


@asynccontextmanager
async def signals() -> AsyncIterator[Signals]:
    """Serve, and a real web client to ask with."""
    server, client = Signals(), WebClient()
    async with served(server.answer) as url:
        server.url, server.tools = url, Tools(http=client)
        try:
            yield server
        finally:
            await client.close()


def sample(value: str, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [TIME, value]}


def series(name: str, severity: str = "critical", value: str = "1", **labels: str) -> dict[str, Any]:
    """An element of ALERTS."""
    return sample(value, __name__="ALERTS", alertname=name, alertstate="firing", severity=severity, **labels)


def alert(name: str, severity: str = "critical") -> dict[str, Any]:
    """An entry of ``/api/v2/alerts``."""
    return {
        "annotations": {"summary": f"{name} is bad", "runbook_url": "https://runbooks.example.com/x"},
        "endsAt": "2026-11-22T21:42:00.730Z",
        "fingerprint": "bab7c5a3fa6e7ae0",
        "receivers": [{"name": "none"}],
        "startsAt": "2026-11-22T21:32:55.730Z",
        "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": "2026-11-22T21:38:00.734Z",
        "generatorURL": "http://prometheus/graph",
        "labels": {"alertname": name, "cluster": "c1", "severity": severity},
    }


def silence(*matchers: tuple[str, str, bool, bool], state: str = "active") -> dict[str, Any]:
    """An entry of ``/api/v2/silences``; a matcher is name, value, isRegex, isEqual."""
    keys = ("name", "value", "isRegex", "isEqual")
    return {
        "id": "8b7270e5-b730-4dbe-a0bc-f2a66d60afd0",
        "status": {"state": state},
        "comment": "known",
        "createdBy": "me",
        "matchers": [dict(zip(keys, matcher, strict=True)) for matcher in matchers],
    }
