"""Publish: one event after the other, a copy to each subscriber. The publisher lets others run after each event.

A first event, before the watch is started, makes what is made once: the tasks' first steps, the lanes of a simulation.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Protocol

import anyio

from bus import Actor, Bus, Event, message
from bus.sim import World
from tests.benchmarks.floors import Bound, Floor
from tests.benchmarks.group import Group
from tests.benchmarks.rounds import Case, Watch
from tests.benchmarks.scale import Scale

QUEUES = "asyncio.Queue each"
SIMULATED = "bus, simulated time, plain handler"
SIMULATED_ASYNC = "bus, simulated time, async handler"


@message
class Ticked(Event):
    """A clock has ticked."""

    subject: ClassVar = "clock.ticked"
    number: int


class Counts(Protocol):
    """Whoever gets the events."""

    seen: int


class PlainSubscriber(Actor):
    """Counts in a plain function."""

    def __init__(self, all_of_them: list[Counts]) -> None:
        self.seen = 0
        all_of_them.append(self)

    @Ticked.handler
    def tick(self, msg: Ticked) -> None:
        self.seen += 1


class AsyncSubscriber(Actor):
    """Counts in a coroutine."""

    def __init__(self, all_of_them: list[Counts]) -> None:
        self.seen = 0
        all_of_them.append(self)

    @Ticked.handler
    async def tick(self, msg: Ticked) -> None:
        self.seen += 1


def group(scale: Scale) -> Group:
    """The table of deliveries per second."""
    cases: list[Case] = []
    for subscribers in scale.subscribers:
        run = partial(_rate, subscribers, max(2, scale.deliveries // subscribers))
        cases += [
            Case(QUEUES, "put_nowait into the queue of each; a task each takes them out", run(_queues)),
            Case(
                SIMULATED,
                "World().bus.publish, calm run; the handler is a plain function",
                run(partial(_in_world, PlainSubscriber)),
            ),
            Case(SIMULATED_ASYNC, "the same; the handler is a coroutine", run(partial(_in_world, AsyncSubscriber))),
            Case(
                "bus, real time, plain handler", "Bus().publish under anyio.run", run(partial(_on_bus, PlainSubscriber))
            ),
            Case(
                "bus, real time, async handler",
                "the same; the handler is a coroutine",
                run(partial(_on_bus, AsyncSubscriber)),
            ),
        ]
    floors = (Floor(SIMULATED, _column(1000), (Bound(1_000_000), Bound(4, QUEUES))),)
    return Group("publish", "publish: copies delivered per second (x a queue each)", tuple(cases), QUEUES, floors)


def _column(subscribers: int) -> str:
    return "1 subscriber" if subscribers == 1 else f"{subscribers:,} subscribers"


def _rate(subscribers: int, events: int, run: Callable[[int, int], float]) -> Callable[[], Mapping[str, float]]:
    """A case's `run`: *run* takes subscribers and events, and returns seconds."""
    return lambda: {_column(subscribers): subscribers * events / run(subscribers, events)}


async def _all_seen(events: int, subscribers: Sequence[Counts]) -> None:
    while any(subscriber.seen < events for subscriber in subscribers):  # noqa: ASYNC110 (an event costs each subscriber time)
        await asyncio.sleep(0)


async def _publish(bus: Bus, kind: type[Actor], subscribers: int, events: int) -> float:
    everyone: list[Counts] = []
    for _ in range(subscribers):
        await bus.start(kind, everyone)
    await bus.publish(Ticked(number=0))
    await _all_seen(1, everyone)
    with Watch() as watch:
        for number in range(events):
            await bus.publish(Ticked(number=number))
            await asyncio.sleep(0)
        await _all_seen(1 + events, everyone)
    return watch.seconds


def _in_world(kind: type[Actor], subscribers: int, events: int) -> float:
    return World(max_steps=None).run(lambda world: _publish(world.bus, kind, subscribers, events))


def _on_bus(kind: type[Actor], subscribers: int, events: int) -> float:
    async def main() -> float:
        async with Bus() as bus:
            return await _publish(bus, kind, subscribers, events)

    return anyio.run(main)


class _Consumer:
    def __init__(self) -> None:
        self.seen = 0
        self.queue: asyncio.Queue[Ticked] = asyncio.Queue()

    async def consume(self) -> None:
        while True:
            await self.queue.get()
            self.seen += 1


def _queues(subscribers: int, events: int) -> float:
    async def main() -> float:
        consumers = [_Consumer() for _ in range(subscribers)]
        tasks = [asyncio.create_task(consumer.consume()) for consumer in consumers]

        async def publish(event: Ticked) -> None:
            for consumer in consumers:
                consumer.queue.put_nowait(event)

        await publish(Ticked(number=0))
        await _all_seen(1, consumers)
        with Watch() as watch:
            for number in range(events):
                await publish(Ticked(number=number))
                await asyncio.sleep(0)
            await _all_seen(1 + events, consumers)
        for task in tasks:
            task.cancel()
        return watch.seconds

    return anyio.run(main)
