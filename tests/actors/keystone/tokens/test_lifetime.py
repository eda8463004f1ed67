"""Expiry to the instant."""

import pytest

from actors.keystone.tokens.lifetime import DEFAULT_ALLOW_EXPIRED_WINDOW, expiry, is_alive


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
