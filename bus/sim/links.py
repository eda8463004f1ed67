"""How long messages take between two actors: latency distributions per pair and per message type.

The calm run takes each distribution's nominal value; a search draws. Between one pair messages keep their order, whatever
each of them draws, as on one connection.
"""

from collections.abc import Callable
from fnmatch import fnmatchcase
from math import exp, log
from random import Random
from typing import Self

import attrs

from bus.errors import UsageError
from bus.sim.loop import microseconds


@attrs.frozen
class Latency:
    """A distribution of latencies. Make one with `constant`, `within`, `uniform` or `lognormal`.

    Attributes:
        nominal: microseconds that a message takes in the calm run.
        draw: draws microseconds from a random stream; None if it is always *nominal*.
        text: how it was made.
    """

    nominal: int
    draw: Callable[[Random], int] | None = attrs.field(default=None, eq=False, repr=False)
    text: str = ""

    @classmethod
    def constant(cls, seconds: float) -> Self:
        """Always *seconds*."""
        _check(seconds >= 0, f"a latency of {seconds} s is negative")
        return cls(microseconds(seconds), None, f"constant({seconds})")

    @classmethod
    def within(cls, seconds: float) -> Self:
        """At once in the calm run; a search draws up to *seconds*, each equally likely."""
        _check(seconds >= 0, f"a latency of {seconds} s is negative")
        top = microseconds(seconds)
        return cls(0, lambda chance: chance.randint(0, top), f"within({seconds})")

    @classmethod
    def uniform(cls, low: float, high: float) -> Self:
        """Between *low* and *high* seconds, each equally likely; nominally the middle."""
        _check(0 <= low <= high, f"latencies from {low} s to {high} s: need 0 <= low <= high")
        bottom, top = microseconds(low), microseconds(high)
        return cls((bottom + top) // 2, lambda chance: chance.randint(bottom, top), f"uniform({low}, {high})")

    @classmethod
    def lognormal(cls, median: float, sigma: float) -> Self:
        """Around *median* seconds with a long tail; nominally the median.

        Args:
            median: half of all messages take longer than this many seconds.
            sigma: standard deviation of the logarithm; 0.5 is a calm network, 2 a wild one.
        """
        _check(median > 0 and sigma >= 0, f"lognormal({median}, {sigma}): need median > 0 and sigma >= 0")
        centre = log(median * 1_000_000)
        return cls(
            microseconds(median), lambda chance: int(exp(chance.gauss(centre, sigma))), f"lognormal({median}, {sigma})"
        )


def _check(fine: bool, msg: str) -> None:  # noqa: FBT001 (a condition)
    if not fine:
        raise UsageError(msg)


@attrs.frozen
class _Link:
    sender: str
    receiver: str
    message: type | None
    latency: Latency


class Links:
    """The latencies of a world.

    Args:
        default: for every pair that `set` does not name.
    """

    def __init__(self, default: Latency) -> None:
        self._links = [_Link("*", "*", None, default)]
        self.only: Latency | None = default
        """The latency of every message, as long as `set` was not called."""
        self.on_change: Callable[[], None] = _nothing
        """Called after each `set`."""
        self._found: dict[tuple[str, str, type], Latency] = {}

    def set(self, latency: Latency, *, sender: str = "*", receiver: str = "*", message: type | None = None) -> None:
        """Give messages a latency; of several that fit, the one set last counts.

        Args:
            latency: the distribution.
            sender: address of the sender, with shell wildcards; empty for code outside of actors.
            receiver: address of the receiver, likewise. An answer travels from the receiver to the sender.
            message: this type alone (for an answer: the type of its request); None for every type.
        """
        self._links.append(_Link(sender, receiver, message, latency))
        self.only = None
        self._found.clear()
        self.on_change()

    def latency(self, sender: str, receiver: str, message: type) -> Latency:
        """The distribution for one message."""
        key = (sender, receiver, message)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = next(
                link.latency
                for link in reversed(self._links)
                if (link.message is None or issubclass(message, link.message))
                and fnmatchcase(sender, link.sender)
                and fnmatchcase(receiver, link.receiver)
            )
        return found


def _nothing() -> None:
    pass
