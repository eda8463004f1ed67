"""Random order: at each step every lane that is ready is equally likely to go. Best at shallow bugs."""

from collections import deque
from random import Random
from typing import Any

from bus.sim.handle import Handle
from bus.sim.schedulers.timing import Timing


class RandomOrder(Timing):
    """Draws the lane that goes next, with every other question answered by `Timing`."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._draw = Random(f"order/{seed}").random
        self._ready: list[Any] = []
        self._queues: dict[Any, deque[Handle]] = {}
        self._count = 0

    def push(self, handle: Handle) -> None:
        """Queue the step in its lane."""
        self._count += 1
        lane = handle[3]
        queue = self._queues.get(lane)
        if queue is None:
            self._queues[lane] = deque((handle,))
            self._ready.append(lane)
        else:
            queue.append(handle)

    def pop(self) -> Handle:
        """Draw a lane, and give its first step."""
        self._count -= 1
        ready = self._ready
        drawn = int(self._draw() * len(ready))
        lane = ready[drawn]
        queue = self._queues[lane]
        handle = queue.popleft()
        if not queue:
            del self._queues[lane]
            ready[drawn] = ready[-1]
            ready.pop()
        return handle

    def __len__(self) -> int:
        return self._count
