"""How long tokens live.

Keystone and its middleware differ at one instant: to Keystone a token is expired *at* `expires_at`, to a service that
has it in its cache only after.
"""

import math
from typing import Final

from actors.keystone.tokens.claims import TokenClaims

DEFAULT_EXPIRATION: Final = 3600
"""`[token] expiration`, in seconds."""
DEFAULT_ALLOW_EXPIRED_WINDOW: Final = 172_800
"""`[token] allow_expired_window`, in seconds: how much longer a token counts beside a service token."""

EARLIEST: Final = -62_135_596_800
"""Seconds since the epoch of the year 1, the first that Keystone can print."""
LATEST: Final = 253_402_300_800
"""Seconds since the epoch of the year 10000, the first that Keystone cannot print."""


def whole_second(instant: float) -> int:
    """Cut an instant, in seconds since the epoch, to the second.

    Raises:
        ValueError: It is beyond the years 1 to 9999; or TypeError or OverflowError, if it is no such number at all.
    """
    second = math.floor(instant)
    if not EARLIEST <= second < LATEST:
        raise ValueError(f"{second} seconds since the epoch are beyond the years 1 to 9999")
    return second


def expiry(now: float, expiration: float = DEFAULT_EXPIRATION, *, caps: tuple[float | None, ...] = ()) -> int:
    """Tell when a token that is asked for now expires, as keystone's `token/provider.py` does.

    Args:
        now: Seconds since the epoch.
        expiration: Seconds that tokens live.
        caps: Instants that the token may not outlive, or None: the expiry of its application credential, of its trust,
            of the token that it is exchanged for.

    Returns:
        Whole seconds since the epoch.
    """
    return math.floor(min(now + expiration, *(cap for cap in caps if cap is not None), math.inf))


def is_alive(claims: TokenClaims, now: float, window: float = 0) -> bool:
    """Tell whether Keystone takes a token, revocation aside.

    Args:
        claims: What the token says.
        now: Seconds since the epoch.
        window: Seconds for which an expired token still counts, where the question allows that.
    """
    return now < claims.expires_at + window
