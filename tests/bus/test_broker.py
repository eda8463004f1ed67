"""Messages get where they were sent, and nobody is left waiting."""

import asyncio
import gc
from typing import ClassVar

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import Actor, Bus, DeadLetter, Event, Overflow, Request, Target, current, message
from bus.errors import (
    ActorKilled,
    ActorStopped,
    AskTimeout,
    InvalidSubject,
    InvalidTarget,
    MailboxFull,
    NoListener,
    NotRunning,
    Undeliverable,
    Unhandled,
)
from bus.sim import Latency, World

LONG = 10.0
SOON = 0.003


@message
class Echo(Request[str]):
    topic: ClassVar = "echo"
    text: str = ""


@message
class Nap(Request[str]):
    topic: ClassVar = "echo"
    seconds: float = LONG


@message
class Fail(Request[None]):
    topic: ClassVar = "echo"


@message
class Unknown(Request[None]):
    topic: ClassVar = "echo"


@message
class Homeless(Request[None]):
    pass


@message
class Ordered(Event):
    subject: ClassVar = "orders.eu.new"
    number: int = 0


class TooBad(Exception):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code


class Echoing(Actor):
    topic = "echo"
    concurrency = 4

    @Echo.handler
    async def echo(self, msg):
        return f"{self.target.server}: {msg.text}"

    @Nap.handler
    async def nap(self, msg):
        await anyio.sleep(msg.seconds)
        return "slept"

    @Fail.handler
    async def fail(self, msg):
        raise TooBad(7)


class PlainEchoing(Actor):
    topic = "echo"

    @Echo.handler
    def echo(self, msg):
        return f"{self.target.server}: {msg.text}"

    @Fail.handler
    def fail(self, msg):
        raise TooBad(7)


async def dead_letters(listener):
    await anyio.sleep(0.001)
    letters = []
    while (letter := listener.get_nowait()) is not None:
        letters.append(letter)
    return letters


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [None, "echo", Target("echo"), Target("echo", "only")], ids=repr)
@pytest.mark.parametrize("kind", [Echoing, PlainEchoing])
def test_an_ask_reaches_the_actor_by_each_of_its_names(run, kind, to):
    async def program(bus):
        await bus.start(kind, server="only")
        assert await bus.ask(Echo(text="hi"), to=to) == "only: hi"

    run(program)


def test_the_members_of_a_topic_take_turns(run):
    async def program(bus):
        for _ in range(3):
            await bus.start(Echoing)
        return [await bus.ask(Echo()) for _ in range(6)]

    assert run(program) == ["1: ", "2: ", "3: "] * 2


def test_a_member_that_is_down_gets_no_turn_while_another_is_up(run):
    async def program(bus):
        first = await bus.start(Echoing)
        await bus.start(Echoing)
        bus.crash(first, ActorKilled("a test"))
        return {await bus.ask(Echo(), timeout=0.5) for _ in range(4)}

    assert run(program) == {"2: "}


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_in_a_search_any_member_may_have_its_turn_but_always_one(seed):
    async def program(world):
        for _ in range(3):
            await world.bus.start(Echoing)
        return [await world.bus.ask(Echo()) for _ in range(5)]

    assert set(World(seed).run(program)) <= {"1: ", "2: ", "3: "}


def test_fanout_reaches_every_member_once(timed, log):
    class Logging(Echoing):
        async def echo(self, msg):
            log.append(self.target.server)

    async def program(bus):
        for _ in range(3):
            await bus.start(Logging)
        await bus.tell(Echo(), to=Target("echo", fanout=True))
        await anyio.sleep(SOON)

    timed(program)

    assert log == ["1", "2", "3"]


def test_nobody_can_ask_everybody(run):
    async def program(bus):
        await bus.start(Echoing)
        with pytest.raises(InvalidTarget, match=r"cannot ask everybody: tell echo\.\*"):
            await bus.ask(Echo(), to=Target("echo", fanout=True))

    run(program)


@pytest.mark.parametrize("verb", ["ask", "tell"])
def test_a_message_without_a_topic_must_be_sent_to_somebody(run, verb):
    async def program(bus):
        await bus.start(Echoing)
        with pytest.raises(InvalidTarget, match="Homeless has no topic"):
            await getattr(bus, verb)(Homeless())

    run(program)


def test_an_event_can_be_told_to_one_actor_but_not_to_nobody(timed, log):
    class Taking(Actor):
        @Ordered.handler
        async def ordered(self, msg):
            log.append(msg)

    async def program(bus):
        target = await bus.start(Taking)
        await bus.tell(Ordered(), to=target)
        with pytest.raises(InvalidTarget, match="Ordered has no topic"):
            await bus.tell(Ordered())
        await anyio.sleep(SOON)

    timed(program)

    assert log == [Ordered()]


@pytest.mark.parametrize("to", [None, "nowhere", Target("echo", "9")], ids=str)
def test_an_ask_that_nobody_listens_to_fails_at_once(run, to):
    async def program(bus):
        with pytest.raises(NoListener):
            await bus.ask(Echo(), to=to, timeout=LONG)
        await bus.start(Echoing, topic="other")
        with pytest.raises(NoListener, match=r"in use: other|of 'echo': none"):
            await bus.ask(Echo(), to=to, timeout=LONG)

    run(program)


def test_an_ask_without_a_handler_fails_at_once_and_lists_those_there_are(run):
    async def program(bus):
        await bus.start(Echoing)
        with pytest.raises(Unhandled, match=r"echo\.1 has no handler for Unknown; it handles: Echo, Nap, Fail$"):
            await bus.ask(Unknown(), timeout=LONG)

    run(program)


def test_a_long_list_of_names_is_cut(run):
    async def program(bus):
        for number in range(15):
            await bus.start(Echoing, topic=f"t{number}")
        with pytest.raises(NoListener, match="t9 and 5 more"):
            await bus.ask(Echo())

    run(program)


@pytest.mark.parametrize("verb", ["ask", "tell", "publish"])
def test_a_bus_that_is_not_open_carries_nothing(verb):
    async def program():
        bus = Bus()
        sent = Ordered() if verb == "publish" else Echo()
        with pytest.raises(NotRunning, match="not open"):
            await getattr(bus, verb)(sent)
        async with bus:
            await bus.start(Echoing)
        with pytest.raises(NotRunning, match="not open"):
            await getattr(bus, verb)(sent)

    anyio.run(program)


# -- answers and errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Echoing, PlainEchoing])
def test_an_error_arrives_as_it_was_raised_with_a_note_of_where(run, kind):
    async def program(bus):
        await bus.start(kind)
        with pytest.raises(TooBad) as caught:
            await bus.ask(Fail())
        assert caught.value.code == 7
        (note,) = caught.value.__notes__
        assert note.startswith("raised by echo.1 while handling Fail:")
        assert "test_broker.py" in note
        assert ".fail" in note
        assert (await bus.ask(Echo(text="alive"))) == "1: alive"

    run(program)


def test_an_error_that_travels_through_two_actors_names_both(run):
    class Between(Actor):
        @Homeless.handler
        async def go(self, msg):
            await self.bus.ask(Fail())

    async def program(bus):
        await bus.start(Echoing)
        await bus.start(Between)
        with pytest.raises(TooBad) as caught:
            await bus.ask(Homeless(), to="between")
        assert [note.split(" while")[0] for note in caught.value.__notes__] == [
            "raised by echo.1",
            "raised by between.1",
        ]

    run(program)


@pytest.mark.parametrize("error", [StopIteration(1), StopAsyncIteration(), TimeoutError(), AskTimeout("inner")])
@pytest.mark.parametrize("plain", [False, True])
def test_no_error_is_so_odd_that_its_asker_waits_in_vain(run, error, plain):
    class Odd(Actor):
        @Homeless.handler
        def plain(self, msg):
            raise error

    class OddAsync(Actor):
        @Homeless.handler
        async def handle(self, msg):
            raise error

    async def program(bus):
        target = await bus.start(Odd if plain else OddAsync)
        with pytest.raises((RuntimeError, type(error))):
            await bus.ask(Homeless(), to=target, timeout=0.5)
        assert bus.statistics().asking == 0

    run(program)


def test_a_handler_that_cancels_itself_leaves_its_asker_an_error(run):
    class Confused(Actor):
        @Homeless.handler
        async def go(self, msg):
            raise asyncio.CancelledError

    async def program(bus):
        target = await bus.start(Confused)
        with pytest.raises(Exception, match="cancelled itself"):
            await bus.ask(Homeless(), to=target, timeout=0.5)

    run(program)


# -- deadlines ---------------------------------------------------------------------------------------------------------


def test_an_ask_ends_at_its_deadline():
    async def program(world):
        await world.bus.start(Echoing)
        with pytest.raises(AskTimeout, match=r"no answer from echo\.1 to Nap \(message 1\) within 2\.5 s"):
            await world.bus.ask(Nap(), timeout=2.5)
        assert world.now == 2.5

    World().run(program)


def test_a_timeout_of_the_bus_is_a_timeout(run):
    async def program(bus):
        await bus.start(Echoing)
        with pytest.raises(TimeoutError):
            await bus.ask(Nap(), timeout=SOON)

    run(program)


def test_an_ask_without_a_timeout_takes_that_of_its_class():
    @message
    class Hurried(Nap):
        timeout: ClassVar = 0.25

    async def program(world):
        await world.bus.start(Echoing)
        with pytest.raises(AskTimeout):
            await world.bus.ask(Hurried())
        assert world.now == 0.25

    World().run(program)


starts, timeouts, naps = (
    st.sampled_from([0.0, 0.1, 1.1]),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from([0.3, 0.7, 1.5, 3.0]),
)


@given(st.lists(st.tuples(starts, timeouts, naps), max_size=12))
@settings(max_examples=40)
def test_each_ask_ends_when_its_answer_comes_or_its_own_time_is_up(asks):
    ends = {}

    class Sleepy(Echoing):
        concurrency = 100

    async def ask(world, number, start, timeout, seconds):
        await anyio.sleep(start)
        try:
            ends[number] = (await world.bus.ask(Nap(seconds=seconds), timeout=timeout), world.now)
        except AskTimeout:
            ends[number] = ("late", world.now)

    async def program(world):
        await world.bus.start(Sleepy)
        async with anyio.create_task_group() as group:
            for number, (start, timeout, seconds) in enumerate(asks):
                group.start_soon(ask, world, number, start, timeout, seconds)
        assert world.bus.statistics().asking == 0

    World(latency=Latency.constant(0)).run(program)

    for number, (start, timeout, seconds) in enumerate(asks):
        answer, end = ends[number]
        assert answer == ("slept" if seconds < timeout else "late")
        assert end == pytest.approx(start + min(seconds, timeout), abs=1e-5)


def test_thousands_of_answered_asks_leave_no_deadline_behind_one_that_is_open():
    async def program(world):
        await world.bus.start(Echoing)
        async with anyio.create_task_group() as group:
            group.start_soon(world.bus.ask, Nap(seconds=50))
            await anyio.sleep(0.1)
            for _ in range(5000):
                await world.bus.ask(Echo())
            (queue,) = world.bus._deadlines._queues.values()
            assert len(queue.open) <= 2 * 1024
            assert world.bus.statistics().asking == 1

    World().run(program)


def test_a_late_answer_is_a_dead_letter(timed):
    async def program(bus):
        await bus.start(Echoing)
        async with bus.listen("bus.dead-letter") as letters:
            with pytest.raises(AskTimeout):
                await bus.ask(Nap(seconds=0.006), timeout=0.002)
            letter = await letters.get()
            assert letter.message == Nap(seconds=0.006)
            assert "its asker has given up" in letter.reason

    timed(program)


def test_who_waits_for_whom_can_be_read(timed):
    async def program(bus):
        await bus.start(Echoing)
        async with anyio.create_task_group() as group:
            group.start_soon(bus.ask, Nap())
            await anyio.sleep(SOON)
            assert bus.waits() == ("outside waits for echo.1 to answer Nap (message 1)",)
            assert bus.statistics().asking == 1
            group.cancel_scope.cancel()
        assert bus.waits() == ()

    timed(program)


@given(st.integers(0, 10_000), st.data())
@settings(max_examples=60)
def test_every_ask_ends_whatever_is_lost_doubled_late_or_crashed(seed, data):
    loss = data.draw(st.sampled_from([0.0, 0.3, 0.9]))
    crash_at = data.draw(st.lists(st.floats(0, 3), max_size=3))
    ends = []

    async def ask(world, number):
        try:
            answer = await world.bus.ask(Echo(text=str(number)), timeout=5)
            ends.append(answer.partition(": ")[2] == str(number))
        except (AskTimeout, Undeliverable):
            ends.append(True)

    async def program(world):
        targets = [await world.bus.start(Echoing) for _ in range(2)]
        async with anyio.create_task_group() as group:
            with (
                world.faults.drop(probability=loss),
                world.faults.duplicate(probability=0.3),
                world.faults.delay(3.0, probability=0.3),
            ):
                for number, when in enumerate(crash_at):
                    group.start_soon(reboot, world, targets[number % 2], when)
                for number in range(8):
                    group.start_soon(ask, world, number)
                    await anyio.sleep(0.3)
                await anyio.sleep(10)
        assert world.bus.waits() == ()

    async def reboot(world, target, when):
        await anyio.sleep(when)
        if world.bus.state(target) == "up":
            await world.reboot(target, 0.5)

    World(seed, latency=Latency.within(1.0)).run(program)

    assert ends == [True] * 8


def test_an_asker_outside_the_block_of_a_bus_learns_that_it_was_closed(timed):
    async def program(outer):
        async def ask():
            with pytest.raises(ActorStopped, match=r"closed before|was stopped"):
                await bus.ask(Nap())

        async with anyio.create_task_group() as group, Bus(network=outer.network) as bus:
            target = await bus.start(Echoing)
            group.start_soon(ask)
            await anyio.sleep(SOON)
            bus.crash(target, ActorKilled("a test"))

    timed(program)


# -- heartbeats --------------------------------------------------------------------------------------------------------


@message
class Build(Request[str]):
    topic: ClassVar = "builder"
    beats: int
    every: float = 1.0


class Builder(Actor):
    topic = "builder"

    @Build.handler
    async def build(self, msg):
        for _ in range(msg.beats):
            await anyio.sleep(msg.every)
            self.heartbeat()
        await anyio.sleep(msg.every)
        return f"built, monitored: {current().monitored}"


def test_heartbeats_keep_a_monitored_ask_waiting(run):
    async def program(bus):
        await bus.start(Builder)
        return await bus.ask(Build(beats=5, every=0.002), monitor=0.1)

    assert run(program) == "built, monitored: True"


def test_a_monitored_ask_ends_when_no_heartbeat_comes():
    async def program(world):
        await world.bus.start(Builder)
        with pytest.raises(AskTimeout, match=r"no heartbeat from builder\.1 for Build \(message 1\) within 1\.5 s"):
            await world.bus.ask(Build(beats=1, every=2.0), monitor=1.5)
        assert world.now == 1.5

    World(latency=Latency.constant(0)).run(program)


@given(st.integers(0, 6), st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([0.75, 1.5, 3.0]))
@settings(max_examples=30)
def test_progress_counts_from_the_last_heartbeat(beats, every, monitor):
    async def program(world):
        await world.bus.start(Builder)
        try:
            await world.bus.ask(Build(beats=beats, every=every), monitor=monitor, timeout=1000)
        except AskTimeout:
            return world.now
        return None

    assert World(latency=Latency.constant(0)).run(program) == (monitor if every > monitor else None)


def test_heartbeats_do_not_move_the_deadline():
    async def program(world):
        await world.bus.start(Builder)
        with pytest.raises(AskTimeout, match="no answer"):
            await world.bus.ask(Build(beats=100), monitor=1.5, timeout=10)
        assert world.now == 10

    World(latency=Latency.constant(0)).run(program)


def test_a_heartbeat_that_nobody_waits_for_is_nothing(run):
    async def program(bus):
        await bus.start(Builder)
        return await bus.ask(Build(beats=1, every=0.001))

    assert run(program) == "built, monitored: False"


def test_a_monitored_ask_that_was_never_sent_leaves_no_timer():
    async def program(world):
        class Closed(Builder):
            capacity = 0
            overflow = Overflow.REJECT

        await world.bus.start(Closed)
        with pytest.raises(MailboxFull):
            await world.bus.ask(Build(beats=1), monitor=1)
        await anyio.sleep(5)
        gc.collect()  # a run raises the error of a future that nobody asked

    World().run(program)


# -- publish -----------------------------------------------------------------------------------------------------------


class Subscriber(Actor):
    def __init__(self, log):
        self.log = log

    @Ordered.handler
    async def ordered(self, msg):
        self.log.append((self.target.server, msg.number))


class Left(Subscriber):
    topic = "subscriber"
    group = "left"


class Right(Subscriber):
    topic = "subscriber"
    group = "right"


def test_an_event_reaches_everybody_who_handles_it(timed, log):
    async def program(bus):
        for _ in range(3):
            await bus.start(Subscriber, log)
        await bus.publish(Ordered(number=1))
        await bus.publish(Ordered(number=2))
        await anyio.sleep(SOON)

    timed(program)

    assert sorted(log) == [(server, number) for server in "123" for number in (1, 2)]


def test_a_handler_may_listen_to_a_pattern_of_subjects(timed, log):
    @message
    class Anything(Event):
        subject: ClassVar = "orders.>"
        number: int

    class Auditor(Actor):
        @Anything.handler
        async def anything(self, msg):
            log.append(msg.number)

    async def program(bus):
        await bus.start(Auditor)
        await bus.publish(Anything(number=1), subject="orders.eu.new")
        await bus.publish(Anything(number=2), subject="orders.us")
        await bus.publish(Anything(number=3), subject="invoices.eu")
        await anyio.sleep(SOON)

    timed(program)

    assert log == [1, 2]


def test_one_member_of_each_group_gets_a_copy(timed, log):
    async def program(bus):
        for kind in (Left, Left, Right, Right, Subscriber, Subscriber):
            await bus.start(kind, log)
        for number in range(2):
            await bus.publish(Ordered(number=number))
        await anyio.sleep(SOON)

    timed(program)

    assert sorted(server for server, number in log if number == 0) == ["1", "3", "5", "6"]
    assert sorted(server for server, number in log if number == 1) == ["2", "4", "5", "6"]


def test_a_group_goes_on_without_a_member_that_left(timed, log):
    async def program(bus):
        first, second = [await bus.start(Left, log) for _ in range(2)]
        await bus.stop(first)
        await bus.publish(Ordered(number=1))
        await bus.stop(second)
        await bus.publish(Ordered(number=2))
        await bus.start(Left, log)
        await bus.publish(Ordered(number=3))
        await anyio.sleep(SOON)

    timed(program)

    assert log == [("2", 1), ("3", 3)]


def test_publishing_to_nobody_is_fine(run):
    async def program(bus):
        await bus.publish(Ordered())
        assert bus.statistics().dead_letters == 0

    run(program)


@pytest.mark.parametrize("subject", ["orders.*", "orders..eu", ""])
def test_an_event_needs_a_subject_without_wildcards(run, subject):
    async def program(bus):
        with pytest.raises(InvalidSubject):
            await bus.publish(Ordered(), subject=subject)

    run(program)


def test_code_outside_of_actors_may_listen_as_long_as_its_block_lasts(timed):
    async def program(bus):
        async with bus.listen("orders.*.new") as events:
            for number in range(3):
                await bus.publish(Ordered(number=number))
            await bus.publish(Ordered(number=9), subject="orders.eu.old")
            seen = []
            async for event in events:
                seen.append(event.number)
                if len(seen) == 3:
                    break
            assert seen == [0, 1, 2]
            assert events.get_nowait() is None
        await bus.publish(Ordered(number=4))
        await anyio.sleep(SOON)
        assert events.get_nowait() is None

    timed(program)


# -- dead letters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "to", "reason"),
    [
        (Echo(text="a"), "nowhere", "nobody listens on 'nowhere'"),
        (Echo(text="a"), Target("echo", "9"), "nobody is registered as echo.9"),
        (Unknown(), None, "no handler for Unknown"),
    ],
    ids=["no topic", "no server", "no handler"],
)
def test_a_told_message_that_nobody_can_take_is_a_dead_letter(timed, sent, to, reason):
    async def program(bus):
        await bus.start(Echoing)
        async with bus.listen("bus.dead-letter") as listener:
            await bus.tell(sent, to=to)
            (letter,) = await dead_letters(listener)
            assert (letter.message, letter.sender) == (sent, "")
            assert letter.address == str(to or "echo.1")
            assert reason in letter.reason

    timed(program)


def test_a_dead_letter_knows_the_topic_that_it_was_meant_for(timed):
    async def program(bus):
        async with bus.listen("bus.dead-letter") as listener:
            await bus.tell(Echo())
            (letter,) = await dead_letters(listener)
            assert letter.address == "echo"

    timed(program)


def test_an_actor_may_watch_dead_letters_and_none_of_its_own_come_back(timed, log):
    class Undertaker(Actor):
        capacity = 1

        @DeadLetter.handler
        async def bury(self, msg):
            log.append(type(msg.message).__name__)
            if len(log) < 3:
                await self.bus.tell(Unknown(), to="nowhere")

    async def program(bus):
        await bus.start(Undertaker)
        await bus.tell(Unknown())
        await anyio.sleep(SOON)

    timed(program)

    assert log == ["Unknown"] * 3


@pytest.mark.parametrize("rule", [Overflow.WAIT, Overflow.REJECT])
def test_a_watcher_of_dead_letters_that_is_full_misses_some_and_holds_nobody_back(timed, log, rule):
    class Slow(Actor):
        capacity = 1
        overflow = rule

        @DeadLetter.handler
        async def bury(self, msg):
            await anyio.sleep(0.001)
            log.append(msg.address)

    async def program(bus):
        await bus.start(Slow)
        for number in range(5):
            await bus.tell(Unknown(), to=f"nowhere {number}")
        assert bus.statistics().dead_letters == (5 if rule is Overflow.WAIT else 9)  # those it rejects are counted
        await anyio.sleep(LONG)

    timed(program)

    assert log == ["nowhere 0"]


def test_an_asked_message_that_nobody_can_take_is_no_dead_letter(timed):
    async def program(bus):
        await bus.start(Echoing)
        async with bus.listen("bus.dead-letter") as listener:
            with pytest.raises(Unhandled):
                await bus.ask(Unknown())
            assert await dead_letters(listener) == []

    timed(program)


def test_the_bus_counts_what_it_does(run):
    async def program(bus):
        await bus.start(Echoing)
        await bus.ask(Echo())
        await bus.tell(Echo())
        await bus.publish(Ordered())
        statistics = bus.statistics()
        assert (statistics.actors, statistics.sent, statistics.dead_letters, statistics.asking) == (1, 3, 0, 0)

    run(program)


def test_the_first_failure_ends_the_block_of_the_bus(run):
    async def program(bus):
        await bus.start(Echoing)
        await bus.tell(Fail())
        await anyio.sleep(LONG)

    with pytest.raises(TooBad) as caught:
        run(program)
    assert "crashed echo.1, which nobody supervises" in caught.value.__notes__
