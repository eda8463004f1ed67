"""Timers: sleepers that sleep and sleep again, each with a period of its own, in simulated time."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from functools import partial
from random import Random
from typing import Any

import anyio

from bus.sim import World
from tests.benchmarks.crowd import crowd
from tests.benchmarks.floors import Bound, Floor
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Case, Watch
from tests.benchmarks.scale import Scale

SIMULATED = "World"
SOLIPSISM = "async-solipsism"
MANY = 1_000
"""More sleepers take trio so long that one round must do, and looptime minutes."""


def group(scale: Scale) -> Group:
    """The table of timers per second."""
    cases: list[Case] = []
    for sleepers in scale.sleepers:
        run = partial(_rate, sleepers, max(2, scale.sleeps // sleepers))
        cases += [
            Case(SOLIPSISM, "anyio.sleep", run(partial(_on_loop, _solipsism)), "async_solipsism"),
            Case(SIMULATED, "anyio.sleep, calm run", run(_in_world)),
            Case("SimPy", "env.timeout in a generator: no tasks, no cancellation", run(_simpy), "simpy"),
            Case("trio MockClock", "trio.sleep with autojump_threshold=0", run(_trio), "trio", once=sleepers > MANY),
        ]
        if sleepers <= MANY:
            few = _rate(sleepers, max(1, scale.sleeps // sleepers // 10), partial(_on_loop, _looptime))
            cases.append(Case("looptime", "anyio.sleep; few of them, as it is slow", few, "looptime"))
    floors = (Floor(SIMULATED, _column(1_000), (Bound(1.5, SOLIPSISM),)),)
    return Group(
        "timers",
        "timers: sleeps per second, start of the sleepers included (x async-solipsism)",
        tuple(cases),
        SOLIPSISM,
        floors,
    )


def _column(sleepers: int) -> str:
    return "1 sleeper" if sleepers == 1 else f"{sleepers:,} sleepers"


def _rate(sleepers: int, each: int, run: Callable[[list[float], int], float]) -> Callable[[], Mapping[str, float]]:
    """A case's `run`: *run* takes the period of each sleeper and its sleeps, and returns seconds."""
    chance = Random(sleepers)
    periods = [round(1 + chance.random(), 6) for _ in range(sleepers)]
    return lambda: {_column(sleepers): sleepers * each / run(periods, each)}


async def _sleep(periods: list[float], each: int) -> float:
    async def sleeper(number: int) -> None:
        period = periods[number]
        for _ in range(each):
            await anyio.sleep(period)

    return await crowd(len(periods), sleeper)


def _in_world(periods: list[float], each: int) -> float:
    return World(max_steps=None).run(lambda _: _sleep(periods, each))


def _on_loop(loop: Callable[[], asyncio.AbstractEventLoop], periods: list[float], each: int) -> float:
    return anyio.run(_sleep, periods, each, backend_options={"loop_factory": loop})


def _solipsism() -> asyncio.AbstractEventLoop:
    import async_solipsism

    loop: asyncio.AbstractEventLoop = async_solipsism.EventLoop()
    return loop


def _looptime() -> asyncio.AbstractEventLoop:
    import looptime

    loop: asyncio.AbstractEventLoop = looptime.new_event_loop(start=0)
    return loop


def _simpy(periods: list[float], each: int) -> float:
    import simpy

    env = simpy.Environment()

    def sleeper(period: float) -> Generator[Any, Any, None]:
        for _ in range(each):
            yield env.timeout(period)

    with Watch() as watch:
        for period in periods:
            env.process(sleeper(period))
        env.run()
    return watch.seconds


def _trio(periods: list[float], each: int) -> float:
    import trio
    from trio.testing import MockClock

    async def sleeper(period: float) -> None:
        for _ in range(each):
            await trio.sleep(period)

    async def main() -> float:
        with Watch() as watch:
            async with trio.open_nursery() as nursery:
                for period in periods:
                    nursery.start_soon(sleeper, period)
        return watch.seconds

    seconds: float = trio.run(main, clock=MockClock(autojump_threshold=0))
    return seconds
