"""Every scheduler keeps lanes in order, lets every step go, and can be replayed from its deviations."""

from contextlib import ExitStack
from typing import ClassVar

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import Actor, Event, MemorySink, Request, message
from bus.errors import AskTimeout
from bus.sim import Deviation, Latency, Schedule, World
from bus.sim.handle import Lane
from bus.sim.schedule import CALM
from bus.sim.schedulers import Fifo, Pct, RandomOrder, Replay, scheduler_of
from bus.sim.schedulers.record import Record

SEEDS = st.integers(0, 10**6)
SEARCHING = st.builds(Schedule, algorithm=st.sampled_from(["random", "pct"]), seed=SEEDS)


# -- a scheduler by itself -----------------------------------------------------------------------------------------


HOLDS = st.lists(
    st.builds(Deviation, st.just("hold"), st.sampled_from("abcd"), st.integers(1, 9), st.integers(1, 30)), max_size=6
)
SCHEDULERS = st.one_of(
    st.builds(Fifo),
    st.builds(RandomOrder, SEEDS),
    st.builds(Pct, SEEDS),
    st.builds(Replay, HOLDS),
    st.builds(Record, st.builds(Pct, SEEDS)),
)


@given(SCHEDULERS, st.lists(st.sampled_from(["a", "b", "c", "d", "pop"]), max_size=200))
def test_each_lane_keeps_its_order_and_every_step_goes(scheduler, story):
    lanes = {name: Lane(name) for name in "abcd"}
    pushed, popped = [], []

    def pop():
        popped.append(scheduler.pop())

    for what in story:
        if what != "pop":
            entry = (None, (len(pushed),), None, lanes[what])
            pushed.append(entry)
            scheduler.push(entry)
        elif scheduler:
            pop()
        assert len(scheduler) == len(pushed) - len(popped)
    while scheduler:
        pop()

    assert sorted(popped, key=lambda entry: entry[1]) == pushed
    for lane in lanes.values():
        assert [e for e in popped if e[3] is lane] == [e for e in pushed if e[3] is lane]


def test_fifo_lets_go_who_came_first():
    scheduler, lanes = Fifo(), [Lane("a"), Lane("b")]
    entries = [(None, (), None, lanes[n % 2]) for n in range(6)]
    for entry in entries:
        scheduler.push(entry)

    assert [scheduler.pop() for _ in entries] == entries


def test_replay_holds_a_step_for_as_many_steps_of_others():
    scheduler, late, other = Replay([Deviation("hold", "late", 1, 4)]), Lane("late"), Lane("other")
    scheduler.push((None, ("late",), None, late))
    for n in range(6):
        scheduler.push((None, (n,), None, other))

    assert [scheduler.pop()[1][0] for _ in range(7)] == [0, 1, 2, "late", 3, 4, 5]


def test_replay_lets_a_held_step_go_when_nothing_else_is_ready():
    scheduler = Replay([Deviation("hold", "late", 1, 100)])
    scheduler.push((None, (), None, Lane("late")))

    assert scheduler.pop()[3].label == "late"


def test_a_schedule_names_its_scheduler():
    kinds = [type(scheduler_of(Schedule(name, 1))) for name in ("calm", "random", "pct")]

    assert kinds == [Fifo, RandomOrder, Pct]
    assert type(scheduler_of(Schedule(CALM, 1, (Deviation("hold", "a", 1, 1),)))) is Replay


# -- programs ------------------------------------------------------------------------------------------------------


@message
class Add(Request[int]):
    topic: ClassVar = "server"
    number: int


@message
class Quick(Add):
    pass


@message
class Added(Event):
    subject: ClassVar = "numbers.added"
    number: int


class Server(Actor):
    topic = "server"

    @Quick.handler
    def quick(self, msg):
        return msg.number

    @Add.handler
    async def add(self, msg):
        await checkpoint()
        await self.bus.publish(Added(number=msg.number))
        return msg.number


class Reader(Actor):
    def __init__(self):
        self.seen = 0

    @Added.handler
    async def added(self, msg):
        await anyio.sleep(0.001)
        self.seen += 1


async def ask(bus, number, kind=Add):
    try:
        await bus.ask(kind(number=number), timeout=3)
    except AskTimeout:
        bus.note("timeout", "client")


async def give_up(bus, number):
    with anyio.move_on_after(0.0005):
        await bus.ask(Add(number=number))


async def cancel(bus, number):
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(anyio.sleep, number + 10)
        await checkpoint()
        group.cancel_scope.cancel()


OPERATIONS = {
    "ask": ask,
    "quick": lambda bus, number: ask(bus, number, Quick),
    "tell": lambda bus, number: bus.tell(Add(number=number)),
    "publish": lambda bus, number: bus.publish(Added(number=number)),
    "sleep": lambda bus, number: anyio.sleep(0.5),  # noqa: ARG005
    "yield": lambda bus, number: checkpoint(),  # noqa: ARG005
    "give up": give_up,
    "cancel": cancel,
}
CLIENTS = st.lists(st.lists(st.sampled_from(sorted(OPERATIONS)), max_size=5), min_size=1, max_size=4)
FAULTS = st.sampled_from([None, "drop", "delay", "duplicate"])


def rules(world, fault):
    """Two fault rules of one name, as nobody gave them another."""
    stack = ExitStack()
    seconds = (0.01,) if fault == "delay" else ()
    for receiver in ("server.1", "server.2") if fault else ():
        stack.enter_context(getattr(world.faults, fault)(*seconds, receiver=receiver, probability=0.3))
    return stack


def program_of(clients, fault):
    """A program with two servers, two readers, and clients that each do their operations."""

    async def client(world, operations):
        for number, operation in enumerate(operations):
            await OPERATIONS[operation](world.bus, number)

    async def program(world):
        for kind in (Server, Server, Reader, Reader):
            await world.bus.start(kind)
        with rules(world, fault):
            async with anyio.create_task_group() as group:
                for operations in clients:
                    group.start_soon(client, world, operations)
        await anyio.sleep(5)

    return program


def run(program, schedule, scheduler=None):
    """Every step and every record of a run."""
    steps, sink = [], MemorySink()
    world = World(schedule=schedule, trace=sink)
    if scheduler is not None:
        world.scheduler = scheduler
    world.on_step = lambda entry: steps.append((world.loop.now, entry[3].label))
    world.run(program)
    return steps, sink.records


@given(CLIENTS, FAULTS, SEARCHING)
@settings(max_examples=60)
def test_a_searching_run_replays_from_its_deviations(clients, fault, schedule):
    program = program_of(clients, fault)
    record = Record(scheduler_of(schedule))
    once = run(program, schedule, record)

    assert run(program, schedule) == once
    assert run(program, Schedule(CALM, schedule.seed, record.deviations())) == once


@given(CLIENTS, FAULTS, SEEDS)
@settings(max_examples=30)
def test_fifo_does_what_replay_without_deviations_does(clients, fault, seed):
    program = program_of(clients, fault)
    calm = Schedule(CALM, seed)
    _, records = run(program, calm)
    _, again = run(program, calm, Replay(()))

    assert again == records


def test_different_seeds_do_different_things():
    program = program_of([["ask", "tell", "publish"]] * 3, None)

    assert len({str(run(program, Schedule("random", seed))) for seed in range(10)}) == 10


# -- livelocks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_pct_gets_through_cancelled_scopes(seed):
    async def stubborn():
        try:
            await anyio.sleep(10)
        finally:
            with anyio.CancelScope(shield=True):
                for _ in range(20):
                    await checkpoint()

    async def program(world):
        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(stubborn)
            await checkpoint()
            group.cancel_scope.cancel()

    World(schedule=Schedule("pct", seed), max_steps=5000).run(program)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("latency", [Latency.constant(0), Latency.within(0.001)], ids=["no latency", "latency"])
@pytest.mark.parametrize("poll", ["sleep", "ask"])
def test_pct_gets_through_a_loop_that_polls(seed, latency, poll):
    async def program(world):
        await world.bus.start(Server)
        flag = []

        async def setter():
            for _ in range(10):
                await checkpoint()
            flag.append(True)

        async with anyio.create_task_group() as group:
            group.start_soon(setter)
            while not flag:
                if poll == "sleep":
                    await checkpoint()
                else:
                    await world.bus.ask(Add(number=1))

    budget = {"sleep": 900, "ask": 20_000}[poll]
    World(schedule=Schedule("pct", seed), latency=latency, max_steps=budget).run(program)
