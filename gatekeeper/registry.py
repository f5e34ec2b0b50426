"""The checks that exist: those of the ``checks`` package, and those of other people's entry points."""

from __future__ import annotations

import importlib
import importlib.util
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
    """Checks by name; every name once."""

    def __init__(self, checks: Iterable[tuple[str, type[Check]]] = ()) -> None:
        """Register checks.

        Args:
            checks: pairs of where a check comes from (for messages) and its class.

        Raises:
            ConfigError: a check without a usable name, claim or docstring, or two of one name.
        """
        self._checks: dict[str, type[Check]] = {}
        self._origins: dict[str, str] = {}
        for origin, check in checks:
            self._add(origin, check)

    @classmethod
    def discover(cls, package: str = "checks", group: str = "gatekeeper.checks") -> Registry:
        """Find all checks: one module after another of a package, then the entry points of a group.

        An entry point names a check class or a module with check classes.

        Raises:
            ConfigError: a module does not import, an entry point is no check, or as in the constructor.
        """
        return cls([*_of_package(package), *_of_entry_points(group)])

    @classmethod
    def with_check(cls, name: str, package: str = "checks", group: str = "gatekeeper.checks") -> Registry:
        """Find one check, without importing the others of the package: a check by hand should not wait for them.

        It is looked for in the module of its name, and among the entry points; only if it is not there, all are found.

        Raises:
            ConfigError: as ``discover``.
        """
        module = f"{package}.{name.replace('-', '_')}"
        if not _KEBAB.fullmatch(name) or importlib.util.find_spec(module) is None:
            return cls.discover(package, group)
        own = [(module, check) for check in _checks_in(_imported(module, f"module {module}"))]
        found = cls([*own, *_of_entry_points(group)])
        return found if found.get(name) is not None else cls.discover(package, group)

    def get(self, name: str) -> type[Check] | None:
        """The class of a check, or None when there is none of that name."""
        return self._checks.get(name)

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._checks))

    def origin(self, name: str) -> str:
        """Where a check comes from: its module, or its distribution and entry point."""
        return self._origins[name]

    def closest(self, word: str) -> str | None:
        """The name that is most like a word, or None."""
        return nearest(word, self._checks)

    def _add(self, origin: str, check: type[Check]) -> None:
        name = _vetted_name(origin, check)
        if name in self._checks:
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


def _of_package(package: str) -> Iterator[tuple[str, type[Check]]]:
    root = _imported(package, f"package {package}")
    for info in pkgutil.iter_modules(getattr(root, "__path__", ()), f"{package}."):
        module = _imported(info.name, f"module {info.name}")
        yield from ((module.__name__, check) for check in _checks_in(module))


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
