"""Request and reply: a typed message with six fields is made and sent, its answer is awaited, again and again.

Every row makes a new message for each request and gets its answer computed from it. Only the bus watches over a deadline,
routes by topic, and has a mailbox that can be full.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from functools import partial

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from bus import Actor, Bus
from bus.sim import World
from bus.sim.loop import SimLoop
from tests.benchmarks import oslo, threads
from tests.benchmarks.crowd import crowd
from tests.benchmarks.floors import Bound, Floor
from tests.benchmarks.group import Group
from tests.benchmarks.orders import AsyncWarehouse, Order, PlainWarehouse, order, total
from tests.benchmarks.rounds import Case
from tests.benchmarks.scale import Scale

BARE = "bare futures, stock loop"
OSLO = "oslo.messaging fake driver"
SIMULATED = "bus, simulated time, async handler"
SIMULATED_PLAIN = "bus, simulated time, plain handler"

Measured = Mapping[str, float]


def group(scale: Scale) -> Group:
    """The table of requests per second."""
    cases: list[Case] = []
    for callers in scale.callers:
        each = scale.asks // callers
        run = partial(_rate, callers, each)
        few = 10  # it polls every 50 ms
        cases += [
            Case(BARE, "the caller makes a future, call_soon's a function that answers, awaits", run(_bare)),
            Case(
                SIMULATED,
                "World().bus.ask, calm run; the handler is a coroutine",
                run(partial(_in_world, AsyncWarehouse)),
            ),
            Case(SIMULATED_PLAIN, "the same; the handler is a plain function", run(partial(_in_world, PlainWarehouse))),
            Case("bus, real time, async handler", "Bus().ask under anyio.run", run(partial(_on_bus, AsyncWarehouse))),
            Case(
                "bus, real time, plain handler",
                "the same; the handler is a plain function",
                run(partial(_on_bus, PlainWarehouse)),
            ),
            Case("bare futures, simulated loop", "as on the stock loop", run(partial(_bare, loop=SimLoop))),
            Case(
                "asyncio.Queue pair", "a task takes from one queue, answers into a queue of each caller", run(_queues)
            ),
            Case("anyio memory streams, pair", "the same with memory object streams", run(_streams)),
            Case(
                "pykka",
                "ThreadingActor.ask from one thread; callers = asks before the first get",
                run(threads.pykka),
                "pykka",
            ),
            Case(
                OSLO,
                "call() from a thread each; a dict of the fields",
                _rate(callers, few, oslo.calls),
                "oslo_messaging",
            ),
        ]
    many = _column(100)
    floors = (
        *(Floor(row, many, (Bound(0.5, BARE),)) for row in (SIMULATED, SIMULATED_PLAIN)),
        *(Floor(row, many, (Bound(100, OSLO),)) for row in (SIMULATED, SIMULATED_PLAIN)),
    )
    return Group("ask", "ask: requests answered per second (x bare futures)", tuple(cases), BARE, floors)


def _column(callers: int) -> str:
    return "1 caller" if callers == 1 else f"{callers:,} callers"


def _rate(callers: int, each: int, run: Callable[[int, int], float]) -> Callable[[], Measured]:
    """A case's `run`: *run* takes callers and requests of each, and returns seconds."""
    return lambda: {_column(callers): callers * each / run(callers, each)}


async def _ask(bus: Bus, kind: type[Actor], callers: int, each: int) -> float:
    await bus.start(kind, topic=Order.topic)

    async def caller(_: int) -> None:
        answers = 0
        for number in range(each):
            answers += await bus.ask(order(number))
        assert answers == total(each)

    return await crowd(callers, caller)


def _in_world(kind: type[Actor], callers: int, each: int) -> float:
    return World(max_steps=None).run(lambda world: _ask(world.bus, kind, callers, each))


def _on_bus(kind: type[Actor], callers: int, each: int) -> float:
    async def main() -> float:
        async with Bus() as bus:
            return await _ask(bus, kind, callers, each)

    return anyio.run(main)


def _bare(callers: int, each: int, loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> float:
    def answer(msg: Order, reply: "asyncio.Future[int]") -> None:
        reply.set_result(msg.amount * msg.price)

    async def caller(_: int) -> None:
        running = asyncio.get_running_loop()
        answers = 0
        for number in range(each):
            reply = running.create_future()
            running.call_soon(answer, order(number), reply)
            answers += await reply
        assert answers == total(each)

    return anyio.run(crowd, callers, caller, backend_options={"loop_factory": loop})


def _queues(callers: int, each: int) -> float:
    async def main() -> float:
        requests: asyncio.Queue[tuple[Order, asyncio.Queue[int]]] = asyncio.Queue()

        async def serve() -> None:
            while True:
                msg, replies = await requests.get()
                replies.put_nowait(msg.amount * msg.price)

        async def caller(_: int) -> None:
            replies: asyncio.Queue[int] = asyncio.Queue()
            answers = 0
            for number in range(each):
                requests.put_nowait((order(number), replies))
                answers += await replies.get()
            assert answers == total(each)

        server = asyncio.create_task(serve())
        seconds = await crowd(callers, caller)
        server.cancel()
        return seconds

    return anyio.run(main)


def _streams(callers: int, each: int) -> float:
    async def main() -> float:
        send, receive = anyio.create_memory_object_stream[tuple[Order, MemoryObjectSendStream[int]]](math.inf)

        async def serve() -> None:
            async for msg, replies in receive:
                await replies.send(msg.amount * msg.price)

        async def caller(_: int) -> None:
            pair: tuple[MemoryObjectSendStream[int], MemoryObjectReceiveStream[int]] = (
                anyio.create_memory_object_stream(1)
            )
            with pair[0], pair[1]:
                answers = 0
                for number in range(each):
                    await send.send((order(number), pair[0]))
                    answers += await pair[1].receive()
                assert answers == total(each)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            with receive, send:
                seconds = await crowd(callers, caller)
                tasks.cancel_scope.cancel()
        return seconds

    return anyio.run(main)
