"""Supervisors restart what crashes, as often as agreed, and then give up."""

from typing import ClassVar

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import Actor, Event, Request, Restart, Strategy, Supervisor, Target, Terminated, message
from bus.errors import ActorKilled, ActorStopped, AskTimeout, GaveUp, NoListener, NotRunning
from bus.sim import Latency, World

SOON = 0.003


@message
class Poke(Request[int]):
    pass


@message
class Break(Request[None]):
    pass


@message
class Leave(Request[None]):
    pass


@message
class Poison(Event):
    subject: ClassVar = "poison"


class Child(Actor):
    """Counts what it was asked in this life, and its lives in what it was handed."""

    def __init__(self, log):
        self.log = log
        self.count = 0

    async def started(self):
        self.log.append(self.target.topic)

    @Poke.handler
    async def poke(self, msg):
        self.count += 1
        return self.count

    @Break.handler
    async def crack(self, msg):
        raise ZeroDivisionError

    @Leave.handler
    async def leave(self, msg):
        self.stop()


async def family(bus, log, *topics, restart=Restart.PERMANENT, kind=Child, **options):
    supervisor = Supervisor(bus, "boss", **options)
    for topic in topics:
        await supervisor.start(kind, log, topic=topic, server="x", restart=restart)
    log.clear()
    return supervisor


def name(topic):
    return Target(topic, "x")


# -- one crash ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "restarted"),
    [
        (Strategy.ONE_FOR_ONE, ["b"]),
        (Strategy.ONE_FOR_ALL, ["a", "b", "c"]),
        (Strategy.REST_FOR_ONE, ["b", "c"]),
    ],
    ids=lambda value: getattr(value, "value", ""),
)
def test_a_strategy_says_who_is_restarted_and_in_which_order(timed, log, strategy, restarted):
    async def program(bus):
        supervisor = await family(bus, log, "a", "b", "c", strategy=strategy)
        for topic in "abc":
            assert await bus.ask(Poke(), to=topic) == 1
        await bus.tell(Break(), to="b")
        await anyio.sleep(SOON)
        assert log == restarted
        assert supervisor.restarts == len(restarted)
        for topic in "abc":
            assert await bus.ask(Poke(), to=topic) == (1 if topic in restarted else 2)

    timed(program)


def test_a_new_life_keeps_the_address_and_what_it_was_handed_but_not_its_memory(run, log):
    async def program(bus):
        await family(bus, log, "a")
        assert [await bus.ask(Poke(), to="a") for _ in range(2)] == [1, 2]
        await bus.tell(Break(), to=name("a"))
        assert await bus.ask(Poke(), to=name("a")) == 1
        assert log == ["a"]

    run(program)


def test_what_comes_while_an_actor_is_down_waits_for_its_next_life(timed, log):
    class Slow(Child):
        async def started(self):
            await anyio.sleep(SOON)

    async def program(bus):
        await family(bus, log, "a", kind=Slow)
        bus.crash(name("a"), ActorKilled("a test"))
        assert bus.state(name("a")) == "down"
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(poke, bus)

    async def poke(bus):
        log.append(await bus.ask(Poke(), to="a"))

    timed(program)

    assert log == [1, 2, 3, 4, 5]


def test_what_nobody_handles_is_said_at_once_also_to_a_new_life(timed, log):
    class Slow(Child):
        async def started(self):
            await anyio.sleep(SOON)

    @message
    class Strange(Request[None]):
        pass

    async def program(bus):
        supervisor = await family(bus, log, "a", kind=Slow)
        bus.crash(name("a"), ActorKilled("a test"))
        await bus.tell(Strange(), to="a")
        assert await bus.ask(Poke(), to="a") == 1
        assert supervisor.restarts == 1
        assert bus.statistics().dead_letters == 1

    timed(program)


def test_a_new_life_takes_subclasses_of_its_messages_that_came_while_it_was_down(run, log):
    @message
    class Nudge(Poke):
        pass

    async def program(bus):
        await family(bus, log, "a")
        bus.crash(name("a"), ActorKilled("a test"))
        assert await bus.ask(Nudge(), to="a") == 1

    run(program)


def test_an_error_that_an_asker_gets_is_no_crash(run, log):
    async def program(bus):
        supervisor = await family(bus, log, "a")
        with pytest.raises(ZeroDivisionError):
            await bus.ask(Break(), to="a")
        assert supervisor.restarts == 0

    run(program)


# -- restart kinds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("restart", "end", "lives_again"),
    [
        (Restart.PERMANENT, Break, True),
        (Restart.PERMANENT, Leave, True),
        (Restart.TRANSIENT, Break, True),
        (Restart.TRANSIENT, Leave, False),
        (Restart.TEMPORARY, Break, False),
        (Restart.TEMPORARY, Leave, False),
    ],
    ids=lambda value: getattr(value, "value", getattr(value, "__name__", str(value))),
)
def test_the_kind_of_restart_says_which_ends_are_mended(timed, log, restart, end, lives_again):
    async def program(bus):
        await family(bus, log, "a", restart=restart)
        await bus.tell(end(), to="a")
        await anyio.sleep(SOON)
        assert bus.state(name("a")) == ("up" if lives_again else "ended")
        assert log == (["a"] if lives_again else [])
        if not lives_again:
            with pytest.raises(NoListener):
                await bus.ask(Poke(), to="a")

    timed(program)


def test_what_waits_for_an_actor_that_is_given_up_is_answered(timed, log):
    class Stuck(Child):
        @Break.handler
        async def crack(self, msg):
            await anyio.sleep(SOON)
            raise ZeroDivisionError

    async def program(bus):
        await family(bus, log, "a", restart=Restart.TEMPORARY, kind=Stuck)
        await bus.tell(Break(), to="a")
        with pytest.raises(ActorStopped, match=r"crashed and is not restarted: ZeroDivisionError\(\)"):
            await bus.ask(Poke(), to="a")

    timed(program)


def test_an_actor_that_was_stopped_is_not_restarted(timed, log):
    async def program(bus):
        await family(bus, log, "a", "b", strategy=Strategy.ONE_FOR_ALL)
        await bus.stop(name("a"))
        await bus.tell(Break(), to="b")
        await anyio.sleep(SOON)
        assert log == ["b"]

    timed(program)


def test_an_actor_that_is_stopped_before_its_new_life_began_has_none(timed, log):
    async def program(bus):
        await family(bus, log, "a")
        bus.crash(name("a"), ActorKilled("a test"))
        await bus.stop(name("a"))
        await anyio.sleep(SOON)
        assert log == []
        assert bus.statistics().actors == 0

    timed(program)


def test_an_actor_that_somebody_restarts_before_its_supervisor_does_begins_once(timed, log):
    async def program(bus):
        await family(bus, log, "a")
        bus.crash(name("a"), ActorKilled("a test"))
        await bus.restart(name("a"))
        await anyio.sleep(SOON)

    timed(program)

    assert log == ["a"]


# -- intensity ---------------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 3),
    st.sampled_from([1.0, 5.0]),
    st.lists(st.sampled_from([0.1, 0.6, 2.0, 4.0, 6.0]), min_size=1, max_size=10),
)
@settings(max_examples=50)
def test_a_supervisor_gives_up_at_the_first_restart_too_many_within_its_period(intensity, period, pauses):
    instants, now = [], 0.0
    for pause in pauses:
        now = round(now + pause, 6)
        instants.append(now)
    crowded = [
        index
        for index, now in enumerate(instants)
        if sum(now - period <= then for then in instants[: index + 1]) > intensity
    ]

    async def program(world):
        supervisor = await family(world.bus, [], "a", intensity=intensity, period=period)
        for pause in pauses:
            await anyio.sleep(pause)
            world.crash(name("a"))
            await anyio.lowlevel.checkpoint()
        return supervisor.restarts

    world = World(latency=Latency.constant(0))
    try:
        restarts = world.run(program)
    except GaveUp:
        assert crowded
        assert world.now == pytest.approx(instants[crowded[0]])
    else:
        assert not crowded
        assert restarts == len(pauses)


def test_giving_up_says_how_often_whom_and_what_to_do(run, log):
    async def program(bus):
        await family(bus, log, "a", "b", intensity=1, period=7)
        for _ in range(2):
            await bus.tell(Break(), to="a")
            await anyio.sleep(SOON)
        await anyio.sleep(10)

    with pytest.raises(GaveUp, match=r"boss had to restart 2 times within 7 s, .* intensity of 1; .* a\.x\.") as caught:
        run(program)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("failures", [1, 2])
def test_a_new_life_that_cannot_begin_counts_as_a_crash(run, log, failures):
    class Unlucky(Child):
        async def started(self):
            await super().started()
            if len(self.log) in range(2, 2 + failures):
                raise OSError("no database")

    async def program(bus):
        await Supervisor(bus, intensity=2).start(Unlucky, log, topic="a")
        await bus.tell(Break(), to="a")
        assert await bus.ask(Poke(), to="a") == 1

    if failures == 1:
        run(program)
    else:
        with pytest.raises(GaveUp) as caught:
            run(program)
        assert isinstance(caught.value.__cause__, OSError)
    assert log == ["a"] * 3


def test_a_class_that_cannot_be_made_any_more_counts_as_a_crash(run, log):
    class Unmade(Child):
        def __init__(self, log):
            super().__init__(log)
            if log:
                raise OSError("no disk")

    async def program(bus):
        await family(bus, log, "a", kind=Unmade, intensity=3)
        log.append("full")
        await bus.tell(Break(), to="a")
        await anyio.sleep(1)

    with pytest.raises(GaveUp) as caught:
        run(program)
    assert isinstance(caught.value.__cause__, OSError)


def test_an_event_that_crashes_each_life_ends_in_giving_up(run, log):
    class Weak(Child):
        @Poison.handler
        async def poison(self, msg):
            raise ValueError("poison")

    async def program(bus):
        await family(bus, log, "a", kind=Weak, intensity=5)
        await bus.publish(Poison())
        await anyio.sleep(1)

    with pytest.raises(GaveUp):
        run(program)
    assert log == ["a"] * 5


# -- supervisors of supervisors ----------------------------------------------------------------------------------------


async def dynasty(bus, log, *, strategy=Strategy.ONE_FOR_ONE, restart=Restart.PERMANENT, intensity=1, kind=Child):
    """A top supervisor over an actor "x" and over a second supervisor of "a", "b" and "c"; any crash there escalates."""
    top = Supervisor(bus, "top", strategy=strategy, intensity=intensity)
    await top.start(Child, log, topic="x", server="x")
    middle = Supervisor(bus, "middle", intensity=0, parent=top, restart=restart)
    for topic in "abc":
        await middle.start(kind, log, topic=topic, server="x")
    log.clear()
    return top


@pytest.mark.parametrize(
    ("strategy", "restarted"),
    [(Strategy.ONE_FOR_ONE, ["a", "b", "c"]), (Strategy.ONE_FOR_ALL, ["x", "a", "b", "c"])],
    ids=lambda value: getattr(value, "value", ""),
)
def test_a_supervisor_that_gives_up_is_restarted_with_all_its_children(timed, log, strategy, restarted):
    async def program(bus):
        await dynasty(bus, log, strategy=strategy)
        await bus.tell(Break(), to="b")
        await anyio.sleep(SOON)
        assert log == restarted

    timed(program)


def test_a_supervisor_begins_again_with_no_restart_on_its_account(timed, log):
    async def program(bus):
        top = Supervisor(bus, "top", intensity=5)
        middle = Supervisor(bus, "middle", intensity=1, parent=top)
        await middle.start(Child, log, topic="a")
        for _ in range(3):
            await bus.tell(Break(), to="a")
            await anyio.sleep(SOON)
        assert (top.restarts, middle.restarts) == (1, 2)

    timed(program)


def test_the_topmost_supervisor_that_gives_up_ends_the_bus(run, log):
    async def program(bus):
        await dynasty(bus, log, intensity=0)
        await bus.tell(Break(), to="b")
        await anyio.sleep(1)

    with pytest.raises(GaveUp, match=r"^top ") as caught:
        run(program)
    assert str(caught.value.__cause__).startswith("middle ")
    assert isinstance(caught.value.__cause__.__cause__, ZeroDivisionError)


def test_the_children_of_a_supervisor_that_nobody_restarts_are_given_up(timed, log):
    async def program(bus):
        await dynasty(bus, log, restart=Restart.TEMPORARY)
        await bus.tell(Break(), to="b")
        await anyio.sleep(SOON)
        for topic in "abc":
            with pytest.raises(NoListener):
                await bus.ask(Poke(), to=topic)
        assert await bus.ask(Poke(), to="x") == 1

    timed(program)


def test_one_child_that_cannot_begin_does_not_keep_its_siblings_down(timed, log):
    class Unlucky(Child):
        async def started(self):
            await super().started()
            if self.target.topic == "a" and self.log.count("a") == 1 and self.log[0] != "first":
                raise OSError("not yet")

    async def program(bus):
        top = Supervisor(bus, "top", intensity=5)
        middle = Supervisor(bus, "middle", intensity=1, parent=top)
        log.append("first")
        for topic in "abc":
            await middle.start(Unlucky, log, topic=topic, server="x")
        log.clear()
        middle.end(ActorKilled("a test"))
        await middle.begin()
        await anyio.sleep(SOON)
        assert sorted(log) == ["a", "a", "b", "c"]
        for topic in "abc":
            assert await bus.ask(Poke(), to=topic) == 1

    timed(program)


def test_a_crash_in_the_middle_of_a_new_beginning_begins_once_more_in_order(timed, log):
    class Slow(Child):
        async def started(self):
            assert self.target == name("a") or self.bus.state(name("a")) == "up"
            await anyio.sleep(SOON)

    async def program(bus):
        supervisor = await family(bus, log, "a", "b", kind=Slow, intensity=3, strategy=Strategy.ONE_FOR_ALL)
        bus.crash(name("a"), ActorKilled("a test"))
        await anyio.sleep(SOON / 3)
        assert bus.state(name("a")) == "starting"
        bus.crash(name("a"), ActorKilled("a test"))
        for topic in "ab":
            assert await bus.ask(Poke(), to=topic) == 1
            assert await bus.ask(Poke(), to=topic) == 2
        assert supervisor.restarts == 4

    timed(program)


@given(
    st.integers(0, 10_000),
    st.sampled_from(Strategy),
    st.lists(st.tuples(st.floats(0, 0.02), st.sampled_from("abc"), st.booleans()), max_size=8),
)
@settings(max_examples=60)
def test_whatever_crashes_when_in_the_end_each_child_lives_exactly_once(seed, strategy, crashes):
    alive = {topic: set() for topic in "abc"}

    class Slow(Child):
        async def started(self):
            self.start_soon(self.live)
            await anyio.sleep(0.005)
            self.start_soon(self.live)

        async def live(self):
            me = object()
            alive[self.target.topic].add(me)
            try:
                await anyio.sleep_forever()
            finally:
                alive[self.target.topic].discard(me)

    async def program(world):
        top = Supervisor(world.bus, "top", intensity=100)
        middle = Supervisor(world.bus, "middle", strategy=strategy, intensity=1, period=0.03, parent=top)
        for topic in "abc":
            await middle.start(Slow, [], topic=topic, server="x")
        for pause, topic, is_told in crashes:
            await anyio.sleep(pause)
            if is_told:
                await world.bus.tell(Break(), to=topic)
            elif world.bus.state(name(topic)) in {"up", "starting"}:
                world.crash(name(topic))
        await anyio.sleep(1)
        for topic in "abc":
            assert await world.bus.ask(Poke(), to=topic, timeout=1) == 1
            assert len(alive[topic]) == 2

    World(seed).run(program)

    assert not any(alive.values())


# -- watching ----------------------------------------------------------------------------------------------------------


class Watcher(Actor):
    def __init__(self, log, *targets):
        self.log = log
        self.targets = targets

    async def started(self):
        for target in self.targets:
            self.watch(target)

    @Terminated.handler
    async def terminated(self, msg):
        self.log.append((str(msg.target), msg.reason))


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda bus: bus.stop(name("a")), "stopped"),
        (lambda bus: bus.tell(Leave(), to="a"), "stopped"),
        (lambda bus: bus.tell(Break(), to="a"), "ZeroDivisionError()"),
    ],
    ids=["stopped", "left", "crashed"],
)
def test_a_watcher_hears_of_an_end_and_of_its_reason(timed, log, end, reason):
    async def program(bus):
        await family(bus, log, "a", restart=Restart.TEMPORARY)
        await bus.start(Watcher, log, name("a"))
        await end(bus)
        await anyio.sleep(SOON)
        assert log == [("a.x", reason)]

    timed(program)


def test_a_watch_counts_for_one_end(timed, log):
    async def program(bus):
        await family(bus, [], "a", intensity=3)
        await bus.start(Watcher, log, name("a"))
        for _ in range(2):
            await bus.tell(Break(), to="a")
            await anyio.sleep(SOON)
        assert len(log) == 1

    timed(program)


def test_a_watcher_of_nobody_hears_at_once(timed, log):
    async def program(bus):
        target = await bus.start(Child, [])
        bus.crash(target, ActorKilled("a test"))
        await bus.start(Watcher, log, Target("no", "body"), target)
        await anyio.sleep(SOON)
        assert log == [("no.body", "unknown"), ("child.1", "down")]

    timed(program)


def test_nobody_hears_of_an_end_after_its_own(timed, log):
    async def program(bus):
        await family(bus, [], "a")
        watcher = await bus.start(Watcher, log, name("a"))
        await bus.stop(watcher)
        await bus.stop(name("a"))
        await anyio.sleep(SOON)
        assert log == []
        assert bus.statistics().dead_letters == 0

    timed(program)


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_an_actor_that_nobody_supervises_stays_down_until_somebody_restarts_it(timed, log):
    async def program(bus):
        target = await bus.start(Child, log)
        bus.crash(target, ActorKilled("a test"))
        with pytest.raises(AskTimeout):
            await bus.ask(Poke(), to=target, timeout=SOON)
        await bus.restart(target)
        assert await bus.ask(Poke(), to=target) == 2

    timed(program)


def test_only_what_is_down_can_be_restarted(run, log):
    async def program(bus):
        target = await bus.start(Child, log)
        with pytest.raises(Exception, match=r"child\.1 is up: only an actor that is down can be restarted"):
            await bus.restart(target)
        await bus.stop(target)
        with pytest.raises(NotRunning):
            await bus.restart(target)

    run(program)
