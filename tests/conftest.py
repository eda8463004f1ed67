"""What every test shares."""

import os

import pytest
from hypothesis import HealthCheck, settings

# No test asserts a time, nor may Hypothesis for it: how slow a machine is says nothing. CI tries the same examples each time.
SLOW_IS_FINE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("local", **SLOW_IS_FINE)
settings.register_profile("ci", **SLOW_IS_FINE, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Simulated time is an asyncio loop, so tests run there, whatever else is installed."""
    return "asyncio"
