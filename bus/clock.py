"""The clock that an actor asks. In a simulation it shows simulated time, and an actor cannot tell.

Two readings: `monotonic` never goes back and is for durations; `time` is the wall clock, in seconds since 1970, which the
clocks of two actors may show differently. The third method, `critical`, is how an actor says that an instant matters (a
token's expiry, a lease's end): a search for races aims at such instants, any other clock ignores them.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """What an actor may ask about time."""

    def monotonic(self) -> float:
        """Seconds since some fixed instant, never going back."""
        ...

    def time(self) -> float:
        """Seconds since 1970-01-01 00:00 UTC by this actor's wall clock, with its skew and drift."""
        ...

    def critical(self, instant: float, label: str) -> None:
        """Say that something changes at *instant*.

        Args:
            instant: seconds since 1970, by this clock's `time`. May lie in the past, and is then ignored.
            label: what happens then, such as ``"token expiry"``.
        """
        ...


class RealClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds since some fixed instant, never going back."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970-01-01 00:00 UTC."""
        return time.time()

    def critical(self, instant: float, label: str) -> None:
        """Do nothing: real time cannot be aimed at."""
