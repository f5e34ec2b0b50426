"""What holds for all tests: a property is judged by its truth, not by the speed of the machine, nor by its terminal."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# What a screen shows follows these wherever they are set, and so does every program that a test starts.
for _name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(_name, None)
os.environ["TERM"] = "xterm"

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In CI the examples are the same in every run, so that a change is judged by itself; at a desk they are always new.
settings.register_profile("ci", settings.get_profile("steady"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "steady")
