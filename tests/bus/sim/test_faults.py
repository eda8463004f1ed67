"""Fault rules do what they say to the messages that fit, and never what a promise forbids."""

from collections import Counter
from contextlib import nullcontext
from typing import ClassVar

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import Actor, Delivery, Event, MemorySink, Request, Target, current, message
from bus.errors import AskTimeout
from bus.sim import Action, Latency, Packet, Rule, Schedule, Verdict, World
from bus.sim.faults import Faults
from bus.sim.network import RESEND

SEEDS = [None, 0, 2]


@message
class Once(Request[int]):
    """Delivered at most once."""

    topic: ClassVar = "store"
    timeout: ClassVar = 5.0
    number: int = 0


@message
class Surely(Request[None]):
    """Delivered at least once."""

    topic: ClassVar = "store"
    delivery: ClassVar = Delivery.AT_LEAST_ONCE
    number: int = 0


@message
class Noted(Event):
    subject: ClassVar = "store.noted"
    number: int = 0


class Store(Actor):
    topic = "store"

    def __init__(self, log):
        self.log = log

    def _note(self, number):
        self.log.append((number, current().redelivered, self.clock.monotonic()))

    @Once.handler
    async def once(self, msg):
        self._note(msg.number)
        return msg.number

    @Surely.handler
    async def surely(self, msg):
        self._note(msg.number)
        await anyio.sleep(0.1)

    @Noted.handler
    async def noted(self, msg):
        self._note(msg.number)


class Client(Actor):
    """Sends numbers when asked to."""

    @Once.handler
    async def forward(self, msg):
        for number in range(msg.number):
            await self.bus.tell(Surely(number=number))
        return msg.number


def numbers(log):
    return [number for number, *_ in log]


async def told(world, fault, count=3, kind=Surely):
    """Tell the store *count* numbers while *fault* is in force, give it time, and return what it saw."""
    log = []
    await world.bus.start(Store, log)
    with fault:
        for number in range(count):
            await world.bus.tell(kind(number=number))
        await anyio.sleep(10)
    await anyio.sleep(10)
    assert world.bus.mailbox(Target("store", "1")).on_the_way == 0
    return log


# -- what a rule does ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_delayed_message_arrives_later_and_holds_up_those_behind_it(seed):
    log = World(seed).run(lambda world: told(world, world.faults.delay(3, first=1)))

    assert numbers(log) == [0, 1, 2]
    assert all(when >= 3 for *_, when in log)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dropped_message_is_gone_and_its_asker_times_out(seed):
    async def program(world):
        log = []
        await world.bus.start(Store, log)
        with world.faults.drop(first=1):
            with pytest.raises(AskTimeout):
                await world.bus.ask(Once(number=1))
            assert await world.bus.ask(Once(number=2)) == 2
        return numbers(log)

    assert World(seed).run(program) == [2]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dropped_answer_leaves_the_work_done(seed):
    async def program(world):
        log = []
        await world.bus.start(Store, log)
        with world.faults.drop(answers=True), pytest.raises(AskTimeout):
            await world.bus.ask(Once(number=1))
        return numbers(log)

    assert World(seed).run(program) == [1]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_message_that_must_arrive_is_sent_again_in_order(seed):
    log = World(seed).run(lambda world: told(world, world.faults.drop(first=2), count=5))

    assert numbers(log) == [0, 1, 2, 3, 4]
    assert all(when >= 2 * RESEND for *_, when in log)
    assert not any(redelivered for _, redelivered, _ in log)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lost_message_is_sent_again_until_it_gets_through(seed):
    log = World(seed).run(lambda world: told(world, world.faults.drop()))

    assert numbers(log) == [0, 1, 2]
    assert all(when >= 10 for *_, when in log)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_duplicate_is_marked_and_comes_later(seed):
    log = World(seed).run(lambda world: told(world, world.faults.duplicate()))

    first = [number for number, redelivered, _ in log if not redelivered]
    assert first == [0, 1, 2]
    assert Counter(numbers(log)) == {0: 2, 1: 2, 2: 2}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_to_come_at_most_once_is_never_doubled(seed):
    log = World(seed).run(lambda world: told(world, world.faults.duplicate(), kind=Once))

    assert numbers(log) == [0, 1, 2]


@pytest.mark.parametrize("seed", SEEDS)
def test_events_are_sent_again_and_doubled_too(seed):
    async def program(world, fault):
        log = []
        await world.bus.start(Store, log)
        await world.bus.start(Store, log)
        with fault:
            await world.bus.publish(Noted(number=7))
            await anyio.sleep(10)
        return numbers(log)

    assert World(seed).run(lambda world: program(world, world.faults.drop(first=1))) == [7, 7]
    assert World(seed).run(lambda world: program(world, world.faults.duplicate())) == [7] * 4


@pytest.mark.parametrize("sides", [("client.*", "store.*"), ("store.*", "client.*")], ids="~".join)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_partition_lets_nothing_through_either_way_until_it_heals(seed, sides):
    async def program(world):
        log = []
        await world.bus.start(Store, log)
        await world.bus.start(Client, topic="client")
        with world.faults.partition(*sides):
            assert await world.bus.ask(Once(number=3), to="client") == 3
            await anyio.sleep(5)
            assert await world.bus.ask(Once(number=9)) == 9  # from elsewhere it gets through
            assert numbers(log) == [9]
        await anyio.sleep(2 * RESEND + 2)
        return numbers(log)

    assert World(seed).run(program) == [9, 0, 1, 2]


# -- which messages ------------------------------------------------------------------------------------------------


def packet(**changes):
    return Packet(**{"sender": "client.1", "receiver": "store.1", "message": Once(), "answer": False} | changes)


@pytest.mark.parametrize(
    ("which", "fits", "does_not"),
    [
        ({}, packet(), None),
        ({"sender": "client.*"}, packet(), packet(sender="other.1")),
        ({"receiver": "store.?"}, packet(), packet(receiver="store.12")),
        ({"message": Once}, packet(), packet(message=Surely())),
        ({"answers": True}, packet(answer=True), packet()),
        ({"answers": False}, packet(), packet(answer=True)),
        ({"condition": lambda one: one.message.number == 7}, packet(message=Once(number=7)), packet()),
    ],
    ids=["all", "sender", "receiver", "message", "answers", "no answers", "condition"],
)
def test_a_rule_minds_what_fits(which, fits, does_not):
    rule = Rule("rule", Verdict(Action.DROP), **which)

    assert rule.fits(fits)
    assert does_not is None or not rule.fits(does_not)


def test_a_probability_is_between_0_and_1():
    with pytest.raises(ValueError, match="probability"):
        Rule("rule", Verdict(Action.DROP), probability=1.5)


def test_the_first_rule_that_strikes_counts():
    faults = Faults(lambda *_: True)
    with faults.drop("one", message=Surely), faults.delay(1, "two"), faults.drop("three"):
        assert faults.verdict(packet(message=Surely()))[0] == "one"
        assert faults.verdict(packet())[0] == "two"
    assert faults.verdict(packet()) is None


def test_a_rule_strikes_only_as_many_as_first_says():
    faults = Faults(lambda *_: True)
    with faults.drop(first=2, message=Once):
        verdicts = [faults.verdict(packet(message=kind())) for kind in (Once, Surely, Once, Once)]

    assert [verdict is not None for verdict in verdicts] == [True, False, True, False]


def test_a_rule_ends_with_its_block_even_if_that_fails():
    faults = Faults(lambda *_: True)
    with pytest.raises(RuntimeError), faults.drop():
        raise RuntimeError

    assert faults.live == []


def test_rules_of_one_name_are_counted_together():
    asked = []
    faults = Faults(lambda *question: asked.append(question))
    for _ in range(2):
        with faults.drop(probability=0.5), faults.drop(probability=0.5):
            faults.verdict(packet())

    assert asked == [("drop", n, 0.5) for n in (1, 2, 3, 4)]


def test_the_calm_run_is_struck_by_certain_faults_alone():
    def dropped(probability):
        async def program(world):
            return len(await told(world, world.faults.drop(probability=probability), count=20, kind=Once))

        return program

    assert World().run(dropped(0.99)) == 20
    assert World().run(dropped(1.0)) == 0
    assert 2 < World(seed=1).run(dropped(0.5)) < 18
    assert len({World(seed).run(dropped(0.5)) for seed in range(10)}) > 1


def test_what_a_fault_did_is_in_the_trace():
    sink = MemorySink()
    World(trace=sink).run(lambda world: told(world, world.faults.drop("cut cable", first=1, message=Surely), count=1))

    drops = [record for record in sink.records if record.kind == "drop"]
    assert [(record.receiver, record.detail) for record in drops] == [("store.1", "cut cable: Surely from outside")]


# -- order, always -------------------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(["drop", "delay", "duplicate", "partition", "crash"]), min_size=1, max_size=3),
    st.builds(Schedule, algorithm=st.sampled_from(["calm", "random", "pct"]), seed=st.integers(0, 10**6)),
    st.floats(0, 1),
)
@settings(max_examples=60)
def test_whatever_strikes_nothing_is_lost_and_messages_first_come_in_order(kinds, schedule, probability):
    async def program(world):
        log = []
        await world.bus.start(Store, log)
        rules = {
            "drop": lambda: world.faults.drop(probability=probability),
            "delay": lambda: world.faults.delay(0.7, probability=probability),
            "duplicate": lambda: world.faults.duplicate(probability=probability),
            "partition": lambda: world.faults.partition("", "store.*"),
            "crash": nullcontext,
        }
        async with anyio.create_task_group() as crashes:
            for kind in kinds:
                if kind == "crash":
                    crashes.start_soon(world.reboot, Target("store", "1"), probability)
                with rules[kind]():
                    for _ in range(5):
                        sent.append(len(sent))
                        await world.bus.tell(Surely(number=sent[-1]))
                        await anyio.sleep(0.3)
        await anyio.sleep(60)
        return log

    sent = []
    log = World(schedule=schedule, latency=Latency.within(0.5)).run(program)

    assert list(dict.fromkeys(numbers(log))) == sent
    unmarked = [number for number, redelivered, _ in log if not redelivered]
    assert unmarked == sorted(set(unmarked))
