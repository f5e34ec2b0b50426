"""What the command line prints for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gatekeeper.check import GateCheck
from gatekeeper.decision import Decision, Verdict
from gatekeeper.documents import installed
from gatekeeper.findings import CheckResult, Outcome
from gatekeeper.lint import Lint
from gatekeeper.registry import Registry
from gatekeeper.values import format_duration

if TYPE_CHECKING:
    from gatekeeper.commands import FoundGate

_COLOURS = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.ERROR: "magenta",
}


def console() -> Console:
    """Standard output for people; plain when it is no terminal, and never narrower than its text then."""
    return Console() if sys.stdout.isatty() else Console(width=200, no_color=True, highlight=False)


def print_results(results: Sequence[CheckResult]) -> None:
    """Results with their evidence, one block each."""
    out = console()
    for result in results:
        colour = _COLOURS.get(result.outcome, "magenta")
        note = "" if result.required else " (advisory)"
        took = f"{result.took:.2f} s"
        message = escape(printable(result.finding.message))
        out.print(f"[{colour}]{result.outcome.value:<12}[/] [bold]{result.check}[/]{note}: {message}  [dim]{took}[/]")
        for fact in result.finding.evidence:
            expected = f", expected {fact.expected}" if fact.expected else ""
            out.print(f"    {escape(printable(f'{fact.subject}: {fact.observed}{expected}'))}  [dim]{fact.code}[/]")
            if fact.hint:
                out.print(f"        [dim]{escape(printable(fact.hint))}[/]")


def print_decisions(decisions: Sequence[Decision], unreadable: Sequence[tuple[str, str]]) -> None:
    """Gates with their verdicts."""
    out = console()
    if not decisions and not unreadable:
        out.print("no gate is pending")
    if decisions:
        table = Table("gate", "where", "policy", "pending for", "verdict", "why", box=None, pad_edge=False)
        for decision in decisions:
            pending = format_duration(decision.decided_at - decision.first_seen)
            table.add_row(
                escape(decision.gate.display_name or decision.gate.name),
                escape(f"{decision.gate.fleet}: {decision.gate.where}"),
                escape(decision.policy or "-"),
                pending,
                _verdict(decision),
                escape(printable(decision.message)),
            )
        out.print(table)
    for fleet, message in unreadable:
        out.print(f"[magenta]could not read {escape(fleet)}:[/] {escape(printable(message))}")


def print_gates(found: Sequence[FoundGate], unreadable: Sequence[tuple[str, str]]) -> None:
    """Pending gates and their policies."""
    out = console()
    if not found and not unreadable:
        out.print("no gate is pending")
    if found:
        table = Table("gate", "where", "policy", "note", box=None, pad_edge=False)
        for each in found:
            name = escape(each.gate.display_name or each.gate.name)
            where = escape(f"{each.gate.fleet}: {each.gate.where}")
            table.add_row(name, where, escape(each.policy or "-"), escape(printable(each.message)))
        out.print(table)
    for fleet, message in unreadable:
        out.print(f"[magenta]could not read {escape(fleet)}:[/] {escape(printable(message))}")


def print_lint(found: Lint) -> None:
    """What is wrong with files, and what would become of a strategy's gates; one line each."""
    for problem in found.problems:
        typer.echo(str(problem))
    for gate in found.gates:
        name = gate.display_name or "(no displayName)"
        typer.echo(f"{gate.status.value:<12}{name}, {gate.where}: {gate.message}")
    if not found.problems and not found.shut:
        typer.echo("all is well")


def print_checks(registry: Registry) -> None:
    """The installed checks, one line each."""
    table = Table("check", "asks of", "passes when", box=None, pad_edge=False)
    table.add_column("parameters", no_wrap=True, overflow="ellipsis")
    for name, check in installed(registry):
        parameters = ", ".join(field.alias or key for key, field in check.model_fields.items())
        table.add_row(name, "the gate" if issubclass(check, GateCheck) else "each cluster", check.claim, parameters)
    console().print(table)


def printable(text: str) -> str:
    """Text that came from a cluster, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _verdict(decision: Decision) -> str:
    if decision.verdict is Verdict.HOLD:
        return f"[yellow]hold[/] {decision.reason}"
    return "[cyan]would approve[/]" if decision.dry_run else "[green]approved[/]"
