"""What all fleets of one emulator share: time, names, ETags, operations, clusters, switches and callbacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gatekeeper.emulator.clock import Clock
from gatekeeper.emulator.fleet.azure_documents import AzureDocuments
from gatekeeper.emulator.fleet.behaviour import Behaviour
from gatekeeper.emulator.fleet.clusters import Clusters
from gatekeeper.emulator.fleet.ids import Etags, Guids
from gatekeeper.emulator.fleet.operations import Operations
from gatekeeper.emulator.fleet.resources import MemberRef, Target

MemberHook = Callable[[MemberRef, Target], None]


def _ignore(_member: MemberRef, _target: Target) -> None:
    """Do nothing: the hook that nobody set."""


@dataclass(slots=True)
class Hooks:
    """Called while a run moves, at the moment in the emulator's time at which it happens."""

    on_member_started: MemberHook = _ignore
    on_member_completed: MemberHook = _ignore
    on_member_failed: MemberHook = _ignore


@dataclass(frozen=True, slots=True)
class World:
    """The surroundings of a fleet."""

    clock: Clock
    behaviour: Behaviour
    clusters: Clusters
    hooks: Hooks
    guids: Guids
    etags: Etags
    operations: Operations
    documents: AzureDocuments = field(default_factory=AzureDocuments)
