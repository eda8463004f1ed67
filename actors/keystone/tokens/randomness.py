"""Random bytes, from whoever owns chance."""

import uuid
from collections.abc import Callable
from typing import TypeAlias

from actors.keystone.tokens import base64url

Randomness: TypeAlias = Callable[[int], bytes]
"""Returns as many random bytes as it is asked for."""


def random_uuid(randomness: Randomness) -> uuid.UUID:
    """Make a version 4 UUID of 16 random bytes."""
    return uuid.UUID(bytes=randomness(16), version=4)


def random_audit_id(randomness: Randomness) -> str:
    """Make an audit id: a UUID in 22 URL-safe characters, as keystone's `token/provider.py` does."""
    return base64url.encode(random_uuid(randomness).bytes)
