"""Tokens that were found good: a dictionary of one process, or the memcached that all members of a service share."""

import math

import attrs

from actors.context import RequestContext
from actors.keystone.models import Token
from bus.clock import Clock


@attrs.define(eq=False)
class Remembered:
    """What is known of a good token.

    Attributes:
        token: what Keystone said of it, or what it says itself if it is a PKI token.
        roles: names of its roles, which each request needs.
        context: the request context that it made last, with the service token beside it then: requests come in bunches.
        beside: what was known of that service token.
    """

    token: Token = attrs.field(repr=False)
    roles: tuple[str, ...] = attrs.field(init=False, default=attrs.Factory(lambda self: self.token.role_names, True))
    context: RequestContext | None = attrs.field(init=False, default=None, repr=False)
    beside: "Remembered | None" = attrs.field(init=False, default=None, repr=False)


class TokenCache:
    """Remembers tokens by their text, or PKI tokens by its hash, until whole seconds say that the time is over.

    Args:
        clock: of the process that remembers: a member of a service, or memcached.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[float, Remembered]] = {}

    def get(self, name: str) -> Remembered | None:
        """What is remembered under *name*."""
        entry = self._entries.get(name)
        return None if entry is None or entry[0] <= self._clock.time() else entry[1]

    def put(self, name: str, known: Remembered, seconds: int) -> None:
        """Remember something for so many *seconds*: 0 for ever, -1 not at all."""
        now = math.floor(self._clock.time())
        self._forget_until(now)
        self._entries.pop(name, None)
        self._entries[name] = (now + seconds if seconds else math.inf, known)
        if seconds:
            self._clock.critical(now + seconds, "token cache end")

    def __len__(self) -> int:
        return len(self._entries)

    def _forget_until(self, now: int) -> None:
        """Drop what is over; as a rule all entries live equally long, so that the oldest end first."""
        while self._entries:
            oldest = next(iter(self._entries))
            if self._entries[oldest][0] > now:
                return
            del self._entries[oldest]
