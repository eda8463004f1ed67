"""The oracle: who goes next, how long does it take, which member of the group, does the fault strike.

The loop gives a scheduler every step that could come next and takes back one at a time; whatever it takes, the steps
of one lane keep their order. The three other questions are asked where they arise. `bus.sim.schedulers` holds one algorithm
a file.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from bus.sim.handle import Entry


class Scheduler(Protocol):
    """Answers every question that a run leaves open."""

    calm: bool
    """Every answer is the calm one, and nobody needs to ask."""

    def push(self, entry: Entry, /) -> None:
        """Take a step that is ready to go; ``entry[3]`` is its lane."""
        ...

    def pop(self) -> Entry:
        """Give the step that goes next."""
        ...

    def __len__(self) -> int:
        """How many steps are ready to go."""
        ...

    def late(self, lane: str, n: int, nominal: int, draw: Callable[[Random], int] | None, aims: Sequence[int]) -> int:
        """How much longer the *n*-th timer or message of *lane* takes.

        Args:
            lane: who set the timer or sent the message.
            n: counted from 1.
            nominal: microseconds that it takes in the calm run.
            draw: draws microseconds from the distribution of a link; None for a timer, which may be late but never early.
            aims: microseconds from now to the next critical instants, ascending.

        Returns:
            Microseconds more than *nominal* (or less, if *draw* is given).
        """
        ...

    def pick(self, lane: str, n: int, count: int) -> int:
        """Which of *count* members takes the *n*-th message of topic or group *lane*: 0 for the one whose turn it is."""
        ...

    def fault(self, lane: str, n: int, probability: float) -> bool:
        """Whether the fault rule *lane* strikes when it is asked for the *n*-th time."""
        ...
