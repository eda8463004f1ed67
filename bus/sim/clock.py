"""Clocks of a simulation: one simulated time, and a wall clock for each actor that may be wrong."""

from bus.sim.loop import MICROSECONDS, SimLoop


class SimClock:
    """The clock of one actor.

    Args:
        loop: whose time it shows.
        epoch: seconds since 1970 that a correct wall clock shows when the simulation begins.
    """

    def __init__(self, loop: SimLoop, epoch: float) -> None:
        self._loop = loop
        self._epoch = epoch
        self.skew = 0.0
        """Seconds by which the wall clock is ahead."""
        self.drift = 0.0
        """How much faster it goes: 0.00005 gains 50 microseconds a second."""

    def monotonic(self) -> float:
        """Seconds since the simulation began. Right everywhere."""
        return self._loop.now / MICROSECONDS

    def time(self) -> float:
        """Seconds since 1970, as far as this actor knows."""
        return self._epoch + self.skew + self._loop.now * (1 + self.drift) / MICROSECONDS

    def critical(self, instant: float, label: str) -> None:
        """Note that something changes when this clock shows *instant*."""
        del label
        self._loop.critical(round((instant - self._epoch - self.skew) * MICROSECONDS / (1 + self.drift)))
