"""Actors that wait for each other in a circle are found."""

from contextlib import suppress
from typing import ClassVar

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import Actor, CyclicWait, Request, message
from bus.errors import AskTimeout
from bus.sim import Latency, World


@message
class Call(Request[int]):
    """Calls the first of `route`, which calls the next, and so on."""

    timeout: ClassVar = 30.0
    route: tuple[str, ...] = ()


@message
class Work(Request[int]):
    timeout: ClassVar = 30.0


class Caller(Actor):
    @Call.handler
    async def call(self, msg):
        if not msg.route:
            return 0
        await anyio.sleep(0.001)
        length = 1 + await self.bus.ask(Call(route=msg.route[1:]), to=msg.route[0])
        await anyio.sleep(0.001)
        return length

    @Work.handler
    async def work(self, msg):
        await anyio.sleep(1)
        return 0


class TwoHanded(Caller):
    concurrency = 2


class Full(Caller):
    capacity = 1


async def called(bus, *route, kind=Caller, names="abcd"):
    """Start one actor a name, call along *route*, and give the cycles that were reported."""
    for name in names:
        await bus.start(kind, topic=name)
    async with bus.listen(CyclicWait.subject) as cycles, anyio.create_task_group() as group:

        async def go():
            with suppress(AskTimeout):
                await bus.ask(Call(route=route[1:]), to=route[0], timeout=0.02)

        group.start_soon(go)
        await anyio.sleep(0.015)
        found = []
        while (event := cycles.get_nowait()) is not None:
            found.append(event.cycle)
    return found


@pytest.mark.parametrize(
    ("route", "cycle"),
    [
        ("aa", "a.1 waits for a.1 to answer Call"),
        ("aba", "b.1 waits for a.1 to answer Call, a.1 waits for b.1 to answer Call"),
        (
            "dabca",
            "c.1 waits for a.1 to answer Call, a.1 waits for b.1 to answer Call, b.1 waits for c.1 to answer Call",
        ),
    ],
)
def test_a_circle_is_reported_with_everybody_in_it(timed, route, cycle):
    assert timed(lambda bus: called(bus, *route)) == [cycle]


@pytest.mark.parametrize("route", ["a", "abcd", "abc"])
def test_a_chain_is_no_circle(timed, route):
    assert timed(lambda bus: called(bus, *route)) == []


def test_a_free_hand_breaks_the_circle(timed):
    assert timed(lambda bus: called(bus, *"aba", kind=TwoHanded)) == []


def test_all_hands_in_circles_are_a_circle(timed):
    assert len(timed(lambda bus: called(bus, *"ababa", kind=TwoHanded))) >= 1


def test_waiting_for_room_closes_a_circle_too(timed):
    async def program(bus):
        a = await bus.start(Full, topic="a")
        await bus.start(Full, topic="b")
        async with bus.listen(CyclicWait.subject) as cycles, anyio.create_task_group() as group:
            await bus.tell(Call(route=("b", "a")), to=a)
            await anyio.lowlevel.checkpoint()
            await bus.tell(Work(), to=a)
            assert "b.1 waits for a.1" in (await cycles.get()).cycle
            group.cancel_scope.cancel()

    timed(program)


def test_an_ask_that_was_answered_closes_no_circle(timed):
    class Pensive(Caller):
        async def call(self, msg):
            length = await super().call(msg)
            await anyio.sleep(0.01)
            return length

    async def program(bus):
        await bus.start(Pensive, topic="a")
        await bus.start(Caller, topic="b")
        async with bus.listen(CyclicWait.subject) as cycles, anyio.create_task_group() as group:
            group.start_soon(lambda: bus.ask(Call(route=("b",)), to="a"))
            await anyio.sleep(0.005)
            assert await bus.ask(Call(route=("a",)), to="b") == 1
            assert cycles.get_nowait() is None

    timed(program)


def test_the_deadline_that_breaks_a_circle_names_it():
    async def program(world):
        for name in "ab":
            await world.bus.start(Caller, topic=name)
        await world.bus.ask(Call(route=("b", "a")), to="a", timeout=100)

    with pytest.raises(AskTimeout, match=r"cyclic wait: b\.1 waits for a\.1 to answer Call, a\.1 waits for b\.1"):
        World().run(program)


def test_a_busy_actor_that_waits_for_nobody_closes_no_circle(timed):
    async def program(bus):
        for name in "ab":
            await bus.start(Caller, topic=name)
        async with bus.listen(CyclicWait.subject) as cycles, anyio.create_task_group() as group:
            await bus.tell(Work(), to="b")
            await bus.tell(Call(route=("b",)), to="a")
            await anyio.sleep(0.005)
            assert cycles.get_nowait() is None
            group.cancel_scope.cancel()

    timed(program)


def test_a_free_hand_cannot_help_a_message_that_another_hand_holds(timed):
    async def program(bus):
        await bus.start(TwoHanded, topic="b")
        return await called(bus, *"aba", names="a")

    assert len(timed(program)) == 1


@given(
    st.integers(0, 10_000),
    st.lists(st.lists(st.sampled_from("abc"), min_size=2, max_size=4), min_size=1, max_size=5),
    st.tuples(*[st.integers(1, 2)] * 3),
)
@settings(max_examples=100)
def test_what_is_stuck_for_ever_is_reported_and_nothing_else_is(seed, routes, hands):
    stuck = []

    async def go(world, route):
        try:
            await world.bus.ask(Call(route=tuple(route[1:])), to=route[0], timeout=20)
        except AskTimeout:
            stuck.append(route)

    async def program(world):
        for name, count in zip("abc", hands, strict=True):
            await world.bus.start(TwoHanded if count == 2 else Caller, topic=name)
        async with world.bus.listen(CyclicWait.subject) as cycles, anyio.create_task_group() as group:
            for route in routes:
                group.start_soon(go, world, route)
            await anyio.sleep(25)
            return cycles.get_nowait()

    reported = World(seed, latency=Latency.within(0.001)).run(program)

    assert (reported is not None) == bool(stuck)
