"""A queue of events for code outside of actors, such as a test or a main program."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from bus.envelope import Envelope
from bus.mailbox import Mailbox, Overflow


class Listener:
    """Gives the events that match a pattern, in the order in which they arrived. Made by `Bus.listen`."""

    is_up = True

    def __init__(self, loop: asyncio.AbstractEventLoop, pattern: str, capacity: int, overflow: Overflow) -> None:
        self.name = f"listener({pattern})"
        self.mailbox = Mailbox(capacity, overflow)
        self._loop = loop
        self._wakes: list[asyncio.Future[None]] = []

    def deliver(self, envelope: Envelope) -> None:
        """Take an event that has arrived."""
        self.mailbox.put(envelope)
        for wake in self._wakes:
            if not wake.done():
                wake.set_result(None)
        self._wakes.clear()

    def get_nowait(self) -> Any:
        """The next event, or None if none has arrived."""
        queue = self.mailbox.queue
        if not queue:
            return None
        event = queue.popleft().message
        parked = self.mailbox.free()
        if parked is not None:
            self.mailbox.put(parked)
            if parked.accepted is not None:
                parked.accepted.set_result(None)
        return event

    async def get(self) -> Any:
        """The next event, waiting for it if need be."""
        while (event := self.get_nowait()) is None:
            wake: asyncio.Future[None] = self._loop.create_future()
            self._wakes.append(wake)
            await wake
        return event

    def close(self) -> None:
        """Let go whoever still waits for room."""
        for envelope in self.mailbox.clear():
            if envelope.accepted is not None and not envelope.accepted.done():
                envelope.accepted.set_result(None)

    async def __aiter__(self) -> AsyncIterator[Any]:
        while True:
            yield await self.get()
