"""Deadlines of many asks, with one timer for each duration instead of one for each ask.

Asks that wait equally long end in the order in which they began, so a queue per duration is already sorted and only its
head needs a timer. Answered asks are dropped from the head as new ones come; should many pile up behind one that is still
open, the queue is swept.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from bus.envelope import Envelope

SWEEP = 1024
"""A queue longer than this, and twice as long as after its last sweep, is swept of answered asks."""


_Entry = tuple[float, "asyncio.Future[Any]", Envelope]  # when, its reply, the ask


class _Queue:
    __slots__ = ("armed", "limit", "open")

    def __init__(self) -> None:
        self.open: deque[_Entry] = deque()
        self.armed: asyncio.TimerHandle | None = None
        self.limit = SWEEP


class Deadlines:
    """Calls back for each ask that is still open when its time is up.

    Args:
        loop: whose clock counts.
        expire: called with the envelope and the seconds it was given.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, expire: Callable[[Envelope, float], None]) -> None:
        self._loop = loop
        self._now = loop.time
        self._expire = expire
        self._queues: dict[float, _Queue] = {}

    def add(self, envelope: Envelope, reply: "asyncio.Future[Any]", seconds: float) -> None:
        """Watch over *envelope*, which *reply* answers, for *seconds* from now."""
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = _Queue()
        waiting = queue.open
        while waiting and waiting[0][1].done():
            waiting.popleft()
        if len(waiting) > queue.limit:
            queue.open = waiting = deque(entry for entry in waiting if not entry[1].done())
            queue.limit = max(SWEEP, 2 * len(waiting))
        waiting.append((self._now() + seconds, reply, envelope))
        if queue.armed is None:
            queue.armed = self._loop.call_later(seconds, self._ring, seconds, queue)

    def open(self) -> Iterator[Envelope]:
        """Every ask that still waits for its answer, by duration and then by age."""
        for queue in self._queues.values():
            for _, reply, envelope in queue.open:
                if not reply.done():
                    yield envelope

    def close(self) -> None:
        """Stop every timer and forget every ask."""
        for queue in self._queues.values():
            if queue.armed is not None:
                queue.armed.cancel()
        self._queues.clear()

    def _ring(self, seconds: float, queue: _Queue) -> None:
        now = self._now()
        waiting = queue.open
        while waiting:
            when, reply, envelope = waiting[0]
            if not reply.done():
                if when > now:
                    queue.armed = self._loop.call_at(when, self._ring, seconds, queue)
                    return
                self._expire(envelope, seconds)
            waiting.popleft()
        del self._queues[seconds]
