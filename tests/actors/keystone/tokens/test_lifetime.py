"""Expiry to the instant, and the arithmetic of keys."""

import math
import random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from actors.keystone.tokens.directory import MemoryDirectory
from actors.keystone.tokens.errors import TokenNotRecognized
from actors.keystone.tokens.fernet import FernetProvider
from actors.keystone.tokens.keys import KeyRepository
from actors.keystone.tokens.lifetime import (
    DEFAULT_ALLOW_EXPIRED_WINDOW,
    DEFAULT_EXPIRATION,
    active_keys_needed,
    expiry,
    is_alive,
    loses_tokens,
    readable_for,
)
from actors.keystone.tokens.rotation import rotate, run, set_up

HOUR = 3600


@pytest.mark.parametrize(("now", "expires_at"), [(1000.0, 4600), (1000.999_999, 4600), (1001.0, 4601)])
def test_a_token_expires_at_a_whole_second(now, expires_at):
    assert expires_at == expiry(now)


def test_what_a_token_may_not_outlive_caps_its_life():
    assert expiry(1000, caps=(None, 1500.9, 2000)) == 1500
    assert expiry(1000, caps=(None, 9999)) == 4600
    assert expiry(1000, caps=(1001,)) == 1001


@pytest.mark.parametrize("window", [0, DEFAULT_ALLOW_EXPIRED_WINDOW])
def test_to_keystone_a_token_is_expired_at_the_very_instant(claims, window):
    end = claims.expires_at + window
    assert is_alive(claims, end - 0.000_01, window)
    assert not is_alive(claims, end, window)


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
    assert keys == active_keys_needed(expiration, interval, window)
    assert not loses_tokens(keys, expiration, interval, window)
    assert loses_tokens(keys - 1, expiration, interval, window) or expiration == 0


def test_the_defaults_lose_tokens_unless_rotations_are_rare():
    assert loses_tokens(3, DEFAULT_EXPIRATION, HOUR, DEFAULT_ALLOW_EXPIRED_WINDOW)
    assert not loses_tokens(3, DEFAULT_EXPIRATION, HOUR)
    assert not loses_tokens(3, DEFAULT_EXPIRATION, 49 * HOUR, DEFAULT_ALLOW_EXPIRED_WINDOW)


@given(st.integers(0, 10**6), st.integers(1, 10**5), st.integers(0, 10**6))
def test_the_number_needed_is_the_least_that_loses_nothing(expiration, interval, window):
    keys = active_keys_needed(expiration, interval, window)
    assert not loses_tokens(keys, expiration, interval, window)
    assert keys == 2 or loses_tokens(keys - 1, expiration, interval, window)


@given(st.integers(1, 6), st.integers(1, 100), st.integers(0, 250))
def test_the_lifetime_rule_holds_of_real_rotations(claims, max_active_keys, interval, issued):
    """A token is made at any moment of a running rotation, and stays readable for at least as long as promised."""
    make = random.Random(0).randbytes
    directory = MemoryDirectory()
    run(set_up(directory, make, max_active_keys), directory)
    provider = FernetProvider(keys=KeyRepository(directory), randomness=make)
    token = provider.issue(evolve(claims, issued_at=issued))
    first_rotation = (issued // interval + 1) * interval
    died = math.inf
    for rotation in range(max_active_keys + 1):
        run(rotate(directory, make, max_active_keys), directory)
        try:
            provider.read(token)
        except TokenNotRecognized:
            died = min(died, first_rotation + rotation * interval - issued)
    promised = readable_for(max_active_keys, interval)
    assert promised < died <= promised + 2 * interval
