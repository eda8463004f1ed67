"""Messages take as long as their link says, and keep their order between one pair."""

import math
from random import Random
from typing import ClassVar

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import Actor, Event, Request, message
from bus.errors import UsageError
from bus.sim import Latency, Schedule, World
from bus.sim.links import Links

SECONDS = st.floats(0, 1000)


@message
class Ping(Request[float]):
    topic: ClassVar = "echo"
    number: int = 0


@message
class LoudPing(Ping):
    pass


@message
class Rang(Event):
    subject: ClassVar = "bell.rang"
    number: int = 0


class Echo(Actor):
    def __init__(self):
        self.log = []

    @Ping.handler
    async def ping(self, msg):
        return self.clock.monotonic()

    @Rang.handler
    def rang(self, msg):
        self.log.append(msg.number)


class Relay(Actor):
    @Ping.handler
    async def ping(self, msg):
        return await self.bus.ask(msg, to="echo")


async def journey(world, ping=None):
    """When a ping arrived, and when its answer was back."""
    await world.bus.start(Echo)
    arrived = await world.bus.ask(ping or Ping())
    return arrived, world.now


@pytest.mark.parametrize(
    ("latency", "nominal", "low", "high"),
    [
        (Latency.constant(0.5), 0.5, 0.5, 0.5),
        (Latency.within(0.5), 0.0, 0.0, 0.5),
        (Latency.uniform(0.2, 0.4), 0.3, 0.2, 0.4),
        (Latency.lognormal(0.1, 0.5), 0.1, 0.0, 10.0),
    ],
    ids=["constant", "within", "uniform", "lognormal"],
)
def test_a_message_takes_the_nominal_time_in_the_calm_run_and_a_drawn_one_in_a_search(latency, nominal, low, high):
    assert World(latency=latency).run(journey) == pytest.approx((nominal, 2 * nominal))

    arrivals = {World(seed, latency=latency).run(journey)[0] for seed in range(30)}

    assert all(low <= arrived <= high for arrived in arrivals)
    assert low == high or len(arrivals) > 15


@given(SECONDS, SECONDS, st.integers(0, 100))
def test_draws_stay_within_their_bounds(one, other, seed):
    low, high = sorted((one, other))
    latency = Latency.uniform(low, high)

    assert low <= latency.draw(Random(seed)) / 1_000_000 <= high + 0.000001
    assert low <= latency.nominal / 1_000_000 <= high + 0.000001


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (Latency.constant, (-1,)),
        (Latency.constant, (math.nan,)),
        (Latency.within, (-1,)),
        (Latency.uniform, (2, 1)),
        (Latency.uniform, (-1, 1)),
        (Latency.lognormal, (0, 1)),
        (Latency.lognormal, (1, -1)),
    ],
)
def test_an_impossible_latency_is_refused(make, values):
    with pytest.raises(UsageError, match=r"negative|need"):
        make(*values)


def test_the_link_set_last_counts_and_wildcards_fit():
    links = Links(Latency.constant(1))
    links.set(Latency.constant(2), receiver="echo.*")
    links.set(Latency.constant(3), sender="relay.1", receiver="echo.?")
    links.set(Latency.constant(4), message=LoudPing)

    def seconds(sender, receiver, kind):
        return links.latency(sender, receiver, kind).nominal / 1_000_000

    assert seconds("", "other.1", Ping) == 1
    assert seconds("", "echo.1", Ping) == 2
    assert seconds("relay.1", "echo.1", Ping) == 3
    assert seconds("relay.1", "echo.1", LoudPing) == 4
    links.set(Latency.constant(5), message=Ping)
    assert seconds("", "other.1", LoudPing) == 5


def test_a_link_has_a_latency_for_each_way():
    async def program(world):
        world.links.set(Latency.constant(1), receiver="echo.1")
        world.links.set(Latency.constant(10), sender="echo.1", receiver="")
        return await journey(world)

    assert World().run(program) == (1, 11)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_link_changed_on_the_way_lets_nobody_overtake(seed):
    async def program(world):
        world.links.set(Latency.constant(10))
        await world.bus.start(Echo)
        echo = world.bus.cell(world.bus.targets("echo")[0]).actor
        await world.bus.publish(Rang(number=1))
        world.links.set(Latency.constant(0.1))
        await world.bus.publish(Rang(number=2))
        await world.bus.publish(Rang(number=3))
        await anyio.sleep(20)
        return echo.log

    assert World(seed).run(program) == [1, 2, 3]


@given(st.integers(0, 10**6), st.sampled_from(["random", "pct"]))
def test_messages_of_one_pair_keep_their_order_whatever_they_draw(seed, algorithm):
    async def program(world):
        await world.bus.start(Echo)
        echo = world.bus.cell(world.bus.targets("echo")[0]).actor
        for number in range(20):
            await world.bus.publish(Rang(number=number))
            if number % 7 == 0:
                await anyio.sleep(0.01)
        await anyio.sleep(100)
        return echo.log

    world = World(schedule=Schedule(algorithm, seed), latency=Latency.lognormal(0.01, 2))
    assert world.run(program) == list(range(20))


def test_messages_of_different_pairs_overtake_each_other():
    async def program(world):
        await world.bus.start(Echo)
        order = []

        async def client(name):
            order.append((await world.bus.ask(Ping()), name))

        async with anyio.create_task_group() as group:
            for name in "abc":
                group.start_soon(client, name)
        return "".join(name for _, name in sorted(order))

    assert len({World(seed).run(program) for seed in range(40)}) == 6


def test_a_middle_man_pays_for_each_hop():
    async def program(world):
        await world.bus.start(Echo)
        await world.bus.start(Relay)
        await world.bus.ask(Ping(), to="relay")
        return world.now

    assert World(latency=Latency.constant(1)).run(program) == 4
