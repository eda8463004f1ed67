"""Actors own their state, and their handlers alone reach it."""

from contextvars import ContextVar
from typing import ClassVar

import anyio
import pytest

from bus import Actor, Bus, Event, Request, Target, current, message
from bus.broker import current_context
from bus.errors import BusError, NotRunning, Unhandled, UsageError
from bus.sim import World

colour = ContextVar("colour", default="none")


@message
class Ask(Request[str]):
    topic: ClassVar = "helper"
    text: str = ""


@message
class Shout(Ask):
    pass


@message
class Other(Request[str]):
    topic: ClassVar = "helper"


@message
class Happened(Event):
    subject: ClassVar = "things.happened"


@message
class Exploded(Happened):
    subject: ClassVar = "things.exploded"


class Helper(Actor):
    topic = "helper"

    def __init__(self, prefix=""):
        self.prefix = prefix

    @Ask.handler
    async def ask(self, msg):
        return self.prefix + msg.text


def answers(run, actor, *requests, **started):
    async def program(bus):
        await bus.start(actor, **started)
        return [await bus.ask(request) for request in requests]

    return run(program)


# -- handlers ----------------------------------------------------------------------------------------------------------


def test_a_handler_answers_its_request(run):
    assert answers(run, Helper, Ask(text="a"), prefix="> ") == ["> a"]


def test_a_handler_may_be_a_plain_function(run):
    class Plain(Actor):
        @Ask.handler
        def ask(self, msg):
            return msg.text.upper()

    assert answers(run, Plain, Ask(text="a"), topic="helper") == ["A"]


def test_a_subclass_overrides_a_handler_without_marking_it_again(run):
    class Loud(Helper):
        async def ask(self, msg):
            return (await super().ask(msg)).upper()

    assert answers(run, Loud, Ask(text="a")) == ["A"]


def test_a_subclass_may_turn_a_handler_into_a_plain_function(run):
    class Plain(Helper):
        def ask(self, msg):
            return "plain"

    assert answers(run, Plain, Ask()) == ["plain"]


def test_a_handler_takes_subclasses_of_its_message_too(run):
    assert answers(run, Helper, Shout(text="a"), Shout(text="b")) == ["a", "b"]


def test_the_nearest_class_of_a_message_has_the_handler(run):
    class Both(Helper):
        @Shout.handler
        async def shout(self, msg):
            return msg.text + "!"

    assert answers(run, Both, Ask(text="a"), Shout(text="a")) == ["a", "a!"]


def test_two_handlers_for_one_message_are_refused():
    with pytest.raises(UsageError, match="Twice has two handlers for Ask: ask and again"):

        class Twice(Helper):
            @Ask.handler
            async def again(self, msg):
                pass


def test_an_actor_without_handlers_is_fine(run):
    async def program(bus):
        target = await bus.start(Actor)
        with pytest.raises(Unhandled, match=r"actor\.1 has no handler for Ask; it handles: none"):
            await bus.ask(Ask(), to=target)

    run(program)


def test_what_one_actor_learned_of_a_subclass_changes_no_other_actor(timed, log):
    class Watcher(Actor):
        @Happened.handler
        async def happened(self, msg):
            log.append(type(msg).__name__)

    async def program(bus):
        first = await bus.start(Watcher)
        await bus.tell(Exploded(), to=first)
        await anyio.sleep(0.001)
        second = await bus.start(Watcher)
        await bus.publish(Exploded())
        with pytest.raises(Unhandled, match=r"it handles: Happened$"):
            await bus.ask(Ask(), to=second)

    timed(program)

    assert log == ["Exploded"]
    assert list(Watcher.handlers)[:1] == [Happened]


def test_an_event_reaches_an_actor_once_though_several_of_its_handlers_listen_there(run, log):
    @message
    class Renamed(Event):
        subject: ClassVar = "things.happened"

    class Watcher(Actor):
        @Happened.handler
        @Renamed.handler
        async def happened(self, msg):
            log.append(type(msg).__name__)

    async def program(bus):
        target = await bus.start(Watcher)
        await bus.publish(Happened())
        await bus.publish(Renamed())
        await bus.stop(target)
        await bus.publish(Renamed())

    run(program)

    assert log == ["Happened", "Renamed"]


# -- concurrency -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hands", [1, 2, 3, 7])
def test_an_actor_handles_as_many_messages_at_once_as_it_has_hands(run, hands):
    class Worker(Actor):
        topic = "helper"
        concurrency = hands
        busy = most = 0

        @Ask.handler
        async def ask(self, msg):
            Worker.busy += 1
            Worker.most = max(Worker.most, Worker.busy)
            await anyio.sleep(0.001)
            Worker.busy -= 1
            return ""

    async def program(bus):
        await bus.start(Worker)
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(bus.ask, Ask())

    run(program)

    assert Worker.most == hands


@pytest.mark.parametrize("seed", range(20))
def test_one_hand_never_begins_a_message_before_it_ended_the_last(seed, log):
    class Careful(Actor):
        topic = "helper"

        @Ask.handler
        async def ask(self, msg):
            log.append("begin")
            await anyio.sleep(0.01)
            await anyio.lowlevel.checkpoint()
            log.append("end")
            return ""

    async def program(world):
        await world.bus.start(Careful)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(world.bus.ask, Ask())

    World(seed).run(program)

    assert log == ["begin", "end"] * 5


def test_idle_hands_take_what_comes_next(run):
    class Many(Helper):
        concurrency = 2

    async def program(bus):
        await bus.start(Many)
        for _ in range(3):
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(bus.ask, Ask())

    run(program)


# -- what an actor knows -----------------------------------------------------------------------------------------------


def test_an_actor_knows_its_bus_its_clock_and_its_address(run):
    class Curious(Actor):
        topic = "helper"

        @Ask.handler
        async def ask(self, msg):
            await anyio.sleep(0.001)
            assert self.clock.time() > 1_500_000_000
            assert self.clock.monotonic() >= 0
            self.clock.critical(self.clock.time() + 1, "nothing much")
            return f"{self.target} of {self.bus.targets('helper')[0]}"

    assert answers(run, Curious, Ask(), server="me") == ["helper.me of helper.me"]


def test_each_actor_has_its_own_wall_clock(log):
    class Clockwatcher(Actor):
        topic = "helper"

        @Ask.handler
        async def ask(self, msg):
            return str(self.clock.time())

    async def program(world):
        ahead = await world.bus.start(Clockwatcher)
        await world.bus.start(Clockwatcher)
        world.clock(ahead).skew = 60
        return [float(await world.bus.ask(Ask(), to=target)) for target in world.bus.targets("helper")]

    first, second = World().run(program)
    assert first - second == 60


def test_current_is_the_message_in_hand(run):
    class Nosy(Actor):
        topic = "helper"

        @Ask.handler
        async def ask(self, msg):
            passage = current()
            assert passage.message is msg
            assert current_context() is passage.context
            return f"{passage.sender or 'outside'} {passage.context} {passage.receiver}"

    async def program(bus):
        await bus.start(Nosy)
        return await bus.ask(Ask(), context="ada")

    assert run(program) == "outside ada helper.1"


@pytest.mark.parametrize(
    "call",
    [lambda _: current(), lambda _: current_context(), lambda actor: actor.heartbeat()],
    ids=["current", "current_context", "heartbeat"],
)
def test_there_is_no_message_in_hand_outside_of_handlers(run, call):
    class Early(Helper):
        async def started(self):
            with pytest.raises(NotRunning, match="call it in a handler"):
                call(self)

    assert answers(run, Early, Ask(text="a")) == ["a"]


def test_a_handler_sees_no_context_variable_of_its_sender(run):
    class Nosy(Helper):
        async def ask(self, msg):
            return colour.get()

    async def program(bus):
        await bus.start(Nosy)
        colour.set("red")
        return await bus.ask(Ask())

    assert run(program) == "none"


# -- hooks and background tasks ----------------------------------------------------------------------------------------


def test_the_hooks_stand_around_the_messages(run, log):
    class Hooked(Actor):
        topic = "helper"

        async def started(self):
            await anyio.sleep(0.001)
            log.append("started")

        async def stopped(self):
            await anyio.sleep(0.001)
            log.append("stopped")

        @Ask.handler
        async def ask(self, msg):
            log.append(msg.text)
            return ""

    async def program(bus):
        async with anyio.create_task_group() as group:
            group.start_soon(bus.start, Hooked)
            await anyio.lowlevel.checkpoint()
            await bus.ask(Ask(text="early"))
        (target,) = bus.targets("helper")
        await bus.tell(Ask(text="late"))
        await bus.stop(target)

    run(program)

    assert log == ["started", "early", "late", "stopped"]


def test_the_hooks_may_use_the_bus(run):
    class Hooked(Helper):
        async def started(self):
            self.prefix = await self.bus.ask(Other(), to="other")

        async def stopped(self):
            assert await self.bus.ask(Other(), to="other") == "bye"

    class Oracle(Actor):
        topic = "other"
        words: ClassVar = ["bye", "hello "]

        @Other.handler
        async def other(self, msg):
            return self.words.pop()

    async def program(bus):
        await bus.start(Oracle)
        await bus.start(Hooked)
        return await bus.ask(Ask(text="you"))

    assert run(program) == "hello you"


def test_an_actor_that_cannot_start_was_never_there(run):
    class Broken(Helper):
        async def started(self):
            raise ValueError("no database")

    class Unmade(Helper):
        def __init__(self):
            raise ValueError("no arguments")

    async def program(bus):
        for kind in (Broken, Unmade):
            with pytest.raises(ValueError, match="no "):
                await bus.start(kind)
            assert bus.targets("helper") == ()
            assert bus.statistics().actors == 0
        await bus.start(Helper, server="1")

    run(program)


def test_a_background_task_runs_beside_the_handlers(timed, log):
    class Ticking(Helper):
        async def started(self):
            self.start_soon(self.tick, "tick")

        async def tick(self, word):
            while True:
                log.append(word)
                await anyio.sleep(0.001)

    async def program(bus):
        target = await bus.start(Ticking)
        await anyio.sleep(0.004)
        assert await bus.ask(Ask(text="a")) == "a"
        assert len(log) > 1
        await bus.stop(target)
        ticks = len(log)
        await anyio.sleep(0.003)
        assert len(log) == ticks

    timed(program)


def test_a_task_that_a_handler_started_knows_its_message(timed, log):
    class Deferring(Actor):
        topic = "helper"

        @Ask.handler
        async def ask(self, msg):
            self.start_soon(self.later)
            return ""

        async def later(self):
            log.append(current().message)

    async def program(bus):
        await bus.start(Deferring)
        await bus.ask(Ask(text="a"))
        await anyio.sleep(0.001)

    timed(program)

    assert log == [Ask(text="a")]


def test_a_background_task_that_fails_crashes_the_actor(run):
    class Doomed(Helper):
        async def started(self):
            self.start_soon(self.fail)

        async def fail(self):
            await anyio.sleep(0.001)
            raise ZeroDivisionError

    async def program(bus):
        await bus.start(Doomed)
        await anyio.sleep(1)

    with pytest.raises(ZeroDivisionError) as caught:
        run(program)
    assert "crashed helper.1, which nobody supervises" in caught.value.__notes__


# -- addresses ---------------------------------------------------------------------------------------------------------


def test_members_are_numbered_unless_they_are_named(run):
    async def program(bus):
        named = await bus.start(Helper, server="2")
        first = await bus.start(Helper)
        third = await bus.start(Helper)
        assert (named, first, third) == (Target("helper", "2"), Target("helper", "1"), Target("helper", "3"))
        assert bus.targets("helper") == (named, first, third)

    run(program)


def test_an_actor_without_a_topic_is_called_like_its_class(run):
    class Nameless(Actor):
        pass

    async def program(bus):
        assert await bus.start(Nameless) == Target("nameless", "1")
        assert await bus.start(Nameless, topic="other") == Target("other", "1")

    run(program)


def test_an_address_is_given_once(run):
    async def program(bus):
        target = await bus.start(Helper, server="a")
        with pytest.raises(UsageError, match=r"helper\.a is taken"):
            await bus.start(Helper, server="a")
        await bus.stop(target)
        await bus.start(Helper, server="a")

    run(program)


def test_an_actor_that_listens_to_nonsense_is_refused_before_anything_changed(run):
    @message
    class Nonsense(Event):
        subject: ClassVar = "a..b"

    class Confused(Helper):
        @Nonsense.handler
        async def nonsense(self, msg):
            pass

    async def program(bus):
        with pytest.raises(UsageError, match="empty word"):
            await bus.start(Confused)
        assert bus.statistics().actors == 0
        assert bus.targets("helper") == ()

    run(program)


def test_nothing_starts_on_a_bus_that_is_not_open():
    async def program():
        bus = Bus()
        with pytest.raises(NotRunning):
            await bus.start(Helper)
        async with bus:
            pass
        with pytest.raises(NotRunning):
            await bus.start(Helper)

    anyio.run(program)


def test_an_actor_says_where_it_is_in_its_life(run):
    async def program(bus):
        target = await bus.start(Helper)
        assert bus.state(target) == "up"
        await bus.stop(target)
        assert bus.state(target) == "ended"
        with pytest.raises(NotRunning, match=r"no actor at helper\.1; members of 'helper': none"):
            await bus.stop(target)

    run(program)


def test_the_errors_of_the_bus_have_one_root():
    assert issubclass(NotRunning, UsageError)
    assert issubclass(UsageError, BusError)
    assert not issubclass(Unhandled, UsageError)
