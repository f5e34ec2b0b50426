"""Alerts as Alertmanager and Prometheus show them, and the silences of Alertmanager (its API, version 2); pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from gatekeeper.errors import BadAnswer
from gatekeeper.findings import Evidence
from gatekeeper.kit.manifest import at, dicts, say
from gatekeeper.kit.matchers import Matcher
from gatekeeper.kit.promql import Vector

_RUNBOOK: Final = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&*+,;=%-]{1,300}")
_COMMAND: Final = 600  # characters of a command that people copy; half of one would be another command
_OPERATORS: Final = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
"""By ``isEqual`` and ``isRegex`` of a silence's matcher."""

Silence = Sequence[Matcher]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires."""

    labels: Mapping[str, str]
    since: str = ""
    summary: str = ""
    runbook: str = ""
    hushed: str = ""
    """``silenced``, ``inhibited``, or empty."""

    @property
    def title(self) -> str:
        """Its name and severity: ``TargetDown (critical)``."""
        return f"{self.name} ({say(self.labels.get('severity'), 40) or 'no severity'})"

    @property
    def name(self) -> str:
        """The label ``alertname``."""
        return say(self.labels.get("alertname"), 100) or "an alert without a name"

    def meets(self, matchers: Sequence[Matcher]) -> bool:
        """Whether its labels meet all matchers."""
        return all(matcher.matches(self.labels) for matcher in matchers)

    def fact(self) -> Evidence:
        """The alert as evidence."""
        told = ("alertname", "severity")
        labels = ", ".join(f"{name}={value}" for name, value in sorted(self.labels.items()) if name not in told)
        words = [self.hushed, say(self.labels.get("severity"), 40), self.since and f"since {self.since}", self.summary]
        seen = say("; ".join(word for word in (*words, labels) if word), 400)
        if self.hushed:
            return Evidence("AlertHushed", f"alert {self.name}", seen)
        hint = self.runbook if _RUNBOOK.fullmatch(self.runbook) else self._silence()
        return Evidence("AlertFiring", f"alert {self.name}", seen, "not firing", hint)

    def _silence(self) -> str:
        """How to silence it, with all its labels: by its name alone it would fall silent in all clusters."""
        matchers = " ".join(shlex.quote(f"{name}={json.dumps(value)}") for name, value in sorted(self.labels.items()))
        command = f"amtool silence add {matchers} --comment '...'"
        return f"if it is harmless: {command if len(command) <= _COMMAND else 'silence it in Alertmanager'}"


def alerts_of_alertmanager(said: object) -> list[Alert]:
    """The alerts of ``/api/v2/alerts``, the hushed ones too. Raises BadAnswer when it is something else."""
    return [_alert(each) for each in _entries(said)]


def alerts_of_series(vector: Vector) -> list[Alert]:
    """The alerts of the series ``ALERTS``."""
    return [Alert(_without_state(sample.labels)) for sample in vector.samples]


def dated(alerts: Sequence[Alert], vector: Vector) -> list[Alert]:
    """With the time since when each is pending or firing: the value of the series ``ALERTS_FOR_STATE``."""
    since = {frozenset(_without_state(each.labels).items()): each.value for each in vector.samples}
    times = (since.get(frozenset(alert.labels.items()), float("nan")) for alert in alerts)
    return [replace(alert, since=_time(seconds)) for alert, seconds in zip(alerts, times, strict=True)]


def silences_of(said: object) -> list[Silence]:
    """The active silences of ``/api/v2/silences``. Raises BadAnswer when it is something else."""
    return [_silence(each) for each in _entries(said) if at(each, "status", "state") == "active"]


def silenced(alert: Alert, silences: Sequence[Silence]) -> Alert:
    """Hushed, if one of the silences is about it.

    A label that it does not show meets no matcher, not even a negative one: in Alertmanager it may have that label.
    """
    for silence in silences:
        if silence and all(matcher.label in alert.labels for matcher in silence) and alert.meets(silence):
            return replace(alert, hushed="silenced")
    return alert


def _entries(said: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(said, list):
        raise BadAnswer("Alertmanager answered with something that is no list")
    return dicts(said, "Alertmanager's list")


def _alert(entry: Mapping[str, Any]) -> Alert:
    labels, notes = entry.get("labels"), entry.get("annotations")
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise BadAnswer("an alert of Alertmanager has no labels")
    hushed = [word for word, key in (("silenced", "silencedBy"), ("inhibited", "inhibitedBy")) if _ids(entry, key)]
    summary = at(notes, "summary") or at(notes, "description") or at(notes, "message")
    runbook = say(at(notes, "runbook_url"), 400)
    return Alert(labels, say(entry.get("startsAt"), 40), say(summary), runbook, "".join(hushed[:1]))


def _ids(entry: Mapping[str, Any], key: str) -> bool:
    ids = at(entry, "status", key)
    return isinstance(ids, list) and bool(ids)


def _silence(entry: Mapping[str, Any]) -> Silence:
    """Its matchers; none where one cannot be understood, so that it silences nothing."""
    found = []
    for each in dicts(entry.get("matchers"), "the matchers of a silence"):
        try:
            operator = _OPERATORS[each.get("isEqual", True), each["isRegex"]]
            found.append(Matcher.of(str(each["name"]), operator, str(each["value"])))
        except (KeyError, TypeError, ValueError):
            return ()
    return found


def _without_state(labels: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in labels.items() if name not in ("__name__", "alertstate")}


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):  # no number, or one beyond all years
        return ""
