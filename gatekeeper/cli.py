"""The command line. It imports late, so that ``--help`` is there at once.

Exit codes: 0 fine; 1 the answer is "no"; 2 usage or configuration; 3 could not look.
"""

from __future__ import annotations

import asyncio
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper import __version__
from gatekeeper.errors import ConfigError, GatekeeperError

NO, USAGE, COULD_NOT_LOOK = 1, 2, 3

app = typer.Typer(
    name="gatekeeper",
    help="Opens the approval gates of Azure Kubernetes Fleet Manager update runs, only when the clusters are healthy.",
    epilog='Exit codes: 0 fine, 1 the answer is "no", 2 usage or configuration, 3 could not look.',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Output(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print: text or json.")]
ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The settings file.", envvar="GATEKEEPER_CONFIG", show_default=True)
]
DEFAULT_CONFIG = Path("config/gatekeeper.yaml")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gatekeeper {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """What stands before a command."""


@app.command()
def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """The daemon: sweep until SIGTERM."""
    from gatekeeper.app import run_daemon
    from gatekeeper.observers.log import configure_logging
    from gatekeeper.settings import load_settings

    settings = load_settings(config, os.environ)
    configure_logging(settings.log.format, settings.log.level)
    asyncio.run(run_daemon(settings))


@app.command()
def sweep(
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, and approve nothing.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """One pass over all pending gates, then exit: 0 none is held, 1 one is, 3 a fleet or its clusters were unseen."""
    from gatekeeper import documents, show
    from gatekeeper.commands import sweep_exit_code, sweep_once

    report = asyncio.run(sweep_once(config, dry_run=dry_run))
    if output is Output.JSON:
        documents.print_json(documents.report_document(report))
    else:
        show.print_decisions(report.decisions, report.unreadable)
    raise typer.Exit(sweep_exit_code(report))


@app.command()
def gates(config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TEXT) -> None:
    """The pending gates and the policy that speaks about each; no cluster is asked, nothing is approved."""
    from gatekeeper import documents, show
    from gatekeeper.commands import list_gates

    found, unreadable = asyncio.run(list_gates(config))
    if output is Output.JSON:
        documents.print_json(documents.gates_document(found, unreadable))
    else:
        show.print_gates(found, unreadable)
    raise typer.Exit(COULD_NOT_LOOK if unreadable else 0)


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(help="A check; see `gatekeeper checks`.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter of the check; once for each."),
    ] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="All checks of this policy file instead.")] = None,
    policy_name: Annotated[str | None, typer.Option("--name", help="Which policy, if the file has several.")] = None,
    kubeconfig: Annotated[Path, typer.Option("--kubeconfig", envvar="KUBECONFIG", help="A kubeconfig file.")] = Path(
        "~/.kube/config"
    ),
    context: Annotated[str | None, typer.Option("--context", help="Its context; else the current one.")] = None,
    target_version: Annotated[
        str | None, typer.Option("--target-version", help="The Kubernetes version that a Full update would aim at.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Ask one check, or a whole policy, of one cluster: 0 passed, 1 not, 3 could not look."""
    from gatekeeper import documents, show
    from gatekeeper.commands import Question, check_by_hand, results_exit_code

    question = Question(name, tuple(param or ()), policy, policy_name, target_version)
    results = asyncio.run(check_by_hand(question, kubeconfig.expanduser(), context))
    if output is Output.JSON:
        documents.print_json(documents.results_document(results))
    else:
        show.print_results(results)
    raise typer.Exit(results_exit_code(results))


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Settings files, policy files, folders of policies.")],
    strategy: Annotated[
        Path | None, typer.Option("--strategy", help="An update strategy's JSON: name its gates that no policy opens.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Lint settings and policies: 0 fine, 1 a gate of the strategy would stay shut, 2 something is wrong."""
    from gatekeeper import documents, show
    from gatekeeper.lint import lint

    found = lint(paths, strategy)
    if output is Output.JSON:
        documents.print_json(documents.lint_document(found))
    else:
        show.print_lint(found)
    raise typer.Exit(USAGE if found.errors else NO if found.shut else 0)


@app.command()
def checks(
    docs: Annotated[bool, typer.Option("--docs", help="The catalogue, as Markdown.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON schema of policies.")] = False,
    rbac: Annotated[bool, typer.Option("--rbac", help="The ClusterRole that the checks need in members.")] = False,
    policy: Annotated[list[Path] | None, typer.Option("--policy", help="With --rbac: only what these need.")] = None,
    writes: Annotated[
        bool, typer.Option("--writes", help="With --rbac: also the roles for the checks that do more than read.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """The checks that are installed, and what they need."""
    from gatekeeper import documents, show
    from gatekeeper.registry import Registry

    if docs + schema + rbac > 1 or ((policy or writes) and not rbac):
        raise ConfigError("choose one of --docs, --schema and --rbac; --policy goes with --rbac, and so does --writes")
    registry = Registry.discover()
    if docs:
        from gatekeeper.catalogue import catalogue

        typer.echo(catalogue(registry), nl=False)
    elif schema:
        from gatekeeper.schemas import policy_schema, rendered

        typer.echo(rendered(policy_schema(registry)), nl=False)
    elif rbac:
        from gatekeeper.permissions import roles

        typer.echo(roles(registry, policy, writes=writes), nl=False)
    elif output is Output.JSON:
        documents.print_json(documents.checks_document(registry))
    else:
        show.print_checks(registry)


@app.command()
def demo(
    output: OutputOption = Output.TEXT,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's files, and say where they are.")] = False,
) -> None:
    """A whole update run on this machine: an emulated fleet, and the very daemon that `gatekeeper run` starts."""
    try:
        from gatekeeper.emulator.demo import run_demo
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("gatekeeper.emulator"):
            raise
        raise ConfigError(
            "the demo is not part of this installation; get it from the source tree: make demo"
        ) from error

    raise typer.Exit(run_demo(as_json=output is Output.JSON, keep=keep))


def main() -> None:
    """Run the command line; an error is a sentence, not a traceback."""
    try:
        app(prog_name="gatekeeper")
    except ConfigError as error:
        _fail(error, USAGE)
    except GatekeeperError as error:
        _fail(error, COULD_NOT_LOOK)


def _fail(error: Exception, code: int) -> None:
    for line in str(error).splitlines() or [type(error).__name__]:
        typer.secho(f"error: {line}", err=True, fg="red" if sys.stderr.isatty() else None)
    sys.exit(code)
