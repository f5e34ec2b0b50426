"""The reference of a command line as Markdown, made from its functions: ``docs/cli.md``.

From the signatures and not from the help texts, which look different in every version of Typer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, get_origin, get_type_hints

import typer
from typer.models import OptionInfo

from gatekeeper.catalogue import GENERATED


def reference(app: typer.Typer) -> str:
    """All commands with their arguments and options, in the order of the help."""
    name, about, end = app.info.name, app.info.help, app.info.epilog
    lines = ["# Command line", "", f"<!-- {GENERATED} -->", "", f"{about}", "", f"{end}", ""]
    lines += [f"Shell completion: `{name} --install-completion`; `{name} --show-completion` only prints it.", ""]
    for command in app.registered_commands:
        if command.callback is not None:
            lines += _command(f"{name}", command.callback)
    return "\n".join(lines).rstrip() + "\n"


def _command(program: str, function: Callable[..., Any]) -> Iterator[str]:
    parameters = list(_parameters(function))
    arguments = [words for is_option, words, _ in parameters if not is_option]
    options = ["[OPTIONS]"] if any(is_option for is_option, _, _ in parameters) else []
    yield from (f"## {program} {function.__name__}", "", inspect.getdoc(function) or "", "")
    yield from ("```console", " ".join(["$", program, function.__name__, *options, *arguments]), "```", "")
    if parameters:
        yield from ("| | default | |", "|---|---|---|", *(row for _, _, row in parameters), "")


def _parameters(function: Callable[..., Any]) -> Iterator[tuple[bool, str, str]]:
    """For each parameter: whether it is an option, how it is written, and its row of the table."""
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind, info = hints[name].__origin__, hints[name].__metadata__[0]
        words = _option(name, kind, info) if isinstance(info, OptionInfo) else _argument(name, parameter, kind)
        note = f" Also the environment variable `{info.envvar}`." if info.envvar else ""
        yield isinstance(info, OptionInfo), words, f"| `{words}` | {_default(parameter)} | {info.help}{note} |"


def _option(name: str, kind: object, info: OptionInfo) -> str:
    # Inside of Annotated, Typer keeps the first of the names as the default.
    words = [word for word in (info.default, *(info.param_decls or ())) if isinstance(word, str)]
    words = sorted(words or [f"--{name.replace('_', '-')}"], key=len, reverse=True)
    if kind is bool:
        return ", ".join(words)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"{', '.join(words)} {'/'.join(str(each.value) for each in kind)}"
    return f"{', '.join(words)} {info.metavar or name.rpartition('_')[2].upper()}"


def _argument(name: str, parameter: inspect.Parameter, kind: object) -> str:
    word = f"{name.upper()}{'...' if get_origin(kind) is list else ''}"
    return word if parameter.default is inspect.Parameter.empty else f"[{word}]"


def _default(parameter: inspect.Parameter) -> str:
    value = parameter.default
    if value is inspect.Parameter.empty:
        return "*required*"
    if value is None or value is False:
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"
