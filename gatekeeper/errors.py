"""The error tree: what can go wrong outside, said in our own words.

Foreign exceptions are translated once, at the door (``gatekeeper/adapters``), with ``raise ... from error``.
A message is written for the engineer who is on call: what was asked, what came back, what to do.
"""

from __future__ import annotations


class GatekeeperError(Exception):
    """Root of all errors that Gatekeeper raises on purpose."""


class ConfigError(GatekeeperError):
    """Settings, policies or the command line are wrong; nothing can be done before a person mends them."""


class CouldNotLook(GatekeeperError):  # noqa: N818 - a sentence reads better than a suffix
    """The world could not be observed. Never to be mistaken for having looked and seen nothing."""

    reason = "error"
    """A constant word for metrics; each subclass has its own."""


class Unreachable(CouldNotLook):
    """No connection: name resolution, TCP, TLS, or the peer hung up."""

    reason = "unreachable"


class TimedOut(CouldNotLook):
    """No answer within the deadline."""

    reason = "timeout"


class Unauthorized(CouldNotLook):
    """The identity was not accepted (HTTP 401), or no token could be had."""

    reason = "unauthorized"


class Forbidden(CouldNotLook):
    """The identity is known and may not do this (HTTP 403)."""

    reason = "forbidden"


class NotFound(CouldNotLook):
    """The thing asked for does not exist (HTTP 404): an object, or a whole kind of resource."""

    reason = "notFound"


class Throttled(CouldNotLook):
    """The peer asks for patience (HTTP 429).

    Attributes:
        retry_after: seconds to wait before asking again, as the peer said, or None.
    """

    reason = "throttled"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(CouldNotLook):
    """The thing changed since it was read (HTTP 409 or 412), or a list fell apart while it was paged (410)."""

    reason = "conflict"


class ServerFault(CouldNotLook):
    """The peer answered with a fault of its own (HTTP 5xx), or with a status that has no meaning here."""

    reason = "serverError"


class BadAnswer(CouldNotLook):
    """An answer arrived and cannot be used: not JSON, another shape, too large, too deep, cut off."""

    reason = "badAnswer"


class MissingColumn(CouldNotLook):
    """A Table has no column of that name, so nothing can be said about it."""

    reason = "missingColumn"


class StoreError(GatekeeperError):
    """The memory of gates and approvals cannot be read or written. No approval is sent without it."""
