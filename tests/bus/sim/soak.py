"""The soak: clients and services that crash, restart, pause and are cut off at random, while messages flow."""

import asyncio
from collections import Counter
from typing import Any, ClassVar

import anyio
import attrs

from bus import Actor, Delivery, Event, Request, Restart, Supervisor, Target, current, message
from bus.errors import BusError
from bus.sim import World

SHOPS = 5


@message
class Buy(Request[int]):
    topic: ClassVar[str] = "shop"
    timeout: ClassVar[float] = 5.0
    number: int


@message
class Booked(Request[None]):
    """A request that must not be lost: redelivered after a crash."""

    topic: ClassVar[str] = "shop"
    timeout: ClassVar[float] = 30.0
    delivery: ClassVar[Delivery] = Delivery.AT_LEAST_ONCE
    number: int


@message
class Sold(Event):
    subject: ClassVar[str] = "sold"
    number: int


@attrs.define
class Ledger:
    """What survives: what was handled, begun and seen, how often, by number."""

    bought: Counter[int] = attrs.Factory(Counter)
    booked: Counter[int] = attrs.Factory(Counter)
    unmarked: Counter[int] = attrs.Factory(Counter)
    seen: Counter[int] = attrs.Factory(Counter)
    published: Counter[int] = attrs.Factory(Counter)
    told: set[int] = attrs.Factory(set)
    ended: Counter[str] = attrs.Factory(Counter)
    sent: int = 0


class Shop(Actor):
    topic = "shop"
    concurrency = 4
    capacity = 50

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @Buy.handler
    async def buy(self, msg: Buy) -> int:
        self.ledger.bought[msg.number] += 1
        await anyio.sleep(0.01)
        await self.bus.publish(Sold(number=msg.number))
        self.ledger.published[msg.number] += 1
        return msg.number

    @Booked.handler
    async def book(self, msg: Booked) -> None:
        await anyio.sleep(0.01)
        self.ledger.booked[msg.number] += 1
        if not current().redelivered:
            self.ledger.unmarked[msg.number] += 1


class Auditor(Actor):
    topic = "auditor"

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @Sold.handler
    async def sold(self, msg: Sold) -> None:
        await anyio.sleep(0.001)
        self.ledger.seen[msg.number] += 1


async def customer(world: World, ledger: Ledger, name: int, count: int) -> None:
    """Send *count* requests, some of which will fail in one of the ways that are allowed."""
    for n in range(count):
        number = name * 1_000_000 + n
        if n % 5 == 0:
            await world.bus.tell(Booked(number=-number - 1))  # nothing keeps this one from being handled
            ledger.told.add(-number - 1)
        request = Booked(number=number) if n % 3 == 0 else Buy(number=number)
        try:
            await world.bus.ask(request)
            ledger.ended["answered"] += 1
            assert (ledger.booked if n % 3 == 0 else ledger.bought)[number] >= 1
        except BusError as error:
            ledger.ended[type(error).__name__] += 1


async def trouble(world: World, targets: list[Target]) -> None:
    """Crash, pause and cut off actors, one after the other, for ever."""
    chance = world.random("trouble")
    while True:
        await anyio.sleep(chance.uniform(0, 0.1))
        target = chance.choice(targets)
        match chance.choice(("crash", "pause", "partition")):
            case "crash":
                if world.bus.state(target) == "up":
                    world.crash(target)
            case "pause":
                world.pause(target)
                try:
                    await anyio.sleep(chance.uniform(0, 0.2))
                finally:
                    world.resume(target)
            case _:
                with world.faults.partition(str(target), "*"):
                    await anyio.sleep(chance.uniform(0, 0.5))


def soak(ledger: Ledger, customers: int, each: int) -> Any:
    """The program: *customers* times *each* requests."""

    async def program(world: World) -> dict[str, int]:
        boss = Supervisor(world.bus, "boss", intensity=1_000_000, period=1.0)
        targets = [await boss.start(Shop, ledger, restart=Restart.PERMANENT) for _ in range(SHOPS)]
        targets.append(await boss.start(Auditor, ledger))
        async with anyio.create_task_group() as weather:
            weather.start_soon(trouble, world, targets)
            async with anyio.create_task_group() as market:
                for name in range(customers):
                    market.start_soon(customer, world, ledger, name, each)
            weather.cancel_scope.cancel()
        await anyio.sleep(60)  # what must be delivered is, by then
        ledger.sent = world.bus.statistics().sent
        return what_is_left(world, targets, customers)

    return program


def what_is_left(world: World, targets: list[Target], customers: int) -> dict[str, int]:
    """What a bus at rest should hold none of."""
    network: Any = world._network
    loop: Any = world.loop
    cells = [world.bus.cell(target) for target in targets]
    ours = {worker.task for cell in cells for worker in cell.workers} | {asyncio.current_task()}
    lanes = [lane for lanes in network._lanes.values() for lane in lanes.values()]
    boxes = [world.bus.mailbox(target) for target in targets]
    return {
        "asks": world.bus.statistics().asking,
        "queued": sum(box.queued for box in boxes),
        "on the way": sum(box.on_the_way for box in boxes),
        "waiting": sum(box.waiting for box in boxes),
        "busy": sum(cell.busy for cell in cells),
        "tasks": len(asyncio.all_tasks() - ours) + sum(len(cell.tasks) for cell in cells),
        "workers beyond the actors' hands": sum(max(0, len(cell.workers) - cell.concurrency) for cell in cells),
        "tasks on their way out": len(world.bus._leaving) + len(world.bus._tasks),
        "watchers": sum(len(cell.watchers) for cell in cells),
        "errors nobody raised": len(loop.unraised),
        "labels beyond one a task and two a lane": max(0, len(loop._labels) - 2 * (customers + 20) * len(targets)),
        "backlogs": sum(lane.backlog is not None for lane in lanes) + network._backlogs,
        "lanes beyond one a pair": max(0, len(lanes) - len(targets) ** 2),
        "timers": max(0, loop._timers - loop._cancelled_timers - 1),
        "paused": len(loop.pauses),
        "rules": len(world.faults.live),
        "instants": max(0, len(loop._due) - 2),
    }
