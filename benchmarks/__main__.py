"""``python -m benchmarks [NAME...] [--quick]``: measure, and write ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import signal
import sys

from benchmarks import counters, idle, pods, policy, startup, sweep
from benchmarks.measure import ROOT
from benchmarks.report import document, replaced

_ALL = {
    "pods": pods.measure,
    "policy": policy.after,
    "before": policy.before,
    "counters": counters.measure,
    "idle": idle.measure,
    "startup": startup.measure,
    "sweep": sweep.measure,
}


def main() -> None:
    """Parse the command line and run what is asked; a thorough run replaces its sections of the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what Gatekeeper costs.")
    parser.add_argument("name", nargs="*", choices=[[], *_ALL], help="which; all of them unless given")
    parser.add_argument("--quick", action="store_true", help="small and short, to see whether it runs")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and daemons are ended too
    names = list(dict.fromkeys(asked.name)) or list(_ALL)
    sections = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections.append(_ALL[name](asked.quick))
    text = document(sections, "python -m benchmarks")
    if not asked.quick:
        page = ROOT / "docs" / "benchmarks.md"
        kept = page.read_text("utf-8") if page.is_file() else ""
        page.write_text(text if names == list(_ALL) else replaced(kept, sections), "utf-8")
    print(text)


if __name__ == "__main__":
    main()
