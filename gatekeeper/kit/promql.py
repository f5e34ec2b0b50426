"""Prometheus' HTTP API as far as checks need it: an instant query for a member, and its answer as numbers.

The API: https://prometheus.io/docs/prometheus/latest/querying/api/; Thanos, Cortex, Mimir, VictoriaMetrics and Azure
Monitor workspaces serve the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.kit.endpoint import Endpoint, body_of
from gatekeeper.kit.manifest import at, dicts, say
from gatekeeper.kit.templates import Template
from gatekeeper.model import Member
from gatekeeper.tools import Http

_PATH: Final = "/api/v1/query"
_LITERAL: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`|#[^\n]*')
"""A string of PromQL in its three ways to be quoted, or a comment."""
_HARMLESS: Final = "metric might not be a counter"
"""A remark on the name of a metric, not on its samples; rate() makes it wherever a counter is not named ``_total``."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector."""

    labels: Mapping[str, str]
    value: float

    def __str__(self) -> str:
        pairs = (f"{name}={json.dumps(value)}" for name, value in self.labels.items() if name != "__name__")
        inside = ", ".join(pairs)
        name = self.labels.get("__name__", "")
        return say(f"{name}{{{inside}}}" if inside or not name else name, 300)


@dataclass(frozen=True, slots=True)
class Vector:
    """An instant vector, and what the server remarks on it."""

    samples: tuple[Sample, ...] = ()
    remarks: tuple[str, ...] = ()
    """Why it is not to be relied on: warnings and notes of the server, no vector at all, samples without a number."""


def parse_query(text: object) -> Template:
    """Read a query with placeholders.

    Raises:
        ValueError: a placeholder is not known, or stands outside of a quoted string.
    """
    query = Template.parse(text)
    if Template(_LITERAL.sub("", query.text)).placeholders:
        raise ValueError('a placeholder stands between quotes only, as in up{cluster="{member}"}')
    return query


def fill_query(query: Template, member: Member | None) -> str:
    """The query for a member; in a regular expression, a dot of a value stands for a dot.

    Raises:
        CouldNotLook: as Template.fill.
    """

    def filled(found: re.Match[str]) -> str:
        is_regex = query.text[: found.start()].rstrip().endswith("~")
        return Template(found[0]).fill(member, _as_regex if is_regex else str)

    return _LITERAL.sub(filled, query.text)


async def instant_query(
    http: Http, server: Endpoint, member: Member | None, query: str, max_age: timedelta | None = None
) -> Vector:
    """Ask for the value of an expression now.

    Args:
        http: the web client.
        server: where Prometheus is.
        member: the member that placeholders in the URL and the headers stand for.
        query: the expression.
        max_age: samples that are older do not count; the server's own bound is mostly five minutes.

    Raises:
        CouldNotLook: there is no answer, or the server refuses the query.
        BadAnswer: the answer has another shape.
    """
    form = [("query", query)]
    if max_age is not None:
        form.append(("lookback_delta", f"{max_age.total_seconds():g}"))
    answer = await server.post(http, member, _PATH, form)
    ask = f"POST {server.base(member)}{_PATH}"
    return _vector(body_of(answer, ask), ask)


async def bounds_ages(http: Http, server: Endpoint, member: Member | None) -> bool:
    """Whether the server understands ``lookback_delta``. One that does refuses a value that is none, with status 400;
    one that does not (Prometheus 2.42, for one) ignores it, and would also show samples that are too old.
    """
    answer = await server.post(http, member, _PATH, [("query", "vector(1)"), ("lookback_delta", "none")])
    if answer.status == 400 and b"lookback" in answer.body.lower():
        return True
    body_of(answer, f"POST {server.base(member)}{_PATH}")
    return False


def _as_regex(value: str) -> str:
    return value.replace(".", "[.]")


def _vector(said: Any, ask: str) -> Vector:  # noqa: ANN401 - JSON of any shape
    if at(said, "status") != "success":
        raise BadAnswer(f"{ask}: {say(at(said, 'error') or 'the answer is none of Prometheus', 300)}")
    remarks = [*_words(said, "warnings", ask), *_words(said, "infos", ask)]
    if said.get("isPartial", False) is not False:  # VictoriaMetrics, when a part of its storage is away
        remarks.append("the answer is partial")
    kind, result = at(said, "data", "resultType"), at(said, "data", "result")
    if kind in ("scalar", "string", "matrix"):
        return Vector(remarks=(*remarks, f"the answer is a {kind}, not an instant vector"))
    if kind != "vector" or not isinstance(result, list):
        raise BadAnswer(f"{ask}: the answer is of the kind {kind!r:.40}")
    found = dicts(result, f"the answer of {ask}")
    histograms = sum("histogram" in each for each in found)
    if histograms:
        remarks.append(f"{histograms} of {len(found)} samples are histograms, not numbers")
    return Vector(tuple(_sample(each, ask) for each in found if "histogram" not in each), tuple(remarks))


def _words(said: Mapping[str, Any], key: str, ask: str) -> list[str]:
    words = said.get(key) or []
    if not isinstance(words, list):
        raise BadAnswer(f"{ask}: {key} is no list")
    return [say(word) for word in words if _HARMLESS not in str(word)]


def _sample(entry: Mapping[str, Any], ask: str) -> Sample:
    labels, pair = entry.get("metric"), entry.get("value")
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise BadAnswer(f"{ask}: a sample has no labels")
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], str):
        raise BadAnswer(f"{ask}: a sample has no time and value")
    try:
        return Sample(labels, float(pair[1]))
    except ValueError:
        raise BadAnswer(f"{ask}: a sample has the value {pair[1]!r:.40}") from None
