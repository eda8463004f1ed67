"""What the tests of the bus share."""

import asyncio
import gc

import anyio
import pytest

from bus import Bus
from bus.sim import SimLoop, World


def pytest_collection_finish():
    """Every world collects garbage before it begins: spare it what was imported and collected, which stays anyway."""
    gc.collect()
    gc.freeze()


def _run_on(loop_factory, program, options):
    async def main():
        async with Bus(**options) as bus:
            result = await program(bus)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"the bus left tasks behind: {left}"
        return result

    return anyio.run(main, backend_options={"loop_factory": loop_factory})


def _run_real(program, **options):
    return _run_on(None, program, options)


def _run_bare(program, **options):
    loop = SimLoop()
    result = _run_on(lambda: loop, program, options)
    assert not loop.unraised
    return result


def _run_simulated(program, **options):
    return World(**options).run(lambda world: program(world.bus))


@pytest.fixture(params=[_run_real, _run_simulated], ids=["real", "simulated"])
def run(request):
    """Runs an async function of a bus to its end: in real time, and in simulated time."""
    return request.param


@pytest.fixture(params=[_run_bare, _run_simulated], ids=["bare", "simulated"])
def timed(request):
    """The same where time passes: a bus without a network is what runs in real time, but here its loop is simulated too.

    No busy machine then makes it late.
    """
    return request.param


@pytest.fixture
def log():
    """A list for whatever happens."""
    return []
