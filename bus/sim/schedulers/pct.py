"""Priorities with few changes (PCT): finds bugs for which one task must fall far behind, which random order never does.

After Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding
bugs" (ASPLOS 2010): each lane gets a random priority, the highest that is ready always goes, and at a few random steps the
lane that would go is put below all others. How many steps a run has is not known beforehand, so that each run draws a
horizon, from ten steps to ten thousand.

A lane that goes on and on at one instant (a task that polls with ``sleep(0)``) would starve the one it waits for: after
`PATIENCE` steps in a row it is put below all others, too. So is whichever lane would go after each `ROUND` steps, because
several lanes may go on and on together (a task that polls by asking an actor).
"""

from collections import deque
from heapq import heappop, heappush
from random import Random
from typing import Any

from bus.sim.handle import Entry
from bus.sim.schedulers.timing import Timing

CHANGES = 2
"""Priority changes in a run: with d - 1 changes, bugs of depth d are found."""
PATIENCE = 50
ROUND = 1000


class Pct(Timing):
    """Lets the lane with the highest priority go, with every other question answered by `Timing`."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        chance = Random(f"pct/{seed}")
        horizon = int(10 ** chance.uniform(1, 4))
        self._draw = chance.random
        self._changes = {chance.randrange(horizon) + 1 for _ in range(CHANGES)}
        self._worst = 1.0
        self._queues: dict[Any, deque[Entry]] = {}
        self._ready: list[tuple[float, int, Any]] = []  # a heap; each ready lane is in it once
        self._count = 0
        self._steps = 0
        self._pushes = 0
        self._last: Any = None
        self._in_a_row = 0

    def push(self, entry: Entry) -> None:
        """Queue the step in its lane."""
        self._count += 1
        lane = entry[3]
        queue = self._queues.get(lane)
        if queue is None:
            self._queues[lane] = deque((entry,))
            self._enter(lane)
        else:
            queue.append(entry)

    def pop(self) -> Entry:
        """Give the first step of the lane with the highest priority."""
        self._count -= 1
        self._steps += 1
        if self._steps in self._changes or self._in_a_row > PATIENCE or self._steps % ROUND == 0:
            self._demote(heappop(self._ready)[2])
        lane = self._ready[0][2]
        self._in_a_row = self._in_a_row + 1 if lane is self._last else 0
        self._last = lane
        queue = self._queues[lane]
        entry = queue.popleft()
        if not queue:
            del self._queues[lane]
            heappop(self._ready)
        return entry

    def __len__(self) -> int:
        return self._count

    def _demote(self, lane: Any) -> None:
        self._worst += 1
        lane.rank = self._worst
        self._in_a_row = 0
        self._enter(lane)

    def _enter(self, lane: Any) -> None:
        if lane.rank is None:
            lane.rank = self._draw()
        self._pushes += 1
        heappush(self._ready, (lane.rank, self._pushes, lane))
