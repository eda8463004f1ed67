"""Quotas are conserved, whatever happens to reservations."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.cinder.errors import SnapshotLimitExceeded, VolumeLimitExceeded, VolumeSizeExceedsAvailableQuota
from actors.cinder.models import Quota
from actors.cinder.quotas import Quotas
from actors.errors import TooLarge
from actors.ids import ProjectId

ME = ProjectId("me")
DEFAULTS = {"volumes": 3, "gigabytes": 20, "snapshots": 2}


def quotas() -> Quotas:
    return Quotas(DEFAULTS)


@pytest.mark.parametrize(
    ("deltas", "error"),
    [
        ({"volumes": 4}, VolumeLimitExceeded),
        ({"snapshots": 3}, SnapshotLimitExceeded),
        ({"volumes": 1, "gigabytes": 21}, VolumeSizeExceedsAvailableQuota),
        ({"volumes": 4, "gigabytes": 21}, VolumeSizeExceedsAvailableQuota),
    ],
)
def test_what_is_too_much_is_refused_and_nothing_reserved(deltas, error):
    table = quotas()
    with pytest.raises(error, match="exceed the quota of"):
        table.reserve(ME, deltas, expire=1)
    assert not table.reservations
    assert not table.usages


def test_a_project_may_have_its_own_limit_or_none():
    table = quotas()
    table.limits[ME, "volumes"] = -1
    table.reserve(ME, {"volumes": 100}, expire=1)
    assert table.usage(ME, "volumes") == Quota(limit=-1, reserved=100)
    with pytest.raises(VolumeLimitExceeded):
        table.reserve(ProjectId("you"), {"volumes": 100}, expire=1)


def test_who_has_too_much_can_still_give_back():
    table = quotas()
    table.commit(table.reserve(ME, {"volumes": 3}, expire=1))
    table.limits[ME, "volumes"] = 1
    table.give_back(ME, {"volumes": 1}, now=0)
    assert table.usage(ME, "volumes") == Quota(limit=1, in_use=2)


def test_what_took_too_long_has_still_taken_it():
    table = quotas()
    late = table.reserve(ME, {"gigabytes": 5}, expire=10)
    table.expire(10)
    assert table.usage(ME, "gigabytes").reserved == 5
    table.expire(11)
    assert table.usage(ME, "gigabytes").reserved == 0
    table.commit(late)
    assert table.usage(ME, "gigabytes") == Quota(limit=20, in_use=5)


class Books(RuleBasedStateMachine):
    """Reserves, commits, rolls back and expires, and keeps its own books."""

    def __init__(self) -> None:
        super().__init__()
        self.table = quotas()
        self.open: list[tuple[tuple[int, ...], dict[str, int], float]] = []
        self.used = dict.fromkeys(DEFAULTS, 0)
        self.now = 0.0
        self.late = False

    @rule(
        deltas=st.dictionaries(st.sampled_from(sorted(DEFAULTS)), st.integers(1, 8), min_size=1), life=st.integers(1, 5)
    )
    def reserve(self, deltas, life):
        self.table.expire(self.now)
        try:
            made = self.table.reserve(ME, deltas, expire=self.now + life)
        except TooLarge:
            return
        self.open.append((made, deltas, self.now + life))

    @precondition(lambda self: self.open)
    @rule(commit=st.booleans(), n=st.integers(0))
    def end(self, commit, n):
        made, deltas, expire = self.open.pop(n % len(self.open))
        if commit:
            self.table.commit(made)
            self.late = self.late or expire < self.now
            for name, delta in deltas.items():
                self.used[name] += delta
        else:
            self.table.rollback(made)

    @rule(seconds=st.integers(1, 4))
    def expire(self, seconds):
        self.now += seconds
        self.table.expire(self.now)

    @invariant()
    def books_agree(self):
        held = dict.fromkeys(DEFAULTS, 0)
        for _, deltas, expire in self.open:
            for name, delta in deltas.items():
                held[name] += delta if expire >= self.now else 0
        for name in DEFAULTS:
            usage = self.table.usage(ME, name)
            assert (usage.in_use, usage.reserved) == (self.used[name], held[name])
            assert self.late or usage.in_use + usage.reserved <= usage.limit


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


@given(st.lists(st.integers(1, 5), max_size=10))
def test_what_is_given_back_is_what_was_taken(sizes):
    table = Quotas(dict.fromkeys(DEFAULTS, -1))
    for size in sizes:
        table.commit(table.reserve(ME, {"gigabytes": size}, expire=1))
    for size in sizes:
        table.give_back(ME, {"gigabytes": size}, now=0)
    assert table.usage(ME, "gigabytes") == Quota(limit=-1)
