"""Locks by name, in the memory of one service (oslo.concurrency's `lockutils` with its default of local locks)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio


class Locks:
    """One lock for each name that is in use."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[anyio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncGenerator[None]:
        """Hold the lock called *name* inside the block."""
        lock, users = self._locks.get(name, (anyio.Lock(), 0))
        self._locks[name] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[name]
            if users == 1:
                del self._locks[name]
            else:
                self._locks[name] = (lock, users - 1)
