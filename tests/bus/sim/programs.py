"""The program that must do the same everywhere: 50 actors, faults, timeouts, and task groups that are cancelled."""

import asyncio
import sys
from typing import ClassVar

import anyio

from bus import Actor, Delivery, Event, Request, Restart, Supervisor, Target, message
from bus.errors import BusError
from bus.sim import Latency, Schedule, World
from bus.sim.schedulers.twice import transcript

ACTORS = 50
CHILDREN = 12


@message
class Work(Request[int]):
    topic: ClassVar[str] = "worker"
    timeout: ClassVar[float] = 2.0
    depth: int


@message
class Worked(Event):
    subject: ClassVar[str] = "worked"
    depth: int


@message
class Checked(Event):
    subject: ClassVar[str] = "checked"
    delivery: ClassVar[Delivery] = Delivery.AT_LEAST_ONCE
    turn: int


class Worker(Actor):
    topic = "worker"
    group = "workers"
    concurrency = 2

    def __init__(self) -> None:
        self.seen = 0

    @Work.handler
    async def work(self, msg: Work) -> int:
        await self.bus.publish(Worked(depth=msg.depth))
        if msg.depth == 0:
            await anyio.sleep(0.1)
            return 1
        with anyio.move_on_after(0.5):
            return 1 + await self.bus.ask(Work(depth=msg.depth - 1))
        return 0

    @Worked.handler
    def note(self, msg: Worked) -> None:
        self.seen += msg.depth

    @Checked.handler
    async def check(self, msg: Checked) -> None:
        await anyio.sleep(0.01 * msg.turn)


async def child(world: World, number: int) -> None:
    """Ask until one is cancelled, and say so on the way out."""
    try:
        while True:
            try:
                await world.bus.ask(Work(depth=number % 3))
            except BusError:
                await anyio.sleep(0.05)
    finally:
        with anyio.CancelScope(shield=True):
            await world.bus.tell(Work(depth=0))
            await anyio.sleep(0.001 * (number % 4))


async def sibling(world: World, number: int) -> None:
    """Wait for longer than there is time, and say in which order the siblings were cancelled."""
    try:
        await asyncio.sleep(10 + number)
    finally:
        world.bus.note("cancelled", f"sibling {number}")


async def late(world: World, number: int) -> None:
    """Ask, and say in which order one began."""
    world.bus.note("begun", f"late {number}")
    try:
        await world.bus.ask(Work(depth=0))
    except BusError:
        await anyio.sleep(0.01 * number)


async def fail(seconds: float) -> None:
    await anyio.sleep(seconds)
    raise LookupError("on purpose")


async def groups(world: World) -> None:
    """Cancel groups of children: by a deadline, by a sibling that fails; anyio's and asyncio's."""
    with anyio.move_on_after(0.1):
        async with anyio.create_task_group() as tasks:
            for number in range(CHILDREN):
                tasks.start_soon(child, world, number)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail, 0.1)
            for number in range(CHILDREN):
                tasks.start_soon(child, world, number)
    except* LookupError:
        pass
    try:
        async with asyncio.timeout(0.1), asyncio.TaskGroup() as group:
            for number in range(CHILDREN):
                group.create_task(sibling(world, number), name=f"sibling-{number}")
    except TimeoutError:
        pass
    await asyncio.wait({asyncio.create_task(sibling(world, number)) for number in range(CHILDREN)}, timeout=0.01)
    for task in asyncio.all_tasks():
        if task.get_coro().__qualname__ == "sibling":
            task.cancel()
    for one in asyncio.as_completed([late(world, number) for number in range(CHILDREN)]):
        await one


async def program(world: World) -> None:
    """Let groups of children be cancelled while messages are lost, late and doubled, and actors crash."""
    world.links.set(Latency.lognormal(0.002, 1.0), sender="worker.1*")
    boss = Supervisor(world.bus, "boss", intensity=1000, period=1.0)
    workers = [await boss.start(Worker, restart=Restart.PERMANENT) for _ in range(ACTORS)]
    chance = world.random("program")
    drops = world.faults.drop(probability=0.05)
    delays = world.faults.delay(0.2, probability=0.1, sender="worker.2*")
    doubles = world.faults.duplicate(message=Worked, first=10)
    with drops, delays, doubles:
        for turn in range(2):
            await groups(world)
            await world.bus.publish(Checked(turn=turn))
            await world.bus.tell(Work(depth=0), to=Target("worker", fanout=True))
            world.crash(chance.choice(workers))
            world.clock(workers[turn]).skew = 0.5 * turn
            with world.faults.partition("worker.3*", "worker.4*"):
                await anyio.sleep(0.2)


if __name__ == "__main__":
    for line in transcript(program, make=World, schedule=Schedule.parse(sys.argv[1])):
        print(line)  # noqa: T201 (what it is run for)
