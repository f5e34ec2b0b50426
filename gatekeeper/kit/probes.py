"""What the checks share that run a Job in a member: where, for how long, what that takes, and its log as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from gatekeeper.cluster import Resource
from gatekeeper.findings import Evidence
from gatekeeper.kit.manifest import say
from gatekeeper.parameters import Parameters
from gatekeeper.tools import JobRun
from gatekeeper.values import Duration

PROBES: Final = "fleet-gatekeeper-probes"
"""The namespace for probes, as ``deploy/kustomize/member-probes`` makes it."""

_JOBS: Final = Resource("batch", "v1", "jobs")
_SHOWN: Final = 12  # lines of a log
_TEXT: Final = 450  # characters of them; a log line of Gatekeeper itself shows 500
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(minutes=30)


def _bounded(deadline: timedelta) -> timedelta:
    if not _SHORTEST <= deadline <= _LONGEST:
        raise ValueError("a Job may take from 1s to 30m")
    return deadline


class Probe(Parameters):
    """The parameters of a check that runs a Job. It says ``writes``, so that the role for it can be made."""

    writes: ClassVar[tuple[tuple[str, Resource], ...]] = (
        *((verb, _JOBS) for verb in ("create", "delete", "get", "list")),
        ("list", Resource("", "v1", "pods")),
        ("get", Resource("", "v1", "pods/log")),
    )

    namespace: str = Field(default=PROBES, pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    """Where the Job runs. Gatekeeper needs the Role ``fleet-gatekeeper-prober`` there."""
    deadline: Annotated[Duration, AfterValidator(_bounded)] = timedelta(seconds=25)
    """How long the Job may take, its image's pull and its pod's start included. A longer one needs a longer ``timeout``
    of the check, and perhaps of all checks on a member (``members.deadline`` of the settings).
    """

    def waits(self) -> timedelta:
        """As long as the Job may take."""
        return self.deadline

    def writes_in(self) -> Sequence[str]:
        """The namespaces in which it does what ``writes`` says."""
        return (self.namespace,)


def log_evidence(run: JobRun, subject: str) -> Evidence:
    """The end of a Job's log, as a fact."""
    lines = run.logs.splitlines()[-_SHOWN:]
    text = " | ".join(say(line, _TEXT) for line in lines if line.strip())
    return Evidence("JobLog", subject, text[-_TEXT:] or "it wrote nothing")
