"""What holds for all tests: a property is judged by its truth, not by the speed of the machine."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In CI the examples are the same in every run, so that a change is judged by itself; at a desk they are always new.
settings.register_profile("ci", settings.get_profile("steady"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "steady")
