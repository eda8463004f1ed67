"""Rotation by rotation, and step by step."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.keystone.tokens.cipher import Envelope
from actors.keystone.tokens.directory import MemoryDirectory
from actors.keystone.tokens.errors import KeyFileMissing, KeyMalformed, KeysNotFound, KeysUnusable, TokenNotRecognized
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.rotation import (
    PushOrder,
    Remove,
    Rename,
    Replace,
    Write,
    distribute,
    new_key,
    rotate,
    run,
    set_up,
)


class Node:
    """A Keystone with a key repository of its own."""

    def __init__(self, seed: int = 0, max_active_keys: int = 3) -> None:
        self.randomness = random.Random(seed).randbytes
        self.max_active_keys = max_active_keys
        self.directory = MemoryDirectory(exists=False)
        self.provider = FernetProvider(keys=KeyRepository(self.directory), randomness=self.randomness)

    @property
    def numbers(self) -> list[int]:
        return sorted(map(int, self.directory.names()))

    def set_up(self) -> "Node":
        run(set_up(self.directory, self.randomness, self.max_active_keys), self.directory)
        return self

    def rotate(self) -> "Node":
        run(rotate(self.directory, self.randomness, self.max_active_keys), self.directory)
        return self

    def steps(self):
        return rotate(self.directory, self.randomness, self.max_active_keys)

    def reads(self, token: str) -> bool:
        try:
            self.provider.read(token)
        except TokenNotRecognized:
            return False
        return True


def copy_of(node: Node) -> Node:
    other = Node(seed=1)
    other.directory.create()
    run(distribute(node.directory, [], PushOrder.PRIMARY_FIRST), other.directory)
    return other


@pytest.fixture
def node() -> Node:
    return Node().set_up()


@pytest.mark.parametrize(
    ("max_active_keys", "history"),
    [
        (4, [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 2, 3, 4], [0, 3, 4, 5]]),
        (3, [[0, 1], [0, 1, 2], [0, 2, 3], [0, 3, 4]]),
        (2, [[0, 1], [0, 2], [0, 3], [0, 4]]),
        (1, [[0], [0], [0]]),
    ],
)
def test_the_files_after_each_rotation(max_active_keys, history):
    node = Node(max_active_keys=max_active_keys).set_up()
    seen = [node.numbers, *(node.rotate().numbers for _ in history[1:])]
    assert history == seen


def test_set_up_stages_a_key_and_rotates_once(node):
    assert node.numbers == [0, 1]
    assert node.directory.names() == ["0", "1"]
    assert all(len(node.directory.read(name)) == 44 for name in ("0", "1"))


def test_set_up_leaves_a_repository_alone_that_has_a_staged_key(node):
    assert list(set_up(node.directory, node.randomness)) == []


def test_set_up_mends_a_repository_without_staged_key():
    directory = MemoryDirectory({"4": new_key(random.Random(0).randbytes)})
    run(set_up(directory, random.Random(1).randbytes), directory)
    assert directory.names() == ["0", "4", "5"]


def test_a_rotation_promotes_the_staged_key_itself(node):
    staged = node.directory.read("0")
    node.rotate()
    assert staged == node.directory.read("2")
    assert staged != node.directory.read("0")


def test_the_steps_of_a_rotation_come_in_keystones_order(node):
    node.rotate()
    steps = []
    for step in node.steps():
        steps.append(step)
        step.apply(node.directory)
    assert [Write("0.tmp", steps[0].text), Rename("0", "3"), Rename("0.tmp", "0"), Remove("1")] == steps


def test_nothing_happens_until_a_step_is_applied(node):
    before = {name: node.directory.read(name) for name in node.directory.names()}
    list(node.steps())
    assert before == {name: node.directory.read(name) for name in node.directory.names()}


def test_a_lower_maximum_purges_down_at_the_next_rotation():
    node = Node(max_active_keys=6).set_up()
    for _ in range(5):
        node.rotate()
    assert node.numbers == [0, 2, 3, 4, 5, 6]
    node.max_active_keys = 3
    assert node.rotate().numbers == [0, 6, 7]


def test_a_higher_maximum_keeps_more_from_then_on(node):
    for _ in range(3):
        node.rotate()
    node.max_active_keys = 5
    assert node.rotate().numbers == [0, 3, 4, 5]
    assert node.rotate().numbers == [0, 3, 4, 5, 6]
    assert node.rotate().numbers == [0, 4, 5, 6, 7]


def test_every_rotation_ends_all_tokens_if_one_key_is_kept(claims):
    node = Node(max_active_keys=1).set_up()
    token = node.provider.issue(claims)
    assert not node.rotate().reads(token)


@pytest.mark.parametrize("max_active_keys", [2, 3, 4, 7])
def test_a_token_is_readable_until_the_last_but_one_of_its_maximum_of_rotations(claims, max_active_keys):
    node = Node(max_active_keys=max_active_keys).set_up()
    token = node.provider.issue(claims)
    readable = [node.reads(token)] + [node.rotate().reads(token) for _ in range(max_active_keys)]
    assert [True] * (max_active_keys - 1) + [False, False] == readable


def test_with_three_keys_a_token_dies_at_the_second_rotation(claims, node):
    token = node.provider.issue(claims)
    assert [node.reads(token), node.rotate().reads(token), node.rotate().reads(token)] == [True, True, False]


def test_a_rotation_is_seen_by_the_next_token(claims, node):
    for _ in range(3):
        token = node.provider.issue(claims)
        number, _ = node.provider.keys.ring().open(Envelope.parse(token))
        assert number == max(node.numbers)
        node.rotate()


def test_files_with_odd_names_are_purged_by_their_own_name():
    make = random.Random(0).randbytes
    directory = MemoryDirectory({"0": new_key(make), "01": new_key(make), "+7": new_key(make), "0.bak": "x"})
    run(rotate(directory, make), directory)
    assert directory.names() == ["+7", "0", "0.bak", "8"]


@pytest.mark.parametrize("max_active_keys", [0, -1])
def test_a_maximum_below_one_is_refused_before_anything_is_changed(node, max_active_keys):
    node.max_active_keys = max_active_keys
    changed = node.directory.watch()
    with pytest.raises(ValueError, match="max_active_keys"):
        node.rotate()
    assert not changed()


class TestCrashes:
    """What a rotation leaves behind that dies after a step, and what the next one makes of it."""

    def crash(self, node: Node, after: int) -> None:
        for _, step in zip(range(after), node.steps(), strict=False):
            step.apply(node.directory)

    @pytest.mark.parametrize(
        ("after", "files"),
        [(1, ["0", "0.tmp", "1", "2"]), (2, ["0.tmp", "1", "2", "3"]), (3, ["0", "1", "2", "3"]), (4, ["0", "2", "3"])],
    )
    def test_the_files_after_each_step(self, node, after, files):
        self.crash(node.rotate(), after)
        assert files == node.directory.names()

    @pytest.mark.parametrize("after", [1, 2, 3, 4])
    def test_tokens_of_before_stay_readable_whatever_the_step(self, node, claims, after):
        token = node.provider.issue(claims)
        self.crash(node, after)
        assert node.reads(token)

    def test_a_crash_between_the_renamings_leaves_no_staged_key_and_the_next_rotation_fails(self, node):
        self.crash(node, 2)
        before = node.directory.names()
        with pytest.raises(KeyFileMissing, match="'0'"):
            node.rotate()
        assert ["0.tmp", "1", "2"] == before == node.directory.names()

    @pytest.mark.parametrize("after", [1, 3])
    def test_after_another_crash_the_next_rotation_succeeds(self, node, after):
        self.crash(node, after)
        assert 0 in node.rotate().numbers
        assert len(node.numbers) == 3

    def test_an_empty_staged_file_is_promoted_and_then_the_rotation_dies(self, node):
        node.directory.write("0", "")
        with pytest.raises(KeysNotFound, match="staged key was an empty file"):
            node.rotate()
        assert node.directory.names() == ["0.tmp", "1", "2"]
        assert node.directory.read("2") == ""

    def test_without_any_key_a_new_one_is_written_and_then_the_rotation_dies(self):
        node = Node()
        node.directory.create()
        with pytest.raises(KeysNotFound, match="no key to rotate"):
            node.rotate()
        assert node.directory.names() == ["0.tmp"]

    def test_a_malformed_key_does_not_stop_a_rotation(self, node):
        """The rotation only counts keys, it does not use them."""
        node.directory.write("1", "garbage")
        assert node.rotate().numbers == [0, 1, 2]
        with pytest.raises(KeyMalformed):
            node.provider.keys.ring()
        node.rotate()
        assert list(node.provider.keys.ring().keys) == [3, 2, 0]

    @pytest.mark.parametrize("attribute", ["exists", "readable", "writable"])
    def test_a_closed_folder_is_refused_before_anything_is_changed(self, node, attribute):
        setattr(node.directory, attribute, False)
        with pytest.raises(KeysNotFound):
            node.rotate()
        setattr(node.directory, attribute, True)
        assert node.numbers == [0, 1]


class TestNodes:
    """Several nodes, each with its own copy."""

    def test_one_rotation_ahead_is_safe_both_ways(self, claims):
        ahead = Node().set_up()
        behind = copy_of(ahead)
        ahead.rotate()
        assert behind.reads(ahead.provider.issue(claims))
        assert ahead.reads(behind.provider.issue(claims))

    def test_two_rotations_ahead_lose_the_tokens_of_the_rotated_node(self, claims):
        ahead = Node().set_up()
        behind = copy_of(ahead)
        ahead.rotate().rotate()
        assert not behind.reads(ahead.provider.issue(claims))

    def test_pushing_the_staged_key_first_loses_tokens_until_the_primary_arrives(self, claims):
        ahead = Node().set_up()
        behind = copy_of(ahead)
        token = ahead.rotate().provider.issue(claims)
        seen = [behind.reads(token)]
        for step in distribute(ahead.directory, behind.directory.names(), PushOrder.ASCENDING):
            step.apply(behind.directory)
            seen.append(behind.reads(token))
        assert seen == [True, False, False, True]

    @pytest.mark.parametrize("order", [PushOrder.PRIMARY_FIRST, PushOrder.ATOMIC])
    def test_pushing_the_primary_first_or_all_at_once_loses_nothing(self, claims, order):
        ahead = Node().set_up()
        for _ in range(3):
            behind = copy_of(ahead)
            tokens = [behind.provider.issue(claims), ahead.rotate().provider.issue(claims)]
            for step in distribute(ahead.directory, behind.directory.names(), order):
                step.apply(behind.directory)
                assert all(behind.reads(token) for token in tokens)

    @pytest.mark.parametrize("order", PushOrder)
    def test_afterwards_both_have_the_same_keys(self, order):
        ahead = Node().set_up().rotate().rotate()
        behind = copy_of(Node(seed=9).set_up())
        behind.directory.write("0.tmp", "x")
        run(distribute(ahead.directory, behind.directory.names(), order), behind.directory)
        keys = {name: behind.directory.read(name) for name in behind.directory.names() if name != "0.tmp"}
        assert {name: ahead.directory.read(name) for name in ahead.directory.names()} == keys

    def test_a_push_names_its_steps_and_hides_the_keys(self):
        node = Node().set_up()
        steps = list(distribute(node.directory, ["0", "1", "7", "x"], PushOrder.PRIMARY_FIRST))
        assert [Write("1", node.directory.read("1")), Write("0", node.directory.read("0")), Remove("7")] == steps
        shown = repr([*steps, Replace({"0": node.directory.read("0")}), node.directory])
        assert not any(node.directory.read(name) in shown for name in node.directory.names())


@given(st.lists(st.sampled_from(["rotate", 1, 2, 3, 4, "more", "fewer"]), max_size=12))
def test_whatever_happens_the_primary_key_is_the_highest_or_the_error_is_typed(history):
    node = Node().set_up()
    for event in history:
        try:
            match event:
                case "rotate":
                    node.rotate()
                case "more" | "fewer":
                    node.max_active_keys = max(1, node.max_active_keys + (1 if event == "more" else -1))
                case after:
                    for _, step in zip(range(after), node.steps(), strict=False):
                        step.apply(node.directory)
            assert node.provider.keys.ring().primary == max(
                int(name) for name in node.directory.names() if name != "0.tmp"
            )
        except KeysUnusable:
            pass
