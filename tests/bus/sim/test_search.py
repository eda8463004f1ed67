"""Small bugs are found by the default portfolio, shrink to a deviation or two, and replay from their line.

Each of the four is blind to some algorithm: the deep one to random order, the shallow ones to priorities, the timers to
every order whatsoever.
"""

from statistics import median
from typing import ClassVar

import anyio
import attrs
import pytest
import structlog
from anyio.lowlevel import checkpoint

from bus import Actor, Request, message
from bus.sim import Deviation, Failure, Latency, Schedule, World, hunt, replay, shrink
from bus.sim.schedule import CALM

SEEDS = range(0, 20_000, 1000)
RUNS = 200
"""Schedules tried from each seed, so that a median of at most 100 is found and not cut off."""


@message
class Read(Request[int]):
    topic: ClassVar = "store"


@message
class Write(Request[None]):
    topic: ClassVar = "store"
    value: int


class Store(Actor):
    topic = "store"

    def __init__(self):
        self.value = 0

    @Read.handler
    async def read(self, msg):
        return self.value

    @Write.handler
    async def write(self, msg):
        self.value = msg.value


# -- the four bugs -------------------------------------------------------------------------------------------------


async def lost_update(world):
    """Two tellers read, add one and write; the second comes a millisecond later."""
    await world.bus.start(Store)

    async def deposit(delay):
        await anyio.sleep(delay)
        balance = await world.bus.ask(Read())
        await world.bus.ask(Write(value=balance + 1))

    async with anyio.create_task_group() as tellers:
        tellers.start_soon(deposit, 0)
        tellers.start_soon(deposit, 0.001)
    assert await world.bus.ask(Read()) == 2


async def order(world):
    """A reader hopes that a writer was there before, while four others make noise."""
    await world.bus.start(Store)

    async def noise():
        for _ in range(10):
            await checkpoint()

    async def writer():
        await world.bus.tell(Write(value=1))

    async def reader():
        for _ in range(3):
            await checkpoint()
        assert await world.bus.ask(Read()) == 1

    async with anyio.create_task_group() as tasks:
        for work in (noise, noise, writer, reader, noise, noise):
            tasks.start_soon(work)


async def deep(world):
    """One write must fall behind twenty reads of another task."""
    await world.bus.start(Store)

    async def writer():
        await world.bus.ask(Write(value=1))

    async def reader():
        for _ in range(20):
            value = await world.bus.ask(Read())
        assert value == 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader)
        tasks.start_soon(writer)


async def timers(world):
    """Two timers ring in the order of their times, unless the first one is a little late."""
    rang = []

    async def ring(seconds):
        await anyio.sleep(seconds)
        rang.append(seconds)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ring, 1.05)
        tasks.start_soon(ring, 1.00)
    assert rang == [1.00, 1.05]


FAILS = (AssertionError, ExceptionGroup)
BUGS = pytest.mark.parametrize("bug", [lost_update, order, deep, timers], ids=lambda bug: bug.__name__)


@BUGS
def test_a_bug_does_not_show_in_the_calm_run(bug):
    World().run(bug)


@BUGS
def test_a_bug_is_found_within_100_schedules_and_shrinks_to_two_deviations(bug):
    found = [hunt(bug, runs=RUNS, seed=seed) for seed in SEEDS]
    small = [shrink(failure) for failure in found if failure is not None]

    assert median(RUNS + 1 if failure is None else failure.runs for failure in found) <= 100
    assert all(failure.schedule.algorithm == CALM for failure in small)
    assert max(len(failure.schedule.deviations) for failure in small) <= 2
    for failure in small:
        with pytest.raises(FAILS) as caught:
            replay(bug, str(failure.schedule))
        assert str(failure.schedule) in "".join(caught.value.__notes__)


def test_the_swap_of_two_timers_is_one_delay_of_the_difference():
    small = shrink(hunt(timers, runs=RUNS))

    assert small.schedule.deviations == (Deviation("late", "ring/2", 1, 50_000),)


def test_a_deep_bug_is_one_message_that_is_held():
    small = shrink(hunt(deep, runs=1000))
    (one,) = small.schedule.deviations

    assert one.kind == "hold"
    assert one.lane.startswith("writer")
    World(schedule=Schedule(CALM, 0, (attrs.evolve(one, value=one.value - 1),))).run(deep)


# -- hunting -------------------------------------------------------------------------------------------------------


def test_a_hunt_counts_its_runs_and_stops_at_the_first_failure():
    seeds = []

    def portfolio(seed):
        seeds.append(seed)
        return Schedule("random", seed)

    async def program(world):
        assert world.schedule.seed < 13

    failure = hunt(program, runs=50, seed=10, portfolio=portfolio)

    assert seeds == [10, 11, 12, 13]
    assert failure.runs == 4
    assert failure.schedule == Schedule("random", 13)
    assert hunt(program, runs=3, seed=10, portfolio=portfolio) is None


def test_a_hunt_makes_worlds_as_it_is_told():
    def make(**options):
        return World(latency=Latency.constant(7), **options)

    async def program(world):
        assert world.links.only is None or world.links.only.nominal != 7_000_000

    failure = hunt(program, make=make)

    assert failure is not None
    assert shrink(failure, make=make).schedule == Schedule(CALM, 0)
    with pytest.raises(AssertionError):
        replay(program, str(failure.schedule), make=make)


def test_a_failure_prints_its_error_and_its_recipe():
    text = str(hunt(timers, runs=RUNS))

    assert text.startswith("AssertionError: ")
    assert "run it again:  replay(timers, 'sr1," in text
    assert ":timers sr1," in text


# -- shrinking -----------------------------------------------------------------------------------------------------


def test_shrinking_keeps_the_kind_of_error():
    async def program(world):
        rang = []

        async def ring(seconds):
            await anyio.sleep(seconds)
            rang.append(seconds)

        async with anyio.create_task_group() as tasks:
            for seconds in (1.0, 1.1, 1.2):
                tasks.start_soon(ring, seconds)
        if rang[0] == 1.2:
            raise KeyError
        assert rang == sorted(rang)

    failure = next(
        found
        for seed in range(500)
        if (found := hunt(program, runs=1, seed=seed)) is not None and isinstance(found.error, KeyError)
    )
    small = shrink(failure)

    assert isinstance(small.error, KeyError)
    assert len(small.schedule.deviations) == 2


def test_a_late_message_is_never_later_than_its_link_allows():
    """Two delays become one only where one message could have taken as long as both."""

    async def program(world):
        await world.bus.start(Store)
        for _ in range(2):
            await world.bus.ask(Read())
        assert world.now < 0.0025

    def late(schedule):
        return [one.value for one in schedule.deviations if one.kind == "late"]

    failure = next(found for seed in range(0, 3000, 100) if (found := hunt(program, runs=100, seed=seed)) is not None)
    small = shrink(failure)

    assert len(late(small.schedule)) == 3  # of at most 1000 microseconds each
    assert max(late(small.schedule)) <= 1000
    assert sum(late(small.schedule)) == 2500


def test_shrinking_makes_no_more_runs_than_it_may():
    failure = hunt(timers, runs=RUNS)
    runs = []

    def make(**options):
        runs.append(options)
        return World(**options)

    small = shrink(failure, make=make, limit=7)

    assert len(runs) <= 8  # one to write the failure down
    with pytest.raises(AssertionError):
        replay(timers, str(small.schedule))


def test_what_does_not_fail_again_is_left_as_it_is():
    failure = Failure(order, Schedule("random", 0), KeyError(), 1)

    assert shrink(failure) is failure


def test_a_line_without_its_deviation_holds():
    small = shrink(hunt(order, runs=RUNS))

    replay(order, str(Schedule(CALM, small.schedule.seed)))
    with pytest.raises(FAILS):
        replay(order, str(small.schedule))


def test_a_search_drops_what_its_runs_log_and_a_replay_does_not(capsys):
    async def program(world):
        structlog.get_logger("test").warning("an account was overdrawn")
        await order(world)

    small = shrink(hunt(program, runs=RUNS))
    assert capsys.readouterr().out == ""

    with pytest.raises(FAILS):
        replay(program, str(small.schedule))
    assert "an account was overdrawn" in capsys.readouterr().out
