"""How much is tried: a little with every test run, a lot with `make fuzz`."""

import os

from hypothesis import HealthCheck, settings

COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
}
settings.register_profile("ci", max_examples=80, derandomize=True, **COMMON)  # type: ignore[arg-type]
settings.register_profile("nightly", max_examples=2_500, **COMMON)  # type: ignore[arg-type]
settings.load_profile(os.environ.get("HW3_FUZZ", "ci"))
