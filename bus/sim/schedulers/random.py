"""Random order: at each step every lane that is ready is equally likely to go. Best at shallow bugs."""

from collections import deque
from random import Random
from typing import Any

from bus.sim.handle import Entry
from bus.sim.schedulers.timing import Timing


class RandomOrder(Timing):
    """Draws the lane that goes next, with every other question answered by `Timing`."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._draw = Random(f"order/{seed}").random
        self._ready: list[Any] = []
        self._queues: dict[Any, deque[Entry]] = {}
        self._count = 0

    def push(self, entry: Entry) -> None:
        """Queue the step in its lane."""
        self._count += 1
        lane = entry[3]
        queue = self._queues.get(lane)
        if queue is None:
            self._queues[lane] = deque((entry,))
            self._ready.append(lane)
        else:
            queue.append(entry)

    def pop(self) -> Entry:
        """Draw a lane, and give its first step."""
        self._count -= 1
        ready = self._ready
        drawn = int(self._draw() * len(ready))
        lane = ready[drawn]
        queue = self._queues[lane]
        entry = queue.popleft()
        if not queue:
            del self._queues[lane]
            ready[drawn] = ready[-1]
            ready.pop()
        return entry

    def __len__(self) -> int:
        return self._count
