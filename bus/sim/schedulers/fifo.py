"""First in, first out: the calm run, in which everything takes its nominal time and nothing goes wrong."""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from bus.sim.handle import Entry


class Fifo(deque[Entry]):
    """A plain queue: pushing and popping run in C."""

    calm = True
    push = deque[Entry].append
    pop = deque[Entry].popleft

    def late(self, lane: str, n: int, nominal: int, draw: Callable[[Random], int] | None, aims: Sequence[int]) -> int:
        """Nothing is late."""
        del lane, n, nominal, draw, aims
        return 0

    def pick(self, lane: str, n: int, count: int) -> int:
        """Whose turn it is takes it."""
        del lane, n, count
        return 0

    def fault(self, lane: str, n: int, probability: float) -> bool:
        """No fault strikes that is not certain."""
        del lane, n
        return probability >= 1
