"""How long things take when chance decides: shared by every algorithm that searches.

Each run draws how strongly timers are late, from not at all to twice their time, so that some runs of a search are
almost calm and some are wild. In those where nothing is late, messages too take their nominal time: order alone is searched
then, and a message can fall behind any number of others, which no latency would allow. In some runs a part of the delays
aim: they end just before, at, or just after an instant that matters.
"""

from collections.abc import Callable, Sequence
from random import Random

STRENGTHS = (0.0, 0.02, 0.1, 0.5, 2.0)
"""How late a timer may be, as a share of its time; one of them for each run."""
AIMS = (0.0, 0.0, 0.01, 0.25)
"""The share of delays that aim, if there is an instant to aim at; one of them for each run, since an hour's delay is rare."""
MISS = (-1000, -1, 0, 1, 1000)
"""Microseconds by which an aimed delay misses the instant: just before, at, just after."""


class Timing:
    """Draws delays, members and faults from a seed; each kind of question has a stream of its own."""

    calm = False

    def __init__(self, seed: int) -> None:
        self._late = Random(f"late/{seed}")
        self._pick = Random(f"pick/{seed}")
        self._fault = Random(f"fault/{seed}")
        self._strength = self._late.choice(STRENGTHS)
        self._aim = self._late.choice(AIMS)

    def late(self, lane: str, n: int, nominal: int, draw: Callable[[Random], int] | None, aims: Sequence[int]) -> int:
        """Draw from the link's distribution, or be late by a share of the time; or aim; or, in a run of order alone, nothing."""
        del lane, n
        chance = self._late
        if not self._strength:
            return 0
        if aims and chance.random() < self._aim:
            reach = chance.choice(aims) + chance.choice(MISS) - nominal
            if reach >= 0:
                return reach
        if draw is not None:
            return draw(chance) - nominal
        return int(chance.random() * self._strength * nominal)

    def pick(self, lane: str, n: int, count: int) -> int:
        """Any member."""
        del lane, n
        return self._pick.randrange(count)

    def fault(self, lane: str, n: int, probability: float) -> bool:
        """With its probability."""
        del lane, n
        return probability >= 1 or self._fault.random() < probability
