"""Sending in batches: the first item goes at once, what comes within the next interval goes together (`BatchNotifier`)."""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")


class Batches(Generic[T]):
    """Collects items and sends them.

    What waits to be sent is memory, and dies with the actor that it belongs to.

    Args:
        start_soon: starts a task of the actor.
        interval: seconds between two batches at least.
        send: sends a batch, and raises nothing.
    """

    def __init__(
        self, start_soon: Callable[..., None], interval: float, send: Callable[[list[T]], Coroutine[Any, Any, None]]
    ) -> None:
        self._start_soon = start_soon
        self._interval = interval
        self._send = send
        self._pending: list[T] = []
        self.sending = False
        """Whether items wait, or are on their way, or the interval after them is not over."""

    def queue(self, item: T) -> None:
        """Have *item* sent."""
        self._pending.append(item)
        if not self.sending:
            self.sending = True
            self._start_soon(self._run)

    async def _run(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            await self._send(batch)
            await anyio.sleep(self._interval)
        self.sending = False
