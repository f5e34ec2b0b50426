"""The policies in force: read from files and folders, and read again when these change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatekeeper.contents import Contents, read_contents, version_of
from gatekeeper.errors import ConfigError
from gatekeeper.policy import Policy
from gatekeeper.policy_file import DEFAULT_TIMEOUT, KIND, compile_policy
from gatekeeper.problems import InvalidConfigError, Problem, suggestion
from gatekeeper.registry import Registry
from gatekeeper.yamlfile import Document, parse_yaml


@dataclass(frozen=True, slots=True)
class Refresh:
    """What came of looking at the files again."""

    changed: bool
    """Other policies are in force than before."""
    error: str | None
    """Why the files as they are now are not in force, or None."""


class PolicySet:
    """The policies of some files and folders. A broken new version leaves the last good one in force."""

    def __init__(
        self,
        paths: Sequence[Path],
        registry: Registry,
        *,
        default_timeout: timedelta = DEFAULT_TIMEOUT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Name the files; nothing is read before ``load``.

        Args:
            paths: files, and folders whose ``*.yaml`` and ``*.yml`` are read (no hidden ones, no subfolders).
            registry: the checks that exist.
            default_timeout: of a check that gives none.
            clock: tells the time of ``loaded_at``.
        """
        self._paths = tuple(paths)
        self._registry = registry
        self._default_timeout = default_timeout
        self._clock = clock
        self._seen: str | None = None
        self.policies: tuple[Policy, ...] = ()
        """The policies in force."""
        self.version: str = ""
        """Twelve hexadecimal digits that stand for the contents in force."""
        self.loaded_at: datetime | None = None
        """When the policies in force were read, UTC."""
        self.error: str | None = None
        """Why the files as they are now are not in force, or None."""
        self.warning: str | None = None
        """That no policy is in force at all, or None."""

    def load(self) -> None:
        """Read all for the first time.

        Raises:
            ConfigError: there is no file, or anything is wrong in one, with every problem by file and line.
        """
        contents = read_contents(self._paths)
        if not contents:
            folders = ", ".join(map(str, self._paths)) or "(none)"
            raise ConfigError(f"no policy file (*.yaml, *.yml) in {folders}; without a policy no gate would ever open")
        self._seen = version_of(contents)
        self._put_in_force(compile_contents(contents, self._registry, self._default_timeout))

    def refresh(self) -> Refresh:
        """Look at the files again, and put them in force if their contents changed and are right. Never raises."""
        try:
            contents = read_contents(self._paths)
        except ConfigError as error:
            self._seen = None  # once it can be read again, it is looked at again
            return self._refused(error)
        seen = version_of(contents)
        if seen == self._seen:
            return Refresh(changed=False, error=self.error)
        self._seen = seen
        try:
            policies = compile_contents(contents, self._registry, self._default_timeout)
        except ConfigError as error:
            return self._refused(error)
        changed = seen != self.version
        self._put_in_force(policies)
        return Refresh(changed, error=None)

    def _refused(self, error: ConfigError) -> Refresh:
        self.error = str(error)
        return Refresh(changed=False, error=self.error)

    def _put_in_force(self, policies: tuple[Policy, ...]) -> None:
        self.policies = policies
        self.version = self._seen or ""
        self.loaded_at = self._clock()
        self.error = None
        self.warning = None if policies else "no policy is in force; no gate is approved before one is there"


def compile_contents(contents: Contents, registry: Registry, default_timeout: timedelta) -> tuple[Policy, ...]:
    """The policies of all files.

    Raises:
        InvalidConfigError: with all that is wrong in any of them.
    """
    problems: list[Problem] = []
    policies: dict[str, Policy] = {}
    for source, content in contents:
        try:
            documents = parse_yaml(content, source)
        except InvalidConfigError as error:
            problems.extend(error.problems)
            continue
        for document in documents:
            try:
                policy = compile_policy(_a_policy(document), registry, default_timeout)
            except InvalidConfigError as error:
                problems.extend(error.problems)
                continue
            if first := policies.get(policy.name):
                message = f"the name {policy.name} is taken already at {first.source}; every policy needs its own"
                problems.append(document.problem(("metadata", "name"), message))
            policies.setdefault(policy.name, policy)
    if problems:
        raise InvalidConfigError(problems)
    return tuple(policies.values())


def _a_policy(document: Document) -> Document:
    """The document, if it is of our kind: another kind deserves one line, not one for each of its keys."""
    kind = document.value.get("kind") if isinstance(document.value, dict) else None
    if kind in (KIND, None):
        return document
    mend = suggestion(str(kind), [KIND])
    raise InvalidConfigError([document.problem(("kind",), f"{kind!r} is no kind of policy; {mend}")])
