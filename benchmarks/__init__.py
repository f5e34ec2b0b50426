"""Measures what Gatekeeper costs, in real processes, beside the other ways to do the same.

It refuses to be a test: nothing here fails a build. ``python -m benchmarks`` writes ``docs/benchmarks.md``.
"""
