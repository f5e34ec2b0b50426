"""Rows and columns of ``kubectl get``, by kind: pure functions from a manifest to the cells of a Table.

They follow the printers of the real API server, cell for cell, as recorded from one. They refuse to judge: a
row shows what the server would show, also where that hides a fault.
"""

from __future__ import annotations

from functools import cache

from gatekeeper.emulator.kube.kinds import Resource
from gatekeeper.emulator.kube.printers import cluster, core, custom, pods, workloads
from gatekeeper.emulator.kube.printers.cells import Cell, Column, Printer

__all__ = ["Cell", "Column", "Printer", "printer_of"]

_CREATED_AT = Printer((Column("Name", format="name"), Column("Created At", "date")), cluster.created_at)


@cache
def printer_of(resource: Resource) -> Printer:
    """Return the printer of a resource; every resource has one."""
    if resource.custom:
        return custom.printer(resource)
    if resource.qualified == "pods":
        return pods.PRINTER
    for printers in (core.PRINTERS, workloads.PRINTERS, cluster.PRINTERS):
        if resource.qualified in printers:
            return printers[resource.qualified]
    return _CREATED_AT
