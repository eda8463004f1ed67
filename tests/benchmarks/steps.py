"""Steps: what a choice of the scheduler costs, and how many small runs a search gets through."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import anyio

from bus.sim import Schedule, World
from tests.benchmarks.crowd import crowd
from tests.benchmarks.group import Group
from tests.benchmarks.orders import AsyncWarehouse, Order, order
from tests.benchmarks.rounds import Case, Watch
from tests.benchmarks.scale import Scale

CALM = "calm"
SWITCHES, ASKS, WORLDS = "task switches/s", "asks/s, 100 callers", "small worlds/s"
TASKS = 100


def group(scale: Scale) -> Group:
    """The table of schedulers."""
    cases = [
        Case(name, text, partial(figure, name, scale))
        for figure in (_switches, _asks, _worlds)
        for name, text in (
            (CALM, "first in, first out"),
            ("random", "anyone may go next; latencies and timers are drawn"),
            ("pct", "priorities with change points; latencies and timers are drawn"),
        )
    ]
    cases.append(Case("stock loop", "asyncio, in real time", partial(_stock, scale)))
    return Group(
        "steps",
        "steps: 100 tasks that yield, ask, or 3 that ask twice in a world of their own (x calm)",
        tuple(cases),
        CALM,
    )


def _world(algorithm: str, seed: int = 1) -> World:
    return World(schedule=Schedule(algorithm, seed), max_steps=None)


async def _yield(each: int) -> float:
    async def member(_: int) -> None:
        for _turn in range(each):
            await asyncio.sleep(0)

    return await crowd(TASKS, member)


def _switches(algorithm: str, scale: Scale) -> Mapping[str, float]:
    each = max(1, scale.steps // TASKS)
    return {SWITCHES: TASKS * each / _world(algorithm).run(lambda _: _yield(each))}


def _stock(scale: Scale) -> Mapping[str, float]:
    each = max(1, scale.steps // TASKS)
    return {SWITCHES: TASKS * each / anyio.run(_yield, each)}


def _asking(callers: int, each: int) -> Callable[[World], Awaitable[float]]:
    async def program(world: World) -> float:
        await world.bus.start(AsyncWarehouse, topic=Order.topic)

        async def caller(_: int) -> None:
            for number in range(each):
                await world.bus.ask(order(number))

        return await crowd(callers, caller)

    return program


def _asks(algorithm: str, scale: Scale) -> Mapping[str, float]:
    each = max(1, scale.asks // TASKS)
    return {ASKS: TASKS * each / _world(algorithm).run(_asking(TASKS, each))}


def _worlds(algorithm: str, scale: Scale) -> Mapping[str, float]:
    with Watch() as watch:
        for seed in range(scale.worlds):
            _world(algorithm, seed).run(_asking(3, 2))
    return {WORLDS: scale.worlds / watch.seconds}
