"""The checks that exist: those of the ``checks`` package, and those of other people's entry points."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from gatekeeper.check import Check, ClusterCheck, GateCheck
from gatekeeper.errors import ConfigError
from gatekeeper.problems import nearest

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RESERVED = frozenset({"check", "severity", "timeout"})
"""Keys that stand beside a check's own parameters in a policy."""
_IMPORT_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What importing somebody's module can raise by mistake; pydantic's own complaints are among them."""


class Registry:
    """Checks by name; every name once. A module of the package is imported when its check is asked for."""

    def __init__(self, checks: Iterable[tuple[str, type[Check]]] = (), modules: Iterable[str] = ()) -> None:
        """Register checks.

        Args:
            checks: pairs of where a check comes from (for messages) and its class.
            modules: modules with more checks, best one in each, by its name: ``nodes-ready`` in ``checks.nodes_ready``.

        Raises:
            ConfigError: a check without a usable name, claim or docstring, or two of one name.
        """
        self._checks: dict[str, type[Check]] = {}
        self._origins: dict[str, str] = {}
        self._waiting = {module.rpartition(".")[2].replace("_", "-"): module for module in modules}
        for origin, check in checks:
            self._add(origin, check)
        for taken in self._checks.keys() & self._waiting.keys():
            self._import(taken)

    @classmethod
    def discover(cls, package: str = "checks", group: str = "gatekeeper.checks") -> Registry:
        """Find all checks: the modules of a package, and the entry points of a group.

        An entry point names a check class or a module with check classes, and is loaded at once. To import all modules
        of the package takes far longer than all else at start, and policies name few: so they wait until one is named.

        Raises:
            ConfigError: there is no such package, an entry point is no check, or as in the constructor.
        """
        return cls(_of_entry_points(group), _modules_of(package))

    def get(self, name: str) -> type[Check] | None:
        """The class of a check, or None when there is none of that name.

        Raises:
            ConfigError: its module does not import, or as in the constructor.
        """
        if name not in self._checks:
            self._import(name)
        if name not in self._checks:
            self._import_all()
        return self._checks.get(name)

    def names(self) -> tuple[str, ...]:
        """All names, sorted.

        Raises:
            ConfigError: as ``get``.
        """
        self._import_all()
        return tuple(sorted(self._checks))

    def origin(self, name: str) -> str:
        """Where a check that was got comes from: its module, or its distribution and entry point."""
        return self._origins[name]

    def closest(self, word: str) -> str | None:
        """The name that is most like a word, or None."""
        return nearest(word, self.names())

    def _import_all(self) -> None:
        for name in tuple(self._waiting):
            self._import(name)

    def _import(self, name: str) -> None:
        """Import the module that a check should be in by its name; nothing happens when there is none."""
        if module := self._waiting.get(name):
            for check in _checks_in(_imported(module, f"module {module}")):
                self._add(module, check)
            del self._waiting[name]

    def _add(self, origin: str, check: type[Check]) -> None:
        name = _vetted_name(origin, check)
        if self._checks.get(name, check) is not check:
            raise ConfigError(
                f"{origin}: the check name {name!r} is taken already by {self._origins[name]}; "
                "rename one, or uninstall one of the two packages"
            )
        self._checks[name] = check
        self._origins[name] = origin


def _vetted_name(origin: str, check: type[Check]) -> str:
    """The name of a check that has all a check must have."""
    name = getattr(check, "name", None)
    label = f"{origin}: {check.__name__}"
    if not isinstance(name, str) or not _KEBAB.fullmatch(name):
        raise ConfigError(f"{label}: its name is {name!r}; give it a class attribute such as name = 'nodes-ready'")
    claim = getattr(check, "claim", None)
    if not isinstance(claim, str) or not claim.strip():
        raise ConfigError(f"{label}: it has no claim; say what is true when it passes, such as 'all nodes are Ready'")
    if not (check.__doc__ or "").strip():
        raise ConfigError(f"{label}: it has no docstring; the docstring is its documentation")
    taken = _RESERVED & {field.alias or key for key, field in check.model_fields.items()}
    if taken:
        raise ConfigError(
            f"{label}: {', '.join(sorted(taken))} cannot be a parameter, policies use the word; rename it"
        )
    return name


def _modules_of(package: str) -> list[str]:
    root = _imported(package, f"package {package}")
    return [info.name for info in pkgutil.iter_modules(getattr(root, "__path__", ()), f"{package}.")]


def _of_entry_points(group: str) -> Iterator[tuple[str, type[Check]]]:
    for entry in sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        origin = _described(entry)
        try:
            found = entry.load()
        except _IMPORT_FAULTS as error:
            raise ConfigError(f"{origin}: does not load: {error!r}; mend or uninstall it") from error
        checks = _checks_in(found) if isinstance(found, ModuleType) else [found] if _is_check(found) else []
        if not checks:
            raise ConfigError(
                f"{origin}: is neither a ClusterCheck or GateCheck nor a module that defines one; mend or uninstall it"
            )
        yield from ((origin, check) for check in checks)


def _described(entry: EntryPoint) -> str:
    owner = entry.dist.name if entry.dist is not None else "an unknown distribution"
    return f"entry point {entry.name} = {entry.value} of {owner}"


def _imported(name: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except _IMPORT_FAULTS as error:
        raise ConfigError(f"{what}: does not import: {error!r}; mend or remove it") from error


def _checks_in(module: ModuleType) -> list[type[Check]]:
    """The check classes that are written in this very module, in their order; not those it imports."""
    return [found for found in vars(module).values() if _is_check(found) and found.__module__ == module.__name__]


def _is_check(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, ClusterCheck | GateCheck) and not inspect.isabstract(found)
