"""What goes in and out of the emulated Azure Resource Manager: a call, an answer, an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request; `params` are the names found in its path, `base` is scheme and host."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    if_match: str | None = None
    base: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a JSON body (None for no body at all) and headers beyond the usual ones."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ArmError(Exception):
    """An answer in ARM's error shape: `{"error": {"code": ..., "message": ...}}`."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        """Return the error as the answer to send."""
        return Answer(self.status, {"error": {"code": self.code, "message": self.message}}, self.headers)


def not_found(kind: str, name: str, resource_group: str) -> ArmError:
    """Return ARM's 404 for a resource that is not there."""
    text = f"The Resource 'Microsoft.ContainerService/{kind}/{name}' under resource group '{resource_group}'"
    return ArmError(404, "ResourceNotFound", f"{text} was not found.")
