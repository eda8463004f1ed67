"""Actors end cleanly, whatever ends them, and everything they started ends with them."""

import asyncio
from typing import ClassVar

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import Actor, Bus, Delivery, Event, Overflow, Request, Restart, Supervisor, current, message
from bus.errors import ActorKilled, ActorStopped, AskTimeout, NoListener, NotRunning, Undeliverable
from bus.sim import Latency, Schedule, SimLoop, World
from bus.sim.schedulers import scheduler_of

SOON = 0.003
KILLED = ActorKilled("a test")


@message
class Job(Request[int]):
    topic: ClassVar = "worker"
    number: int = 0
    seconds: float = 0.001


@message
class Careful(Request[int]):
    """A request that survives a crash in the middle."""

    topic: ClassVar = "worker"
    delivery: ClassVar = Delivery.AT_LEAST_ONCE
    number: int = 0
    seconds: float = 0.001


@message
class Fact(Event):
    subject: ClassVar = "facts"
    number: int = 0


@message
class Break(Request[None]):
    topic: ClassVar = "worker"


@message
class Unknown(Request[None]):
    topic: ClassVar = "worker"


class Worker(Actor):
    topic = "worker"

    def __init__(self, log):
        self.log = log

    @Job.handler
    @Careful.handler
    async def work(self, msg):
        self.log.append(("began", msg.number, current().redelivered))
        await anyio.sleep(msg.seconds)
        self.log.append(("ended", msg.number))
        return msg.number

    @Fact.handler
    async def fact(self, msg):
        await self.work(Job(number=msg.number))

    @Break.handler
    async def crack(self, msg):
        raise ZeroDivisionError


class TwoHanded(Worker):
    concurrency = 2


def ended(log):
    return [entry[1] for entry in log if entry[0] == "ended"]


def began(log):
    return [entry[1:] for entry in log if entry[0] == "began"]


async def outcome(bus, request, outcomes, **options):
    try:
        outcomes.append(await bus.ask(request, **options))
    except (ActorStopped, AskTimeout, NoListener) as error:
        outcomes.append(type(error))


def run_bare(seed, main):
    """Run *main* in simulated time on a bus without a network, under a random schedule, and see what it leaves."""
    loop = SimLoop(scheduler_of(Schedule.of(seed)))

    async def checked():
        await main()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks were left behind: {left}"

    anyio.run(checked, backend_options={"loop_factory": lambda: loop})


# -- stop --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Worker, TwoHanded])
def test_stopping_handles_what_was_sent_before(run, log, kind):
    async def program(bus):
        target = await bus.start(kind, log)
        for number in range(5):
            await bus.tell(Job(number=number))
        await bus.stop(target)
        assert sorted(ended(log)) == [0, 1, 2, 3, 4]
        with pytest.raises(NoListener):
            await bus.ask(Job())

    run(program)


def test_stopping_without_draining_answers_what_is_in_hand_and_what_waits(timed, log):
    async def program(bus):
        target = await bus.start(Worker, log)
        outcomes = []
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(outcome, bus, Job(number=number, seconds=5), outcomes)
            await anyio.sleep(SOON)
            await bus.stop(target, drain=False)
        assert outcomes == [ActorStopped] * 3
        assert ended(log) == []

    timed(program)


def test_stopping_answers_who_waits_for_room(timed, log):
    class Small(Worker):
        capacity = 1

    async def program(bus):
        target = await bus.start(Small, log)
        outcomes = []
        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(outcome, bus, Job(number=number, seconds=5), outcomes)
            group.start_soon(bus.tell, Job())
            await anyio.sleep(SOON)
            await bus.stop(target, drain=False)
        assert outcomes == [ActorStopped] * 4

    timed(program)


def test_what_arrives_after_the_end_is_answered_too():
    async def program(world):
        target = await world.bus.start(Worker, [])
        outcomes = []
        async with anyio.create_task_group() as group:
            group.start_soon(outcome, world.bus, Job(), outcomes)
            await anyio.sleep(0.5)
            await world.bus.stop(target, drain=False)
        assert outcomes == [ActorStopped]

    World(latency=Latency.constant(1)).run(program)


def test_draining_ends_though_the_last_message_is_one_that_nobody_handles(run, log):
    async def program(bus):
        target = await bus.start(Worker, log)
        await bus.tell(Unknown())
        with anyio.fail_after(1):
            await bus.stop(target)

    run(program)


def test_draining_ends_though_the_actor_crashes_meanwhile(timed, log):
    async def program(bus):
        target = await Supervisor(bus).start(Worker, log, restart=Restart.TEMPORARY)
        await bus.tell(Job(seconds=SOON))
        await bus.tell(Break())
        await bus.tell(Job(number=1))
        with anyio.fail_after(1):
            await bus.stop(target)

    timed(program)

    assert ended(log) == [0]


@given(st.integers(0, 10_000), st.floats(0, 0.02), st.booleans(), st.sampled_from(Overflow), st.integers(1, 5))
@settings(max_examples=60)
def test_whenever_an_actor_stops_every_asker_hears_and_answers_are_true(seed, when, drain, rule, size):
    class Ruled(Worker):
        overflow = rule
        capacity = size

    log, outcomes = [], []

    async def ask(world, number):
        await anyio.sleep(number * 0.002)
        try:
            outcomes.append(await world.bus.ask(Job(number=number), timeout=100))
        except Undeliverable:
            outcomes.append(None)

    async def program(world):
        target = await world.bus.start(Ruled, log)
        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(ask, world, number)
            await anyio.sleep(when)
            await world.bus.stop(target, drain=drain)
            ended_at = len(log)
        assert len(log) == ended_at
        assert world.now < 100

    World(seed, latency=Latency.within(0.005)).run(program)

    answers = [answer for answer in outcomes if answer is not None]
    assert len(outcomes) == 8
    assert set(answers) <= set(ended(log))
    if drain:
        assert sorted(answers) == sorted(ended(log))


def test_an_actor_may_stop_itself_after_the_message_in_hand(timed, log):
    class Leaving(Worker):
        async def work(self, msg):
            self.stop()
            await anyio.sleep(SOON)
            return msg.number

        async def stopped(self):
            self.log.append("stopped")

    async def program(bus):
        outcomes = []
        target = await bus.start(Leaving, log)
        async with anyio.create_task_group() as group:
            for number in (1, 2):
                group.start_soon(outcome, bus, Job(number=number), outcomes)
        assert outcomes == [1, ActorStopped]
        assert bus.state(target) == "ended"

    timed(program)

    assert log == ["stopped"]


def test_stopping_an_actor_that_is_leaving_waits_for_its_message_in_hand(timed, log):
    class Leaving(Worker):
        async def work(self, msg):
            self.stop()
            return await super().work(msg)

    async def program(bus):
        outcomes = []
        target = await bus.start(Leaving, log)
        async with anyio.create_task_group() as group:
            group.start_soon(outcome, bus, Job(number=1, seconds=SOON), outcomes)
            await anyio.sleep(SOON / 3)
            assert bus.state(target) == "stopping"
            await bus.stop(target)
        assert outcomes == [1]

    timed(program)


def test_an_actor_that_crashes_while_it_leaves_is_restarted_like_any_other(timed, log):
    class Leaving(Worker):
        async def crack(self, msg):
            self.stop()
            await anyio.lowlevel.checkpoint()
            raise ZeroDivisionError

    async def program(bus):
        supervisor = Supervisor(bus)
        target = await supervisor.start(Leaving, log)
        await bus.tell(Break())
        assert await bus.ask(Job(number=1), timeout=1) == 1
        assert await bus.ask(Job(number=2), timeout=1) == 2
        assert (bus.state(target), supervisor.restarts) == ("up", 1)

    timed(program)


def test_a_bus_stops_the_last_actor_first(run, log):
    class Named(Worker):
        async def stopped(self):
            await anyio.sleep(0.001)
            self.log.append(self.target.server)

    async def program(bus):
        for name in "abc":
            await bus.start(Named, log, server=name)

    run(program)

    assert log == ["c", "b", "a"]


def test_one_actor_that_cannot_stop_does_not_keep_the_others(run, log):
    class Named(Worker):
        async def stopped(self):
            self.log.append(self.target.server)
            if self.target.server == "b":
                raise OSError("disk full")

    async def program(bus):
        for name in "abc":
            await bus.start(Named, log, server=name)

    with pytest.raises(OSError, match="disk full"):
        run(program)
    assert log == ["c", "b", "a"]


def test_an_actor_that_another_one_starts_when_it_stops_is_stopped_too(run, log):
    class Heir(Worker):
        async def stopped(self):
            self.log.append("heir stopped")

    class Parent(Worker):
        async def stopped(self):
            await self.bus.start(Heir, self.log, topic="heir")
            self.log.append("parent stopped")

    async def program(bus):
        await bus.start(Parent, log)

    run(program)

    assert log == ["parent stopped", "heir stopped"]


def test_leaving_the_bus_while_one_actor_asks_another_is_no_failure(timed, log):
    class Asking(Worker):
        topic = "asking"

        async def work(self, msg):
            return await self.bus.ask(msg, to="worker")

    async def program(bus):
        await bus.start(Asking, log)
        await bus.start(Worker, log)
        await bus.tell(Job(seconds=5), to="asking")
        await anyio.sleep(SOON)

    timed(program)

    assert log == [("began", 0, False)]


# -- crash -------------------------------------------------------------------------------------------------------------


def crash_in_the_middle(timed, log, request, kind=Worker):
    async def program(bus):
        target = await Supervisor(bus, intensity=10).start(kind, log)
        outcomes = []
        async with anyio.create_task_group() as group:
            for number in range(3):
                asked = request(number=number, seconds=0.004)
                group.start_soon(lambda asked=asked: outcome(bus, asked, outcomes, timeout=0.2))
            await anyio.sleep(0.002)
            bus.crash(target, KILLED)
        return outcomes

    return timed(program)


def test_a_crash_loses_the_message_in_hand_that_was_promised_at_most_once(timed, log):
    assert crash_in_the_middle(timed, log, Job) == [1, 2, AskTimeout]
    assert began(log) == [(0, False), (1, False), (2, False)]


def test_a_crash_delivers_again_and_first_what_was_promised_at_least_once(timed, log):
    assert crash_in_the_middle(timed, log, Careful) == [0, 1, 2]
    assert began(log) == [(0, False), (0, True), (1, False), (2, False)]


def test_what_many_hands_held_is_delivered_again_in_its_order(timed, log):
    class ManyHanded(Worker):
        concurrency = 3

    assert sorted(crash_in_the_middle(timed, log, Careful, ManyHanded)) == [0, 1, 2]
    assert began(log)[3:] == [(0, True), (1, True), (2, True)]


@pytest.mark.parametrize("when", range(12))
def test_no_step_is_too_early_or_too_late_for_a_crash_to_redeliver(when, log):
    """An idle hand that was given a message but has not moved yet holds it all the same."""

    async def program(world):
        target = await Supervisor(world.bus, intensity=10).start(Worker, log)
        await world.bus.ask(Job(number=-1))
        await world.bus.publish(Fact(number=1))
        for _ in range(when):
            await anyio.lowlevel.checkpoint()
        world.crash(target)
        await anyio.sleep(1)

    World(latency=Latency.constant(0)).run(program)

    assert ended(log) == [-1, 1]


@pytest.mark.parametrize("when", range(12))
def test_no_step_is_too_early_or_too_late_for_a_stop_to_answer(when, log):
    outcomes = []

    async def program(world):
        target = await world.bus.start(Worker, log)
        await world.bus.ask(Job(number=-1))
        async with anyio.create_task_group() as group:
            group.start_soon(outcome, world.bus, Job(number=1), outcomes)
            for _ in range(when):
                await anyio.lowlevel.checkpoint()
            await world.bus.stop(target, drain=False)

    World(latency=Latency.constant(0)).run(program)

    assert outcomes in ([ActorStopped], [NoListener], [1])


@given(
    st.integers(0, 10_000),
    st.integers(1, 3),
    st.lists(st.floats(0, 0.02), max_size=6),
    st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=60)
def test_an_event_is_handled_at_least_once_in_order_and_marked_if_again(seed, hands, crashes, loss):
    log = []

    class ManyHanded(Worker):
        concurrency = hands

    class Reporter(Actor):
        @Job.handler
        async def report(self, msg):
            for number in range(8):
                await self.bus.publish(Fact(number=number))
                await anyio.sleep(0.001)
            return 0

    async def program(world):
        target = await Supervisor(world.bus, intensity=100).start(ManyHanded, log)
        await world.bus.start(Reporter)
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: world.bus.ask(Job(), to="reporter", timeout=100))
            with world.faults.drop(message=Fact, probability=loss):
                for pause in crashes:
                    await anyio.sleep(pause)
                    if world.bus.state(target) == "up":
                        world.crash(target)
        await anyio.sleep(100)

    World(seed, latency=Latency.within(0.005)).run(program)

    assert set(ended(log)) == set(range(8))
    first = [number for number, redelivered in began(log) if not redelivered]
    assert len(first) == len(set(first))
    if hands == 1:  # two hands may begin in any order what was delivered in order
        assert first == sorted(first)
    assert len(ended(log)) - 8 <= len([1 for _, redelivered in began(log) if redelivered])


@pytest.mark.parametrize("seed", range(5))
def test_who_waits_for_heartbeats_hears_those_of_the_next_life_too(seed):
    class Beating(Worker):
        async def work(self, msg):
            for _ in range(10):
                await anyio.sleep(1)
                self.heartbeat()
            return msg.number

    async def program(world):
        target = await Supervisor(world.bus).start(Beating, [])
        async with anyio.create_task_group() as group:

            async def crash():
                await anyio.sleep(5.5)
                world.crash(target)

            group.start_soon(crash)
            assert await world.bus.ask(Careful(number=7), monitor=5, timeout=100) == 7

    World(seed).run(program)


def test_an_event_that_a_plain_handler_fails_on_is_delivered_again(timed, log):
    class Plain(Actor):
        @Fact.handler
        def fact(self, msg):
            log.append(msg.number)
            if len(log) == 1:
                raise ZeroDivisionError

    async def program(bus):
        await Supervisor(bus).start(Plain)
        await bus.publish(Fact(number=7))
        await anyio.sleep(SOON)

    timed(program)

    assert log == [7, 7]


# -- everything an actor starts ends with it ---------------------------------------------------------------------------


class Busy(Worker):
    """Starts a background task in every place where one can be started, and notes when each ends."""

    async def started(self):
        self.start_soon(self.live, "started")

    async def work(self, msg):
        self.start_soon(self.live, "handler")
        async with anyio.create_task_group() as group:
            group.start_soon(self.live, "group")
            await self.live("hand")

    async def live(self, name):
        try:
            await anyio.sleep_forever()
        finally:
            self.log.append(name)


@pytest.mark.parametrize("end", ["stop", "crash", "leave"])
def test_whatever_an_actor_started_ends_with_it(timed, log, end):
    async def program(bus):
        target = await bus.start(Busy, log)
        await bus.tell(Job())
        await anyio.sleep(SOON)
        assert log == []
        if end == "stop":
            await bus.stop(target, drain=False)
        elif end == "crash":
            bus.crash(target, KILLED)
            await anyio.sleep(SOON)
        if end != "leave":
            assert sorted(log) == ["group", "hand", "handler", "started"]

    timed(program)

    assert sorted(log) == ["group", "hand", "handler", "started"]


def test_the_bus_waits_for_what_a_crashed_life_still_has_to_do(timed, log):
    class Tidy(Worker):
        async def work(self, msg):
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(SOON)
                self.log.append("tidied")

    async def program(bus):
        target = await bus.start(Tidy, log)
        await bus.tell(Job())
        await anyio.sleep(SOON)
        bus.crash(target, KILLED)

    timed(program)

    assert log == ["tidied"]


class Stubborn(Worker):
    """Does everything that a life that has ended should not do."""

    lives = 0

    async def started(self):
        Stubborn.lives += 1
        self.life = Stubborn.lives

    async def work(self, msg):
        if self.life > 1:
            return -1
        try:
            await anyio.sleep(5)
        finally:
            for act in (
                lambda: self.bus.tell(Fact(), to=self.target),
                lambda: self.bus.publish(Fact()),
                lambda: self.bus.ask(Job(), to=self.target),
                self.start_another,
            ):
                try:
                    with anyio.CancelScope(shield=True):
                        await act()
                except NotRunning as error:
                    self.log.append(str(error).partition(": ")[0])
            if msg.number == 1:
                raise OSError("in the middle of nowhere")
            if msg.number == 2:
                return 3  # noqa: B012 (it swallows its own end)

    async def start_another(self):
        self.start_soon(self.started)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["cancelled", "raises", "swallows"])
@pytest.mark.parametrize("verb", ["ask", "tell"])
def test_a_life_that_has_ended_reaches_nobody_and_does_not_touch_the_next(timed, log, verb, number):
    async def program(bus):
        Stubborn.lives = 0
        supervisor = Supervisor(bus)
        target = await supervisor.start(Stubborn, log)
        outcomes = []
        async with anyio.create_task_group() as group:
            if verb == "ask":
                group.start_soon(lambda: outcome(bus, Job(number=number), outcomes, timeout=0.05))
            else:
                await bus.tell(Job(number=number))
            await anyio.sleep(SOON)
            bus.crash(target, KILLED)
        assert outcomes == ([AskTimeout] if verb == "ask" else [])
        assert await bus.ask(Job()) == -1
        assert supervisor.restarts == 1

    timed(program)

    assert log == ["this life of worker.1 has ended"] * 4


# -- cancellation ------------------------------------------------------------------------------------------------------


def test_an_ask_that_is_cancelled_is_forgotten(timed, log):
    async def program(bus):
        await bus.start(Worker, log)
        with anyio.move_on_after(0.001):
            await bus.ask(Job(seconds=SOON))
        assert bus.statistics().asking == 0
        assert await bus.ask(Job(number=1)) == 1
        assert bus.statistics().dead_letters == 1

    timed(program)


def test_a_stop_that_is_cancelled_while_it_drains_stops_at_once(timed, log):
    async def program(bus):
        target = await bus.start(Worker, log)
        await bus.tell(Job(seconds=5))
        with anyio.move_on_after(SOON):
            await bus.stop(target)
        assert bus.state(target) == "ended"
        assert ended(log) == []

    timed(program)


def test_a_stop_that_is_cancelled_in_its_hook_has_stopped(timed, log):
    class Slow(Worker):
        async def stopped(self):
            await anyio.sleep(5)

    async def program(bus):
        supervisor = Supervisor(bus)
        target = await supervisor.start(Slow, log)
        with anyio.move_on_after(SOON):
            await bus.stop(target)
        assert bus.state(target) == "ended"
        assert supervisor._children == []

    timed(program)


def test_a_start_that_is_cancelled_leaves_no_actor(timed, log):
    class Slow(Busy):
        async def started(self):
            await super().started()
            await anyio.sleep(5)

    async def program(bus):
        with anyio.move_on_after(SOON):
            await bus.start(Slow, log)
        assert bus.targets("worker") == ()
        assert log == ["started"]
        await bus.start(Worker, log)

    timed(program)


def test_a_bus_whose_block_is_cancelled_ends_all_its_actors(timed, log):
    async def program(outer):
        with anyio.move_on_after(SOON):
            async with Bus(network=outer.network) as bus:
                await bus.start(Busy, log)
                await bus.tell(Job())
                await anyio.sleep(5)
        assert sorted(log) == ["group", "hand", "handler", "started"]

    timed(program)


@given(st.integers(0, 10_000), st.floats(0, 0.03), st.booleans())
@settings(max_examples=80)
def test_wherever_a_program_is_cancelled_it_leaves_no_task_behind(seed, when, inside):
    class Slow(Busy):
        async def started(self):
            await super().started()
            await anyio.sleep(0.002)

        async def stopped(self):
            await anyio.sleep(0.002)

    async def program(bus):
        supervisor = Supervisor(bus, intensity=100)
        target = await supervisor.start(Slow, [])
        other = await supervisor.start(TwoHanded, [], topic="other", restart=Restart.TRANSIENT)
        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(bus.tell, Job(number=number))
                group.start_soon(lambda number=number: bus.ask(Careful(number=number, seconds=0.005), to=other))
            await anyio.sleep(0.004)
            bus.crash(target, KILLED)
            bus.crash(other, KILLED)
            await anyio.sleep(0.004)
            await bus.stop(target, drain=False)
            await anyio.sleep(0.004)
            await bus.stop(other)

    async def main():
        if inside:
            async with Bus() as bus:
                with anyio.move_on_after(when):
                    await program(bus)
        else:
            with anyio.move_on_after(when):
                async with Bus() as bus:
                    await program(bus)
        assert bus.statistics().actors == 0
        assert bus.statistics().asking == 0

    run_bare(seed, main)


def test_a_stopped_actor_is_forgotten_by_every_table(run, log):
    class Grouped(Worker):
        group = "workers"

    async def program(bus):
        before = bus._registry._subjects.match("facts")
        for kind in (Worker, Grouped):
            for _ in range(3):
                target = await bus.start(kind, log)
                await bus.publish(Fact())
                await bus.stop(target)
        registry = bus._registry
        assert registry._subjects.match("facts") == before == ()
        assert not registry.cells
        assert not registry._subscriptions
        assert not registry._subjects._root.children
        assert not any(members.cells for members in registry._topics.values())

    run(program)
