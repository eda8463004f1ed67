"""How many keys are needed: the arithmetic, held against rotations that really happen."""

import random

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.keystone.tokens.advice import KeyPlan, keys_documented
from actors.keystone.tokens.directory import MemoryDirectory
from actors.keystone.tokens.errors import TokenNotRecognized
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.lifetime import DEFAULT_ALLOW_EXPIRED_WINDOW, DEFAULT_EXPIRATION
from actors.keystone.tokens.rotation import PushOrder, distribute, rotate, run, set_up

HOUR = 3600


class Node:
    """A Keystone that seals and opens with the keys it has."""

    def __init__(self) -> None:
        self.directory = MemoryDirectory()
        self.keys = KeyRepository(self.directory)

    def issue(self, second: int) -> str:
        return self.keys.ring().seal(b"", second, bytes(16))

    def reads(self, token: str) -> bool:
        try:
            self.keys.open(token)
        except TokenNotRecognized:
            return False
        return True


class Cloud:
    """A node that rotates its keys, and one that hears of it later; both issue tokens, both read all of them.

    Keys change half a second after a full one: so a token may be issued right before, and loses nothing by its expiry
    being cut to the second.
    """

    def __init__(self, plan: KeyPlan, life: int) -> None:
        self.plan = plan
        self.life = life
        self.make = random.Random(0).randbytes
        self.leader, self.follower = Node(), Node()
        self.shipments: dict[int, MemoryDirectory] = {}
        self.tokens: dict[tuple[Node, int], str] = {}
        self.lost: set[tuple[Node, int]] = set()
        run(set_up(self.leader.directory, self.make, plan.max_active_keys), self.leader.directory)

    def play(self) -> None:
        """Issue a token in every second of one interval, and live until the last one has expired."""
        interval, delay = self.plan.rotation_interval, self.plan.distribution_delay
        start = delay + 1
        rotations = range(-self.plan.max_active_keys - delay // interval, (delay + self.life) // interval + 4)
        events = [
            *((number * interval + 0.5, self.rotate, number) for number in rotations),
            *((number * interval + 0.5 + delay, self.copy, number) for number in rotations),
            *((second, self.issue, second) for second in range(start, start + interval)),
        ]
        for instant, act, argument in sorted(events, key=lambda event: event[0]):
            act(argument)
            for (node, second), token in self.tokens.items():
                if instant < second + self.life and not (self.leader.reads(token) and self.follower.reads(token)):
                    self.lost.add((node, second))

    def rotate(self, number: int) -> None:
        directory = self.leader.directory
        run(rotate(directory, self.make, self.plan.max_active_keys), directory)
        self.shipments[number] = MemoryDirectory({name: directory.read(name) for name in directory.names()})

    def copy(self, number: int) -> None:
        directory = self.follower.directory
        run(distribute(self.shipments[number], directory.names(), PushOrder.ATOMIC), directory)

    def issue(self, second: int) -> None:
        for node in (self.leader, self.follower):
            self.tokens[node, second] = node.issue(second)


def lost(plan: KeyPlan, life: int) -> set[tuple[bool, int]]:
    """Which tokens are lost: whether the follower issued them, and how many seconds before it heard of a rotation."""
    cloud = Cloud(plan, life)
    cloud.play()
    heard = plan.distribution_delay + plan.rotation_interval + 1
    return {(node is cloud.follower, heard - second) for node, second in cloud.lost}


intervals = st.integers(1, 8)
lives = st.integers(1, 24)


@st.composite
def delays(draw) -> tuple[int, int]:
    """An interval, and a delay with which each rotation arrives before the next."""
    interval = draw(intervals)
    return interval, draw(st.integers(0, interval - 1))


@settings(max_examples=60)
@given(delays(), lives)
@example((4, 0), 8)
@example((4, 3), 9)
def test_with_the_keys_that_are_needed_no_token_is_lost_and_with_one_less_some_are(delay, life):
    interval, delay = delay
    plan = KeyPlan(rotation_interval=interval, distribution_delay=delay)
    needed = plan.keys_needed(life)
    assert lost(evolve(plan, max_active_keys=needed), life) == set()
    assert lost(evolve(plan, max_active_keys=needed - 1), life)


@settings(max_examples=60)
@given(delays(), lives, st.integers(2, 6))
def test_exactly_the_tokens_are_lost_that_are_issued_shortly_before_a_rotation_is_heard_of(delay, life, keys):
    plan = KeyPlan(rotation_interval=delay[0], distribution_delay=delay[1], max_active_keys=keys)
    lost_of_follower = {before for by_follower, before in lost(plan, life) if by_follower}
    assert lost_of_follower == set(range(1, plan.lost_before_rotation(life) + 1))


@settings(max_examples=30)
@given(intervals, lives, st.integers(1, 9))
def test_a_rotation_that_arrives_after_the_next_loses_tokens_with_any_number_of_keys(interval, life, late):
    plan = KeyPlan(rotation_interval=interval, distribution_delay=interval + late, max_active_keys=life + late + 20)
    assert plan.keys_needed(life) is None
    assert plan.lost_before_rotation(life) == interval
    assert lost(plan, life)


@given(st.integers(0, 10**6), st.integers(1, 10**5))
def test_on_one_node_the_number_needed_is_the_one_that_keystone_documents(life, interval):
    assert KeyPlan(rotation_interval=interval).keys_needed(life) == keys_documented(life, interval)


@given(delays(), st.integers(0, 60), st.integers(1, 9))
@example((8, 5), 8, 3)
def test_a_token_that_lives_no_longer_than_every_one_is_readable_is_not_lost(delay, life, keys):
    plan = KeyPlan(rotation_interval=delay[0], distribution_delay=delay[1], max_active_keys=keys)
    assert (plan.lost_before_rotation(life) == 0) == (life <= plan.readable_for)
    assert (plan.lost_before_rotation(life) == 0) == (keys >= plan.keys_needed(life)) or not life


@pytest.mark.parametrize(
    ("expiration", "interval", "window", "keys"),
    [
        (24 * HOUR, 6 * HOUR, 0, 6),
        (DEFAULT_EXPIRATION, HOUR, DEFAULT_ALLOW_EXPIRED_WINDOW, 51),
        (HOUR, HOUR, 0, 3),
        (HOUR, HOUR - 1, 0, 4),
        (HOUR, 24 * HOUR, 0, 3),
        (0, HOUR, 0, 2),
    ],
)
def test_the_number_of_keys_is_that_of_keystones_faq(expiration, interval, window, keys):
    assert keys == keys_documented(expiration + window, interval)


def test_the_defaults_lose_tokens_unless_rotations_are_rare():
    life = DEFAULT_EXPIRATION + DEFAULT_ALLOW_EXPIRED_WINDOW
    assert KeyPlan(rotation_interval=HOUR).lost_before_rotation(DEFAULT_EXPIRATION) == 0
    assert KeyPlan(rotation_interval=HOUR).lost_before_rotation(life) == HOUR
    assert KeyPlan(rotation_interval=49 * HOUR).lost_before_rotation(life) == 0


@pytest.mark.parametrize("name", ["rotation_interval", "max_active_keys"])
def test_a_plan_without_rotations_or_keys_is_refused(name):
    with pytest.raises(ValueError, match=name):
        KeyPlan(**({"rotation_interval": HOUR} | {name: 0}))
