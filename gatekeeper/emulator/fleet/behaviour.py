"""Switches for what nobody knows of the real service, or what it does on some days only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Behaviour:
    """How the emulated service behaves; every field may be changed at any time."""

    page_size: int = 100
    """Resources on one page of a list, when the call has no `$top`."""
    enforce_if_match: bool = True
    """Whether If-Match is looked at (412 when it differs); unknown of the real service."""
    approve_status: Literal[200, 202] = 200
    """200 approves at once (recorded); 202 answers first and approves when the operation is done."""
    approve_again: Literal[200, 409] = 409
    """The answer to a PATCH of a gate that is not Pending any more; unknown of the real service."""
    operation_polls: int | None = 1
    """An operation is done once it was asked for more often than this; None: time alone ends it."""
    operation_seconds: float = 5.0
    """An operation is done this many seconds of the emulator's clock after it began, at the latest."""
    operation_headers: tuple[str, ...] = ("Azure-AsyncOperation", "Location")
    operations_forbidden: bool = False
    """Polling an operation answers 403: its permission lies outside the fleet's scope."""
    retry_after: int = 1
    """Seconds named in Retry-After of a 202."""
    credential_throttle: bool = False
    """Whether listClusterUserCredential has its bucket: 60 calls, one more per second, per subscription."""
    accepted_tokens: frozenset[str] | None = None
    """The bearer tokens that are let in; None lets any in."""
    gate_start_times: bool = False
    """Whether a run's status says when a gate was reached; unknown of the real service, not so in the recording."""
    node_image: str = "AKSUbuntu-2204gen2containerd-202508.01.0"
    """The node image that is the latest, and that a Consistent selection chooses."""
    member_seconds: float = 5.0
    """How long the update of a member takes, unless the member says otherwise."""
