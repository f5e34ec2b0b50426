"""One request to one emulated cluster, without any HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One request to one cluster; the path begins below the cluster's prefix."""

    method: str
    path: str
    query: Mapping[str, str]
    accept: str = ""
    authorization: str = ""
    excluded: tuple[str, ...] = ()
    body: bytes = b""
