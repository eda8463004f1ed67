"""What type checkers make of the bus: never run, only checked. An error that is missing here is an unused comment there."""

from typing import Any, ClassVar, assert_type

from bus import (
    Actor,
    Bus,
    BusStatistics,
    Clock,
    Delivery,
    Event,
    Listener,
    MailboxStatistics,
    MemorySink,
    Middleware,
    Overflow,
    Passage,
    Record,
    Request,
    Restart,
    Strategy,
    Supervisor,
    Target,
    current,
    message,
)
from bus.sim import World


@message
class Add(Request[int]):
    topic: ClassVar = "adder"
    timeout: ClassVar = 5.0
    left: int
    right: int = 0


@message
class Names(Request[tuple[str, ...]]):
    topic: ClassVar = "adder"
    delivery: ClassVar = Delivery.AT_LEAST_ONCE


@message
class Forget(Request[None]):
    topic: ClassVar = "adder"


@message
class Added(Event):
    subject: ClassVar = "sums.added"
    total: int


# -- messages ----------------------------------------------------------------------------------------------------------

assert_type(Add(left=1).left, int)
Add()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Add(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Add(left="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Add(left=1, lefft=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Add(left=1, topic="other")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Add(left=1).left = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


# -- handlers ----------------------------------------------------------------------------------------------------------


class Adder(Actor):
    topic = "adder"
    concurrency = 4
    overflow = Overflow.REJECT

    def __init__(self, start: int = 0) -> None:
        self.total = start

    @Add.handler
    async def add(self, msg: Add) -> int:
        assert_type(self.bus, Bus)
        assert_type(self.clock, Clock)
        assert_type(self.target, Target)
        assert_type(current(), Passage)
        self.start_soon(self.note, 3)
        return msg.left + msg.right

    @Names.handler
    def names(self, msg: Names) -> tuple[str, ...]:
        del msg
        return ("adder",)

    @Forget.handler
    async def forget(self, msg: Forget) -> None:
        del msg

    @Added.handler
    async def added(self, msg: Added) -> None:
        self.total += msg.total

    async def note(self, number: int) -> None:
        self.total += number


class Wrong(Actor):
    @Add.handler  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def wrong_answer(self, msg: Add) -> str:
        return str(msg.left)

    @Add.handler  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def wrong_plain_answer(self, msg: Add) -> str:
        return str(msg.left)

    @Add.handler  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def wrong_message(self, msg: Names) -> int:
        del msg
        return 1

    @Add.handler  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def no_message(self) -> int:
        return 1

    @Added.handler  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def event_with_an_answer(self, msg: Added) -> int:
        return msg.total

    @Added.handler  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def wrong_event(self, msg: Add) -> None:
        del msg


# -- the bus -----------------------------------------------------------------------------------------------------------


class Quiet(Middleware):
    def deliver(self, passage: Passage) -> None:
        assert_type(passage.message, Any)
        assert_type(passage.redelivered, bool)


async def verbs(bus: Bus) -> None:
    target = await bus.start(Adder, 3, topic="adder")
    assert_type(target, Target)
    await bus.start(Adder(3))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await bus.start(int)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert_type(await bus.ask(Add(left=1)), int)
    assert_type(await bus.ask(Names(), to=target, timeout=3, monitor=1.0), tuple[str, ...])
    assert_type(await bus.ask(Forget(), to="adder", context={"user": "ada"}), None)
    await bus.ask(Added(total=1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await bus.ask("add")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await bus.ask(Add(left=1), to=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    wrong: str = await bus.ask(Add(left=1))  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    del wrong

    await bus.tell(Add(left=1))
    await bus.tell(Added(total=1), to=Target("adder", fanout=True))
    await bus.publish(Added(total=1), subject="sums.other")
    await bus.publish(Add(left=1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    async with bus.listen("sums.>", capacity=3, overflow=Overflow.DROP_OLDEST) as events:
        assert_type(events, Listener)
        async for event in events:
            assert_type(event, Any)

    assert_type(bus.targets("adder"), tuple[Target, ...])
    assert_type(bus.mailbox(target), MailboxStatistics)
    assert_type(bus.statistics(), BusStatistics)
    assert_type(bus.waits(), tuple[str, ...])
    assert_type(bus.state(target), str)


async def supervision(bus: Bus) -> None:
    top = Supervisor(bus, "top", strategy=Strategy.REST_FOR_ONE, intensity=3, period=1.0)
    child = Supervisor(bus, "child", parent=top, restart=Restart.TRANSIENT)
    assert_type(await child.start(Adder, 3, restart=Restart.TEMPORARY), Target)
    assert_type(child.restarts, int)
    Supervisor(bus, strategy="one for one")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# -- time and traces ---------------------------------------------------------------------------------------------------


async def program(world: World) -> list[int]:
    await world.bus.start(Adder)
    return [await world.bus.ask(Add(left=number)) for number in range(3)]


def runs() -> None:
    sink = MemorySink()
    assert_type(World(7, trace=sink, middleware=[Quiet()]).run(program), list[int])
    assert_type(sink.records, list[Record])
    assert_type(sink.digest(), str)
    Bus(trace=print)
    Bus(trace=len)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
