"""From the JSON of gates and members to our nouns: every word as the service wrote it, nothing guessed.

Absent keys and nulls are the same and mean "not said"; unknown words and keys survive. A value of another type, a
missing identity, or two statements that contradict each other make a BadAnswer, so that nobody decides on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gatekeeper.adapters.fleet_json import agree, kind, last_segment, mapping, part, required, safe_name, text
from gatekeeper.adapters.kube_errors import clean
from gatekeeper.doors import PendingGates
from gatekeeper.errors import BadAnswer
from gatekeeper.model import COMPLETED, NOT_STARTED, PENDING, SKIPPED, FleetRef, Gate, Member


def entries(page: object) -> list[object]:
    """The entries of a page of a list. A page without ``value`` is no empty list."""
    value = mapping(page, "the page").get("value")
    if not isinstance(value, list):
        raise BadAnswer(f"the page has no list of entries but {kind(value)}")
    return value


def next_link(page: object) -> str | None:
    """Where the list goes on; None at its end."""
    return text(mapping(page, "the page"), "nextLink") or None


def pending(fleet: FleetRef, listed: Iterable[object]) -> PendingGates:
    """The listed gates whose state is exactly Pending, each once; what cannot be understood has a line of its own."""
    gates: dict[str, Gate] = {}
    unreadable: list[str] = []
    contradicted: set[str] = set()
    for entry in listed:
        try:
            found = _pending_gate(fleet, entry)
        except BadAnswer as error:
            unreadable.append(f"gate {_label(entry)}: {error}")
            continue
        if found and gates.setdefault(found.id, found) != found:
            contradicted.add(found.id)
    unreadable += [f"gate {gates[gate_id].name}: it is listed twice, and differently" for gate_id in contradicted]
    return PendingGates(tuple(gate for gate in gates.values() if gate.id not in contradicted), tuple(unreadable))


def _pending_gate(fleet: FleetRef, entry: object) -> Gate | None:
    state = text(part(mapping(entry, "it"), "properties"), "state")
    if state in (COMPLETED, SKIPPED):
        return None
    if state != PENDING:
        raise BadAnswer(f"its state is {clean(repr(state)) if state else 'not given'}, which is not known")
    return gate(fleet, entry)


def gate(fleet: FleetRef, entry: object) -> Gate:
    """One gate of a fleet.

    Raises:
        BadAnswer: it has no usable name, its target is not an update run of this fleet, or it contradicts itself.
    """
    body = mapping(entry, "the gate")
    properties = part(body, "properties")
    name = safe_name(text(body, "name"), "the gate")
    agree(text(body, "id"), f"{fleet.id}/gates/{name}", "the gate")
    target = part(properties, "target")
    stands = target.get("updateRunProperties")
    if not isinstance(stands, Mapping):
        raise BadAnswer("its target is not an update run")
    run_id = text(target, "id") or ""
    run = safe_name(last_segment(run_id), "its update run")
    agree(run_id, f"{fleet.id}/updateruns/{run}", "its target")
    named = text(stands, "name")
    if named is not None and named.lower() != run.lower():
        raise BadAnswer(f"its target is the run {run}, but is named {clean(named)}")
    return Gate(
        fleet=fleet,
        name=name,
        display_name=text(properties, "displayName"),
        gate_type=text(properties, "gateType") or "",
        state=text(properties, "state") or "",
        update_run=run,
        stage=text(stands, "stage"),
        group=text(stands, "group"),
        timing=text(stands, "timing") or "",
        etag=text(body, "eTag"),
    )


def fleet_member(entry: object) -> Member:
    """One member of a fleet, with its labels."""
    body = mapping(entry, "a member")
    properties = part(body, "properties")
    labels = part(properties, "labels")
    return Member(
        name=required(body, "name", "a member"),
        cluster_resource_id=required(properties, "clusterResourceId", "a member"),
        group=text(properties, "group"),
        state=NOT_STARTED,
        labels={key: text(labels, key) or "" for key in labels},
    )


def _label(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return clean(name) if isinstance(name, str) and name else "without a name"
