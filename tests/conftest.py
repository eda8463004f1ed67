"""What every test shares."""

import os

import pytest
from hypothesis import settings

# Simulated seconds are not the machine's, so no example has a deadline. CI tries the same examples each time.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Simulated time is an asyncio loop, so tests run there, whatever else is installed."""
    return "asyncio"
