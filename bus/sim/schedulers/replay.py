"""The calm run, but for the deviations of a schedule.

Steps go in the order in which they became ready. A step that is held stays back until as many steps have gone as
the deviation says, with the later steps of its lane behind it; if nothing else is ready, the one that was to be held
least goes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from random import Random
from typing import Any

from bus.sim.handle import Entry
from bus.sim.schedule import Deviation


class Replay:
    """Gives the calm answer to every question, except where a deviation answers it."""

    calm = False

    def __init__(self, deviations: Iterable[Deviation]) -> None:
        self._answers = {(one.kind, one.lane, one.n): one.value for one in deviations}
        self._ready: list[tuple[int, Entry]] = []  # a heap by arrival
        self._held: list[tuple[int, int, Entry]] = []  # a heap by the step from which on it may go
        self._behind: dict[Any, deque[tuple[int, int, Entry]]] = {}  # lane with a held step -> its later steps
        self._steps = 0
        self._pushes = 0

    def push(self, handle: Entry) -> None:
        """Take a step, to be held if a deviation says so."""
        lane = handle[3]
        lane.count += 1
        self._pushes += 1
        step = self._steps + self._answers.get(("hold", lane.label, lane.count), 0)
        entry = (step, self._pushes, handle)
        if (behind := self._behind.get(lane)) is not None:
            behind.append(entry)
        else:
            self._enter(entry)

    def pop(self) -> Entry:
        """Give the first step that is not held."""
        self._steps += 1
        while self._held and (self._held[0][0] <= self._steps or not self._ready):
            _, arrival, handle = heappop(self._held)
            heappush(self._ready, (arrival, handle))
            behind = self._behind.pop(handle[3])
            while behind:
                entry = behind.popleft()
                if self._enter(entry):
                    self._behind[handle[3]] = behind
                    break
        return heappop(self._ready)[1]

    def __len__(self) -> int:
        return len(self._ready) + len(self._held) + sum(map(len, self._behind.values()))

    def late(self, lane: str, n: int, nominal: int, draw: Callable[[Random], int] | None, aims: Sequence[int]) -> int:
        """What the deviation says."""
        del nominal, draw, aims
        return self._answers.get(("late", lane, n), 0)

    def pick(self, lane: str, n: int, count: int) -> int:
        """What the deviation says."""
        return self._answers.get(("pick", lane, n), 0) % count

    def fault(self, lane: str, n: int, probability: float) -> bool:
        """What the deviation says, unless the fault is certain."""
        return probability >= 1 or bool(self._answers.get(("fault", lane, n), 0))

    def _enter(self, entry: tuple[int, int, Entry]) -> bool:
        """Make a step ready, or hold it. True if it is held."""
        step, arrival, handle = entry
        if step <= self._steps:
            heappush(self._ready, (arrival, handle))
            return False
        heappush(self._held, entry)
        self._behind[handle[3]] = deque()
        return True
