"""Who may read a cluster: bearer tokens and denied verbs."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.emulator.kube.statuses import Answer, forbidden, forbidden_path, unauthorized
from gatekeeper.emulator.kube.targets import Target


@dataclass(slots=True)
class Access:
    """The tokens that are accepted (None: any that is not empty) and what their user may not do.

    ``denied`` holds (verb, group, resource), e.g. ``("list", "", "nodes")``; for a path such as ``/metrics``
    it is ``("get", "", "/metrics")``; ``*`` stands for any verb, group or resource. ``granted`` holds what may be done
    in one namespace all the same, as by a Role: (namespace, verb, group, resource).
    """

    tokens: set[str] | None = None
    denied: set[tuple[str, str, str]] = field(default_factory=set)
    user: str = "gatekeeper"
    granted: set[tuple[str, str, str, str]] = field(default_factory=set)

    def refuse_caller(self, authorization: str) -> Answer | None:
        """Return 401 for a missing or an unknown bearer token."""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or (self.tokens is not None and token not in self.tokens):
            return unauthorized()
        return None

    def refuse_read(self, verb: str, target: Target) -> Answer | None:
        """Return 403 when the user may not get or list what is asked for."""
        return self.refuse(verb, target)

    def refuse(self, verb: str, target: Target, part: str = "") -> Answer | None:
        """Return 403 when the user may not do this to an object, or to a part of it (``pods/log`` is one)."""
        resource = target.resource
        plural = f"{resource.plural}/{part}" if part else resource.plural
        asked = (verb, resource.group, plural)
        if not self._denies(*asked) or (target.namespace, *asked) in self.granted:
            return None
        return forbidden(self.user, verb, target, part)

    def refuse_path(self, path: str) -> Answer | None:
        """Return 403 when the user may not read a path that is no resource."""
        return forbidden_path(self.user, path) if self._denies("get", "", path) else None

    def _denies(self, *asked: str) -> bool:
        return any(all(word in ("*", value) for word, value in zip(rule, asked, strict=True)) for rule in self.denied)
