"""Mailboxes are bounded, keep their order, and do with what does not fit what their rule says."""

from typing import ClassVar

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import Actor, DeadLetter, Delivery, Event, Middleware, Overflow, Request, Target, message
from bus.envelope import Envelope
from bus.errors import ActorStopped, AskTimeout, MailboxFull
from bus.mailbox import Mailbox
from bus.sim import Latency, World

RULES = st.sampled_from(Overflow)
FEW = settings(max_examples=40)


@message
class Put(Request[int]):
    topic: ClassVar = "store"
    timeout: ClassVar = 1000.0
    sender: str = ""
    number: int = 0


@message
class Seen(Event):
    subject: ClassVar = "seen"
    number: int = 0


@message
class Go(Request[int]):
    topic: ClassVar = "sender"
    timeout: ClassVar = 1000.0
    count: int


class Store(Actor):
    topic = "store"
    pause = 0.01

    def __init__(self, log):
        self.log = log

    @Put.handler
    async def put(self, msg):
        await anyio.sleep(self.pause)
        self.log.append((msg.sender, msg.number))
        return msg.number

    @Seen.handler
    async def seen(self, msg):
        await self.put(msg=Put(number=msg.number))


class Sender(Actor):
    topic = "sender"

    @Go.handler
    async def go(self, msg):
        refused = 0
        for number in range(msg.count):
            try:
                await self.bus.tell(Put(sender=self.target.server, number=number))
            except MailboxFull:
                refused += 1
        return refused


def store(size, rule, handlers=1):
    class Sized(Store):
        capacity = size
        overflow = rule
        concurrency = handlers

    return Sized


def deliver(seed, actor, counts, latency):
    """Have senders fill a store under a random schedule.

    Returns:
        What arrived, in order; each sender's refusals; dead letters; how full it was at each step; its last statistics.
    """
    log, fills, dead = [], [], []
    world = World(seed, latency=Latency.within(latency))

    async def program(world):
        target = await world.bus.start(actor, log)
        senders = [await world.bus.start(Sender) for _ in counts]
        world.loop.on_step = lambda _: fills.append(world.bus.mailbox(target))
        async with world.bus.listen("bus.dead-letter") as letters, anyio.create_task_group() as group:
            refusals = [0] * len(counts)

            async def go(index):
                refusals[index] = await world.bus.ask(Go(count=counts[index]), to=senders[index])

            for index in range(len(counts)):
                group.start_soon(go, index)
            while sum(refusals) + len(log) + len(dead) < sum(counts):
                await anyio.sleep(1)
                while (letter := letters.get_nowait()) is not None:
                    dead.append((letter.message.sender, letter.message.number))
        world.loop.on_step = None
        return refusals, world.bus.mailbox(target)

    refusals, last = world.run(program)
    return log, refusals, dead, fills, last


counts_of_senders = st.lists(st.integers(0, 8), min_size=1, max_size=4)
latencies = st.sampled_from([0.0, 0.001, 0.1, 3.0])


@FEW
@given(st.integers(0, 10_000), RULES, st.integers(1, 4), counts_of_senders, latencies)
def test_no_mailbox_ever_holds_more_than_its_capacity(seed, rule, capacity, counts, latency):
    *_, fills, last = deliver(seed, store(capacity, rule), counts, latency)

    assert max((fill.queued for fill in fills), default=0) <= capacity
    if rule is not Overflow.DROP_OLDEST:
        assert max((fill.queued + fill.on_the_way for fill in fills), default=0) <= capacity
    assert (last.queued, last.on_the_way, last.waiting) == (0, 0, 0)


@FEW
@given(st.integers(0, 10_000), RULES, st.integers(1, 4), counts_of_senders, latencies)
def test_each_pair_keeps_its_order_whatever_the_schedule(seed, rule, capacity, counts, latency):
    log, *_ = deliver(seed, store(capacity, rule), counts, latency)

    for index in range(len(counts)):
        mine = [number for sender, number in log if sender == str(index + 1)]
        assert mine == sorted(set(mine))


@FEW
@given(st.integers(0, 10_000), RULES, st.integers(1, 4), counts_of_senders, latencies)
def test_every_message_is_handled_or_refused_or_dropped_and_counted_so(seed, rule, capacity, counts, latency):
    log, refusals, dead, _, last = deliver(seed, store(capacity, rule), counts, latency)

    assert len(log) + sum(refusals) + len(dead) == sum(counts)
    assert (last.rejected, last.dropped) == (sum(refusals), len(dead))
    assert rule is Overflow.REJECT or not any(refusals)
    assert rule is Overflow.DROP_OLDEST or not dead


@FEW
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_code_outside_of_actors_is_held_to_the_same_order(seed, capacity):
    log = []

    async def program(world):
        await world.bus.start(store(capacity, Overflow.WAIT), log)
        for number in range(10):
            await world.bus.tell(Put(number=number))
        await world.bus.ask(Put(number=10))

    World(seed).run(program)

    assert log == [("", number) for number in range(11)]


def envelope(number, delivery=Delivery.AT_MOST_ONCE):
    return Envelope(number, Put(number=number), None, None, "", None, None, None)


def numbers(envelopes):
    return [one.id for one in envelopes]


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=30))
def test_dropping_the_oldest_keeps_the_newest(capacity, steps):
    mailbox, model, dropped = Mailbox(capacity, Overflow.DROP_OLDEST), [], []
    for number, is_put in enumerate(steps):
        if is_put:
            mailbox.used += 1
            model.append(number)
            oldest = mailbox.put(envelope(number))
            if oldest is not None:
                dropped.append(oldest.id)
                assert model.pop(0) == oldest.id
        elif mailbox.queue:
            mailbox.free()
            assert mailbox.queue.popleft().id == model.pop(0)
        assert numbers(mailbox.queue or ()) == model
        assert len(model) <= capacity
    assert mailbox.statistics().dropped == len(dropped)


def test_what_is_put_back_comes_first_and_need_not_fit():
    mailbox = Mailbox(2, Overflow.WAIT)
    for number in (3, 4):
        mailbox.used += 1
        mailbox.put(envelope(number))
    mailbox.park(envelope(5))
    mailbox.put_back([envelope(1), envelope(2)])

    assert numbers(mailbox.queue) == [1, 2, 3, 4]
    assert [mailbox.free() for _ in range(2)] == [None, None]
    assert mailbox.free().id == 5
    assert mailbox.used == mailbox.capacity


def test_statistics_are_a_value():
    mailbox = Mailbox(3, Overflow.WAIT)
    mailbox.used = 2
    mailbox.put(envelope(1))
    mailbox.park(envelope(2))

    assert attrs.asdict(mailbox.statistics()) == {
        "capacity": 3, "queued": 1, "on_the_way": 1, "waiting": 1, "rejected": 0, "dropped": 0,
    }  # fmt: skip


def test_an_asker_at_a_full_mailbox_waits_its_turn(run, log):
    async def program(bus):
        await bus.start(store(1, Overflow.WAIT), log)
        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(bus.ask, Put(number=number))

    run(program)

    assert log == [("", number) for number in range(5)]


def test_an_asker_at_a_full_mailbox_still_has_its_deadline(timed, log):
    async def program(bus):
        target = await bus.start(store(1, Overflow.WAIT), log)
        async with anyio.create_task_group() as group:
            for number in range(2):
                await bus.tell(Put(number=number))
                await anyio.lowlevel.checkpoint()
            await anyio.sleep(0.002)
            await bus.tell(Put(number=2))
            with pytest.raises(AskTimeout):
                await bus.ask(Put(number=3), timeout=0.001)
            group.cancel_scope.cancel()
        await bus.stop(target)

    timed(program)

    assert ("", 3) not in log


def test_a_rejecting_mailbox_raises_at_the_sender(timed, log):
    async def program(bus):
        target = await bus.start(store(1, Overflow.REJECT), log)
        await bus.tell(Put(number=1))
        with pytest.raises(MailboxFull, match=r"mailbox of store\.1 is full with 1 messages"):
            await bus.ask(Put(number=2))
        with pytest.raises(MailboxFull):
            await bus.tell(Put(number=3))
        assert bus.mailbox(target).rejected == 2

    timed(program)


def test_a_rejected_event_is_a_dead_letter(timed, log):
    async def program(bus):
        await bus.start(store(1, Overflow.REJECT), log)
        async with bus.listen("bus.dead-letter") as letters:
            await bus.publish(Seen(number=1))
            await bus.publish(Seen(number=2))
            letter = await letters.get()
            assert letter.message == Seen(number=2)
            assert "full" in letter.reason

    timed(program)


def test_the_asker_of_a_dropped_message_learns_it_at_once(timed, log):
    async def program(bus):
        await bus.start(store(1, Overflow.DROP_OLDEST), log)
        await bus.tell(Put(number=0))
        await anyio.sleep(0.002)
        async with anyio.create_task_group() as group:

            async def ask_first():
                with pytest.raises(ActorStopped, match="dropped as the oldest"):
                    await bus.ask(Put(number=1))

            group.start_soon(ask_first)
            await anyio.sleep(0.002)
            await bus.ask(Put(number=2))

    timed(program)

    assert log == [("", 0), ("", 2)]


def test_a_teller_that_is_cancelled_while_it_waits_for_room_sends_nothing(timed, log):
    async def program(bus):
        target = await bus.start(store(1, Overflow.WAIT), log)
        for number in range(2):
            await bus.tell(Put(number=number))
            await anyio.sleep(0.001)
        with anyio.move_on_after(0.001):
            await bus.tell(Put(number=2))
        await bus.ask(Put(number=3))
        assert bus.mailbox(target).waiting == 0

    timed(program)

    assert [number for _, number in log] == [0, 1, 3]


def test_a_publisher_waits_for_the_slowest_subscriber_alone(timed, log):
    async def program(bus):
        class Quick(Actor):
            @Seen.handler
            def seen(self, msg):
                log.append(("quick", msg.number))

        await bus.start(Quick)
        await bus.start(store(1, Overflow.WAIT), log)
        for number in range(4):
            await bus.publish(Seen(number=number))
        quick = [number for name, number in log if name == "quick"]
        slow = [number for name, number in log if name != "quick"]
        assert len(quick) > len(slow)

    timed(program)


def test_a_copy_for_each_member_goes_out_even_if_one_member_is_full(timed, log):
    async def program(bus):
        class Picky(store(1, Overflow.REJECT)):
            pass

        first = await bus.start(Picky, log)
        await bus.tell(Put(sender="a"), to=first)
        await bus.start(store(5, Overflow.WAIT), log)
        with pytest.raises(MailboxFull):
            await bus.tell(Put(sender="b"), to=Target("store", fanout=True))
        await anyio.sleep(0.03)

    timed(program)

    assert sorted(log) == [("a", 0), ("b", 0)]


def test_a_listener_keeps_the_newest_events_and_counts_the_rest(timed):
    async def program(bus):
        async with bus.listen("seen", capacity=2) as events:
            for number in range(5):
                await bus.publish(Seen(number=number))
            await anyio.sleep(0.005)
            assert [events.get_nowait().number, events.get_nowait().number] == [3, 4]
            assert events.get_nowait() is None
            assert events.mailbox.statistics().dropped == 3

    timed(program)


def test_a_listener_may_hold_its_publishers_back(timed, log):
    async def program(bus):
        async with (
            bus.listen("seen", capacity=1, overflow=Overflow.WAIT) as events,
            anyio.create_task_group() as group,
        ):

            async def publish():
                for number in range(3):
                    await bus.publish(Seen(number=number))
                    log.append(number)

            group.start_soon(publish)
            await anyio.sleep(0.002)
            assert log == [0]
            assert [(await events.get()).number for _ in range(3)] == [0, 1, 2]

    timed(program)

    assert log == [0, 1, 2]


def test_several_may_wait_for_the_events_of_one_listener(timed, log):
    async def program(bus):
        async with bus.listen("seen") as events, anyio.create_task_group() as group:

            async def get():
                log.append((await events.get()).number)

            for _ in range(3):
                group.start_soon(get)
            await anyio.sleep(0.001)
            for number in range(3):
                await bus.publish(Seen(number=number))

    timed(program)

    assert sorted(log) == [0, 1, 2]


def test_a_listener_that_leaves_lets_its_publishers_go(timed):
    async def program(bus):
        async with anyio.create_task_group() as group, bus.listen("seen", capacity=1, overflow=Overflow.WAIT):
            for number in range(3):
                group.start_soon(bus.publish, Seen(number=number))
            await anyio.sleep(0.002)

    timed(program)


def test_dead_letters_are_counted(timed):
    async def program(bus):
        await bus.tell(Put())
        assert bus.statistics().dead_letters == 1
        async with bus.listen(DeadLetter.subject) as letters:
            await bus.tell(Put())
            assert (await letters.get()).address == "store"
        assert bus.statistics().dead_letters == 2

    timed(program)


def test_a_message_that_a_middleware_refuses_gives_its_place_back(run, log):
    class Refuse(Middleware):
        def deliver(self, passage):
            if passage.message.number == 1:
                raise PermissionError("not you")

    async def program(bus):
        target = await bus.start(store(1, Overflow.REJECT), log)
        with pytest.raises(PermissionError):
            await bus.ask(Put(number=1))
        assert await bus.ask(Put(number=2)) == 2
        assert bus.mailbox(target).on_the_way == 0

    run(program, middleware=[Refuse()])
