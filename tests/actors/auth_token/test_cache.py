"""The cache of good tokens: how long, by whose clock, and how it stays small."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.auth_token.cache import Remembered, TokenCache
from tests.actors.auth_token.scripted import token_of

KNOWN = Remembered(token_of("demo"))
times = st.floats(0, 1e6)


def cache_at(now: float):
    clock = SimpleNamespace(now=now, instants=[])
    clock.time = lambda: clock.now
    clock.critical = lambda instant, label: clock.instants.append((instant, label))
    return TokenCache(clock), clock


@given(stored=times, seconds=st.integers(1, 1000), late=st.floats(-1.5, 1.5))
def test_an_entry_is_there_until_whole_seconds_say_that_its_time_is_over(stored, seconds, late):
    cache, clock = cache_at(stored)
    cache.put("a", KNOWN, seconds)
    clock.now += max(0, seconds + late)

    assert (cache.get("a") is KNOWN) == (int(clock.now) < int(stored) + seconds)


@given(stored=times, later=st.floats(0, 1e9))
def test_zero_seconds_are_for_ever_and_minus_one_is_never(stored, later):
    cache, clock = cache_at(stored)
    cache.put("for ever", KNOWN, 0)
    cache.put("never", KNOWN, -1)
    clock.now += later

    assert (cache.get("for ever"), cache.get("never")) == (KNOWN, None)


def test_a_clock_that_is_set_back_does_not_keep_an_entry_alive_behind_another():
    cache, clock = cache_at(1000)
    cache.put("a", KNOWN, 300)
    clock.now = 500
    cache.put("b", KNOWN, 300)
    clock.now = 900

    assert (cache.get("a"), cache.get("b")) == (KNOWN, None)


def test_an_entry_that_is_put_again_lives_on():
    cache, clock = cache_at(0)
    cache.put("a", KNOWN, 10)
    clock.now = 9
    cache.put("a", KNOWN, 10)
    clock.now = 18

    assert cache.get("a") is KNOWN


def test_an_entry_that_is_put_again_does_not_keep_what_was_put_after_it():
    cache, clock = cache_at(0)
    cache.put("a", KNOWN, 10)
    cache.put("b", KNOWN, 10)
    clock.now = 9
    cache.put("a", KNOWN, 10)
    clock.now = 12
    cache.put("c", KNOWN, 10)

    assert len(cache) == 2


def test_the_end_of_an_entry_is_an_instant_that_matters():
    cache, clock = cache_at(1000.7)
    cache.put("a", KNOWN, 300)
    cache.put("for ever", KNOWN, 0)

    assert clock.instants == [(1300, "token cache end")]


def test_what_is_over_makes_room_so_that_the_cache_grows_no_further():
    cache, clock = cache_at(0)
    for n in range(100):
        clock.now = n
        cache.put(f"token {n}", KNOWN, 10)

    assert len(cache) == 10


@pytest.mark.parametrize("show", [repr, str])
def test_neither_a_cache_nor_an_entry_shows_a_token(show):
    cache, _ = cache_at(0)
    cache.put("secret", KNOWN, 10)

    assert "secret" not in show(cache)
    assert "audit" not in show(KNOWN)
