"""What an API server counts of itself: its ``/metrics``, in the text format of Prometheus.

Each look reaches one replica of the API server. Its counters say something only against what the same replica, told
from the others by when it started, said before; a counter that falls is a restart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from gatekeeper.cluster import Cluster, Resource
from gatekeeper.errors import BadAnswer
from gatekeeper.kit.manifest import say
from gatekeeper.values import format_duration

METRICS: Final = Resource.path("/metrics")
"""What a check declares among its ``reads`` when it asks any of this."""
REQUESTS: Final = "apiserver_request_total"
"""The family that every API server has, and nobody else."""
REPLICAS: Final = 8
"""So many replicas of an API server are remembered."""
DEPRECATED: Final = "apiserver_requested_deprecated_apis"
REFUSALS: Final = "apiserver_admission_webhook_rejection_count"
# A busy API server shows 10 to 30 MB: of twenty at once, the lines that nobody asks for would not fit into memory.
_BYTES: Final = 64 * 1024 * 1024
_LINE: Final = 4096
_STARTED: Final = "process_start_time_seconds"
_READ: Final = (REQUESTS, DEPRECATED, REFUSALS, _STARTED)  # the same for all who ask: it is read once
_LABEL: Final = re.compile(r'([a-z_]{1,60})="((?:[^"\\]|\\.){0,300})"')


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of one replica."""

    body: str = field(repr=False)

    @property
    def started(self) -> str:
        """When the replica started, as it writes it; empty if it does not say."""
        return say(next(self.samples(_STARTED), "").strip(), 40)

    def since(self, now: datetime) -> str:
        """Since when it counts, in words."""
        try:
            moment = datetime.fromtimestamp(float(self.started), tz=UTC)
        except (ValueError, OverflowError, OSError):
            return "the API server started"
        age = max(now - moment, timedelta())  # the server's clock tells whole seconds
        return f"the API server started {format_duration(age)} ago"

    def samples(self, family: str) -> Iterator[str]:
        """What stands behind the family's name, line by line; of the families that are read."""
        for line in self.body.split("\n"):
            if line.startswith((f"{family}{{", f"{family} ")):  # or else it is a family whose name begins alike
                if len(line) > _LINE:
                    raise BadAnswer(f"{METRICS} has a line of {len(line):,} characters")
                yield line[len(family) :]


async def server_counters(cluster: Cluster) -> Counters:
    """Look at one replica.

    Raises:
        CouldNotLook: there is no answer, or it is not that of an API server.
    """
    answer = await cluster.text(METRICS.plural, limit=_BYTES, lines=_READ)
    counters = Counters(answer.body)
    if answer.status != 200 or next(counters.samples(REQUESTS), None) is None:
        raise BadAnswer(f"{METRICS} answered {answer.status} without {REQUESTS}: not an API server's metrics")
    return counters


def labels_of(sample: str) -> dict[str, str]:
    """The labels of a sample."""
    return dict(_LABEL.findall(sample))


def number_of(sample: str) -> int:
    """What a sample counts. Raises BadAnswer when that is no number."""
    try:
        return int(float(sample.rpartition("}")[2].split()[0]))
    except (ValueError, OverflowError, IndexError) as error:
        raise BadAnswer(f"{METRICS} has a sample that is no number: {sample[-50:]!r}") from error
